# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judge whether a pod shows that an image is on its node. Pure.

The kubelet first makes sure of the image, then it creates the container (kubernetes/kubernetes pkg/kubelet/kuberuntime,
startContainer). So whatever happens to the container later, the image is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..objects.fields import part, parts, text

# The kubelet's reasons for containers whose image is there, but that cannot be created or started.
_AFTER_PULL = frozenset(
    {
        "CreateContainerConfigError",
        "CreateContainerError",
        "PreCreateHookError",
        "PreStartHookError",
        "RunContainerError",
        "PostStartHookError",
    }
)
PULLED, PRESENT, AVAILABLE = "pulled", "present", "available"


def is_pulled(pod: Mapping[str, Any], container: str) -> bool:
    """Return whether the image of a container is on the pod's node.

    The state C(terminated) alone shows nothing: the kubelet also reports it for containers that it never created.
    """
    return any(
        text(status, "imageID") != ""
        or text(status, "containerID") != ""
        or bool(part(status, "state", "running"))
        or text(status, "state", "waiting", "reason") in _AFTER_PULL
        for status in parts(pod, "status", "containerStatuses")
        if text(status, "name") == container
    )


def how_pulled(reasons: Iterable[str]) -> str:
    """Return C(pulled), C(present) if the image was on the node before, or C(available) if that is unknown.

    Args:
        reasons: those of the kubelet's events about the pod.
    """
    seen = set(reasons)
    if "Pulling" in seen:
        return PULLED
    return PRESENT if "Pulled" in seen else AVAILABLE
