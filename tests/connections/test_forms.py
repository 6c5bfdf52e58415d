# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every way to name a cluster and to prove who one is, as users write it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.connections.asking import User, assert_answered, assert_refused
from tests.connections.conftest import Access

PLUGIN = """\
#!/bin/sh
cat <<END
{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "$LOGIN_SECRET"}}
END
"""


def exec_user(command: str, secret: str) -> dict[str, Any]:
    """A user whose token comes out of a program, to which it is told by a variable."""
    return {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": command,
            "env": [{"name": "LOGIN_SECRET", "value": secret}],
            "interactiveMode": "Never",
        }
    }


def by_host(access: Access, user: User) -> dict[str, str]:
    """Options: the address, and the CA in a file of the project."""
    user.write("files/ca.pem", access.ca_cert)
    return {"host": access.host, "ca_cert": "ca.pem"}


def test_a_kubeconfig_beside_the_playbook(user: User, access: Access) -> None:
    user.write("files/clusters.yml", access.kubeconfig)
    assert_answered(user.ask({"kubeconfig": "clusters.yml", "context": access.context}))


def test_a_kubeconfig_encrypted_with_vault(user: User, access: Access) -> None:
    user.write("clusters.yml", access.kubeconfig)
    user.encrypt("clusters.yml")
    assert_answered(user.ask({"kubeconfig": "clusters.yml", "context": access.context}))
    # In errors it has the name the user gave it, not that of a temporary file.
    answer = user.ask({"kubeconfig": "clusters.yml", "context": "other"})
    assert_refused(answer, "there is no context 'other' in clusters.yml", access.context)


def test_a_kubeconfig_as_a_dictionary_out_of_an_encrypted_file_of_variables(user: User, access: Access) -> None:
    variables = user.write("secrets.yml", {"vaulted": access.kubeconfig})
    user.encrypt("secrets.yml")
    options = {"kubeconfig": "{{ vaulted }}", "context": access.context}
    assert_answered(user.ask(options, of_play={"vars_files": [str(variables)]}))


def test_a_kubeconfig_as_an_encrypted_variable(user: User, access: Access) -> None:
    variables = user.write("secrets.yml", f"vaulted: {user.encrypted(yaml.safe_dump(access.kubeconfig))}")
    options = {"kubeconfig": "{{ vaulted }}", "context": access.context}
    assert_answered(user.ask(options, of_play={"vars_files": [str(variables)]}))
    damaged = user.write("secrets.yml", f"vaulted: {user.encrypted(access.token + chr(10) + '] {')}")
    assert_refused(user.ask(options, of_play={"vars_files": [str(damaged)]}), "is no kubeconfig")


def test_host_token_and_ca(user: User, access: Access) -> None:
    assert_answered(user.ask({**by_host(access, user), "api_key": access.token}))


def test_host_and_an_encrypted_client_key(user: User, access: Access) -> None:
    options = by_host(access, user)
    user.write("files/client.pem", access.client_cert)
    user.write("files/client.key", access.client_key)
    user.encrypt("files/client.key")
    assert_answered(user.ask({**options, "client_cert": "client.pem", "client_key": "client.key"}))


def test_a_ca_that_is_not_the_servers(user: User, access: Access) -> None:
    answer = user.ask({"host": access.host, "api_key": access.token})
    assert_refused(answer, "certificate verify failed", "check ca_cert")


@pytest.mark.parametrize("form", ["dictionary", "file"])
def test_credentials_out_of_a_program(user: User, access: Access, form: str) -> None:
    program = user.write("login", PLUGIN)
    program.chmod(0o700)
    # In a file a path is meant from the file's folder on.
    command = str(program) if form == "dictionary" else "./login"
    kubeconfig = access.kubeconfig_with(exec_user(command, access.token))
    user.write("clusters.yml", kubeconfig)
    assert_answered(user.ask({"kubeconfig": kubeconfig if form == "dictionary" else "clusters.yml"}))


def test_credentials_out_of_a_program_that_is_not_there(user: User, access: Access) -> None:
    kubeconfig = access.kubeconfig_with(exec_user("/nonexistent/login", access.token))
    answer = user.ask({"kubeconfig": kubeconfig})
    assert_refused(answer, "/nonexistent/login", "it must be installed where this task runs")


def test_the_environment_of_the_process(user: User, access: Access) -> None:
    ca = user.write("ca.pem", access.ca_cert)
    variables = {"K8S_AUTH_HOST": access.host, "K8S_AUTH_API_KEY": access.token, "K8S_AUTH_SSL_CA_CERT": str(ca)}
    assert_answered(user.ask(environment=variables))


@pytest.mark.parametrize("where", ["task", "of_play"])
def test_the_environment_of_a_task_and_of_a_play(user: User, access: Access, where: str) -> None:
    ca = user.write("ca.pem", access.ca_cert)
    variables = {"K8S_AUTH_HOST": access.host, "K8S_AUTH_API_KEY": access.token, "K8S_AUTH_CA_CERT": str(ca)}
    keywords: dict[str, Any] = {where: {"environment": variables}}
    assert_answered(user.ask(**keywords))


def test_a_kubeconfig_in_the_environment_of_a_task_may_be_encrypted(user: User, access: Access) -> None:
    user.write("clusters.yml", access.kubeconfig)
    user.encrypt("clusters.yml")
    variables = {"K8S_AUTH_KUBECONFIG": "clusters.yml", "K8S_AUTH_CONTEXT": access.context}
    assert_answered(user.ask(task={"environment": variables}))


def test_defaults_of_our_group_are_for_kubernetes_core_too(user: User, access: Access) -> None:
    ca = user.write("ca.pem", access.ca_cert)
    defaults = {"host": access.host, "api_key": access.token, "ca_cert": str(ca)}
    playbook = [
        {
            "hosts": "all",
            "gather_facts": False,
            "module_defaults": {"group/conductor.trainer.k8s": defaults},
            "tasks": [
                {"conductor.trainer.cluster_training_runtime_info": {"prove": False}, "register": "ours"},
                {
                    "kubernetes.core.k8s_info": {
                        "api_version": "trainer.kubeflow.org/v1alpha1",
                        "kind": "ClusterTrainingRuntime",
                    },
                    "register": "theirs",
                },
                {
                    "ansible.builtin.assert": {
                        "that": [
                            "ours.runtimes | length > 0",
                            "theirs.resources | map(attribute='metadata.name') | sort"
                            " == ours.runtimes | map(attribute='name') | sort",
                        ]
                    }
                },
            ],
        }
    ]
    python = {"localhost": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}}
    answer = user.run(str(user.write("play.yml", playbook)), hosts=python)
    assert answer.code == 0, answer.output + answer.errors


def test_defaults_of_kubernetes_cores_group_are_not_for_us(user: User, access: Access) -> None:
    ca = user.write("ca.pem", access.ca_cert)
    defaults = {"host": access.host, "api_key": access.token, "ca_cert": str(ca)}
    answer = user.ask(of_play={"module_defaults": {"group/kubernetes.core.k8s": defaults}})
    assert_refused(answer, "no cluster is named")


def test_the_variables_of_the_role_in_an_inventory(user: User, access: Access) -> None:
    ca = user.write("ca.pem", access.ca_cert)
    variables = {"conductor_host": access.host, "conductor_ca_cert": str(ca), "conductor_api_key": access.token}
    answer = user.run("verify", hosts={"here": variables})
    assert answer.code == 0, answer.output + answer.errors
    assert answer.recap["here"]["failed"] == 0


def test_here_it_is_the_python_that_runs_ansible(user: User, access: Access) -> None:
    # A host of an inventory would get what discovery finds first: a Python without any library.
    decoy = user.write("bin/python3", "#!/bin/sh\nexit 66\n")
    decoy.chmod(0o755)
    path = f"{decoy.parent}:{Path(sys.executable).parent}:/usr/bin:/bin"
    user.write("files/clusters.yml", access.kubeconfig)
    answer = user.ask(
        {"kubeconfig": "clusters.yml", "context": access.context},
        hosts={"here": {"ansible_connection": "local"}},
        environment={"PATH": path},
    )
    assert_answered(answer)
