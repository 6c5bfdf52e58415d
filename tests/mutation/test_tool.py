# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tool on a small clone: what it finds, what it counts, what it leaves as it was."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from tests.mutation.conftest import Tried, tried
from tests.support.playing import CLONE

MODULE = "plugins/module_utils/_small.py"
CODE = '''
def small(number: int | None, names: list[str]) -> list[str]:
    """Decides."""
    found = []
    if number is None:
        found.append("none")
    return found + [name for name in names if name not in ("a",)]
'''
TESTS = "tests/test_small.py"
IMPORT = "from ansible_collections.conductor.trainer.plugins.module_utils._small import small\n"
WEAK = "def test_number() -> None:\n    assert small(1, []) == []\n"
STRONG = 'def test_all() -> None:\n    assert small(None, ["a", "b"]) == ["none", "b"]\n'
KINDS = [
    "core/AddNot",
    "core/ReplaceBinaryOperator_BitOr_BitAnd",
    "conductor/SwapMembership",
    "conductor/NegateFilter",
    "conductor/DropCall",
]


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one module, and a cache of its own."""
    folder = tmp_path / "clone"
    for name, text in {
        MODULE: CODE,
        "pyproject.toml": '[tool.pytest.ini_options]\npythonpath = [".ansible/collections"]\n',
        ".gitignore": ".venv\n.cache\n",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "tests").mkdir()
    (folder / ".venv").symlink_to((CLONE / ".venv").resolve())
    subprocess.run(["git", "-C", folder, "init", "--quiet"], check=True)
    monkeypatch.setenv("CONDUCTOR_CACHE", str(tmp_path / "cache"))
    return folder


def attempt(clone: Path, tests: str, kinds: list[str] = KINDS) -> Tried:
    target = {"least": 90, "modules": ["plugins/module_utils/_s*.py"], "tests": [TESTS]}
    data = clone / "targets.yml"
    data.write_text(yaml.safe_dump({"operators": kinds, "targets": {"small": target}}))
    (clone / TESTS).write_text(IMPORT + tests)
    return tried("small", clone.parent / "session", clone, "--data", data)


def test_what_no_test_notices_survives_and_is_shown(clone: Path) -> None:
    found = attempt(clone, WEAK)
    assert found.code == 1
    # The "|" of an annotation is not among them.
    assert found.sentence() == "25.0 % of 4 mutants: 1 killed, 3 survived"
    assert "25.0 % noticed; at least 90 % are asked for" in found.errors
    assert sorted(change[:3] for change in found.changes if change[3] == "survived") == [
        (MODULE, 6, "pass"),
        (MODULE, 7, 'return found + [name for name in names if name in ("a",)]'),
        (MODULE, 7, 'return found + [name for name in names if not (name not in ("a",))]'),
    ]
    # What was broken on purpose is broken nowhere but in copies, and those are gone.
    assert (clone / MODULE).read_text() == CODE
    assert list((clone.parent / "cache" / "tmp").iterdir()) == []


def test_tests_that_notice_everything_pass(clone: Path) -> None:
    found = attempt(clone, STRONG)
    assert (found.code, {change[3] for change in found.changes}) == (0, {"killed"})
    # A second run takes nothing over from the first.
    assert attempt(clone, WEAK).sentence() == "25.0 % of 4 mutants: 1 killed, 3 survived"


def test_what_makes_no_difference_is_marked_and_not_tried(clone: Path) -> None:
    marked = CODE.replace('append("none")\n', 'append("none")  # pragma: no mutate\n')
    (clone / MODULE).write_text(marked)
    found = attempt(clone, WEAK)
    assert (found.code, found.sentence(MODULE)) == (1, "33.3 % of 3 mutants: 1 killed, 2 survived")
    assert [change[1] for change in found.changes if change[3] == "survived"] == [7, 7]
    assert (clone / MODULE).read_text() == marked


def test_an_exception_with_a_dot_in_its_name_is_not_tried(clone: Path) -> None:
    handled = "import json\ntry:\n    small = int('x')\nexcept (json.JSONDecodeError, ValueError):\n    small = 1\n"
    (clone / MODULE).write_text(handled)
    found = attempt(clone, "def test_all() -> None:\n    assert small\n", ["core/ExceptionReplacer"])
    assert (found.code, [change[2] for change in found.changes]) == (
        0,
        ["except (json.JSONDecodeError, CosmicRayTestingException):"],
    )


def test_a_module_without_any_change_to_try_is_no_success(clone: Path) -> None:
    (clone / MODULE).write_text("small = 1\n")
    assert attempt(clone, "def test_all() -> None:\n    assert small\n").code == 1


def test_tests_that_fail_as_it_is_say_nothing(clone: Path) -> None:
    found = attempt(clone, "def test_wrong() -> None:\n    assert small(None, []) == []\n")
    assert (found.code, {change[3] for change in found.changes}) == (2, {"untried"})
    assert "the tests fail without any change" in found.errors
