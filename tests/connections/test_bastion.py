# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Over a bastion that has Python and the Kubernetes client, and nothing else of what this machine has."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import yaml

from tests.connections.asking import User, assert_answered, assert_refused
from tests.connections.conftest import Access
from tests.support.bastion import PYTHON, Bastion
from tests.support.playing import Played

PLUGIN = "/run/login-helper"


def exec_user() -> dict[str, Any]:
    """A user whose token comes out of a program that only the bastion has, if anybody."""
    return {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": PLUGIN,
            "interactiveMode": "Never",
        }
    }


def test_the_bastion_has_python_and_the_client_alone() -> None:
    names = ("ansible", "ansible_collections")
    code = f"import kubernetes, importlib.util as u; print(kubernetes.__version__, *map(u.find_spec, {names}))"
    done = subprocess.run([PYTHON, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["29.0.0", "None", "None"]


def test_an_install(installed: Played, jump: Bastion) -> None:
    assert installed.recap["far"]["failed"] == 0
    assert installed.recap["far"]["changed"] == 1
    assert "<127.0.0.1> SSH: EXEC ssh" in installed.output
    # Neither the bundle nor a decrypted kubeconfig stays.
    assert jump.run(f"ls {jump.temporary}") == ""


def test_a_second_run_changes_nothing(user: User, access: Access, jump: Bastion) -> None:
    user.write("clusters.yml", access.kubeconfig)
    variables = {"conductor_kubeconfig": str(user.folder / "clusters.yml"), "conductor_context": access.context}
    answer = user.run("install", hosts={"far": {**jump.variables, **variables}})
    assert answer.code == 0, answer.output + answer.errors
    assert answer.recap["far"]["changed"] == 0


def test_certificates_and_keys_are_brought(user: User, access: Access, jump: Bastion) -> None:
    user.write("files/pem", access.ca_cert)
    user.write("client/pem", access.client_cert)
    user.write("key/pem", access.client_key)
    user.encrypt("key/pem")
    options = {"host": access.host, "ca_cert": "pem", "client_cert": "client/pem", "client_key": "key/pem"}
    assert_answered(user.ask(options, hosts={"far": jump.variables}))
    assert jump.run(f"ls {jump.temporary}") == ""


def test_a_kubeconfig_that_only_the_bastion_has(user: User, access: Access, jump: Bastion) -> None:
    # Its /run is its own.
    jump.run("cat >/run/kubeconfig", yaml.safe_dump(access.kubeconfig))
    assert_answered(user.ask({"kubeconfig": "/run/kubeconfig"}, hosts={"far": jump.variables}))
    answer = user.ask({"kubeconfig": "/run/other"}, hosts={"far": jump.variables})
    assert_refused(answer, "there is no kubeconfig file /run/other")


def test_variables_of_the_task_reach_the_bastion(user: User, access: Access, jump: Bastion) -> None:
    ca = user.write("ca.pem", access.ca_cert)
    variables = {"K8S_AUTH_HOST": access.host, "K8S_AUTH_API_KEY": access.token, "K8S_AUTH_CA_CERT": str(ca)}
    assert_answered(user.ask(task={"environment": variables}, hosts={"far": jump.variables}))


def test_a_program_for_credentials_must_be_on_the_bastion(user: User, access: Access, jump: Bastion) -> None:
    user.write("clusters.yml", access.kubeconfig_with(exec_user()))
    answer = user.ask({"kubeconfig": "clusters.yml"}, hosts={"far": jump.variables})
    assert_refused(answer, PLUGIN, "in clusters.yml cannot be loaded", "it must be installed where this task runs")
    credential = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {"token": access.token},
    }
    jump.run(f"cat >{PLUGIN} && chmod 700 {PLUGIN}", f"#!/bin/sh\ncat <<END\n{json.dumps(credential)}\nEND\n")
    assert_answered(user.ask({"kubeconfig": "clusters.yml"}, hosts={"far": jump.variables}))


def test_delegated_to_the_bastion(user: User, access: Access, jump: Bastion) -> None:
    hosts: dict[str, dict[str, Any]] = {"berlin": {"ansible_connection": "local"}, "bastion": jump.variables}
    options = {"kubeconfig": access.kubeconfig}
    answer = user.ask(options, task={"delegate_to": "bastion"}, of_play={"hosts": "berlin"}, hosts=hosts)
    assert_answered(answer)
    assert "SSH: EXEC ssh" in answer.output


def test_delegated_from_the_bastion_to_this_machine(user: User, access: Access, jump: Bastion) -> None:
    # The Python of the bastion must not be looked for here, neither with localhost nor with a host of the inventory.
    gone = {**jump.variables, "ansible_python_interpreter": "/only/on/the/bastion/python3"}
    for name in ("localhost", "here"):
        hosts: dict[str, dict[str, Any]] = {"far": gone, "here": {"ansible_connection": "local"}}
        answer = user.ask(
            {"kubeconfig": access.kubeconfig}, task={"delegate_to": name}, of_play={"hosts": "far"}, hosts=hosts
        )
        assert_answered(answer)
        assert "SSH: EXEC ssh" not in answer.output
