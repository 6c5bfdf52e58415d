# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taints that pass by themselves, and those that people set."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.failure_sign import FailureSign
from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.failure_tracker import FailureTracker
from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.failures import failure_signs
from ansible_collections.conductor.trainer.plugins.module_utils.inspection.nodes import node_facts
from ansible_collections.conductor.trainer.plugins.module_utils.inspection.rollout import ToPlace
from ansible_collections.conductor.trainer.plugins.module_utils.verdicts.nodes import (
    is_temporary_taint,
    may_accept_soon,
    named_taints,
)
from tests.unit.plugins.helpers.fakes import FakeCluster, failure

PASSING = [
    # Kubernetes: well-known labels, annotations and taints; node lifecycle controller; cloud-provider.
    "node.kubernetes.io/not-ready",
    "node.kubernetes.io/unreachable",
    "node.kubernetes.io/memory-pressure",
    "node.kubernetes.io/disk-pressure",
    "node.kubernetes.io/pid-pressure",
    "node.kubernetes.io/network-unavailable",
    "node.kubernetes.io/out-of-service",
    "node.cloudprovider.kubernetes.io/uninitialized",
    "node.cloudprovider.kubernetes.io/shutdown",
    # Networks and storage.
    "node.cilium.io/agent-not-ready",
    "ebs.csi.aws.com/agent-not-ready",
    "efs.csi.aws.com/agent-not-ready",
    "fsx.csi.aws.com/agent-not-ready",
    "disk.csi.azure.com/agent-not-ready",
    "k8s.ovn.org/network-unavailable",
    "cni.istio.io/not-ready",
    # Machines and autoscalers.
    "node.cluster.x-k8s.io/uninitialized",
    "ToBeDeletedByClusterAutoscaler",
    "DeletionCandidateOfClusterAutoscaler",
    "startup-taint.cluster-autoscaler.kubernetes.io/gpu-driver",
    "status-taint.cluster-autoscaler.kubernetes.io/check",
    "ignore-taint.cluster-autoscaler.kubernetes.io/storage",
    "karpenter.sh/unregistered",
    "karpenter.sh/disrupted",
    "karpenter.sh/disruption",
    "aws-node-termination-handler/spot-itn",
    "cloud.google.com/impending-node-termination",
    "medik8s.io/remediation",
    "readiness.k8s.io/network-ready",
    "nidhogg.uswitch.com/kube-system.node-local-dns",
    "kubevirt.io/drain",
    "example.com/node-reboot",
    "example.com/preempting",
    "example.com/driver-notready",
    "example.com/cache_not_ready",
    "example.com/agent-unhealthy",
    "node.gardener.cloud/critical-components-not-ready",
    "node.kubernetes.io/out-of-disk",
    "example.com/driver-not-initialized",
    "example.com/provisioning",
    "example.com/gpu-driver.upgrading",
    "example.com/startup",
    "UpdateInProgress",
]
STAYING = [
    "node-role.kubernetes.io/control-plane",
    "node-role.kubernetes.io/master",
    "node.kubernetes.io/unschedulable",
    "nvidia.com/gpu",
    "amd.com/gpu",
    "google.com/tpu",
    "dedicated",
    "team",
    "CriticalAddonsOnly",
    "kubernetes.azure.com/scalesetpriority",
    "virtual-kubelet.io/provider",
    "cloud.google.com/gke-spot",
    "node.ocs.openshift.io/storage",
    "eks.amazonaws.com/compute-type",
    "components.gke.io/gke-managed-components",
    "example.com/ready",
    "example.com/startup-team",
    "example.com/pressure-tests",
    "example.com/training",
    "example.com/marketing",
    "example.com/serving",
    "example.com/updates",
    "workload",
    "spot",
    "kubernetes.io/arch",
    "node.cluster.x-k8s.io/control-plane",
    "",
]


@pytest.mark.parametrize("key", PASSING)
def test_programs_remove_their_taints(key: str) -> None:
    assert is_temporary_taint(key)


@pytest.mark.parametrize("key", STAYING)
def test_people_do_not(key: str) -> None:
    assert not is_temporary_taint(key)


def node(*taints: str, ready: Any = "True", **more: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "n", **more.pop("metadata", {})},
        "spec": {"taints": [{"key": taint, "effect": "NoSchedule"} for taint in taints], **more},
        "status": {
            "conditions": [{"type": "Ready", "status": ready}],
            "allocatable": {"cpu": "8", "memory": "8Gi"},
            "nodeInfo": {"architecture": "amd64"},
        },
    }


@pytest.mark.parametrize(
    ("value", "soon"),
    [
        (node(), False),
        (node(ready="False"), True),
        (node(ready="Unknown"), True),
        (node("dedicated"), False),
        (node("dedicated", "node.cilium.io/agent-not-ready"), True),
        (node(unschedulable=True), False),
        (node("node.kubernetes.io/unschedulable", unschedulable=True), False),
        (node("node.kubernetes.io/not-ready", unschedulable=True), True),
        (node(ready="False", metadata={"deletionTimestamp": "t"}), False),
        ({}, True),
        ({"spec": {"taints": ["odd"]}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}, False),
    ],
)
def test_a_node_that_may_accept_pods_soon(value: dict[str, Any], soon: bool) -> None:
    assert may_accept_soon(value) is soon


# -- the scheduler ----------------------------------------------------------------------------------------------------

KEYLESS = "0/1 nodes are available: 1 node(s) had untolerated taint(s). no new claims to deallocate, preemption: 0/1"
ROLLING = {"metadata": {"name": "d", "generation": 1}, "status": {"observedGeneration": 1, "updatedReplicas": 1}}


def unscheduled(message: str, reason: str = "Unschedulable", **status: Any) -> dict[str, Any]:
    said = {"type": "PodScheduled", "status": "False", "reason": reason, "message": message}
    return {"metadata": {"name": "p", "uid": "u"}, "status": {"phase": "Pending", "conditions": [said], **status}}


def signs(message: str, **status: Any) -> list[FailureSign]:
    return failure_signs(ROLLING, [unscheduled(message, **status)])


def certain(message: str, nodes: list[dict[str, Any]] | int) -> tuple[bool, int]:
    """Return whether a sign is certain after its grace, and how often the nodes were read."""
    cluster = FakeCluster()

    def hook(request: Any) -> dict[str, Any] | None:
        if request.path == "/apis":
            return {"groups": []}
        if request.path == "/api/v1/nodes":
            if isinstance(nodes, int):
                raise failure(nodes)
            return {"items": nodes, "metadata": {}}
        return None

    cluster.hooks.append(hook)
    tracker = FailureTracker(cluster, [])
    assert tracker.certain(signs(message), 0.0) == []
    found = bool(tracker.certain(signs(message), 6.0))
    assert bool(tracker.certain(signs(message), 7.0)) is found
    return found, sum(request.path == "/api/v1/nodes" for request in cluster.requests)


@pytest.mark.parametrize("key", PASSING)
def test_a_named_taint_that_passes_is_no_sign(key: str) -> None:
    """The scheduler up to Kubernetes 1.34."""
    assert signs(f"0/1 nodes are available: 1 node(s) had untolerated taint {{{key}: }}. preemption: 0/1 nodes") == []
    both = f"0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint {{{key}: true}}."
    assert signs(both) == []


@pytest.mark.parametrize("key", [key for key in STAYING if key])
def test_a_named_taint_that_stays_is_a_sign(key: str) -> None:
    message = f"0/1 nodes are available: 1 node(s) had untolerated taint {{{key}: }}."
    assert named_taints(message) == [key]
    assert certain(message, 403) == (True, 0)


@pytest.mark.parametrize(
    ("nodes", "found"),
    [
        ([node(ready="False")], False),
        ([node("node.kubernetes.io/not-ready", ready="False")], False),
        ([node("node.cilium.io/agent-not-ready")], False),
        ([node("node.kubernetes.io/disk-pressure")], False),
        ([node("dedicated"), node("node.cloudprovider.kubernetes.io/uninitialized")], False),
        ([node("dedicated")], True),
        ([node("dedicated"), node("node-role.kubernetes.io/control-plane")], True),
        # Unknown.
        ([], False),
        (403, False),
        (500, False),
    ],
)
def test_the_nodes_decide_where_no_taint_is_named(nodes: Any, found: bool) -> None:
    """The scheduler from Kubernetes 1.35 on."""
    assert certain(KEYLESS, nodes) == (found, 1)


@pytest.mark.parametrize(
    ("nodes", "found"),
    [
        ([node()], True),
        ([node(ready="False")], False),
        ([node("node.kubernetes.io/unschedulable")], True),
        (403, False),
    ],
)
@pytest.mark.parametrize(
    "message",
    [
        "0/1 nodes are available: 1 node(s) were unschedulable.",
        "0/2 nodes are available: 1 node(s) had untolerated taint {dedicated: gpu}, 1 node(s) were unschedulable.",
    ],
)
def test_a_cordoned_node_may_be_restarting(message: str, nodes: Any, found: bool) -> None:
    assert certain(message, nodes) == (found, 1)


@pytest.mark.parametrize(
    ("message", "found"),
    [
        ("0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available", True),
        ("0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.", True),
        ("no nodes available to schedule pods", False),
        ("0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.", False),
        ("0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.", False),
        ("running PreBind plugin: timed out", False),
    ],
)
def test_other_reasons_need_no_nodes(message: str, found: bool) -> None:
    if not found:
        assert signs(message) == []
    else:
        assert certain(message, 403) == (True, 0)


@pytest.mark.parametrize(
    "change",
    [
        {"status": {"nominatedNodeName": "n"}},
        {"spec": {"nodeName": "n"}},
        {"metadata": {"deletionTimestamp": "t"}},
        {"status": {"phase": "Failed"}},
    ],
)
def test_a_pod_that_has_got_a_node_or_an_end_is_no_sign(change: dict[str, Any]) -> None:
    pod = unscheduled("1 Insufficient cpu")
    assert failure_signs(ROLLING, [pod])
    for name, more in change.items():
        pod[name] = {**pod.get(name, {}), **more}
    assert failure_signs(ROLLING, [pod]) == []


@pytest.mark.parametrize("reason", ["SchedulerError", "SchedulingGated", "Other"])
def test_other_reasons_of_the_scheduler_are_no_sign(reason: str) -> None:
    assert signs("1 Insufficient cpu", reason=reason) == []


# -- before an install ------------------------------------------------------------------------------------------------


def blocked(*nodes: dict[str, Any]) -> bool:
    wanted = [ToPlace("a", {"containers": []})]
    facts = node_facts(nodes, len(nodes), {"n": []}, wanted) | {"can_scale_up": False}
    from ansible_collections.conductor.trainer.plugins.module_utils.findings.cluster_rules import RULES

    return bool(list(RULES["no_schedulable_node"]({"nodes": facts})))


@pytest.mark.parametrize("key", PASSING)
def test_a_taint_that_passes_does_not_block_an_install(key: str) -> None:
    assert not blocked(node(key))
    assert not blocked(node("dedicated"), node(key))
    assert blocked(node(key, "dedicated"))


@pytest.mark.parametrize("key", STAYING)
def test_a_taint_that_stays_blocks_an_install(key: str) -> None:
    assert blocked(node(key))


def test_a_passing_taint_counts_beyond_the_first_few_reasons() -> None:
    many = [node(f"a{number}") for number in range(9)]
    assert blocked(*many)
    assert not blocked(*many, node("z.io/agent-not-ready"))


def test_a_node_that_is_being_deleted_accepts_nothing() -> None:
    assert blocked(node(metadata={"deletionTimestamp": "t"}))
    assert blocked(node(ready="False", metadata={"deletionTimestamp": "t"}))
    assert not blocked(node(ready="False"))


def test_a_ready_condition_that_contradicts_itself_is_not_ready() -> None:
    twice = node()
    twice["status"]["conditions"].append({"type": "Ready", "status": "False"})
    assert node_facts([twice], 1, {}, [])["ready"] == 0
