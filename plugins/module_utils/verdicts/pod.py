# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a pod runs, and why not. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..objects.fields import part, parts


def pod_trouble(pod: Mapping[str, Any]) -> str:
    """C(pod_words) with the name of the pod before them; empty if it is ready."""
    words = pod_words(pod)
    return "" if words is None else f"pod {part(pod, 'metadata').get('name', '')}: {words}".rstrip()


def pod_words(pod: Mapping[str, Any]) -> str | None:
    """Why a pod does not run or is not ready, in the words of the kubelet or the scheduler; None if it is ready."""
    status = part(pod, "status")
    for container in parts(status, "containerStatuses"):
        state = part(container, "state")
        waiting, terminated = part(state, "waiting"), part(state, "terminated")
        if waiting:
            words = " ".join(str(waiting[key]) for key in ("reason", "message") if waiting.get(key))
            last = part(part(container, "lastState"), "terminated")
            code = f" (last exit code {last.get('exitCode')})" if last else ""
            return f"{words}{code}"
        if terminated:
            return f"{terminated.get('reason', 'ended')}, exit code {terminated.get('exitCode')}"
    for condition in parts(status, "conditions"):
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return f"{condition.get('reason', '')} {condition.get('message', '')}".rstrip()
    if is_pod_ready(pod):
        return None
    return f"{status.get('phase', 'unknown')}, not ready yet"


def is_pod_ready(pod: Mapping[str, Any]) -> bool:
    """Whether the pod's Ready condition is True and it is not being deleted."""
    if part(pod, "metadata").get("deletionTimestamp"):
        return False
    conditions = parts(part(pod, "status"), "conditions")
    return any(condition.get("type") == "Ready" and condition.get("status") == "True" for condition in conditions)


def running_since(pod: Mapping[str, Any]) -> str:
    """When the container that runs began last (RFC 3339); empty where none runs."""
    running = [
        part(part(container, "state"), "running") for container in parts(part(pod, "status"), "containerStatuses")
    ]
    return max((str(state.get("startedAt") or "") for state in running), default="")


def containers_of(pod: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The statuses of a pod's containers, init containers first."""
    status = part(pod, "status")
    return [*parts(status, "initContainerStatuses"), *parts(status, "containerStatuses")]
