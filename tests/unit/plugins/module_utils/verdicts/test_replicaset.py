# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.verdicts.workloads import (
    present_replicaset,
    replicaset_verdict,
)

REVISION = "deployment.kubernetes.io/revision"


def replica_set(name: str, owner: str, revision: str, *, there: int = 0, **status: Any) -> dict[str, Any]:
    """Return a ReplicaSet with a single pod, of the Deployment with this uid."""
    return {
        "metadata": {
            "name": name,
            "generation": 1,
            "annotations": {REVISION: revision},
            "ownerReferences": [{"kind": "Deployment", "uid": owner}],
        },
        "spec": {"replicas": 1},
        "status": {"observedGeneration": 1, "replicas": there, "availableReplicas": there, **status},
    }


def ready() -> dict[str, Any]:
    return replica_set("r", "u", "1", there=1)


def test_all_of_its_pods_are_available() -> None:
    verdict = replicaset_verdict("r", ready())
    assert (verdict.subject, verdict.rule, verdict.state) == ("ReplicaSet r", "pods", "ready")
    assert verdict.evidence == "1 of 1 pods exist, 1 available"


@pytest.mark.parametrize(
    ("path", "value", "evidence"),
    [
        (("metadata", "deletionTimestamp"), "2026-01-01T00:00:00Z", "Terminating"),
        (("metadata", "deletionTimestamp"), True, "Terminating"),
        (("metadata", "generation"), 2, "the ReplicaSet controller has not observed its newest generation yet"),
        (("metadata", "generation"), None, "the ReplicaSet controller has not observed its newest generation yet"),
        (("status",), None, "the ReplicaSet controller has not observed its newest generation yet"),
        (("spec", "replicas"), None, "1 of 0 pods exist, 1 available"),
        (("spec", "replicas"), 2, "1 of 2 pods exist, 1 available"),
        (("status", "replicas"), 2, "2 of 1 pods exist, 1 available"),
        (("status", "availableReplicas"), None, "1 of 1 pods exist, 0 available"),
        (("status", "availableReplicas"), "1", "1 of 1 pods exist, 0 available"),
    ],
    ids=str,
)
def test_each_unmet_condition_is_not_ready(path: tuple[str, ...], value: Any, evidence: str) -> None:
    item = ready()
    inner = item
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    verdict = replicaset_verdict("r", item)
    assert (verdict.state, verdict.evidence) == ("progressing", evidence)


def test_replicaset_scaled_to_zero_is_not_ready() -> None:
    item = replica_set("r", "u", "1")
    item["spec"]["replicas"] = 0
    assert replicaset_verdict("r", item).state == "progressing"


def test_rejected_pods_are_reported_with_since() -> None:
    failure = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota: q"}
    failure["lastTransitionTime"] = "2026-01-01T00:00:00Z"
    verdict = replicaset_verdict("r", replica_set("r", "u", "1", there=1, conditions=[failure]))
    assert (verdict.state, verdict.since) == ("progressing", "2026-01-01T00:00:00Z")
    assert verdict.evidence == "1 of 1 pods exist, 1 available; FailedCreate: exceeded quota: q"


@pytest.mark.parametrize("item", [None, {}, {"metadata": 1, "spec": [], "status": "x"}, {"status": {"conditions": 1}}])
def test_malformed_objects_are_never_ready(item: dict[str, Any] | None) -> None:
    assert replicaset_verdict("r", item).state == "progressing"


def test_current_replicaset_has_the_revision_and_the_owner() -> None:
    deployment = {"metadata": {"uid": "u", "annotations": {REVISION: "2"}}}
    old, new = replica_set("a", "u", "1"), replica_set("b", "u", "2")
    strangers, orphan = replica_set("0", "other", "2"), replica_set("1", "u", "2")
    del orphan["metadata"]["ownerReferences"]
    assert present_replicaset(deployment, [old, strangers, orphan, new]) is new
    assert present_replicaset(deployment, [old, strangers, orphan]) is None


@pytest.mark.parametrize("deployment", [{}, {"metadata": {"uid": "u"}}, {"metadata": {"uid": "u", "annotations": 1}}])
def test_a_deployment_without_a_revision_has_none(deployment: dict[str, Any]) -> None:
    bare = replica_set("a", "u", "1")
    del bare["metadata"]["annotations"]
    assert present_replicaset(deployment, [bare, {}, replica_set("b", "u", "1")]) is None
