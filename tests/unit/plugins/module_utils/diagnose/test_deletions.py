# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A deletion that does not finish: dry runs show what rejects it, and nothing is stored."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.deletions import DeletionDiagnosis
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import Key, key_of
from tests.unit.plugins.helpers.builders import obj
from tests.unit.plugins.helpers.fakes import FakeCluster, Request, failure

POLICY = "ValidatingAdmissionPolicy 'labels' with binding 'all' denied request: needs a team"
DYING = {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["foregroundDeletion"]}


def owned(kind: str, name: str, api_version: str, owner: str, **metadata: Any) -> dict[str, Any]:
    references = {"ownerReferences": [{"uid": owner}]}
    return obj(kind, name, api_version, "ops", metadata={"uid": f"uid-{name}", **references, **metadata})


def stuck() -> tuple[FakeCluster, Key]:
    """A Deployment in foreground deletion, with a ReplicaSet, a pod, and others that it does not own."""
    cluster = FakeCluster()
    deployment = obj("Deployment", "manager", "apps/v1", "ops", metadata={"uid": "uid-manager", **DYING})
    for item in (
        deployment,
        owned("ReplicaSet", "set", "apps/v1", "uid-manager"),
        owned("ReplicaSet", "other", "apps/v1", "uid-other"),
        owned("Pod", "pod", "v1", "uid-set", **DYING),
        owned("Pod", "other", "v1", "uid-other"),
    ):
        cluster.objects[key_of(item)] = item
    return cluster, key_of(deployment)


def rejecting(cluster: FakeCluster, method: str, path: str, message: str = POLICY, status: int = 422) -> None:
    def hook(request: Request) -> dict[str, Any] | None:
        if request.method == method and request.path.endswith(path):
            raise failure(status, message=message)
        return None

    cluster.hooks.append(hook)


@pytest.mark.parametrize(
    ("method", "path", "what"),
    [
        ("PATCH", "/deployments/manager", "Deployment ops/manager"),
        ("DELETE", "/replicasets/set", "ReplicaSet ops/set"),
        ("PATCH", "/pods/pod", "Pod ops/pod"),
    ],
)
def test_what_rejects_is_named_with_what_helps(method: str, path: str, what: str) -> None:
    cluster, key = stuck()
    rejecting(cluster, method, path)
    diagnosis = DeletionDiagnosis(cluster)
    said = diagnosis.explain(key)
    assert said.startswith(
        "the ValidatingAdmissionPolicy labels (ValidatingAdmissionPolicyBinding all) rejects " + what
    )
    assert said.endswith(POLICY)
    (next_step,) = diagnosis.next_steps
    assert "exempt the namespace ops from the ValidatingAdmissionPolicy labels" in next_step


def test_nothing_is_stored_and_nothing_of_others_is_asked() -> None:
    cluster, key = stuck()
    before = {name: dict(item) for name, item in cluster.objects.items()}
    diagnosis = DeletionDiagnosis(cluster)
    assert diagnosis.explain(key) == ""
    assert diagnosis.next_steps == []
    assert cluster.objects == before
    assert cluster.writes == []
    sent = [request for request in cluster.requests if request.method != "GET"]
    assert {request.query["dryRun"] for request in sent} == {"All"}
    assert sorted(request.path.rpartition("/")[2] for request in sent) == ["manager", "pod", "set"]
    # Only this object, not one that was created meanwhile.
    assert "uid-manager" in str(sent[0].body)


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (403, 'User "u" cannot patch resource "deployments" in API group "apps"'),
        (404, 'deployments.apps "manager" not found'),
        (409, "the object has been modified; please apply your changes"),
        (500, "something new"),
    ],
)
def test_other_failures_explain_nothing(status: int, message: str) -> None:
    cluster, key = stuck()
    rejecting(cluster, "PATCH", "/deployments/manager", message, status)
    assert DeletionDiagnosis(cluster).explain(key) == ""


def test_objects_that_may_not_be_read_are_left_out() -> None:
    cluster, key = stuck()
    cluster.fail(403, method="GET", path="/replicasets")
    assert DeletionDiagnosis(cluster).explain(key) == ""
    assert DeletionDiagnosis(FakeCluster()).explain(key) == ""


def test_the_same_next_step_is_given_once() -> None:
    cluster, key = stuck()
    rejecting(cluster, "PATCH", "/deployments/manager")
    diagnosis = DeletionDiagnosis(cluster)
    assert diagnosis.explain(key) == diagnosis.explain(key)
    assert len(diagnosis.next_steps) == 1
