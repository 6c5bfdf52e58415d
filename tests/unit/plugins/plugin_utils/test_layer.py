# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from ansible_collections.conductor.trainer.plugins.module_utils.options.spec import CUSTOMIZE
from ansible_collections.conductor.trainer.plugins.plugin_utils.layer import (
    OPTIONS,
    TIMEOUTS,
    spoken,
    spoken_result,
    variables_of,
)

CLONE = Path(__file__).resolve().parents[4]
MODULES = sorted(path.stem for path in (CLONE / "plugins" / "modules").glob("*.py"))
ROLE = CLONE / "roles" / "conductor"
WAIT = {"timeout": "conductor_wait_timeout"}


def role_variables() -> set[str]:
    """Return all variables of the role, without the prefix."""
    specs = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text())["argument_specs"]
    return {name.removeprefix("conductor_") for spec in specs.values() for name in spec["options"]}


def module_options() -> set[str]:
    """Return the options of all modules."""
    prefix = "ansible_collections.conductor.trainer.plugins.modules"
    return {
        name for module in MODULES for name in importlib.import_module(f"{prefix}.{module}").OPERATION.argument_spec()
    }


def test_every_option_with_a_variable_is_known() -> None:
    assert set(OPTIONS) == role_variables() & module_options()
    assert {name for name in role_variables() if name.endswith("timeout")} - set(OPTIONS) == set(TIMEOUTS)


@pytest.mark.parametrize("name", OPTIONS)
def test_a_module_names_its_option_and_the_role_its_variable(name: str) -> None:
    assert spoken(f"set `conductor_{name}: x` or conductor_{name}.", None) == f"set `{name}: x` or {name}."
    assert spoken(f"set `conductor_{name}: x`", {}) == f"set `conductor_{name}: x`"
    if "_" in name:
        assert spoken(f"set {name}: true", {}) == f"set conductor_{name}: true"
        assert spoken(f"set {name}: true", None) == f"set {name}: true"


@pytest.mark.parametrize(
    ("text", "variables", "expected"),
    [
        ("raise `conductor_wait_timeout`", None, "raise `timeout`"),
        ("raise `conductor_wait_timeout`", WAIT, "raise `conductor_wait_timeout`"),
        ("raise `conductor_wait_timeout`", {"timeout": "conductor_verify_timeout"}, "raise `conductor_verify_timeout`"),
        ("raise `conductor_wait_timeout`", {}, "raise `conductor_wait_timeout`"),
        # Names of others that contain the name of an option.
        ("field my_api_key, /run/client_key, client_key-x, conductor_prune_crds_later", {}, None),
        ("conductor_report, conductor_prune_crds_later, my_conductor_host", None, None),
        ("set conductor_prune_crds", None, "set prune_crds"),
    ],
)
def test_names(text: str, variables: dict[str, str] | None, expected: str | None) -> None:
    assert spoken(text, variables) == (text if expected is None else expected)


def test_only_texts_of_a_result_are_changed() -> None:
    result = {
        "msg": "set conductor_adopt",
        "warnings": ["set conductor_accept"],
        "blockers": [{"code": "c", "object": "conductor_adopt", "cause": "x", "next_step": "set conductor_adopt"}],
        "invocation": {"module_args": {"msg": "conductor_adopt"}},
        "logs": {"msg": ["conductor_adopt"]},
        "changed": False,
    }
    shown = spoken_result(result, None)
    assert shown["msg"] == "set adopt"
    assert shown["warnings"] == ["set accept"]
    assert shown["blockers"] == [{"code": "c", "object": "conductor_adopt", "cause": "x", "next_step": "set adopt"}]
    assert shown["invocation"] == result["invocation"]
    assert shown["changed"] is False


def task(role: Any, **arguments: str) -> Any:
    return SimpleNamespace(_role=role, _ds={"name": "a task", "conductor.trainer.trainjob": arguments})


def test_a_task_of_the_role_has_variables() -> None:
    role = SimpleNamespace(_role_collection="conductor.trainer")
    asked = task(role, timeout="{{ conductor_smoke_timeout }}", logs="all", definition="{{ lookup('x') }}")
    assert variables_of(asked) == {"timeout": "conductor_smoke_timeout"}
    assert variables_of(SimpleNamespace(_role=role)) == {}
    assert variables_of(task(SimpleNamespace(_role_collection=None))) is None
    assert variables_of(task(SimpleNamespace(_role_collection="somebody.else"))) is None
    assert variables_of(task(None)) is None


def steps() -> list[tuple[str, str]]:
    """Return every next step that is written in the library, with the name of its file."""
    return [
        (path.name, part.value)
        for path in sorted((CLONE / "plugins" / "module_utils").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.keyword) and node.arg == "next_step"
        for part in ast.walk(node.value)
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    ]


def test_no_next_step_names_an_option_that_is_an_ordinary_word() -> None:
    """Such a word cannot be recognised later: the library names the variable."""
    words = "|".join(name for name in OPTIONS if "_" not in name)
    option = re.compile(rf"\b(?:set|give|remove|raise|lower) `?(?:{words})\b(?! of)|`(?:{words})\b")
    assert len(steps()) > 60
    assert [(name, text) for name, text in steps() if option.search(text)] == []


def test_the_role_names_no_option_that_it_has_no_variable_for() -> None:
    """The TrainJob of the role is its own, so that only the steps of following it can appear there."""
    source = (CLONE / "plugins" / "module_utils" / "trainjob" / "follow.py").read_text(encoding="utf-8")
    constants = [node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)]
    texts = [value for value in constants if isinstance(value, str)]
    option = re.compile(r"\b(?:delete_after|recreate|log_lines|timeout)\b")
    named = [text for text in texts if option.search(text) and " " in text and "\n" not in text]
    assert named
    smoke = {"timeout": "conductor_smoke_timeout"}
    shown = [spoken(text, smoke) for text in named]
    assert [text for text in shown if option.search(text) and "module conductor.trainer.trainjob" not in text] == []
    assert "conductor_" not in " ".join(spoken(text, None) for text in named)


def test_the_options_within_customize_are_named_by_layer() -> None:
    for name in CUSTOMIZE:
        text = f"set `conductor_{name}`, or conductor_{name}.x"
        assert spoken(text, None) == f"set `customize.{name}`, or customize.{name}.x"
        assert spoken(text, {}) == text


def test_a_diff_names_the_option_behind_a_field_and_is_data_otherwise() -> None:
    line = "Deployment a/b: x = conductor_replicas (conductor_replicas)"
    result = {"diff": {"before": f"{line}\n", "after": f"{line}  (conductor_patches[2])\nb = 1\n"}}
    assert spoken_result(result, None)["diff"] == {
        "before": f"{line}\n",
        "after": f"{line}  (customize.patches[2])\nb = 1\n",
    }
    assert spoken_result(result, {}) == result
    assert spoken_result({"diff": "no mapping"}, None) == {"diff": "no mapping"}
