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
        ("conductor_timeout", "conductor_wait_timeout"),
        ("conductor_target", "conductor_targets"),
        ("conductor_wait_time_out", "conductor_wait_timeout"),
    ],
)
def test_a_misspelled_variable_is_told_what_it_should_be(name: str, meant: str) -> None:
    assert unknown_variables([name], known_variables()) == [f"unknown variable {name}; did you mean {meant}?"]


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


@pytest.mark.parametrize("folder", ["playbooks", "roles/conductor/tasks"])
def test_our_own_files_use_no_other_names(folder: str) -> None:
    texts = [path.read_text() for path in sorted((ROOT / folder).glob("*.yml"))]
    used = {name for text in texts for name in re.findall(r"(?<![\w.])conductor_\w+", text)}
    assert unknown_variables(used, known_variables()) == []
    assert used


def test_it_is_the_lookup_that_ansible_loads() -> None:
    found = LookupModule().run([], {"conductor_hots": 1, "conductor_host": 2, "__conductor_apply": 3})
    assert found == ["unknown variable conductor_hots; did you mean conductor_host?"]
    assert LookupModule().run([]) == []
