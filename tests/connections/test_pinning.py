# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host is pinned to its cluster: by what a run reports, and nothing is written to any other."""

from __future__ import annotations

import hashlib
import re
import ssl

import pytest

from tests.connections.asking import User, assert_answered, assert_refused
from tests.connections.conftest import Access
from tests.support.playing import Played
from tests.support.real_cluster import RealCluster

OTHER_UID = "00000000-0000-4000-8000-000000000000"
OTHER_CA = "0123456789abcdef"


@pytest.fixture
def uid(cluster: RealCluster) -> str:
    found: str = cluster.get("namespace", "kube-system")["metadata"]["uid"]
    return found


@pytest.fixture
def identity(uid: str, access: Access) -> str:
    fingerprint = hashlib.sha256(ssl.PEM_cert_to_DER_cert(access.ca_cert)).hexdigest()
    return f"{uid}/{fingerprint[:16]}"


@pytest.fixture
def variables(access: Access, user: User) -> dict[str, str]:
    """Of the role."""
    path = user.write("clusters.yml", access.kubeconfig)
    return {"conductor_kubeconfig": str(path), "conductor_context": access.context}


def test_a_run_reports_what_to_copy(installed: Played, identity: str) -> None:
    assert re.search(rf"^\s*Cluster {identity}$", installed.output, re.MULTILINE), installed.output


@pytest.mark.parametrize("with_ca", [True, False])
def test_the_pinned_cluster(user: User, variables: dict[str, str], identity: str, uid: str, with_ca: bool) -> None:
    pin = identity if with_ca else uid
    answer = user.run("verify", hosts={"here": {**variables, "conductor_cluster_uid": pin}})
    assert answer.code == 0, answer.output + answer.errors


@pytest.mark.parametrize("playbook", ["install", "verify"])
def test_another_cluster(
    user: User, variables: dict[str, str], cluster: RealCluster, identity: str, playbook: str
) -> None:
    # Were it not refused, there would be something to write.
    cluster.kubectl("delete", "clustertrainingruntime", "jax-distributed")
    began = cluster.now()
    pin = f"{OTHER_UID}/{identity.rpartition('/')[2]}"
    try:
        answer = user.run(playbook, hosts={"here": {**variables, "conductor_cluster_uid": pin}})
        assert_refused(
            answer, "it is another cluster", f"pinned: {pin}", f"found: {identity} at https://", "conductor_cluster_uid"
        )
        assert cluster.writes_since(began) == []
    finally:
        healed = user.run("install", hosts={"here": {**variables, "conductor_cluster_uid": identity}})
    assert healed.code == 0, healed.output + healed.errors
    assert healed.recap["here"]["changed"] == 1


def test_a_copy_of_the_cluster(user: User, variables: dict[str, str], uid: str, identity: str) -> None:
    pin = f"{uid}/{OTHER_CA}"
    answer = user.run("install", hosts={"here": {**variables, "conductor_cluster_uid": pin}})
    assert_refused(answer, "the same uid and another CA", pin, identity)


def test_without_a_verified_ca_there_is_nothing_to_compare(user: User, access: Access, uid: str, identity: str) -> None:
    options = {"host": access.host, "api_key": access.token, "validate_certs": False}
    assert_refused(user.ask({**options, "cluster_uid": identity}), "this connection names none", f"found: {uid} at")
    assert_answered(user.ask({**options, "cluster_uid": uid}))


def test_something_that_is_no_identity(user: User, variables: dict[str, str]) -> None:
    answer = user.run("install", hosts={"here": {**variables, "conductor_cluster_uid": "production"}})
    assert_refused(answer, "cluster_uid is no identity of a cluster: 'production'")


def test_who_may_not_read_the_namespace_cannot_be_sure(
    user: User, access: Access, cluster: RealCluster, uid: str
) -> None:
    cluster.kubectl(
        "create", "clusterrole", "reader", "--verb=list", "--resource=clustertrainingruntimes.trainer.kubeflow.org"
    )
    cluster.kubectl("create", "clusterrolebinding", "reader", "--clusterrole=reader", "--user=reader")
    options = {"kubeconfig": access.kubeconfig, "impersonate_user": "reader"}
    assert_answered(user.ask(options))
    assert_refused(
        user.ask({**options, "cluster_uid": uid}),
        "this right is missing: get namespaces kube-system",
        "leave cluster_uid out",
    )
