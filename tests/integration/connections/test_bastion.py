# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Over a bastion that has Python and the Kubernetes client, and nothing else of what this machine has."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest
import yaml

from tests.integration.connections.asking import User, assert_answered, assert_refused, play_of
from tests.integration.connections.conftest import Access, Hosts
from tests.support.bastion import PYTHON, Bastion
from tests.support.playing import Played

# The bastion has a /run of its own, so these are there alone.
PLUGIN = "/run/login-helper"
KUBECONFIG = "/run/kubeconfig"


def exec_user(command: str) -> dict[str, Any]:
    """A user whose token comes out of a program."""
    return {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": command,
            "interactiveMode": "Never",
        }
    }


@pytest.fixture(scope="module")
def answer(user: User, access: Access, jump: Bastion) -> Played:
    """Every way over the bastion, by a module that only reads."""
    user.write("a/pem", access.ca_cert)
    user.write("b/pem", access.client_cert)
    user.write("c/pem", access.client_key)
    user.encrypt("c/pem")
    credential = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {"token": access.token},
    }
    jump.run(f"cat >{PLUGIN} && chmod 700 {PLUGIN}", f"#!/bin/sh\ncat <<END\n{json.dumps(credential)}\nEND\n")
    jump.run(f"cat >{KUBECONFIG}", yaml.safe_dump(access.kubeconfig))
    user.write("here.yml", access.kubeconfig_with(exec_user("/run/other-helper")))
    user.write("there.yml", access.kubeconfig_with(exec_user(PLUGIN)))
    hosts: Hosts = {
        "files": {
            "k8s_host": access.host,
            "k8s_ca_cert": "a/pem",
            "k8s_client_cert": "b/pem",
            "k8s_client_key": "c/pem",
        },
        "dictionary": {"k8s_kubeconfig": access.kubeconfig},
        "kubeconfig_there": {"k8s_kubeconfig": KUBECONFIG},
        "kubeconfig_nowhere": {"k8s_kubeconfig": "/run/nowhere"},
        "program_there": {"k8s_kubeconfig": "there.yml"},
        "program_nowhere": {"k8s_kubeconfig": "here.yml"},
    }
    return user.ask({name: {**jump.variables, **entry} for name, entry in hosts.items()})


def test_the_bastion_has_python_and_the_client_alone() -> None:
    names = ("ansible", "ansible_collections")
    code = f"import kubernetes, importlib.util as u; print(kubernetes.__version__, *map(u.find_spec, {names}))"
    done = subprocess.run([PYTHON, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["24.2.0", "None", "None"]


def test_an_install(installed: Played) -> None:
    assert installed.recap["far"]["failed"] == 0
    assert installed.recap["far"]["changed"] == 1
    assert "<127.0.0.1> SSH: EXEC ssh" in installed.output


def test_a_second_run_changes_nothing(user: User, access: Access, jump: Bastion) -> None:
    path = user.write("clusters.yml", access.kubeconfig)
    variables = {"conductor_kubeconfig": str(path), "conductor_context": access.context}
    answer = user.run("install", hosts={"far": {**jump.variables, **variables}})
    assert answer.code == 0, answer.output + answer.errors
    assert answer.recap["far"]["changed"] == 0


@pytest.mark.parametrize("host", ["files", "dictionary", "kubeconfig_there", "program_there"])
def test_the_cluster_answers(answer: Played, host: str) -> None:
    assert_answered(answer, host)


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("kubeconfig_nowhere", ["kubeconfig file not found: /run/nowhere"]),
        (
            "program_nowhere",
            ["/run/other-helper", "of here.yml cannot be loaded", "it must be installed where this task runs"],
        ),
    ],
)
def test_what_is_not_there_is_said(answer: Played, host: str, words: list[str]) -> None:
    assert_refused(answer, host, *words)


def test_nothing_stays_on_the_bastion(answer: Played, installed: Played, jump: Bastion) -> None:
    # Neither bundles nor keys nor a decrypted kubeconfig.
    assert jump.run(f"ls {jump.temporary}") == ""


def test_delegation(user: User, access: Access, jump: Bastion) -> None:
    ca = user.write("ca.pem", access.ca_cert)
    variables = {"K8S_AUTH_HOST": access.host, "K8S_AUTH_API_KEY": access.token, "K8S_AUTH_CA_CERT": str(ca)}
    # The Python of another machine must not be looked for here.
    elsewhere = {**jump.variables, "ansible_python_interpreter": "/only/elsewhere/python3"}
    hosts: Hosts = {
        "to_bastion": {"ansible_connection": "local"},
        "to_localhost": elsewhere,
        "to_here": elsewhere,
        "bastion": jump.variables,
        "here": {"ansible_connection": "local"},
    }
    plays = [
        play_of(hosts=f"to_{name}", environment=variables, ask={"delegate_to": name})
        for name in ("localhost", "here", "bastion")
    ]
    answer = user.run(str(user.write("delegation.yml", plays)), hosts=hosts)
    for name in ("to_localhost", "to_here", "to_bastion"):
        assert_answered(answer, name)
    here, _play, there = answer.output.rpartition("PLAY [to_bastion]")
    assert "SSH: EXEC ssh" not in here
    assert "SSH: EXEC ssh" in there
