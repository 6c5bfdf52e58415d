# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""States of a cluster that an inspection tells apart: controllers, webhooks and CRDs as each installer leaves them."""

from __future__ import annotations

import copy
from typing import Any

from ansible_collections.conductor.trainer.plugins.module_utils.cluster.reader import Page
from ansible_collections.conductor.trainer.plugins.module_utils.inspection.reads import Readings
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle
from ansible_collections.conductor.trainer.plugins.module_utils.release.loader import parse_bundle
from tests.unit.plugins.helpers.builders import ESTABLISHED, READY_STATUS, real_content

HOME = "kubeflow-system"
_REAL = parse_bundle(real_content())
# One entry of managedFields is what an applier leaves; the fields in it do not matter here.
_FIELDS: dict[str, Any] = {"f:metadata": {"f:labels": {"f:conductor.trainer/managed": {}}}, "f:spec": {}}


def release() -> Bundle:
    """The bundle of the collection."""
    return _REAL


def managed(item: dict[str, Any], manager: str = "conductor", **metadata: Any) -> dict[str, Any]:
    """A copy of an object as a manager applied it; labels and annotations given replace its own."""
    # CRDs are large, and nobody changes their schemas here.
    done = dict(item) if item["kind"] == "CustomResourceDefinition" else copy.deepcopy(item)
    entry = {"manager": manager, "operation": "Apply", "fieldsV1": _FIELDS}
    done["metadata"] = {**done["metadata"], "managedFields": [entry], **metadata}
    return done


def crds(manager: str = "conductor", **metadata: Any) -> dict[str, Any]:
    """The four CRDs, Established."""
    return {
        item["metadata"]["name"]: {**managed(item, manager, **metadata), "status": ESTABLISHED}
        for item in _REAL.objects("CustomResourceDefinition")
    }


def webhooks(kind: str, manager: str = "conductor", home: str = HOME, **metadata: Any) -> list[dict[str, Any]]:
    """The webhook configurations of a kind, with certificates, pointing to services in a namespace."""
    found = [managed(item, manager, **metadata) for item in _REAL.objects(f"{kind}WebhookConfiguration")]
    for item in found:
        for webhook in item["webhooks"]:
            webhook["clientConfig"]["caBundle"] = "Y2E="
            webhook["clientConfig"]["service"]["namespace"] = home
    return found


def deployments(manager: str = "conductor", home: str = HOME, **metadata: Any) -> list[dict[str, Any]]:
    """The two controllers, rolled out."""
    found = [managed(item, manager, **metadata, generation=1) for item in _REAL.objects("Deployment")]
    for item in found:
        item["metadata"]["namespace"] = home
        item["status"] = copy.deepcopy(READY_STATUS)
    return found


def jobset_controller(home: str, **changes: Any) -> dict[str, Any]:
    """JobSet's controller in a namespace."""
    return next(item for item in deployments(home=home, **changes) if item["metadata"]["name"].startswith("jobset"))


def endpoints(home: str, *services: str) -> dict[str, Any]:
    """An EndpointSlice with one ready endpoint for each Service of a namespace, as a page."""
    return {
        home: page(
            {
                "metadata": {"name": name, "namespace": home, "labels": {"kubernetes.io/service-name": name}},
                "endpoints": [{"conditions": {"ready": True}, "targetRef": {"uid": name, "name": name}}],
            }
            for name in services
        )
    }


def page(items: Any = (), more: int = 0) -> Page:
    """The first page of a list."""
    items = list(items)
    return Page(items, len(items) + more)


NODE: dict[str, Any] = {
    "metadata": {"name": "node"},
    "spec": {"providerID": "kind://docker/x/node"},
    "status": {
        "allocatable": {"cpu": "2", "memory": "4Gi"},
        "conditions": [{"type": "Ready", "status": "True"}],
        "nodeInfo": {"architecture": "amd64"},
    },
}
EVERYTHING = {"resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]}
EVERYTHING["nonResourceRules"] = [{"verbs": ["*"], "nonResourceURLs": ["*"]}]


def empty(**changes: Any) -> Readings:
    """What is read on an empty cluster by somebody who may do everything."""
    nothing = page()
    values: dict[str, Any] = {
        "version": "1.35.1",
        "groups": {"apps": frozenset({"deployments"})},
        "crds": {name: {} for name in crds()},
        "mutating": nothing,
        "validating": nothing,
        "deployments": nothing,
        "everywhere": True,
        "slices": {},
        "kube_system": {"metadata": {"name": "kube-system", "uid": "u-1"}},
        "namespace": {},
        "public_config": {},
        "record": {},
        "nodes": page([NODE]),
        "pods": {"node": nothing},
        "train_jobs": nothing,
        "job_sets": nothing,
        "cluster_runtimes": nothing,
        "runtimes": nothing,
        "quotas": nothing,
        "policies": nothing,
        "limit_ranges": nothing,
        "rules": EVERYTHING,
        "cluster_rules": EVERYTHING,
        "requests": 24,
    }
    return Readings(**{**values, **changes})


def installed(manager: str = "conductor", home: str = HOME, metadata: Any = None, **changes: Any) -> Readings:
    """What is read where all of the release is there and serves, by whoever installed it."""
    marks = metadata or {}
    return empty(
        **{
            "crds": crds(manager, **marks),
            "mutating": page(webhooks("Mutating", manager, home, **marks)),
            "validating": page(webhooks("Validating", manager, home, **marks)),
            "deployments": page(deployments(manager, home, **marks)),
            "slices": endpoints(home, "kubeflow-trainer-controller-manager", "jobset-webhook-service"),
            "namespace": {"metadata": {"name": home}},
            "public_config": {"data": {"kubeflow_trainer_version": "v2.3.0"}},
            **changes,
        }
    )
