# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from conductor_mutation.targets import DATA, TargetError, read_target
from conductor_suites.catalogue import MUTATED
from tests.support.playing import CLONE


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    for name in ("_plan.py", "_plan_more.py", "_prune.py", "test_prune.py", "test_plan.py"):
        (tmp_path / name).touch()
    return tmp_path


def write(clone: Path, **more: Any) -> Path:
    target = {"least": 90, "modules": ["_plan*.py", "_plan.py"], "tests": ["test_*.py"], **more}
    data = clone / "targets.yml"
    data.write_text(yaml.safe_dump({"operators": ["core/a"], "targets": {"x": target}}))
    return data


def test_a_pattern_stands_for_its_files_and_each_file_counts_once(clone: Path) -> None:
    target = read_target("x", clone, write(clone))
    assert target.modules == ("_plan.py", "_plan_more.py")
    assert (target.tests, target.operators, target.least) == (("test_plan.py", "test_prune.py"), ("core/a",), 90)


def test_what_is_named_must_be_there(clone: Path) -> None:
    with pytest.raises(TargetError, match=r"_gone\.py in targets.yml does not match any file"):
        read_target("x", clone, write(clone, modules=["_gone.py"]))
    with pytest.raises(TargetError, match="no target y; available: x"):
        read_target("y", clone, write(clone))


def test_the_tests_that_bear_a_modules_name_come_first(clone: Path) -> None:
    target = read_target("x", clone, write(clone, modules=["_p*.py"]))
    assert target.tests_of("_prune.py") == ["test_prune.py", "test_plan.py"]
    assert target.tests_of("_plan_more.py") == ["test_plan.py", "test_prune.py"]


def test_there_is_a_suite_for_every_target_and_each_has_its_files() -> None:
    assert set(yaml.safe_load(DATA.read_text())["targets"]) == set(MUTATED)
    for name in MUTATED:
        assert read_target(name, CLONE).least >= 90
