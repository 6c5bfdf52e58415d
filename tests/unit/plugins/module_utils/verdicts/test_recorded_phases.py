# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verdicts on what a real cluster (Kubernetes 1.35.8) had at each moment of a life.

recorded/phases.json is what `kubectl get KIND --watch --output-watch-events -o json` shows of an install; Trainer's pod
deleted; JobSet given an image that is not there, and its rollout undone; Trainer scaled to 0 and back to 1; an
uninstall. Each version is reduced to the fields that verdicts read; `object` is null when the object is gone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.verdicts.api import crd_verdict, namespace_verdict
from ansible_collections.conductor.trainer.plugins.module_utils.verdicts.pods import running_since
from ansible_collections.conductor.trainer.plugins.module_utils.verdicts.verdict import Verdict
from ansible_collections.conductor.trainer.plugins.module_utils.verdicts.webhooks import (
    endpoints_verdict,
    webhook_configuration_verdict,
)
from ansible_collections.conductor.trainer.plugins.module_utils.verdicts.workloads import (
    deployment_verdict,
    lease_verdict,
    replicaset_verdict,
)
from tests.unit.plugins.helpers.builders import ROOT

RECORDED: list[dict[str, Any]] = json.loads(
    (ROOT / "tests" / "unit" / "plugins" / "recorded" / "phases.json").read_text(encoding="utf-8")
)
TRAINER, JOBSET = "kubeflow-trainer-controller-manager", "jobset-controller-manager"
# The webhooks that each configuration must have.
WEBHOOKS = {
    (entry["kind"], entry["name"]): [webhook["name"] for webhook in entry["object"]["webhooks"]]
    for entry in RECORDED
    if entry["object"] and "webhooks" in entry["object"]
}
Cluster = dict[tuple[str, str], dict[str, Any]]


def moments() -> Iterator[tuple[dict[str, Any], Cluster]]:
    """Yield each entry, with all objects as they were at that time."""
    known: Cluster = {}
    for entry in RECORDED:
        if entry["object"] is None:
            known.pop((entry["kind"], entry["name"]), None)
        else:
            known[entry["kind"], entry["name"]] = entry["object"]
        yield entry, dict(known)


def pods(cluster: Cluster, of: str) -> list[dict[str, Any]]:
    """Return a controller's pods that are not terminating."""
    return [
        item
        for (kind, name), item in cluster.items()
        if kind == "Pod" and name.startswith(of) and "deletionTimestamp" not in item["metadata"]
    ]


def judge(kind: str, name: str, cluster: Cluster) -> Verdict:
    """Return the verdict on an object in the same way as the wait."""
    item = cluster.get((kind, name))
    of = JOBSET if "jobset" in name else TRAINER
    members = pods(cluster, of)
    if kind == "Deployment":
        return deployment_verdict(name, item, members)
    if kind == "CustomResourceDefinition":
        return crd_verdict(name, item)
    if kind == "Namespace":
        return namespace_verdict(name, item)
    if kind == "Lease":
        return lease_verdict(name, item or {}, {pod["metadata"]["name"]: running_since(pod) for pod in members}, "n")
    if kind == "ReplicaSet":
        return replicaset_verdict(name, item)
    if kind == "EndpointSlice":
        return endpoints_verdict(name, [item] if item else [], {pod["metadata"]["uid"]: pod for pod in members})
    return webhook_configuration_verdict(name, item, WEBHOOKS[kind, name])


def changes(kind: str, name: str) -> list[tuple[float, str]]:
    """Return when the state of an object's verdict changed, and the new state."""
    found: list[tuple[float, str]] = []
    for entry, cluster in moments():
        # The pods behind a Service contradict an EndpointSlice that is older than they are.
        if (entry["kind"], entry["name"]) == (kind, name) or (kind, entry["kind"]) == ("EndpointSlice", "Pod"):
            state = judge(kind, name, cluster).state
            if not found or found[-1][1] != state:
                found.append((entry["seconds"], state))
    return found


# Pods were Ready from 17.4 to 20.3 s, from 24.5 to 39.6 s, and from 47.6 to 64.5 s (Trainer's), from 16.4 to 64.3 s
# (JobSet's, whose new pod could not start between 26.6 and 33.0 s).
EXPECTED: Mapping[tuple[str, str], list[tuple[float, str]]] = {
    ("Namespace", "kubeflow-system"): [(5.66, "ready"), (72.62, "progressing")],
    ("CustomResourceDefinition", "jobsets.jobset.x-k8s.io"): [
        (5.91, "progressing"),
        (7.32, "ready"),
        (68.69, "progressing"),
    ],
    ("CustomResourceDefinition", "trainjobs.trainer.kubeflow.org"): [
        (6.36, "progressing"),
        (7.73, "ready"),
        (68.5, "progressing"),
    ],
    ("CustomResourceDefinition", "clustertrainingruntimes.trainer.kubeflow.org"): [
        (6.6, "progressing"),
        (7.92, "ready"),
        (68.76, "progressing"),
    ],
    ("CustomResourceDefinition", "trainingruntimes.trainer.kubeflow.org"): [
        (6.98, "progressing"),
        (8.62, "ready"),
        (68.73, "progressing"),
    ],
    ("EndpointSlice", "jobset-webhook-service-q4j5c"): [
        (6.99, "progressing"),
        (16.45, "ready"),
        (64.35, "progressing"),
    ],
    ("EndpointSlice", "kubeflow-trainer-controller-manager-nnhxp"): [
        (7.21, "progressing"),
        (17.44, "ready"),
        (20.28, "progressing"),
        (24.48, "ready"),
        (39.59, "progressing"),
        (47.59, "ready"),
        (64.49, "progressing"),
    ],
    ("Deployment", "jobset-controller-manager"): [
        (8.65, "progressing"),
        (16.51, "ready"),
        (26.54, "progressing"),
        (33.03, "ready"),
        (64.15, "progressing"),
    ],
    ("ReplicaSet", "jobset-controller-manager-5489fc9c66"): [
        (8.81, "progressing"),
        (16.45, "ready"),
        (64.26, "progressing"),
    ],
    # Its image cannot be pulled.
    ("ReplicaSet", "jobset-controller-manager-596d854fb9"): [(26.61, "progressing")],
    ("ReplicaSet", "kubeflow-trainer-controller-manager-db986dc8d"): [
        (8.92, "progressing"),
        (17.44, "ready"),
        (20.34, "progressing"),
        (24.5, "ready"),
        (39.45, "progressing"),
        (47.6, "ready"),
        (64.3, "progressing"),
    ],
    ("MutatingWebhookConfiguration", "jobset-mutating-webhook-configuration"): [
        (8.7, "progressing"),
        (13.54, "ready"),
        (64.07, "progressing"),
    ],
    ("ValidatingWebhookConfiguration", "validator.trainer.kubeflow.org"): [
        (8.71, "progressing"),
        (14.77, "ready"),
        (64.12, "progressing"),
    ],
    ("ValidatingWebhookConfiguration", "jobset-validating-webhook-configuration"): [
        (8.79, "progressing"),
        (13.51, "ready"),
        (64.1, "progressing"),
    ],
    ("Deployment", "kubeflow-trainer-controller-manager"): [
        (8.81, "progressing"),
        (17.45, "ready"),
        (20.41, "progressing"),
        (24.54, "ready"),
        (39.41, "progressing"),
        (47.61, "ready"),
        (64.18, "progressing"),
    ],
    ("MutatingWebhookConfiguration", "defaulter.trainer.kubeflow.org"): [
        (8.85, "progressing"),
        (14.77, "ready"),
        (64.06, "progressing"),
    ],
    ("Lease", "6d4f6a47.jobset.x-k8s.io"): [(12.51, "ready"), (66.37, "progressing")],
    ("Lease", "trainer.kubeflow.org"): [(14.44, "ready"), (66.37, "progressing")],
}


@pytest.mark.parametrize(("kind", "name"), EXPECTED)
def test_each_phase_of_a_life(kind: str, name: str) -> None:
    assert changes(kind, name) == EXPECTED[kind, name]


def test_every_object_that_was_recorded_is_judged() -> None:
    kinds = {entry["kind"] for entry in RECORDED} - {"Pod"}
    assert {kind for kind, _name in EXPECTED} == kinds
    assert {(entry["kind"], entry["name"]) for entry in RECORDED if entry["kind"] in kinds} == set(EXPECTED)


def test_a_controller_is_rolled_out_only_with_a_pod_that_is_ready() -> None:
    """Compare with the kubelet's status of the pods, which the verdict on a Deployment does not read."""
    ready = 0
    for entry, cluster in moments():
        if entry["kind"] == "Deployment" and judge("Deployment", entry["name"], cluster).ready:
            ready += 1
            conditions = [
                condition["status"]
                for pod in pods(cluster, entry["name"])
                for condition in pod["status"].get("conditions", [])
                if condition["type"] == "Ready"
            ]
            assert "True" in conditions, entry["seconds"]
    assert ready > 3
