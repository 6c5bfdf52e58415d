# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The example of an inventory loads as it is, and every variable in it is one of the role with a valid value."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.conductor.trainer.plugins.lookup.unknown_variables import known_variables, unknown_variables

CLONE = Path(__file__).resolve().parents[2]
EXAMPLE = CLONE / "examples" / "inventory"
SPECS: dict[str, Any] = yaml.safe_load((CLONE / "roles/conductor/meta/argument_specs.yml").read_text())[
    "argument_specs"
]
OPTIONS = {name: option for spec in SPECS.values() for name, option in spec["options"].items()}


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What ansible-inventory lists, with the encrypted kubeconfig in its place."""
    folder = tmp_path_factory.mktemp("fleet") / "inventory"
    shutil.copytree(EXAMPLE, folder)
    (folder / "kubeconfig.cfg").write_text("$ANSIBLE_VAULT;1.1;AES256\n6162\n")
    done = subprocess.run(
        [Path(sys.executable).parent / "ansible-inventory", "-i", folder, "--list"],
        cwd=CLONE,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def hosts(listed: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = listed["_meta"]["hostvars"]
    return found


def test_every_host_belongs_to_a_stage_and_to_a_region(
    listed: dict[str, Any], hosts: dict[str, dict[str, Any]]
) -> None:
    for groups in (("production", "staging"), ("europe", "asia")):
        assert sorted(name for group in groups for name in listed[group]["hosts"]) == sorted(hosts)


def test_every_variable_is_known_and_valid(hosts: dict[str, dict[str, Any]]) -> None:
    assert len(hosts) > 1
    for name, variables in hosts.items():
        assert unknown_variables(variables, known_variables()) == [], name
        given = {key: value for key, value in variables.items() if key in OPTIONS}
        assert ArgumentSpecValidator(OPTIONS).validate(given).error_messages == [], name


def test_every_host_names_a_cluster_of_its_own(hosts: dict[str, dict[str, Any]]) -> None:
    assert len({variables["conductor_context"] for variables in hosts.values()}) == len(hosts)
    pins = [pin for variables in hosts.values() if (pin := variables.get("conductor_cluster_uid"))]
    assert pins
    assert len(set(pins)) == len(pins)
    assert all("conductor_kubeconfig" in variables for variables in hosts.values())


def test_one_host_is_reached_through_a_bastion(hosts: dict[str, dict[str, Any]]) -> None:
    bastions = [variables for variables in hosts.values() if variables.get("ansible_connection") == "ssh"]
    assert [set(variables) >= {"ansible_host", "ansible_python_interpreter"} for variables in bastions] == [True]


def test_no_credential_is_part_of_the_example() -> None:
    names = sorted(str(path.relative_to(EXAMPLE)) for path in EXAMPLE.rglob("*") if path.is_file())
    assert names == [
        *("README.md", "clusters.yml"),
        *(f"group_vars/{name}.yml" for name in ("all", "asia", "europe", "production", "staging")),
    ]
