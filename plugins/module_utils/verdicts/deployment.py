# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a Deployment is rolled out. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..objects.fields import part, parts
from .pod import pod_trouble, pod_words
from .verdict import State, Verdict, count


def deployment_verdict(name: str, deployment: Mapping[str, Any] | None, pods: Iterable[Mapping[str, Any]]) -> Verdict:
    """Rolled out: the newest generation was seen, all replicas are of it and available, no older one is left."""

    def verdict(state: State, *evidence: str, brief: str = "") -> Verdict:
        said, since = "; ".join(evidence), _since(deployment)
        return Verdict(
            f"Deployment {name}", "rollout", state, said, since=since, name=name, brief=brief or evidence[-1]
        )

    if deployment is None:
        return verdict("progressing", "it is not there")
    metadata, spec, status = (part(deployment, name) for name in ("metadata", "spec", "status"))
    if metadata.get("deletionTimestamp"):
        return verdict("progressing", "it is being deleted")
    generation, seen = metadata.get("generation"), status.get("observedGeneration")
    if not count(generation) or count(seen) < count(generation):
        return verdict("progressing", "its newest generation was not seen by the Deployment controller yet")
    wanted = count(spec.get("replicas", 1))
    if wanted < 1:
        return verdict("progressing", "it is scaled to 0 replicas")
    total, updated, available = (
        count(status.get(field)) for field in ("replicas", "updatedReplicas", "availableReplicas")
    )
    if updated < wanted or total != updated or available < wanted:
        troubled = [(pod_trouble(pod), words) for pod in pods for words in (pod_words(pod),) if words is not None]
        reasons = [trouble for trouble, _words in troubled] or [_condition_message(status, "ReplicaFailure") or ""]
        numbers = f"{available} of {wanted} replicas available, {updated} of {total} updated"
        evidence = filter(None, (numbers, _deadline_message(status), *reasons))
        return verdict("progressing", *evidence, brief=troubled[-1][1] if troubled else "")
    return verdict("ready", f"{available} of {wanted} replicas available")


def _since(deployment: Mapping[str, Any] | None) -> str:
    """Since when it is available, or is not."""
    for condition in parts(part(deployment, "status"), "conditions"):
        if condition.get("type") == "Available":
            return str(condition.get("lastTransitionTime") or "")
    return ""


def _condition_message(status: Mapping[str, Any], kind: str) -> str | None:
    for condition in parts(status, "conditions"):
        if condition.get("type") == kind and condition.get("status") == "True":
            return str(condition.get("message", ""))
    return None


def _deadline_message(status: Mapping[str, Any]) -> str:
    """What its controller says when it has given up hope (progressDeadlineSeconds); empty otherwise."""
    for condition in parts(status, "conditions"):
        if condition.get("type") == "Progressing" and condition.get("reason") == "ProgressDeadlineExceeded":
            return str(condition.get("message", "its progress deadline is exceeded"))
    return ""
