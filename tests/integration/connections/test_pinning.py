# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host is pinned to its cluster: by what a run reports, and nothing is written to any other."""

from __future__ import annotations

import hashlib
import re
import ssl

import pytest

from tests.integration.connections.asking import User, assert_answered, assert_refused
from tests.integration.connections.conftest import Access, Hosts
from tests.support.playing import Played
from tests.support.rbac_examples import account_of
from tests.support.real_cluster import RealCluster

OTHER_UID = "00000000-0000-4000-8000-000000000000"
OTHER_CA = "0123456789abcdef"


@pytest.fixture(scope="module")
def uid(cluster: RealCluster) -> str:
    found: str = cluster.get("namespace", "kube-system")["metadata"]["uid"]
    return found


@pytest.fixture(scope="module")
def identity(uid: str, access: Access) -> str:
    fingerprint = hashlib.sha256(ssl.PEM_cert_to_DER_cert(access.ca_cert)).hexdigest()
    return f"{uid}/{fingerprint[:16]}"


@pytest.fixture(scope="module")
def variables(access: Access, user: User) -> dict[str, str]:
    """Of the role, as an inventory has them."""
    ca = user.write("ca.pem", access.ca_cert)
    return {"conductor_host": access.host, "conductor_api_key": access.token, "conductor_ca_cert": str(ca)}


@pytest.fixture(scope="module")
def answer(user: User, access: Access, cluster: RealCluster, uid: str, identity: str) -> Played:
    """A module that only reads, pinned in every way."""
    runtimes = "clustertrainingruntimes.trainer.kubeflow.org"
    cluster.kubectl("create", "clusterrole", "reader", "--verb=list", f"--resource={runtimes}")
    cluster.kubectl("create", "clusterrolebinding", "reader", "--clusterrole=reader", "--user=reader")
    admin = {"k8s_kubeconfig": access.kubeconfig, "k8s_context": access.context}
    reader = {**admin, "k8s_impersonate_user": "reader"}
    unverified = {"k8s_host": access.host, "k8s_api_key": access.token, "k8s_validate_certs": False}
    hosts: Hosts = {
        "by_uid": {**admin, "k8s_cluster_uid": uid},
        "by_uid_and_ca": {**admin, "k8s_cluster_uid": identity},
        "unverified_by_uid": {**unverified, "k8s_cluster_uid": uid},
        "unverified_by_uid_and_ca": {**unverified, "k8s_cluster_uid": identity},
        "copy": {**admin, "k8s_cluster_uid": f"{uid}/{OTHER_CA}"},
        "other": {**admin, "k8s_cluster_uid": OTHER_UID},
        "nonsense": {**admin, "k8s_cluster_uid": "production"},
        "reader": reader,
        "pinned_reader": {**reader, "k8s_cluster_uid": uid},
    }
    return user.ask({name: {"ansible_connection": "local", **entry} for name, entry in hosts.items()})


@pytest.mark.parametrize("host", ["by_uid", "by_uid_and_ca", "unverified_by_uid", "reader"])
def test_the_pinned_cluster_answers(answer: Played, host: str) -> None:
    assert_answered(answer, host)


def test_another_cluster_is_refused(answer: Played, identity: str) -> None:
    assert_refused(
        answer,
        "other",
        "this is another cluster than the pinned one",
        f"pinned: {OTHER_UID}",
        f"found: {identity} at https://",
    )


def test_a_copy_is_refused(answer: Played, uid: str, identity: str) -> None:
    assert_refused(
        answer,
        "copy",
        "the cluster has the pinned uid but another CA",
        f"pinned: {uid}/{OTHER_CA}",
        f"found: {identity} at",
    )


def test_without_a_verified_ca_there_is_nothing_to_compare(answer: Played, uid: str, identity: str) -> None:
    words = ["the CA is pinned, but this connection names no CA", f"pinned: {identity}", f"found: {uid} at"]
    assert_refused(answer, "unverified_by_uid_and_ca", *words)


def test_something_that_is_no_identity(answer: Played) -> None:
    assert_refused(answer, "nonsense", "cluster_uid is not a valid identity of a cluster: 'production'")


def test_who_may_not_read_the_namespace_cannot_be_sure(answer: Played) -> None:
    words = ["missing permission: get namespaces kube-system", "remove cluster_uid"]
    assert_refused(answer, "pinned_reader", *words)


def test_a_run_reports_what_to_copy(installed: Played, identity: str) -> None:
    assert re.search(rf"^\s*Cluster {identity}$", installed.output, re.MULTILINE), installed.output


def test_the_role_goes_on_with_the_pinned_cluster(user: User, variables: dict[str, str], identity: str) -> None:
    answer = user.run("verify", hosts={"here": {**variables, "conductor_cluster_uid": identity}})
    assert answer.code == 0, answer.output + answer.errors


def test_the_role_writes_nothing_to_another_cluster(
    user: User, variables: dict[str, str], cluster: RealCluster, identity: str
) -> None:
    # Were it not refused, there would be something to write.
    cluster.kubectl("delete", "clustertrainingruntime", "jax-distributed")
    began = cluster.now()
    pin = f"{OTHER_UID}/{identity.rpartition('/')[2]}"
    pinned = {"here": {**variables, "conductor_cluster_uid": pin}}
    installer = ":".join(["system:serviceaccount", *account_of("install")])
    try:
        for playbook in ("install", "verify"):
            answer = user.run(playbook, hosts=pinned)
            assert_refused(answer, "here", f"pinned: {pin}", f"found: {identity} at", "conductor_cluster_uid")
        assert cluster.writes_since(began, installer) == []
    finally:
        healed = user.run("install", hosts={"here": {**variables, "conductor_cluster_uid": identity}})
    assert healed.code == 0, healed.output + healed.errors
    assert healed.recap["here"]["changed"] == 1
    # The audit log does tell who writes.
    assert cluster.writes_since(began, installer) != []
