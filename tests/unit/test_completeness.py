# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing is shipped without what it needs: every module has its tests, its stories, its place in the action group."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.stories import test_stories
from tests.unit.test_task_options import mappings

CLONE = Path(__file__).resolve().parents[2]
MODULES = sorted(path.stem for path in (CLONE / "plugins" / "modules").glob("*.py"))
PLAYBOOKS = sorted(path.stem for path in (CLONE / "playbooks").glob("*.yml"))
STORIES = CLONE / "tests" / "integration" / "stories"
PLUGIN_KINDS = ("action", "filter", "lookup", "modules", "module_utils", "plugin_utils")
# Each of its tests runs the stories it is given in check mode, in earnest, again, and again in check mode.
RUNNER = STORIES / "test_stories.py"


def run_stories() -> set[str]:
    """The stories that a call of C(tell) in the suite names."""
    constants = vars(test_stories)
    calls = [
        node
        for node in ast.walk(ast.parse(RUNNER.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "tell"
    ]
    found: set[str] = set()
    for call in calls:
        for argument in call.args[2:]:
            name = argument.value if isinstance(argument, ast.Starred) else argument
            value = constants[name.id] if isinstance(name, ast.Name) else ast.literal_eval(name)
            found.update([value] if isinstance(value, str) else value)
    return found


@pytest.mark.parametrize("module", MODULES)
def test_every_module_is_tested_by_name(module: str) -> None:
    texts = [path.read_text() for path in sorted((CLONE / "tests" / "unit" / "plugins" / "modules").glob("test_*.py"))]
    assert any(f'Operation("{module}"' in text for text in texts)


@pytest.mark.parametrize("module", MODULES)
def test_every_module_has_a_story(module: str) -> None:
    content = yaml.safe_load((STORIES / f"{module}.yml").read_text())
    called = [mapping for mapping in mappings(content) if f"conductor.trainer.{module}" in mapping]
    assert called
    # As users write it: no check mode of its own, no verdict of its own on what a change is.
    assert not any(
        {"check_mode", "changed_when", "failed_when", "ignore_errors"} & mapping.keys() for mapping in called
    )


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_every_playbook_has_a_story(playbook: str) -> None:
    (play,) = yaml.safe_load((STORIES / f"{playbook}.yml").read_text())
    assert play["ansible.builtin.import_playbook"] == f"conductor.trainer.{playbook}"


def test_every_story_is_told_in_check_mode_and_in_earnest() -> None:
    files = {path.stem for path in STORIES.glob("*.yml")}
    assert run_stories() == files == {*MODULES, *PLAYBOOKS}


@pytest.mark.parametrize("module", MODULES)
def test_every_module_is_in_the_action_group(module: str) -> None:
    group = yaml.safe_load((CLONE / "meta" / "runtime.yml").read_text())["action_groups"]["k8s"]
    assert module in group


@pytest.mark.parametrize("module", MODULES)
def test_every_module_says_what_it_does_in_check_and_diff_mode_and_the_second_time(module: str) -> None:
    text = (CLONE / "plugins" / "modules" / f"{module}.py").read_text()
    constants = {
        target.id: node.value.value
        for node in ast.parse(text).body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    attributes: dict[str, Any] = yaml.safe_load(str(constants["DOCUMENTATION"]))["attributes"]
    assert attributes.keys() == {"check_mode", "diff_mode", "idempotent"}
    # A story is told in check mode, and twice: less than full support would fail it.
    assert [attributes[name]["support"] for name in ("check_mode", "idempotent")] == ["full", "full"]


@pytest.mark.parametrize("kind", PLUGIN_KINDS)
def test_every_plugin_file_has_a_unit_test(kind: str) -> None:
    tests = CLONE / "tests" / "unit" / "plugins"
    texts = [path.read_text() for path in sorted(tests.rglob("test_*.py"))]
    folder = CLONE / "plugins" / kind
    # Packages are empty files.
    files = [path.relative_to(folder) for path in folder.rglob("*.py") if path.name != "__init__.py"]
    names = {".".join(path.with_suffix("").parts): path for path in files}
    # Modules and their actions are imported by name, one after the other.
    tested = set(MODULES) if kind in ("modules", "action") else set()
    tested |= {name for name, path in names.items() if (tests / kind / path.with_name(f"test_{path.name}")).is_file()}
    tested |= {name for name in names if any(re.search(rf"plugins\.{kind}\.{name}\b", text) for text in texts)}
    assert names.keys() - tested == set()
    assert names
