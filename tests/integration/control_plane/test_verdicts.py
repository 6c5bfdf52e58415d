# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verdicts on what a real API server makes of objects that can never be used, and which nodes and events it returns."""

from __future__ import annotations

import copy
import json
from typing import Any

from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.events import last_event
from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.failure_tracker import FailureTracker
from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.failures import failure_signs
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import Key, path_of
from ansible_collections.conductor.trainer.plugins.module_utils.verdicts.api import crd_verdict
from tests.integration.control_plane.test_control_plane import CRD, make
from tests.support.control_plane import ControlPlane
from tests.unit.plugins.module_utils.verdicts.test_nodes import KEYLESS, ROLLING, unscheduled

CRDS = "apiextensions.k8s.io/v1", "CustomResourceDefinition", ""


def test_a_crd_whose_names_are_taken_has_failed(plane: ControlPlane) -> None:
    second: dict[str, Any] = copy.deepcopy(CRD)
    second["metadata"]["name"] = "others.example.com"
    second["spec"]["names"]["plural"] = "others"
    make(plane, CRD)
    plane.await_served([CRD])
    make(plane, second)
    plane.kubectl("wait", "--for=condition=NamesAccepted=false", "crd/others.example.com", "--timeout=30s")

    first, taken = (
        crd_verdict(name, plane.client().get(path_of(Key(*CRDS, name))))
        for name in ("things.example.com", "others.example.com")
    )

    assert first.ready
    assert taken.state == "failed"
    assert taken.evidence == 'not NamesAccepted "ThingList" is already in use'
    assert taken.next_step


def node(name: str, *taints: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name},
        "spec": {"taints": [{"key": key, "effect": "NoSchedule"} for key in taints]},
    }


def report(plane: ControlPlane, name: str, ready: str) -> None:
    patch = {"status": {"conditions": [{"type": "Ready", "status": ready, "reason": "So", "message": "so"}]}}
    plane.kubectl("patch", "node", name, "--subresource=status", "--type=merge", "-p", json.dumps(patch))


def test_the_nodes_of_the_cluster_decide_about_an_unnamed_taint(plane: ControlPlane) -> None:
    signs = failure_signs(ROLLING, [unscheduled(KEYLESS)])

    def is_certain(cluster: Any) -> bool:
        tracker = FailureTracker(cluster, [])
        tracker.certain(signs, 0.0)
        return bool(tracker.certain(signs, 60.0))

    make(plane, node("conductor-a", "dedicated"))
    report(plane, "conductor-a", "False")
    assert not is_certain(plane.client())
    report(plane, "conductor-a", "True")
    # The API server taints every new node, until another program sees that it is ready.
    assert not is_certain(plane.client())
    plane.kubectl("taint", "node", "conductor-a", "node.kubernetes.io/not-ready-")
    assert is_certain(plane.client())
    assert not is_certain(plane.identity("somebody", "nobody").client())


def event(name: str, uid: str, message: str, second: int) -> dict[str, Any]:
    time = f"2026-01-01T00:00:0{second}Z"
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": "default"},
        "involvedObject": {"apiVersion": "v1", "kind": "Pod", "namespace": "default", "name": "p", "uid": uid},
        "reason": "Failed",
        "message": message,
        "type": "Warning",
        "firstTimestamp": time,
        "lastTimestamp": time,
    }


def test_the_events_of_an_earlier_pod_do_not_count(plane: ControlPlane) -> None:
    make(plane, event("p.1", "old", "of the old pod", 9), event("p.2", "new", "of the new pod", 1))
    assert last_event(plane.client(), "default", "p", "new") == "of the new pod"
    assert last_event(plane.client(), "default", "p", "other") == ""
