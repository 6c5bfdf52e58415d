# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole waits: signs that pass by themselves end none, and what never passes ends it with a cause that helps."""

from __future__ import annotations

import operator
from typing import Any

import pytest

from tests.unit.plugins.helpers.builders import CRD, DEPLOYMENT, POD, bundle, serving
from tests.unit.plugins.helpers.fakes import Clock, FakeCluster, Request, failure
from tests.unit.plugins.helpers.stepping import Script, edit, good, waiting
from tests.unit.plugins.module_utils.wait.test_controllers_failed import EVENTS, ends, stuck

NODES = "/api/v1/nodes"
KEYLESS = "0/1 nodes are available: 1 node(s) had untolerated taint(s). no new claims to deallocate"
NAMED = "0/1 nodes are available: 1 node(s) had untolerated taint {KEY: }."
IMAGE = "registry.example.com/x:1"


def unscheduled(message: str) -> dict[str, Any]:
    said = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    return {"phase": "Pending", "conditions": [said]}


def waits(reason: str, message: str, **more: Any) -> dict[str, Any]:
    status = {"name": "manager", "image": IMAGE, "state": {"waiting": {"reason": reason, "message": message}}, **more}
    return {"phase": "Pending", "containerStatuses": [status]}


def answers(cluster: FakeCluster, **paths: Any) -> None:
    def hook(request: Request) -> dict[str, Any] | None:
        answer: Any = {"/apis": {"groups": []}, NODES: paths.get("nodes"), EVENTS: paths.get("events")}.get(
            request.path
        )
        if isinstance(answer, Exception):
            raise answer
        return {"items": answer, "metadata": {}} if isinstance(answer, list) else answer

    cluster.hooks.append(hook)


def node(*taints: str, ready: str = "True") -> dict[str, Any]:
    return {
        "metadata": {"name": "n"},
        "spec": {"taints": [{"key": key, "effect": "NoSchedule"} for key in taints]},
        "status": {"conditions": [{"type": "Ready", "status": ready}]},
    }


@pytest.mark.parametrize(
    ("status", "nodes"),
    [
        (unscheduled(KEYLESS), [node("node.kubernetes.io/not-ready", ready="False")]),
        (unscheduled(KEYLESS), [node("node.kubernetes.io/disk-pressure")]),
        (unscheduled(KEYLESS), failure(403)),
        (unscheduled(NAMED.replace("KEY", "node.cilium.io/agent-not-ready")), []),
        (unscheduled(NAMED.replace("KEY", "node.kubernetes.io/disk-pressure")), []),
        (waits("CreateContainerConfigError", "failed to sync secret cache: timed out waiting for the condition"), []),
        (waits("CreateContainerConfigError", "services have not yet been read at least once"), []),
        (waits("ErrImagePull", "failed to unpack image: unexpected media type text/html for sha256:00: not found"), []),
        (waits("ErrImagePull", "content digest sha256:00: not found"), []),
    ],
)
def test_what_passes_ends_no_wait(clock: Clock, script: Script, status: dict[str, Any], nodes: Any) -> None:
    cluster = stuck(status)
    answers(cluster, nodes=nodes)
    script.append((50.0, good))
    assert waiting(cluster, clock, 120)["elapsed"] >= 50.0


@pytest.mark.parametrize("nodes", [[node("dedicated")], [node("dedicated"), node("node-role.kubernetes.io/infra")]])
def test_a_taint_that_stays_ends_it(clock: Clock, script: Script, nodes: Any) -> None:
    cluster = stuck(unscheduled(KEYLESS))
    answers(cluster, nodes=nodes)
    error = ends(cluster, clock, 60)
    assert "no node accepts it" in str(error)
    assert 6.0 <= error.facts["elapsed"] <= 7.0


def test_a_node_that_becomes_ready_and_stays_tainted_ends_it_then(clock: Clock, script: Script) -> None:
    nodes = [node("dedicated", ready="False")]
    cluster = stuck(unscheduled(KEYLESS))
    answers(cluster, nodes=nodes)
    script.append((20.0, lambda _cluster: operator.setitem(nodes, 0, node("dedicated"))))
    error = ends(cluster, clock, 60)
    assert 20.0 <= error.facts["elapsed"] <= 26.0


REFUSED = f'failed to pull and unpack image "{IMAGE}": unexpected status: 403 Forbidden'
BARE = waits("ImagePullBackOff", f'Back-off pulling image "{IMAGE}"')


def test_a_refusal_is_certain_although_the_kubelet_forgets_it(clock: Clock, script: Script) -> None:
    """Kubernetes 1.31."""
    cluster = stuck(BARE)
    answers(cluster, events=[])
    for second in (0, 10):
        script.append((second + 1.0, edit(POD, "status", to=waits("ErrImagePull", REFUSED))))
        script.append((second + 2.0, edit(POD, "status", to=BARE)))
    error = ends(cluster, clock, 60)
    assert "the registry denies the node access to its image" in str(error)
    assert f"credentials for the registry of {IMAGE}" in str(error)
    assert 16.0 <= error.facts["elapsed"] <= 18.0


def test_at_the_deadline_the_event_explains_a_back_off(clock: Clock, script: Script) -> None:
    cluster = stuck(BARE)
    uid = cluster.objects[POD]["metadata"]["uid"]
    said = {"reason": "Failed", "message": f'Failed to pull image "{IMAGE}": {REFUSED}', "lastTimestamp": "2026"}
    answers(cluster, events=[{**said, "metadata": {}, "involvedObject": {"name": "manager-1", "uid": uid}}])
    error = ends(cluster, clock, 30)
    assert "cause: the registry denies the node access to its image" in str(error)
    assert "Next: give the pods credentials" in str(error)
    assert "can reach the registry" not in str(error)


# -- a CRD that can never be served -----------------------------------------------------------------------------------

TAKEN = {"type": "NamesAccepted", "status": "False", "message": '"trainjobs" is already in use'}
ODD = {"type": "NonStructuralSchema", "status": "True", "message": "spec.versions[0].schema: Required value"}


@pytest.mark.parametrize(("condition", "words"), [(TAKEN, "is already in use"), (ODD, "Required value")])
def test_a_crd_that_failed_ends_the_wait(clock: Clock, script: Script, condition: dict[str, Any], words: str) -> None:
    cluster = serving(bundle())
    others = cluster.objects[CRD]["status"]["conditions"]
    kept = [entry for entry in others if entry["type"] != condition["type"]]
    edit(CRD, "status", "conditions", to=[*kept, condition])(cluster)
    error = ends(cluster, clock, 300)
    assert error.subject == f"CustomResourceDefinition {CRD.name}"
    assert words in str(error)
    assert (error.next_step or "").endswith("; then run this again")
    assert 5.0 <= error.facts["elapsed"] <= 6.0
    assert "failed" in {row["state"] for row in error.facts["checks"]}


def test_a_condition_that_is_only_old_ends_nothing(clock: Clock, script: Script) -> None:
    cluster = serving(bundle())
    before = list(cluster.objects[CRD]["status"]["conditions"])
    edit(CRD, "status", "conditions", to=[*before, ODD])(cluster)
    script.append((4.0, edit(CRD, "status", "conditions", to=before)))
    assert waiting(cluster, clock, 60)["elapsed"] >= 4.0


# -- numbers that conditions contradict -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "status",
    [
        {"conditions": [{"type": "Available", "status": "False"}]},
        {"conditions": [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]},
        {"replicas": 3, "updatedReplicas": 3},
    ],
)
def test_a_wait_goes_on_until_the_evidence_agrees(clock: Clock, script: Script, status: dict[str, Any]) -> None:
    cluster = serving(bundle())
    before = dict(cluster.objects[DEPLOYMENT]["status"])
    edit(DEPLOYMENT, "status", to={**before, **status})(cluster)
    script.append((30.0, edit(DEPLOYMENT, "status", to=before)))
    assert waiting(cluster, clock, 60)["elapsed"] >= 30.0
