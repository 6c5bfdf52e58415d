# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control plane itself: what the tests on it rely on."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.cluster import ClusterUnderTest
from tests.support.control_plane import ControlPlane
from tests.support.processes import ProgramError, program

CRD = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "things.example.com"},
    "spec": {
        "group": "example.com",
        "scope": "Namespaced",
        "names": {"plural": "things", "kind": "Thing"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            }
        ],
    },
}
THING = {
    "apiVersion": "example.com/v1",
    "kind": "Thing",
    "metadata": {"name": "one", "namespace": "made", "finalizers": ["example.com/never-released"]},
}
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "idle", "namespace": "made"},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "idle"}},
        "template": {
            "metadata": {"labels": {"app": "idle"}},
            "spec": {"containers": [{"name": "idle", "image": "registry.invalid/idle:1"}]},
        },
    },
}


def make(cluster: ClusterUnderTest, *manifests: Mapping[str, object]) -> None:
    for manifest in manifests:
        cluster.kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(manifest))


def make_all_sorts(plane: ControlPlane) -> None:
    """Objects of every sort that outlives a careless test: a CRD, one that will not go, and what a controller makes."""
    plane.kubectl("create", "namespace", "made")
    make(plane, CRD)
    plane.await_served([CRD])
    make(plane, THING, DEPLOYMENT)
    plane.kubectl("create", "clusterrolebinding", "made", "--clusterrole=view", "--user=somebody")
    plane.kubectl("wait", "--for=create", "pod", "--selector=app=idle", "--namespace=made", "--timeout=30s")


def test_a_restore_undoes_everything(plane: ControlPlane) -> None:
    before = plane.snapshot()
    make_all_sorts(plane)
    plane.kubectl("delete", "namespace", "made", "--wait=false")

    plane.restore(before)

    assert plane.snapshot() == before
    assert (
        plane.kubectl("get", "namespace,crd,pods,clusterrolebinding", "--all-namespaces", "-o", "name").count("made")
        == 0
    )
    assert plane.admin_request("/apis/example.com/v1")[0] == 404


def test_a_restore_brings_back_the_very_objects(plane: ControlPlane) -> None:
    start = plane.snapshot()
    make_all_sorts(plane)
    plane.settle()
    prepared = plane.snapshot()
    before = plane.get("things,deployments,pods,namespaces", "--all-namespaces")["items"]

    plane.restore(start)
    plane.restore(prepared)

    assert plane.get("things,deployments,pods,namespaces", "--all-namespaces")["items"] == [
        {**item, "metadata": {**item["metadata"], "resourceVersion": now["metadata"]["resourceVersion"]}}
        for item, now in zip(
            before, plane.get("things,deployments,pods,namespaces", "--all-namespaces")["items"], strict=True
        )
    ]
    # The restored CRD works on: its objects can be written.
    plane.kubectl("label", "things", "one", "--namespace=made", "changed=yes")


def test_controllers_that_insist_are_started_anew(plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    before = plane.snapshot()
    make_all_sorts(plane)
    pids = [one.pid for one in plane.programs]
    given_up = iter([[b"/registry/pods/made/idle"]])
    put_back = ControlPlane._put_back
    monkeypatch.setattr(
        ControlPlane, "_put_back", lambda self, snapshot: next(given_up, None) or put_back(self, snapshot)
    )

    plane.restore(before)

    assert plane.snapshot() == before
    assert [one.pid == pid for one, pid in zip(plane.programs, pids, strict=True)] == [True, True, False]
    # They are at work.
    make_all_sorts(plane)


def test_an_identity_has_its_rights_and_no_others(plane: ControlPlane) -> None:
    somebody = plane.identity("somebody")
    plane.kubectl("create", "clusterrole", "looks", "--verb=list", "--resource=namespaces")
    plane.kubectl("create", "clusterrolebinding", "looks", "--clusterrole=looks", "--user=somebody")
    plane.await_right("somebody", "list", "namespaces")

    assert "kube-system" in somebody.kubectl("get", "namespaces", "-o", "name")
    with pytest.raises(subprocess.CalledProcessError):
        somebody.kubectl("get", "secrets", "--all-namespaces")


def test_the_audit_log_tells_writes_of_each_identity_apart(plane: ControlPlane) -> None:
    mark = plane.now()
    plane.kubectl("create", "namespace", "made")
    plane.kubectl("create", "namespace", "tried", "--dry-run=server")

    assert [write["uri"].partition("?")[0] for write in plane.writes_since(mark)] == ["/api/v1/namespaces"]
    assert plane.writes_since(mark, user="somebody") == []
    assert plane.writes_since(plane.now()) == []


def test_a_token_of_a_service_account_is_good(plane: ControlPlane) -> None:
    plane.kubectl("create", "serviceaccount", "robot")
    robot = plane.service_account("default", "robot")
    said = json.loads(robot.kubectl("auth", "whoami", "-o", "json"))
    assert said["status"]["userInfo"]["username"] == robot.user


def test_a_program_that_ends_tells_its_last_words(tmp_path: Path) -> None:
    with (
        program("short", ["sh", "-c", "echo last words; exit 3"], tmp_path) as short,
        pytest.raises(ProgramError, match=r"short ended with 3\n(.|\n)*last words"),
    ):
        short.wait_for(lambda: False, 10)


def test_a_program_that_will_not_end_is_killed(tmp_path: Path) -> None:
    with program("stubborn", ["sh", "-c", "trap '' TERM; echo up; sleep 60"], tmp_path, grace=0.1) as stubborn:
        stubborn.wait_for(lambda: "up" in stubborn.log.read_text(), 10)
    with pytest.raises(ProgramError, match="ended with -9"):
        stubborn.check()
