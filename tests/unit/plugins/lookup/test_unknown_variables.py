# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re

import pytest
import yaml

from ansible_collections.conductor.trainer.plugins.lookup.unknown_variables import (
    LookupModule,
    known_variables,
    unknown_variables,
)
from ansible_collections.conductor.trainer.plugins.plugin_utils.other_names import ANSWERS, RENAMED
from tests.unit.plugins.helpers.builders import ROOT

SPECS = yaml.safe_load((ROOT / "roles" / "conductor" / "meta" / "argument_specs.yml").read_text())["argument_specs"]
OPTIONS = sorted({name for entry_point in SPECS.values() for name in entry_point["options"]})


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("conductor_contxt", "conductor_context"),
        ("conductor_Context", "conductor_context"),
        ("CONDUCTOR_CONTEXT", "conductor_context"),
        ("conductor_kube_config", "conductor_kubeconfig"),
        ("conductor_apikey", "conductor_api_key"),
        ("conductor_runtime", "conductor_runtimes"),
        ("conductor_kubecfg", "conductor_kubeconfig"),
        ("conductor_valid_certs", "conductor_validate_certs"),
        ("conductor_smoke_img", "conductor_smoke_image"),
        ("conductor_target", "conductor_targets"),
        ("conductor_wait_time_out", "conductor_wait_timeout"),
    ],
)
def test_a_misspelled_variable_is_told_what_it_should_be(name: str, meant: str) -> None:
    assert unknown_variables([name], known_variables()) == [f"unknown variable {name}; did you mean {meant}?"]


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("conductor_version", "conductor_release"),
        ("conductor_trainer_version", "conductor_release"),
        ("conductor_kubeconfig_path", "conductor_kubeconfig"),
        ("conductor_kube_context", "conductor_context"),
        ("conductor_token", "conductor_api_key"),
        ("conductor_verify_ssl", "conductor_validate_certs"),
        ("conductor_timeout", "conductor_wait_timeout"),
        ("Conductor_Version", "conductor_release"),
        ("conductor_registry", "conductor_registries"),
        ("conductor_pdb", "conductor_disruption_budget"),
    ],
)
def test_a_variable_by_the_name_of_another_tool_is_renamed(name: str, variable: str) -> None:
    assert unknown_variables([name], known_variables()) == [f"unknown variable {name}; use {variable}"]


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("namespace", "Trainer is always installed in the namespace kubeflow-system; no variable changes it"),
        (
            "image",
            "set conductor_registries to use a mirror for all images, or conductor_images to replace single ones, each "
            "with its tag",
        ),
        ("env", "set it in conductor_trainer_controller or conductor_jobset_controller"),
        ("security_context", "no variable changes it; set it by conductor_patches"),
        ("values", "Conductor does not use Helm; there is no chart and there are no values"),
        ("chart", "Conductor does not use Helm; there is no chart and there are no values"),
        (
            "state",
            "run the playbook conductor.trainer.install to install and conductor.trainer.uninstall to uninstall",
        ),
        ("wait", "an install always waits for the controllers; conductor_wait_timeout limits the time"),
        ("insecure", "set conductor_validate_certs to false to skip the verification of the API server"),
        (
            "jobset_version",
            "the version of JobSet is defined by conductor_release; conductor_jobset selects which JobSet is used",
        ),
        (
            "crds",
            "an install always applies the CRDs; conductor_prune_crds and conductor_remove_crds control their deletion",
        ),
    ],
)
def test_a_variable_for_something_else_is_answered(name: str, answer: str) -> None:
    assert unknown_variables([f"conductor_{name}"], known_variables()) == [
        f"unknown variable conductor_{name}: {answer}"
    ]


def test_what_other_tools_have_is_nothing_we_have() -> None:
    names = [*RENAMED, *ANSWERS]
    assert [name for name in names if f"conductor_{name}" in known_variables()] == []
    assert [name for name in RENAMED if name in ANSWERS] == []
    assert [name for name in names if name != name.casefold()] == []


def test_the_answers_name_nothing_that_does_not_exist() -> None:
    texts = [*RENAMED.values(), *ANSWERS.values()]
    variables = {name for text in texts for name in re.findall(r"conductor_\w+", text)}
    assert variables <= known_variables()
    playbooks = {name for text in texts for name in re.findall(r"conductor\.trainer\.(\w+)", text)}
    assert playbooks <= {path.stem for path in (ROOT / "playbooks").glob("*.yml")}
    assert variables
    assert playbooks


@pytest.mark.parametrize("name", ["storage", "smoke_job", "pruning_policy", "status", "metrics", "adoption_mode"])
def test_a_guess_that_would_be_nonsense_is_not_made(name: str) -> None:
    assert unknown_variables([f"conductor_{name}"], known_variables()) == [f"unknown variable conductor_{name}"]


def test_a_variable_like_no_other_is_unknown_all_the_same() -> None:
    assert unknown_variables(["conductor_xyzzy", "conductor_"], known_variables()) == [
        "unknown variable conductor_",
        "unknown variable conductor_xyzzy",
    ]


@pytest.mark.parametrize(
    "name", ["__conductor_apply", "my_conductor_contxt", "conductorcontxt", "contxt", "", "ansible_x"]
)
def test_names_that_begin_otherwise_are_nobodys_business(name: str) -> None:
    assert unknown_variables([name], known_variables()) == []


@pytest.mark.parametrize("name", [*OPTIONS, "conductor_targets", "conductor_report"])
def test_every_variable_of_ours_is_known(name: str) -> None:
    assert unknown_variables([name], known_variables()) == []


@pytest.mark.parametrize("left_out", OPTIONS)
def test_what_is_known_comes_from_the_argument_specs(left_out: str) -> None:
    assert unknown_variables([left_out], known_variables() - {left_out})[0].startswith(f"unknown variable {left_out}")


@pytest.mark.parametrize("folder", ["playbooks", "roles/conductor/tasks", "roles/conductor/vars"])
def test_our_own_files_use_noother_names(folder: str) -> None:
    texts = [path.read_text() for path in sorted((ROOT / folder).glob("*.yml"))]
    used = {name for text in texts for name in re.findall(r"(?<![\w.])conductor_\w+", text)}
    assert unknown_variables(used, known_variables()) == []
    assert used


def test_it_is_the_lookup_that_ansible_loads() -> None:
    found = LookupModule().run([], {"conductor_hots": 1, "conductor_host": 2, "__conductor_apply": 3})
    assert found == ["unknown variable conductor_hots; did you mean conductor_host?"]
    assert LookupModule().run([]) == []


def test_names_of_the_user_are_never_rejected() -> None:
    assert unknown_variables(["conductor_x_registry", "conductor_x_"], known_variables()) == []
    assert unknown_variables(["conductor_xy"], known_variables()) == ["unknown variable conductor_xy"]
