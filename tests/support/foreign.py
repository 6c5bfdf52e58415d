# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects that others leave on a cluster: other installers' Trainers and JobSets, neighbours, users."""

from __future__ import annotations

import copy
from typing import Any

Manifest = dict[str, Any]

_HELM_RELEASE = "kubeflow-trainer"


def namespace(name: str, **labels: str) -> Manifest:
    """A namespace."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def helm_release(trainer: list[Manifest], jobset: list[Manifest]) -> list[Manifest]:
    """The objects of upstream as Trainer's Helm chart makes them, with its JobSet where C(jobset) is not empty.

    The chart has Helm's marks on everything, selects pods by other labels than the kustomization, calls JobSet's
    Deployment and webhook configurations otherwise, and has no Namespace.
    """
    mine = [one for one in trainer if not _is_of_jobset(one)]
    objects = [*mine, *moved(jobset, "kubeflow-system")]
    return [_by_helm(one) for one in objects if one["kind"] not in ("Namespace", "ClusterTrainingRuntime")]


def _is_of_jobset(manifest: Manifest) -> bool:
    return "jobset" in manifest["metadata"]["name"]


def moved(manifests: list[Manifest], place: str) -> list[Manifest]:
    """The manifests for another namespace: the one they are in, and those they name."""

    def part(value: Any) -> Any:
        if isinstance(value, dict):
            # In a schema, "namespace" is the name of a field.
            return {
                key: place if key == "namespace" and isinstance(inner, str) else part(inner)
                for key, inner in value.items()
            }
        return [part(inner) for inner in value] if isinstance(value, list) else value

    return [
        {**found, "metadata": {**found["metadata"], "name": place}} if found["kind"] == "Namespace" else found
        for manifest in manifests
        for found in (part(manifest),)
    ]


def renamed(manifest: Manifest, place: str) -> Manifest:
    """The same under another name, for a namespace that is not there."""
    (found,) = moved([manifest], place)
    found["metadata"]["name"] = f"{place}-{found['metadata']['name']}"
    return found


def _by_helm(manifest: Manifest) -> Manifest:
    found = copy.deepcopy(manifest)
    jobset = _is_of_jobset(found)
    name = "jobset" if jobset else "kubeflow-trainer"
    selector = {"app.kubernetes.io/name": name, "app.kubernetes.io/instance": _HELM_RELEASE}
    metadata = found["metadata"]
    metadata["labels"] = {**selector, "app.kubernetes.io/managed-by": "Helm", "helm.sh/chart": f"{name}-2.3.0"}
    metadata["annotations"] = {
        "meta.helm.sh/release-name": _HELM_RELEASE,
        "meta.helm.sh/release-namespace": "kubeflow-system",
    }
    if found["kind"] == "Deployment":
        if jobset:
            metadata["name"] = "jobset-controller"
        found["spec"]["selector"]["matchLabels"] = selector
        found["spec"]["template"]["metadata"]["labels"] = selector
    if found["kind"] == "Service":
        found["spec"]["selector"] = selector
    if jobset and found["kind"].endswith("WebhookConfiguration"):
        metadata["name"] = "jobset-mutator" if found["kind"].startswith("Mutating") else "jobset-validator"
    return found


def crd(plural: str, kind: str, group: str, version: str = "v1", *, namespaced: bool = True) -> Manifest:
    """A CRD that takes anything: that of a neighbour of whom only the name counts."""
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    annotations = (
        # The API server accepts groups below k8s.io and x-k8s.io only with a word on who approved them.
        {"api-approved.kubernetes.io": "unapproved, a stand-in"} if group.endswith("k8s.io") else {}
    )
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}", "annotations": annotations},
        "spec": {
            "group": group,
            "scope": "Namespaced" if namespaced else "Cluster",
            "names": {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List"},
            "versions": [{"name": version, "served": True, "storage": True, "schema": schema}],
        },
    }


def deployment(name: str, place: str, image: str, **labels: str) -> Manifest:
    """A Deployment of one pod."""
    selector = {"app.kubernetes.io/name": name, **labels}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": place, "labels": selector},
        "spec": {
            "selector": {"matchLabels": selector},
            "template": {
                "metadata": {"labels": selector},
                "spec": {"containers": [{"name": "manager", "image": image}]},
            },
        },
    }


def webhooks(name: str, groups: list[str], resources: list[str], client: Manifest, policy: str = "Fail") -> Manifest:
    """A validating webhook configuration for these resources, answered by C(client)."""
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": name},
        "webhooks": [
            {
                "name": f"{name}.example.com",
                "clientConfig": client,
                "rules": [
                    {
                        "apiGroups": groups,
                        "apiVersions": ["*"],
                        "operations": ["CREATE", "UPDATE"],
                        "resources": resources,
                    }
                ],
                "failurePolicy": policy,
                "sideEffects": "None",
                "admissionReviewVersions": ["v1"],
            }
        ],
    }


def service_of(place: str, name: str) -> Manifest:
    """What a webhook configuration says of a Service."""
    return {"service": {"namespace": place, "name": name, "path": "/validate"}}


def kueue(image: str = "registry.k8s.io/kueue/kueue:v0.18.1") -> list[Manifest]:
    """Kueue, which watches JobSets and TrainJobs among much else."""
    groups = ["batch", "jobset.x-k8s.io", "trainer.kubeflow.org"]
    return [
        namespace("kueue-system"),
        crd("workloads", "Workload", "kueue.x-k8s.io", "v1beta1"),
        crd("clusterqueues", "ClusterQueue", "kueue.x-k8s.io", "v1beta1", namespaced=False),
        deployment("kueue-controller-manager", "kueue-system", image, **{"control-plane": "controller-manager"}),
        webhooks(
            "kueue-validating-webhook-configuration",
            groups,
            ["jobs", "jobsets", "trainjobs"],
            service_of("kueue-system", "kueue-webhook-service"),
            # Nobody answers here, and the jobs of a test are to pass.
            "Ignore",
        ),
    ]


def training_operator() -> list[Manifest]:
    """The Training Operator that Trainer replaces, version 1."""
    return [
        namespace("kubeflow"),
        crd("pytorchjobs", "PyTorchJob", "kubeflow.org"),
        crd("mpijobs", "MPIJob", "kubeflow.org"),
        deployment("training-operator", "kubeflow", "kubeflow/training-operator:v1-855e096"),
    ]


def neighbours() -> list[Manifest]:
    """Operators that people have beside Trainer: LeaderWorkerSet, cert-manager, Volcano and Istio."""
    return [
        *(namespace(name) for name in ("lws-system", "cert-manager", "volcano-system", "istio-system")),
        crd("leaderworkersets", "LeaderWorkerSet", "leaderworkerset.x-k8s.io"),
        deployment("lws-controller-manager", "lws-system", "registry.k8s.io/lws/lws:v0.8.0"),
        crd("certificates", "Certificate", "cert-manager.io"),
        deployment("cert-manager", "cert-manager", "quay.io/jetstack/cert-manager-controller:v1.19.0"),
        crd("podgroups", "PodGroup", "scheduling.volcano.sh", "v1beta1"),
        deployment("volcano-scheduler", "volcano-system", "docker.io/volcanosh/vc-scheduler:v1.13.0"),
        crd("peerauthentications", "PeerAuthentication", "security.istio.io"),
        deployment("istiod", "istio-system", "docker.io/istio/pilot:1.28.0"),
    ]


def strict_namespace(name: str) -> list[Manifest]:
    """A namespace that somebody prepared: labels, a quota that leaves no room, and no way in."""
    return [
        namespace(name, **{"pod-security.kubernetes.io/enforce": "restricted", "istio-injection": "enabled"}),
        {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": "tight", "namespace": name},
            "spec": {"hard": {"requests.cpu": "100m", "requests.memory": "64Mi"}},
        },
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": "default-deny", "namespace": name},
            "spec": {"podSelector": {}, "policyTypes": ["Ingress"]},
        },
    ]


def user_objects(place: str = "team-a") -> list[Manifest]:
    """What users make: a runtime held as releases before 2.3 hold it, a TrainJob that is not done, a plain JobSet."""
    pod = {"containers": [{"name": "node", "image": "registry.invalid/train:1"}], "restartPolicy": "Never"}
    job = {"template": {"spec": {"template": {"spec": pod}}}}
    step = {"trainer.kubeflow.org/trainjob-ancestor-step": "trainer"}
    return [
        namespace(place),
        {
            "apiVersion": "trainer.kubeflow.org/v1alpha1",
            "kind": "ClusterTrainingRuntime",
            "metadata": {"name": "team-a-torch", "finalizers": ["trainer.kubeflow.org/resource-in-use"]},
            "spec": {
                "template": {
                    "spec": {
                        "replicatedJobs": [
                            {"name": "node", "template": {"metadata": {"labels": step}, **job["template"]}}
                        ]
                    }
                }
            },
        },
        {
            "apiVersion": "trainer.kubeflow.org/v1alpha1",
            "kind": "TrainJob",
            "metadata": {"name": "unfinished", "namespace": place},
            "spec": {"runtimeRef": {"name": "team-a-torch"}},
        },
        {
            "apiVersion": "jobset.x-k8s.io/v1alpha2",
            "kind": "JobSet",
            "metadata": {"name": "plain", "namespace": place},
            "spec": {"replicatedJobs": [{"name": "node", **job}]},
        },
    ]
