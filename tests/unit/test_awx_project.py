# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples for AWX use existing collections, variables, types and choices."""

from __future__ import annotations

import configparser
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from ansible_collections.conductor.trainer.plugins.filter.summary import RETURN
from ansible_collections.conductor.trainer.plugins.module_utils.cluster.target import CONNECTION_OPTIONS

CLONE = Path(__file__).resolve().parents[2]
PROJECT = CLONE / "examples" / "awx-project"
SPECS: dict[str, Any] = yaml.safe_load((CLONE / "roles/conductor/meta/argument_specs.yml").read_text())[
    "argument_specs"
]
SURVEY: list[dict[str, Any]] = json.loads((PROJECT / "awx" / "survey.json").read_text())["spec"]
# Types of the questions of AWX, and the types of role variables that accept their answers.
TYPES = {"text": {"str"}, "integer": {"int"}, "multiplechoice": {"str", "bool"}}


def loaded(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def collections() -> list[dict[str, str]]:
    """Return every collection that the examples require."""
    environment = loaded(CLONE / "examples" / "execution-environment" / "execution-environment.yml")
    project = loaded(PROJECT / "collections" / "requirements.yml")
    return [*environment["dependencies"]["galaxy"]["collections"], *project["collections"]]


@pytest.mark.parametrize("wanted", collections())
def test_the_examples_ask_for_this_collection(wanted: dict[str, str]) -> None:
    galaxy = loaded(CLONE / "galaxy.yml")
    assert wanted["name"] == f"{galaxy['namespace']}.{galaxy['name']}"
    assert galaxy["version"] in SpecifierSet(wanted["version"])


@pytest.mark.parametrize("question", SURVEY, ids=lambda question: question["variable"])
def test_a_question_of_the_survey_fits_its_variable(question: dict[str, Any]) -> None:
    option = SPECS["main"]["options"][question["variable"]]
    assert option["type"] in TYPES[question["type"]]
    # As YAML, because a choice is always text in AWX.
    assert yaml.safe_load(str(question["default"])) == option["default"]
    choices = option.get("choices", [False, True] if option["type"] == "bool" else None)
    if choices is not None:
        assert [yaml.safe_load(choice) for choice in question["choices"]] == choices


def test_the_survey_offers_every_release() -> None:
    [question] = [question for question in SURVEY if question["variable"] == "conductor_release"]
    assert question["choices"] == sorted(path.stem for path in (CLONE / "roles/conductor/files/bundles").glob("*.json"))


def test_the_credential_type_injects_what_the_modules_read() -> None:
    credential = loaded(PROJECT / "awx" / "credential-type.yml")
    fields = {field["id"] for field in credential["inputs"]["fields"]}
    assert all(field["secret"] for field in credential["inputs"]["fields"])
    assert set(credential["inputs"]["required"]) == fields
    injectors = credential["injectors"]
    assert set(re.findall(r"\w+", "".join(injectors["file"].values()))) == fields
    files = {f"{{{{ tower.filename.{name.removeprefix('template.')} }}}}" for name in injectors["file"]}
    assert set(injectors["env"].values()) == files
    assert set(injectors["env"]) <= {
        name for key, option in CONNECTION_OPTIONS.items() for name in option.variables(key)
    }


def test_the_wrappers_are_all_the_playbooks() -> None:
    wrapped = {path.name: loaded(path)[0]["ansible.builtin.import_playbook"] for path in PROJECT.glob("*.yml")}
    assert wrapped == {path.name: f"conductor.trainer.{path.stem}" for path in (CLONE / "playbooks").glob("*.yml")}


def test_an_execution_environment_may_hold_the_libraries_that_are_tested() -> None:
    metadata = loaded(CLONE / "meta" / "execution-environment.yml")
    lines = (CLONE / metadata["dependencies"]["python"]).read_text().splitlines()
    wanted = [Requirement(line) for line in lines if not line.startswith("#")]
    assert [requirement.name for requirement in wanted] == ["kubernetes", "jsonpatch"]
    locked = (CLONE / "requirements" / "runtime.txt").read_text()
    for requirement in wanted:
        [pinned] = re.findall(rf"^{requirement.name}==(\S+)", locked, re.MULTILINE)
        assert pinned in requirement.specifier


def test_the_page_shows_the_report_as_it_is_documented() -> None:
    [shown] = re.findall(r"```yaml\n(conductor_report:\n.*?)```", (CLONE / "docs" / "awx.md").read_text(), re.DOTALL)
    [report] = yaml.safe_load(shown)["conductor_report"].values()
    contents = yaml.safe_load(RETURN)["_value"]["contains"]
    types: dict[str, tuple[type, ...]] = {"bool": (bool,), "str": (str,), "dict": (dict, type(None)), "list": (list,)}
    assert list(report) == list(contents)
    assert all(isinstance(value, types[contents[key]["type"]]) for key, value in report.items())


def test_awx_shows_results_of_several_lines() -> None:
    configuration = configparser.ConfigParser()
    configuration.read(PROJECT / "ansible.cfg")
    assert configuration["defaults"]["callback_result_format"] == "yaml"


def test_the_page_names_what_fails_without_a_word() -> None:
    page = " ".join((PROJECT / "README.md").read_text().split())
    for words in (
        "Could not find or access '/runner/project/conductor.trainer.preflight'",
        'credential "Ansible Galaxy"',
        "type: file",
        "kubernetes-core-",
        "Leave the execution environment of the control plane",
        "`survey_enabled`",
        "`conductor_status_strict: true`",
        "A job that was canceled has none",
    ):
        assert words in page, words
