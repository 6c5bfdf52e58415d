# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The example of a fleet's inventory is one that the role accepts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.conductor.trainer.plugins.module_utils.findings.catalogue import BY_CODE

CLONE = Path(__file__).resolve().parents[2]
EXAMPLE = CLONE / "examples" / "inventory"


def variables() -> dict[str, dict[str, Any]]:
    """Return the variables of each host, as Ansible merges them."""
    program = Path(sys.executable).parent / "ansible-inventory"
    command = [program, "-i", EXAMPLE / "clusters.yml", "--list"]
    done = subprocess.run(command, cwd=CLONE, capture_output=True, text=True, timeout=60, check=True)
    found: dict[str, dict[str, Any]] = json.loads(done.stdout)["_meta"]["hostvars"]
    return found


def test_the_role_accepts_every_host() -> None:
    specs = yaml.safe_load((CLONE / "roles" / "conductor" / "meta" / "argument_specs.yml").read_text())
    options = {name: option for spec in specs["argument_specs"].values() for name, option in spec["options"].items()}
    hosts = variables()
    assert len(hosts) >= 4
    for host, found in hosts.items():
        own = {name: value for name, value in found.items() if name.startswith("conductor_")}
        assert ArgumentSpecValidator(options).validate(own).error_messages == [], host
        assert {"conductor_kubeconfig", "conductor_context"} <= own.keys(), host
        assert all(BY_CODE[code].severity == "warning" for code in own.get("conductor_accept", [])), host


def test_every_production_cluster_shares_the_variables_of_its_group() -> None:
    shared = yaml.safe_load((EXAMPLE / "group_vars" / "production.yml").read_text())
    hosts = {host: shared.items() <= found.items() for host, found in variables().items()}
    assert hosts == {"berlin": True, "paris": True, "osaka": True, "staging-1": False}
