# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small objects, bundles and clusters that tests are made of."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from ansible_collections.conductor.trainer.plugins.module_utils.objects.digest import canonical
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import Key, key_of
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle
from ansible_collections.conductor.trainer.plugins.module_utils.release.loader import parse_bundle
from tests.unit.plugins.helpers.certificates import Authority
from tests.unit.plugins.helpers.fakes import FakeCluster

ROOT = Path(__file__).resolve().parents[4]
BUNDLE = ROOT / "roles" / "conductor" / "files" / "bundles" / "2.3.0.json"
NAMESPACE = "ops"

TRAINER_CRD = "trainjobs.trainer.kubeflow.org"
RUNTIME_CRD = "clustertrainingruntimes.trainer.kubeflow.org"


def obj(kind: str, name: str, api_version: str = "v1", namespace: str = "", **more: Any) -> dict[str, Any]:
    """A manifest."""
    metadata = {"name": name, **({"namespace": namespace} if namespace else {}), **more.pop("metadata", {})}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **more}


def crd(plural: str, kind: str, scope: str = "Namespaced", group: str = "trainer.kubeflow.org") -> dict[str, Any]:
    """A CustomResourceDefinition without a schema."""
    return obj(
        "CustomResourceDefinition",
        f"{plural}.{group}",
        "apiextensions.k8s.io/v1",
        spec={
            "group": group,
            "scope": scope,
            "names": {"plural": plural, "kind": kind},
            "versions": [{"name": "v1alpha1", "served": True}, {"name": "v0", "served": False}],
        },
    )


def webhooks(name: str, service: str, groups: list[str], *, namespace: str = NAMESPACE, **more: Any) -> dict[str, Any]:
    """A validating webhook configuration with one webhook."""
    return obj(
        "ValidatingWebhookConfiguration",
        name,
        "admissionregistration.k8s.io/v1",
        webhooks=[
            {
                "name": f"validate.{name}",
                "clientConfig": {"service": {"namespace": namespace, "name": service}},
                "rules": [{"apiGroups": groups, "resources": ["trainjobs"]}],
                **more,
            }
        ],
    )


def deployment(name: str = "manager") -> dict[str, Any]:
    """A Deployment that mounts a certificate."""
    return obj(
        "Deployment",
        name,
        "apps/v1",
        NAMESPACE,
        spec={
            "replicas": 1,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {
                    "containers": [
                        {
                            "name": "manager",
                            "image": f"registry.invalid/{name}:1",
                            "args": ["--config=/config.yaml"],
                            "ports": [{"name": "webhook", "containerPort": 9443}],
                            "volumeMounts": [{"name": "config", "mountPath": "/config.yaml", "subPath": "config.yaml"}],
                        }
                    ],
                    "volumes": [
                        {"name": "config", "configMap": {"name": "config"}},
                        {"name": "cert", "secret": {"secretName": f"{name}-cert"}},
                    ],
                },
            },
        },
    )


def runtime(name: str) -> dict[str, Any]:
    """A ClusterTrainingRuntime."""
    return obj("ClusterTrainingRuntime", name, "trainer.kubeflow.org/v1alpha1", spec={"x": name})


def content(**changes: Any) -> dict[str, Any]:
    """A whole small bundle as its file holds it, with the right checksum."""
    value: dict[str, Any] = {
        "format": 1,
        "release": "9.9.9",
        "components": {"trainer": "9.9.9", "jobset": "1.1.1"},
        "kubernetes_minimum": "1.31",
        "namespace": NAMESPACE,
        "probe_namespace": "probe",
        "phases": [
            {
                "name": "foundation",
                "objects": [
                    crd("trainjobs", "TrainJob"),
                    crd("clustertrainingruntimes", "ClusterTrainingRuntime", "Cluster"),
                    obj("Namespace", "probe"),
                    obj("Namespace", NAMESPACE),
                ],
            },
            {
                "name": "access",
                "objects": [
                    obj("ConfigMap", "config", namespace=NAMESPACE, data={"a": "1"}),
                    obj("Secret", "manager-cert", namespace=NAMESPACE),
                    obj(
                        "Service",
                        "webhook",
                        namespace=NAMESPACE,
                        spec={"ports": [{"port": 443, "targetPort": 9443}], "selector": {"app": "manager"}},
                    ),
                ],
            },
            {"name": "controllers", "objects": [deployment()]},
            {"name": "admission", "objects": [webhooks("validator", "webhook", ["trainer.kubeflow.org"])]},
            {"name": "runtimes", "objects": [runtime("torch"), runtime("jax")]},
        ],
        "profiles": {
            "default": [],
            "fail_open": [webhooks("validator", "webhook", ["trainer.kubeflow.org"], failurePolicy="Ignore")],
        },
        "probes": [
            {
                "webhook": "validate.validator",
                "configuration": "validator",
                "expect": "denied",
                "says": "must be created",
                "object": obj("TrainJob", "probe", "trainer.kubeflow.org/v1alpha1", "probe"),
            }
        ],
        **changes,
    }
    return {**value, "sha256": hashlib.sha256(canonical(value)).hexdigest()}


def bundle(profile: str = "default", **changes: Any) -> Bundle:
    """The small bundle."""
    return parse_bundle(content(**changes), profile)


def real_content() -> dict[str, Any]:
    """The bundle of the collection, as its file holds it."""
    value: dict[str, Any] = json.loads(BUNDLE.read_text(encoding="utf-8"))
    return value


def installed(release: Bundle) -> FakeCluster:
    """A cluster that holds every object of a bundle, without an install record."""
    cluster = FakeCluster()
    for manifest in release.objects():
        cluster.put(manifest)
    return cluster


LEASE = Key("coordination.k8s.io/v1", "Lease", NAMESPACE, "conductor-install")
KUBE_SYSTEM_UID = "00000000-0000-4000-8000-000000000001"


def identified(cluster: FakeCluster) -> FakeCluster:
    """The cluster, with the namespace that tells it from others."""
    cluster.put(obj("Namespace", "kube-system"), "kube-apiserver", "Update")["metadata"]["uid"] = KUBE_SYSTEM_UID
    return cluster


def pod(name: str, app: str, *, ready: bool = True, **metadata: Any) -> dict[str, Any]:
    """A running pod of a controller."""
    return obj(
        "Pod",
        name,
        namespace=NAMESPACE,
        metadata={"labels": {"app": app}, "uid": f"uid-{name}", "creationTimestamp": "2026-01-01", **metadata},
        status={"phase": "Running", "conditions": [{"type": "Ready", "status": "True" if ready else "False"}]},
    )


def train_job(name: str, namespace: str, condition: str = "Complete") -> dict[str, Any]:
    """A TrainJob with one condition that is true; with none where that is empty."""
    entry = {"type": condition, "status": "True", "reason": "Because", "message": "it is so"}
    return obj(
        "TrainJob",
        name,
        "trainer.kubeflow.org/v1alpha1",
        namespace,
        spec={"runtimeRef": {"name": "torch"}},
        **({"status": {"conditions": [entry]}} if condition else {}),
    )


def jobset_crd() -> dict[str, Any]:
    """The CRD without which the fake cluster serves no JobSets."""
    spec = {"group": "jobset.x-k8s.io", "names": {"plural": "jobsets", "kind": "JobSet"}, "scope": "Namespaced"}
    return obj("CustomResourceDefinition", "jobsets.jobset.x-k8s.io", "apiextensions.k8s.io/v1", spec=spec)


def job_event(job: dict[str, Any], message: str, second: int = 0) -> dict[str, Any]:
    """What the job controller says when it may not create a pod."""
    return obj(
        "Event",
        f"{job['metadata']['name']}.{second}",
        namespace=job["metadata"]["namespace"],
        involvedObject={"kind": "Job", "uid": job["metadata"]["uid"]},
        reason="FailedCreate",
        message=message,
        lastTimestamp=f"2026-01-01T00:00:{second:02}Z",
    )


def endpoint_slice(service: str, *pods: str) -> dict[str, Any]:
    """An EndpointSlice whose endpoints are all ready."""
    return obj(
        "EndpointSlice",
        f"{service}-abc",
        "discovery.k8s.io/v1",
        NAMESPACE,
        metadata={"labels": {"kubernetes.io/service-name": service}},
        endpoints=[
            {
                "conditions": {"ready": True},
                "targetRef": {"uid": f"uid-{name}", "name": name},
                "addresses": ["10.0.0.1"],
            }
            for name in pods
        ],
    )


def api_servers(*addresses: str) -> dict[str, Any]:
    """The EndpointSlice in which API servers enter themselves."""
    return obj(
        "EndpointSlice",
        "kubernetes",
        "discovery.k8s.io/v1",
        "default",
        endpoints=[{"addresses": list(addresses), "conditions": {"ready": True}}],
    )


def certificate_fields() -> dict[str, Any]:
    """The managedFields entry of a controller that has written its certificate."""
    fields: dict[str, Any] = {f"f:{name}": {} for name in ("ca.crt", "ca.key", "tls.crt", "tls.key")}
    return {"manager": "manager", "operation": "Update", "fieldsV1": {"f:data": {".": {}, **fields}}}


@cache
def certificate_data() -> dict[str, str]:
    """What the small bundle's controller has put into its Secret."""
    authority = Authority("webhooks", life=timedelta(days=400))
    pair = authority.server("webhook", [f"webhook.{NAMESPACE}.svc"])
    values = {"ca.crt": authority.pem, "ca.key": b"key of ca", "tls.crt": pair.certificate, "tls.key": pair.key}
    return {name: base64.b64encode(value).decode() for name, value in values.items()}


READY_STATUS = {
    "observedGeneration": 1,
    "replicas": 1,
    "updatedReplicas": 1,
    "readyReplicas": 1,
    "availableReplicas": 1,
}
ESTABLISHED = {"conditions": [{"type": kind, "status": "True"} for kind in ("NamesAccepted", "Established")]}


def serving(release: Bundle) -> FakeCluster:
    """A cluster on which everything of the small bundle is ready; its webhook refuses what the probe sends."""
    cluster = installed(release)
    for key, stored in cluster.objects.items():
        if key.kind == "Deployment":
            stored["metadata"]["generation"] = 1
            stored["status"] = copy.deepcopy(READY_STATUS)
        elif key.kind == "CustomResourceDefinition":
            stored["status"] = copy.deepcopy(ESTABLISHED)
        elif key.kind.endswith("WebhookConfiguration"):
            for webhook in stored["webhooks"]:
                webhook["clientConfig"]["caBundle"] = certificate_data()["ca.crt"]
        elif key.kind == "Namespace":
            stored["status"] = {"phase": "Active"}
        elif key.kind == "Secret":
            stored["data"] = dict(certificate_data())
            stored["metadata"]["managedFields"].append(certificate_fields())
    for manifest in (pod("manager-1", "manager"), endpoint_slice("webhook", "manager-1"), api_servers("192.0.2.1")):
        cluster.objects[key_of(manifest)] = manifest
    cluster.fail(400, method="POST", path="/trainjobs", message=DENIAL)
    return cluster


DENIAL = 'admission webhook "validate.validator" denied the request: it must be created before'


def key(kind: str, name: str, api_version: str = "v1", namespace: str = "") -> Key:
    """A key, shortly."""
    return Key(api_version, kind, namespace, name)


DEPLOYMENT = key("Deployment", "manager", "apps/v1", NAMESPACE)
CONFIG = key("ConfigMap", "config", namespace=NAMESPACE)
SECRET = key("Secret", "manager-cert", namespace=NAMESPACE)
RECORD = key("ConfigMap", "conductor-install-record", namespace=NAMESPACE)
HOME = key("Namespace", NAMESPACE)
POD = key("Pod", "manager-1", namespace=NAMESPACE)
VALIDATOR = key("ValidatingWebhookConfiguration", "validator", "admissionregistration.k8s.io/v1")
CRD = key("CustomResourceDefinition", TRAINER_CRD, "apiextensions.k8s.io/v1")
SLICE = key("EndpointSlice", "webhook-abc", "discovery.k8s.io/v1", NAMESPACE)
