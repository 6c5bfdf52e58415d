# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A scheduler and a kubelet for pods of the in-memory API server. They only place pods and pull images."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from tests.unit.plugins.helpers.stepping import SteppingWatcher

Pod = dict[str, Any]
# What becomes of a pod: changes it. Called at each step.
Fate = Callable[[Pod], object]
ARCH = "kubernetes.io/arch"
DENIED = 'failed to pull image "registry.invalid/a:1": 401 Unauthorized'
NO_PLATFORM = "no match for platform in manifest: not found"


def node(name: str = "node-1", architecture: str = "amd64", **more: Any) -> dict[str, Any]:
    """A node that is ready."""
    labels = {ARCH: architecture} if architecture else {}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {**labels, **more.pop("labels", {})}},
        "spec": more,
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    }


def placed(pod: Pod) -> None:
    """Its node is chosen; the kubelet has said nothing yet."""
    pod["spec"]["nodeName"] = f"{pod['spec'].get('nodeSelector', {}).get(ARCH, 'some')}-node"


def waits(reason: str, message: str = "") -> Fate:
    """The kubelet reports why the container does not run."""

    def fate(pod: Pod) -> None:
        placed(pod)
        state = {"waiting": {"reason": reason, **({"message": message} if message else {})}}
        pod["status"] = {"phase": "Pending", "containerStatuses": [container(pod, state)]}

    return fate


def container(pod: Pod, state: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The status of the only container."""
    [spec] = pod["spec"]["containers"]
    return {"name": spec["name"], "image": spec["image"], "imageID": "", "state": state, **more}


def pulled(pod: Pod) -> None:
    """The image is there, and containerd cannot start the command."""
    placed(pod)
    ended = {"terminated": {"reason": "StartError", "exitCode": 128, "message": "exec: no such file or directory"}}
    status = container(pod, ended, imageID="sha256:1", containerID="containerd://1")
    pod["status"] = {"phase": "Failed", "containerStatuses": [status]}


def unschedulable(pod: Pod) -> None:
    """No node accepts it."""
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
    condition["message"] = "0/1 nodes are available: 1 Insufficient cpu."
    pod["status"] = {"phase": "Pending", "conditions": [condition]}


def evicted(pod: Pod) -> None:
    """The node got rid of it before the image was there."""
    placed(pod)
    ended = {"terminated": {"reason": "ContainerStatusUnknown", "exitCode": 137}}
    pod["status"] = {"phase": "Failed", "reason": "Evicted", "containerStatuses": [container(pod, ended)]}


class Playing(SteppingWatcher):
    """Lets each pod of a proof have its fate, by its image and architecture or by its image, whenever time passes."""

    fates: Mapping[str, Fate]

    def wait(self, seconds: float) -> None:
        """Moves the pods on, then the clock."""
        for key, stored in list(self.fake.objects.items()):
            if key.kind == "Pod" and stored["spec"]["containers"]:
                image = stored["spec"]["containers"][0]["image"]
                architecture = stored["spec"].get("nodeSelector", {}).get(ARCH, "")
                pod = copy.deepcopy(stored)
                self.fates.get(f"{image} {architecture}", self.fates.get(image, pulled))(pod)
                self.fake.objects[key] = pod
        super().wait(seconds)
