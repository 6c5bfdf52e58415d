# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays the parts of scheduler, kubelet and controllers, so that an installation looks as if it were running.

Nothing runs: pods get the status a kubelet would report, Services get their EndpointSlices, and the built-in
controllers, which are real, draw their conclusions (Deployments become available). Secrets and webhook configurations
get what the certificate rotators of Trainer and JobSet write, in their name.
"""

from __future__ import annotations

import base64
import itertools
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

from ansible_collections.conductor.trainer.plugins.module_utils.cluster.client import Cluster
from ansible_collections.conductor.trainer.plugins.module_utils.errors import ApiError
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import resource_of
from tests.support.control_plane import ControlPlane
from tests.unit.plugins.helpers.certificates import Authority

NODE = "node-1"
_SINCE = "2026-01-01T00:00:00Z"
_READY_SECONDS = 30
_PAUSE = 0.05
_addresses = itertools.count(2)


def add_node(plane: ControlPlane, name: str = NODE, cpu: str = "8", **spec: Any) -> None:
    """A node that is ready."""
    resources = {"cpu": cpu, "memory": "16Gi", "pods": "110", "ephemeral-storage": "100Gi"}
    node = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux"}},
        "spec": spec,
        "status": {
            "capacity": resources,
            "allocatable": resources,
            "conditions": [_condition("Ready", "KubeletReady")],
            "nodeInfo": {
                "architecture": "amd64",
                "operatingSystem": "linux",
                "kubeletVersion": f"v{plane.version}",
                "kubeProxyVersion": "",
                "containerRuntimeVersion": "containerd://2.0.0",
                "kernelVersion": "6.1.0",
                "osImage": "none",
                "machineID": "",
                "systemUUID": "",
                "bootID": "",
            },
        },
    }
    client = plane.client()
    _send(client, "POST", "/api/v1/nodes", node)
    # Admission gives every new node this taint; the controller that takes it away does not run here.
    _send(client, "PATCH", f"/api/v1/nodes/{name}", {"spec": {"taints": spec.get("taints")}})


def run_pods(plane: ControlPlane, namespace: str) -> None:
    """Lets every pod of a namespace run and be ready, and waits until its Deployments and Services are, too."""
    client = plane.client()
    if client.find(f"/api/v1/nodes/{NODE}") is None:
        add_node(plane)
    deployments = [item["metadata"]["name"] for item in plane.get("deployments", f"--namespace={namespace}")["items"]]
    plane.settle()
    for pod in plane.get("pods", f"--namespace={namespace}")["items"]:
        _run(client, pod)
    for name in deployments:
        plane.kubectl(
            "wait",
            "--for=condition=Available",
            f"deployment/{name}",
            f"--namespace={namespace}",
            f"--timeout={_READY_SECONDS}s",
        )
    _lead_services_there(plane, namespace)


@contextmanager
def ending_pods(plane: ControlPlane) -> Iterator[None]:
    """Lets pods of the node end as soon as they are deleted, while a C(with) block runs."""
    client = plane.client()
    over = threading.Event()

    def work() -> None:
        while not over.wait(_PAUSE):
            for pod in client.list_all(resource_of("v1", "Pod"))[0]:
                metadata = pod["metadata"]
                if metadata.get("deletionTimestamp"):
                    path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}"
                    options = {"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0}
                    # 404: it went by itself.
                    with suppress(ApiError):
                        client.request("DELETE", path, body=options, step="end", subject=path)

    thread = threading.Thread(target=work, name="end pods")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


Pod = dict[str, Any]


@contextmanager
def pulling_pods(plane: ControlPlane, fates: Mapping[str, Mapping[str, Any]] | None = None) -> Iterator[list[Pod]]:
    """Lets pods of pull proofs get a node and their images, while a C(with) block runs. Yields the pods that were seen.

    Args:
        fates: why a container waits, by a part of its image's name. Other images are there at once.
    """
    client = plane.client()
    over = threading.Event()
    seen: dict[str, Pod] = {}

    def work() -> None:
        while not over.wait(_PAUSE):
            pods, _version = client.list_all(resource_of("v1", "Pod"), metadata_only=False)
            for pod in pods:
                if "conductor.trainer/pull-proof" in pod["metadata"]["labels"] and pod["metadata"]["uid"] not in seen:
                    seen[pod["metadata"]["uid"]] = pod
                    # 404: the run has deleted it.
                    with suppress(ApiError):
                        _pull(client, pod, fates or {})

    thread = threading.Thread(target=work, name="pull images")
    thread.start()
    found: list[Pod] = []
    try:
        with ending_pods(plane):
            yield found
    finally:
        over.set()
        thread.join()
        found += seen.values()


def _pull(client: Cluster, pod: Pod, fates: Mapping[str, Mapping[str, Any]]) -> None:
    """Reports what the kubelet of Kubernetes 1.35 with containerd does."""
    [container] = pod["spec"]["containers"]
    status: dict[str, Any] = {"name": container["name"], "image": container["image"], "imageID": "", "restartCount": 0}
    waiting = next((fate for name, fate in fates.items() if name in container["image"]), None)
    ended = {"reason": "StartError", "exitCode": 128, "message": "exec: no such file or directory"}
    status |= {"ready": False, "started": False, "state": {"waiting": waiting} if waiting else {"terminated": ended}}
    if not waiting:
        status |= {"imageID": f"sha256:{'0' * 64}", "containerID": f"containerd://{'0' * 64}"}
    path = _bind(client, pod)
    phase = "Pending" if waiting else "Failed"
    _send(client, "PATCH", f"{path}/status", {"status": {"phase": phase, "containerStatuses": [status]}}, "kubelet")


def _lead_services_there(plane: ControlPlane, namespace: str) -> None:
    """One EndpointSlice for each Service, with every pod it selects as a ready endpoint."""
    client = plane.client()
    pods = plane.get("pods", f"--namespace={namespace}")["items"]
    for service in plane.get("services", f"--namespace={namespace}")["items"]:
        name, wanted = service["metadata"]["name"], service["spec"]["selector"].items()
        endpoints = [
            {
                "addresses": [pod["status"]["podIP"]],
                "conditions": {"ready": True, "serving": True, "terminating": False},
                "nodeName": pod["spec"]["nodeName"],
                "targetRef": {"kind": "Pod", "namespace": namespace, **_identity(pod)},
            }
            for pod in pods
            if wanted <= pod["metadata"]["labels"].items()
        ]
        piece = {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {"name": f"{name}-0", "namespace": namespace, "labels": {"kubernetes.io/service-name": name}},
            "addressType": "IPv4",
            "endpoints": endpoints,
        }
        path = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
        _send(client, "POST", path, piece, manager="kube-controller-manager")


def _identity(pod: dict[str, Any]) -> dict[str, str]:
    return {key: pod["metadata"][key] for key in ("name", "uid")}


def give_certificates(plane: ControlPlane, namespace: str) -> None:
    """Fills the empty certificate Secrets of a namespace, and the webhook configurations that point there."""
    client = plane.client()
    authority = Authority("webhooks", life=timedelta(days=365))
    services = [service["metadata"]["name"] for service in plane.get("services", f"--namespace={namespace}")["items"]]
    pair = authority.server("webhook", [f"{name}.{namespace}.svc" for name in services])
    for secret in plane.get("secrets", f"--namespace={namespace}")["items"]:
        name = secret["metadata"]["name"]
        if not secret.get("data"):
            data = {"ca.crt": authority.pem, "ca.key": b"kept", "tls.crt": pair.certificate, "tls.key": pair.key}
            secret["data"] = {key: base64.b64encode(value).decode() for key, value in data.items()}
            _send(client, "PUT", f"/api/v1/namespaces/{namespace}/secrets/{name}", secret, manager="manager")
    bundle = base64.b64encode(authority.pem).decode()
    for plural in ("mutatingwebhookconfigurations", "validatingwebhookconfigurations"):
        for configuration in plane.get(plural)["items"]:
            clients = [webhook["clientConfig"] for webhook in configuration["webhooks"]]
            if all(one.get("service", {}).get("namespace") == namespace for one in clients):
                for one in clients:
                    one["caBundle"] = bundle
                path = f"/apis/admissionregistration.k8s.io/v1/{plural}/{configuration['metadata']['name']}"
                _send(client, "PUT", path, configuration, manager="manager")


def _run(client: Cluster, pod: dict[str, Any]) -> None:
    path = _bind(client, pod)
    address = f"10.244.0.{next(_addresses)}"
    status = {
        "phase": "Running",
        "startTime": _SINCE,
        "hostIP": "192.0.2.1",
        "hostIPs": [{"ip": "192.0.2.1"}],
        "podIP": address,
        "podIPs": [{"ip": address}],
        "conditions": [
            _condition(kind)
            for kind in ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")
        ],
        "containerStatuses": [
            {
                "name": container["name"],
                "image": container["image"],
                "imageID": f"{container['image'].rpartition(':')[0]}@sha256:{'0' * 64}",
                "containerID": f"containerd://{'0' * 64}",
                "ready": True,
                "started": True,
                "restartCount": 0,
                "state": {"running": {"startedAt": _SINCE}},
            }
            for container in pod["spec"]["containers"]
        ],
    }
    _send(client, "PATCH", f"{path}/status", {"status": status}, manager="kubelet")


def _bind(client: Cluster, pod: dict[str, Any]) -> str:
    """Gives a pod its node, as the scheduler does; the path of the pod."""
    path = f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}"
    if not pod["spec"].get("nodeName"):
        target = {"apiVersion": "v1", "kind": "Node", "name": NODE}
        binding = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": pod["metadata"]["name"]},
            "target": target,
        }
        _send(client, "POST", f"{path}/binding", binding)
    return path


def _condition(kind: str, reason: str = "") -> dict[str, Any]:
    return {"type": kind, "status": "True", "reason": reason, "lastTransitionTime": _SINCE}


def _send(client: Cluster, method: str, path: str, body: dict[str, Any], manager: str = "") -> None:
    merge = {"content_type": "application/merge-patch+json"} if method == "PATCH" else {}
    query = {"fieldManager": manager} if manager else None
    client.request(method, path, query=query, body=body, step="prepare", subject=path, **merge)
