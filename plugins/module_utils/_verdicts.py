# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verdicts over snapshots of objects: ready or not, by which rule, on what evidence. Pure.

What is missing, stale or half-filled is never ready. Odd or absent fields never raise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

State = Literal["ready", "progressing", "doomed", "unknown"]


@dataclass(frozen=True)
class Verdict:
    """What is known of one subject. C(rule) names what was checked, C(evidence) says what was found."""

    subject: str
    rule: str
    state: State
    evidence: str = ""

    @property
    def ready(self) -> bool:
        """Unknown is never ready."""
        return self.state == "ready"

    def __str__(self) -> str:
        return f"{self.subject}: {self.evidence or self.rule}"


def deployment_verdict(name: str, deployment: Mapping[str, Any] | None, pods: Iterable[Mapping[str, Any]]) -> Verdict:
    """Rolled out: the newest generation was seen, all replicas are of it and available, no older one is left."""

    def verdict(state: State, evidence: str) -> Verdict:
        return Verdict(f"Deployment {name}", "rollout", state, evidence)

    if deployment is None:
        return verdict("progressing", "it is not there")
    metadata, spec, status = (part(deployment, name) for name in ("metadata", "spec", "status"))
    if metadata.get("deletionTimestamp"):
        return verdict("progressing", "it is being deleted")
    generation, seen = metadata.get("generation"), status.get("observedGeneration")
    if not isinstance(generation, int) or not isinstance(seen, int) or seen < generation:
        return verdict("progressing", "its newest generation was not seen by the Deployment controller yet")
    wanted = count(spec.get("replicas", 1))
    if wanted < 1:
        return verdict("progressing", "it is scaled to 0 replicas")
    total, updated, available = (
        count(status.get(field)) for field in ("replicas", "updatedReplicas", "availableReplicas")
    )
    if updated < wanted or total != updated or available < wanted:
        reasons = "; ".join(filter(None, (pod_trouble(pod) for pod in pods)))
        if not reasons:
            reasons = _condition_message(status, "ReplicaFailure") or ""
        text = f"{available} of {wanted} replicas available, {updated} of {total} updated"
        return verdict("progressing", f"{text}; {reasons}" if reasons else text)
    return verdict("ready", f"{available} of {wanted} replicas available")


def pod_trouble(pod: Mapping[str, Any]) -> str:
    """Why a pod does not run or is not ready, in the words of the kubelet or the scheduler; empty if it is ready."""
    name = part(pod, "metadata").get("name", "")
    status = part(pod, "status")
    for container in parts(status, "containerStatuses"):
        state = part(container, "state")
        waiting, terminated = part(state, "waiting"), part(state, "terminated")
        if waiting:
            words = " ".join(str(waiting[key]) for key in ("reason", "message") if waiting.get(key))
            last = part(part(container, "lastState"), "terminated")
            code = f" (last exit code {last.get('exitCode')})" if last else ""
            return f"pod {name}: {words}{code}"
        if terminated:
            return f"pod {name}: {terminated.get('reason', 'ended')}, exit code {terminated.get('exitCode')}"
    for condition in parts(status, "conditions"):
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return f"pod {name}: {condition.get('reason', '')} {condition.get('message', '')}".rstrip()
    if is_pod_ready(pod):
        return ""
    return f"pod {name}: {status.get('phase', 'unknown')}, not ready yet"


def is_pod_ready(pod: Mapping[str, Any]) -> bool:
    """Whether the pod's Ready condition is True and it is not being deleted."""
    if part(pod, "metadata").get("deletionTimestamp"):
        return False
    conditions = parts(part(pod, "status"), "conditions")
    return any(condition.get("type") == "Ready" and condition.get("status") == "True" for condition in conditions)


def crd_verdict(name: str, crd: Mapping[str, Any] | None) -> Verdict:
    """Established, its names accepted, and not on its way out."""

    def verdict(state: State, evidence: str = "") -> Verdict:
        return Verdict(f"CustomResourceDefinition {name}", "established", state, evidence)

    if crd is None:
        return verdict("progressing", "it is not there")
    if part(crd, "metadata").get("deletionTimestamp"):
        return verdict("progressing", "it is Terminating")
    conditions = {str(condition.get("type")): condition for condition in parts(part(crd, "status"), "conditions")}
    for needed in ("NamesAccepted", "Established"):
        condition = conditions.get(needed) or {}
        if condition.get("status") != "True":
            return verdict("progressing", f"not {needed} {condition.get('message', '')}".rstrip())
    return verdict("ready")


def webhook_configuration_verdict(
    name: str, configuration: Mapping[str, Any] | None, webhooks: Iterable[str]
) -> Verdict:
    """Every webhook of it has a caBundle; the controllers write that when their certificate is made."""

    def verdict(state: State, evidence: str = "") -> Verdict:
        return Verdict(f"webhook configuration {name}", "caBundle", state, evidence)

    if configuration is None:
        return verdict("progressing", "it is not there")
    found = {str(webhook.get("name")): webhook for webhook in parts(configuration, "webhooks")}
    missing = [webhook for webhook in webhooks if webhook not in found]
    if missing:
        return verdict("progressing", f"it lacks webhook {', '.join(missing)}")
    bare = [webhook for webhook in webhooks if not part(found[webhook], "clientConfig").get("caBundle")]
    if bare:
        return verdict("progressing", f"no caBundle yet on {', '.join(bare)}")
    return verdict("ready")


def endpoints_verdict(
    service: str, slices: Iterable[Mapping[str, Any]], pods: Mapping[str, Mapping[str, Any]]
) -> Verdict:
    """At least one ready endpoint, each of them one of the pods that may answer, and none that is on its way out.

    A pod that is ending serves until its process ends, and a node learns of that up to a second later: an answer may be
    its last, and the next call be refused.

    Args:
        slices: the EndpointSlices of this Service.
        pods: uid to pod, those of the Service's own Deployment.
    """

    def verdict(state: State, evidence: str = "") -> Verdict:
        return Verdict(f"Service {service}", "endpoints", state, evidence)

    ready, strangers, ending = 0, [], []
    for piece in slices:
        for endpoint in parts(piece, "endpoints"):
            conditions, target = part(endpoint, "conditions"), part(endpoint, "targetRef")
            if conditions.get("terminating") is True and conditions.get("serving") is True:
                ending.append(str(target.get("name", "a pod")))
            if conditions.get("ready") is not True:
                continue
            if str(target.get("uid")) in pods:
                ready += 1
            else:
                addresses = endpoint.get("addresses")
                address = addresses[0] if isinstance(addresses, list) and addresses else "an address"
                strangers.append(str(target.get("name") or address))
    if strangers:
        return verdict(
            "progressing", f"{', '.join(sorted(strangers))} answers for it and is not one of its controllers"
        )
    if not ready:
        return verdict("progressing", "no ready endpoint")
    if ending:
        return verdict("progressing", f"{', '.join(sorted(ending))} is ending and still answers for it")
    return verdict("ready", f"{ready} ready")


def part(value: Any, name: str) -> Mapping[str, Any]:
    """A field that should be an object; an empty one where it is absent or something else."""
    found = value.get(name) if isinstance(value, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def parts(value: Any, name: str) -> list[Mapping[str, Any]]:
    """The objects in a field that should be a list of objects."""
    found = value.get(name) if isinstance(value, Mapping) else None
    return [entry for entry in found if isinstance(entry, Mapping)] if isinstance(found, list) else []


def count(value: Any) -> int:
    """A field that should be a number; 0 where it is absent or something else."""
    return value if isinstance(value, int) else 0


def _condition_message(status: Mapping[str, Any], kind: str) -> str | None:
    for condition in parts(status, "conditions"):
        if condition.get("type") == kind and condition.get("status") == "True":
            return str(condition.get("message", ""))
    return None
