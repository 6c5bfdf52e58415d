# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every way to name a cluster and to prove who one is: an inventory of which each host is one way."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.connections.asking import User, assert_answered, assert_refused, play_of
from tests.integration.connections.conftest import Access, Hosts
from tests.support.playing import Played

# Prints as a token what a variable says.
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


def inventory(user: User, access: Access) -> Hosts:
    """Hosts by the way they name the cluster; what they need is written into the project."""
    user.write("files/clusters.yml", access.kubeconfig)
    user.write("vaulted.yml", access.kubeconfig)
    user.encrypt("vaulted.yml")
    user.write("host_vars/vaulted_dictionary.yml", {"k8s_kubeconfig": access.kubeconfig})
    user.encrypt("host_vars/vaulted_dictionary.yml")
    text = user.encrypted(yaml.safe_dump(access.kubeconfig))
    user.write("host_vars/vaulted_text.yml", f"k8s_kubeconfig: {text}")
    damaged = user.encrypted(f"{access.token} ]\n{{")
    user.write("host_vars/damaged_text.yml", f"k8s_kubeconfig: {damaged}")
    user.write("files/ca.pem", access.ca_cert)
    user.write("files/client.pem", access.client_cert)
    user.write("client.key", access.client_key)
    user.encrypt("client.key")
    program = user.write("login", PLUGIN)
    program.chmod(0o700)
    user.write("program.yml", access.kubeconfig_with(exec_user("./login", access.token)))
    named = {"k8s_context": access.context}
    host = {"k8s_host": access.host, "k8s_ca_cert": "ca.pem"}
    return {
        "beside_the_playbook": {"k8s_kubeconfig": "clusters.yml", **named},
        "vaulted_file": {"k8s_kubeconfig": "vaulted.yml", **named},
        "vaulted_file_other_context": {"k8s_kubeconfig": "vaulted.yml", "k8s_context": "other"},
        "vaulted_dictionary": named,
        "vaulted_text": named,
        "damaged_text": named,
        "token": {**host, "k8s_api_key": access.token},
        "vaulted_key": {**host, "k8s_client_cert": "client.pem", "k8s_client_key": "client.key"},
        "no_ca": {"k8s_host": access.host, "k8s_api_key": access.token},
        "unverified": {"k8s_host": access.host, "k8s_api_key": access.token, "k8s_validate_certs": False},
        # In a dictionary a program has a whole path; in a file it is meant from the file's folder on.
        "program": {"k8s_kubeconfig": access.kubeconfig_with(exec_user(str(program), access.token))},
        "program_beside_the_file": {"k8s_kubeconfig": "program.yml"},
        "missing_program": {"k8s_kubeconfig": access.kubeconfig_with(exec_user("/nonexistent/login", access.token))},
        "no_pod": {"k8s_in_cluster": True},
    }


@pytest.fixture(scope="module")
def answer(user: User, access: Access) -> Played:
    # A host of an inventory would get what discovery finds first: a Python without any library.
    for name in ("python3", *(f"python3.{minor}" for minor in range(6, 20))):
        user.write(f"bin/{name}", "#!/bin/sh\nexit 66\n").chmod(0o755)
    path = os.pathsep.join([str(user.folder / "bin"), str(Path(sys.executable).parent), os.defpath])
    hosts = {name: {"ansible_connection": "local", **entry} for name, entry in inventory(user, access).items()}
    return user.ask(hosts, environment={"PATH": path})


@pytest.mark.parametrize(
    "host",
    [
        "beside_the_playbook",
        "vaulted_file",
        "vaulted_dictionary",
        "vaulted_text",
        "token",
        "vaulted_key",
        "unverified",
        "program",
        "program_beside_the_file",
    ],
)
def test_the_cluster_answers(answer: Played, host: str) -> None:
    assert_answered(answer, host)


@pytest.mark.parametrize(
    ("host", "words"),
    [
        # It has the name the user gave it, not that of a decrypted copy.
        ("vaulted_file_other_context", ["context 'other' not found in vaulted.yml"]),
        ("damaged_text", ["kubeconfig is text, but not the content of a kubeconfig"]),
        ("no_ca", ["certificate verify failed", "check ca_cert"]),
        ("missing_program", ["/nonexistent/login", "it must be installed where this task runs"]),
        ("no_pod", ["does not run in a pod"]),
    ],
)
def test_what_is_wrong_is_said(answer: Played, host: str, words: list[str]) -> None:
    assert_refused(answer, host, *words)


def test_the_environment_of_the_process(user: User, access: Access) -> None:
    ca = user.write("files/ca.pem", access.ca_cert)
    variables = {"K8S_AUTH_HOST": access.host, "K8S_AUTH_API_KEY": access.token, "K8S_AUTH_SSL_CA_CERT": str(ca)}
    assert_answered(user.ask(environment=variables))


def test_the_environment_of_a_task_and_of_a_play(user: User, access: Access) -> None:
    ca = user.write("files/ca.pem", access.ca_cert)
    user.write("vaulted.yml", access.kubeconfig)
    user.encrypt("vaulted.yml")
    token = {"K8S_AUTH_HOST": access.host, "K8S_AUTH_API_KEY": access.token, "K8S_AUTH_CA_CERT": str(ca)}
    file = {"K8S_AUTH_KUBECONFIG": "vaulted.yml", "K8S_AUTH_CONTEXT": access.context}
    plays = [
        play_of(hosts="of_task", ask={"environment": token}),
        play_of(hosts="of_play", environment=token),
        play_of(hosts="vaulted", environment=file),
    ]
    hosts = {name: {"ansible_connection": "local"} for name in ("of_task", "of_play", "vaulted")}
    answer = user.run(str(user.write("environment.yml", plays)), hosts=hosts)
    for host in hosts:
        assert_answered(answer, host)


def test_defaults_of_our_group_are_for_kubernetes_core_too_but_not_the_other_way(user: User, access: Access) -> None:
    ca = user.write("files/ca.pem", access.ca_cert)
    defaults = {"host": access.host, "api_key": access.token, "ca_cert": str(ca)}
    theirs = {
        "name": "Ask with kubernetes.core",
        "kubernetes.core.k8s_info": {"api_version": "trainer.kubeflow.org/v1alpha1", "kind": "ClusterTrainingRuntime"},
        "register": "theirs",
    }
    same = {
        "ansible.builtin.assert": {
            "that": "theirs.resources | map(attribute='metadata.name') | sort"
            " == asked.runtimes | map(attribute='name') | sort",
        }
    }
    ours = play_of(hosts="ours", module_defaults={"group/conductor.trainer.k8s": defaults})
    ours["tasks"] += [theirs, same]
    plays = [ours, play_of(hosts="theirs", module_defaults={"group/kubernetes.core.k8s": defaults})]
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    answer = user.run(str(user.write("defaults.yml", plays)), hosts={"ours": local, "theirs": local})
    assert_answered(answer, "ours")
    assert_refused(answer, "theirs", "no cluster is named")
