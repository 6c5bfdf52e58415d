# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service account of a pod: used when asked for, and never otherwise."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from tests.connections.asking import User, assert_answered, assert_refused
from tests.connections.conftest import Access
from tests.support.namespaces import inside, words

ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


class Pod:
    """What a process in a pod of the cluster sees: a real token and the CA in their place, the address in variables."""

    def __init__(self, user: User, access: Access) -> None:
        files = {"token": user.write("pod/token", access.token), "ca.crt": user.write("pod/ca.crt", access.ca_cert)}
        address = urlsplit(access.host)
        self.environment = {
            "KUBERNETES_SERVICE_HOST": str(address.hostname),
            "KUBERNETES_SERVICE_PORT": str(address.port),
        }
        self.within = inside(
            words("mkdir", "-p", ACCOUNT), *(words("cp", path, f"{ACCOUNT}/{name}") for name, path in files.items())
        )


@pytest.fixture
def pod(user: User, access: Access) -> Pod:
    return Pod(user, access)


def test_in_a_pod_nothing_is_used_unasked(user: User, pod: Pod) -> None:
    answer = user.ask(environment=pod.environment, within=pod.within)
    assert_refused(answer, "no cluster is named", "in_cluster: true")


def test_in_a_pod_its_cluster_is_used_when_asked_for(user: User, pod: Pod) -> None:
    assert_answered(user.ask({"in_cluster": True}, environment=pod.environment, within=pod.within))


def test_the_role_in_a_pod(user: User, pod: Pod) -> None:
    answer = user.run(
        "verify", hosts={"here": {"conductor_in_cluster": True}}, environment=pod.environment, within=pod.within
    )
    assert answer.code == 0, answer.output + answer.errors


def test_outside_of_a_pod_there_is_nothing_to_use(user: User) -> None:
    assert_refused(user.ask({"in_cluster": True}), "does not run in a pod")
