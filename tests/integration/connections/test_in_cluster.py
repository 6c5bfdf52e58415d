# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service account of a pod: used when asked for, and never otherwise."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from tests.integration.connections.asking import User, assert_answered, assert_refused
from tests.integration.connections.conftest import Access
from tests.support.namespaces import inside, words
from tests.support.playing import Played

ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


@pytest.fixture(scope="module")
def answer(user: User, access: Access) -> Played:
    """From inside of a pod, as far as a process can tell: a real token and the CA in their place, the address too."""
    files = {"token": user.write("pod/token", access.token), "ca.crt": user.write("pod/ca.crt", access.ca_cert)}
    address = urlsplit(access.host)
    return user.ask(
        {
            "unasked": {"ansible_connection": "local"},
            "asked": {"ansible_connection": "local", "k8s_in_cluster": True},
            "another": {"ansible_connection": "local", "k8s_in_cluster": True, "k8s_context": access.context},
        },
        environment={
            "KUBERNETES_SERVICE_HOST": str(address.hostname),
            "KUBERNETES_SERVICE_PORT": str(address.port),
        },
        within=inside(
            words("mkdir", "-p", ACCOUNT), *(words("cp", path, f"{ACCOUNT}/{name}") for name, path in files.items())
        ),
    )


def test_in_a_pod_nothing_is_used_unasked(answer: Played) -> None:
    assert_refused(answer, "unasked", "no cluster is named", "in_cluster: true")


def test_in_a_pod_its_cluster_is_used_when_asked_for(answer: Played) -> None:
    assert_answered(answer, "asked")


def test_the_cluster_of_the_pod_and_another_one_are_two(answer: Played) -> None:
    assert_refused(answer, "another", "in_cluster: true and another cluster are both set")
