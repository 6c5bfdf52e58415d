# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What users read (ansible-doc, with all fragments merged in) is what the code does."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from ansible_collections.conductor.trainer.plugins.module_utils.module_call import (
    BUNDLE_ARG_SPEC,
    CONNECTION_ARG_SPEC,
    IDENTITY_ARG_SPEC,
)
from tests.unit.plugins.helpers.builders import bundle, serving
from tests.unit.plugins.modules.test_modules import MODULES, PACKAGE, Operation

CLONE = Path(__file__).resolve().parents[2]
FILTERS = sorted(path.stem for path in (CLONE / "plugins" / "filter").glob("*.py"))
LOOKUPS = sorted(path.stem for path in (CLONE / "plugins" / "lookup").glob("*.py"))
# What Ansible documents itself.
EVERYBODYS = {"changed", "diff", "msg"}
# What each of our modules fails with where the API server refuses something.
SERVERS = {"status", "reason"}
PYTHON: dict[str, type[Any]] = {"str": str, "int": int, "float": float, "bool": bool, "dict": dict, "list": list}


@pytest.fixture(scope="module")
def shown() -> dict[str, dict[str, Any]]:
    """What ansible-doc shows of each module."""
    done = subprocess.run(
        [Path(sys.executable).parent / "ansible-doc", "--json", *(f"conductor.trainer.{name}" for name in MODULES)],
        cwd=CLONE,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return {name.rpartition(".")[2]: entry for name, entry in json.loads(done.stdout).items()}


def whole_spec(name: str) -> dict[str, Any]:
    """The argument spec that the module really has."""
    return {**CONNECTION_ARG_SPEC, **IDENTITY_ARG_SPEC, **BUNDLE_ARG_SPEC, **Operation(name).options}


def traits(option: dict[str, Any]) -> dict[str, Any]:
    """What an argument spec and a documentation say of an option, brought to one form."""
    found = {key: option[key] for key in ("default", "choices", "elements") if option.get(key) is not None}
    return {
        **found,
        "type": option.get("type", "str"),
        "required": bool(option.get("required")),
        "aliases": sorted(option.get("aliases") or []),
    }


@pytest.mark.parametrize("name", MODULES)
def test_ansible_doc_shows_every_option_as_it_is(
    name: str,
    shown: dict[str, dict[str, Any]],
) -> None:
    spec = whole_spec(name)
    options = shown[name]["doc"]["options"]
    assert options.keys() == spec.keys()
    assert {option: traits(options[option]) for option in spec} == {option: traits(spec[option]) for option in spec}
    assert all(option["description"] for option in options.values())
    assert shown[name]["doc"]["version_added"]
    assert shown[name]["doc"]["attributes"]["action_group"]["membership"] == ["conductor.trainer.k8s"]


@pytest.mark.parametrize("name", MODULES)
def test_examples_are_valid(name: str, shown: dict[str, dict[str, Any]]) -> None:
    spec = whole_spec(name)
    examples = [
        task[f"conductor.trainer.{name}"]
        for task in yaml.safe_load(shown[name]["examples"])
        if f"conductor.trainer.{name}" in task
    ]
    assert examples
    for example in examples:
        assert ArgumentSpecValidator(spec).validate(example).error_messages == []
        # A cluster must be named, in an example as well.
        assert {"kubeconfig", "context"} <= example.keys() or "host" in example or example.get("in_cluster")


def assert_of_type(where: str, value: Any, entry: dict[str, Any]) -> None:
    """A returned value is what its documentation says, down to the last key."""
    if value is None:
        return
    assert type(value) is PYTHON[entry["type"]], where
    if entry["type"] == "list":
        for item in value:
            assert_of_type(f"{where}[]", item, {**entry, "type": entry["elements"]})
    elif "contains" in entry:
        assert value.keys() == entry["contains"].keys(), where
        for key, below in value.items():
            assert_of_type(f"{where}.{key}", below, entry["contains"][key])


@pytest.mark.parametrize("name", MODULES)
def test_return_values_are_of_the_documented_types(
    name: str,
    shown: dict[str, dict[str, Any]],
) -> None:
    result = Operation(name).run(serving(bundle()), bundle())
    documented = shown[name]["return"]
    for key in result.keys() - EVERYBODYS:
        assert_of_type(key, result[key], documented[key])
    for key, entry in documented.items():
        assert entry["description"], key
        if "sample" in entry:
            assert_of_type(f"sample of {key}", entry["sample"], entry)


def facts_of_errors() -> set[str]:
    """The keys that errors of the library bring into the result of a module that fails."""
    found: set[str] = set()
    for path in sorted((CLONE / "plugins" / "module_utils").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.keyword) and node.arg == "facts" and isinstance(node.value, ast.Dict):
                found.update(ast.literal_eval(key) for key in node.value.keys if key is not None)
            elif isinstance(node, ast.FunctionDef) and node.name in ("_facts", "wait_facts"):
                # Facts that one method puts together for several errors.
                returned = [part.value for part in ast.walk(node) if isinstance(part, ast.Return)]
                keys = [key for value in returned if isinstance(value, ast.Dict) for key in value.keys if key]
                found.update(str(ast.literal_eval(key)) for key in keys)
            elif isinstance(node, ast.AugAssign) and isinstance(node.value, ast.Dict):
                if isinstance(node.target, ast.Attribute) and node.target.attr == "facts":
                    found.update(str(ast.literal_eval(key)) for key in node.value.keys if key)
            elif (
                isinstance(node, ast.Subscript)
                and isinstance(node.value, ast.Attribute)
                and node.value.attr == "facts"
                and isinstance(node.slice, ast.Constant)
            ):
                found.add(str(node.slice.value))
    return found


def test_what_a_failure_returns_is_documented(shown: dict[str, dict[str, Any]]) -> None:
    on_failure = {
        name: {key for key, value in entry["return"].items() if "failure" in value["returned"]}
        for name, entry in shown.items()
    }
    assert set().union(*on_failure.values()) == facts_of_errors()
    assert {name for name, keys in on_failure.items() if keys >= SERVERS} == set(MODULES)


@pytest.mark.parametrize("name", FILTERS)
def test_filters_are_documented_as_they_are(name: str) -> None:
    module = importlib.import_module(f"{PACKAGE}.filter.{name}")
    document = yaml.safe_load(module.DOCUMENTATION)
    filters = module.FilterModule().filters()
    assert [document["name"]] == list(filters) == [name]
    parameters = inspect.signature(filters[name]).parameters
    options = document["options"]
    # The value before the bar goes by another name in the documentation.
    assert ["_input", *list(parameters)[1:]] == list(options)
    for parameter in list(parameters.values())[1:]:
        if parameter.default is not parameter.empty:
            assert options[parameter.name].get("default") == parameter.default
    assert f"conductor.trainer.{name}" in module.EXAMPLES
    assert yaml.safe_load(module.RETURN)["_value"]["type"]


@pytest.mark.parametrize("name", LOOKUPS)
def test_lookups_are_documented(name: str) -> None:
    module = importlib.import_module(f"{PACKAGE}.lookup.{name}")
    document = yaml.safe_load(module.DOCUMENTATION)
    assert document["name"] == name
    assert f"conductor.trainer.{name}" in module.EXAMPLES
    returned = yaml.safe_load(module.RETURN)["_raw"]
    found = module.LookupModule(templar=Templar(DataLoader())).run(
        [],
        {
            "conductor_contxt": 1,
            "conductor_version": 1,
            "conductor_registries": {"ghcr.io": "mirror.example.com/ghcr"},
        },
    )
    assert_of_type("_raw", found, returned)
    assert found == returned["sample"]
