# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verdicts on Deployments, their ReplicaSets and pods, and on the Lease of a controller. Pure.

A quota, Pod Security or an admission webhook that rejects pods shows on the ReplicaSet first, in its condition
ReplicaFailure (kubernetes/api apps/v1); the Deployment takes it from there. Without a leader the webhooks of a
controller answer and nothing is reconciled: a new pod waits until the previous Lease expires, 15 s by default
(client-go, tools/leaderelection).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..objects.fields import is_terminating, part, parts, text
from .verdict import State, Verdict, count, true_conditions, words_of


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


def pods_of(deployment: Mapping[str, Any], pods: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The pods that a Deployment's selector matches and that are not being deleted."""
    wanted = deployment["spec"]["selector"]["matchLabels"].items()
    return [
        pod
        for pod in pods
        if wanted <= (pod["metadata"].get("labels") or {}).items() and not pod["metadata"].get("deletionTimestamp")
    ]


_REVISION = "deployment.kubernetes.io/revision"


def replicaset_verdict(name: str, replica_set: Mapping[str, Any] | None) -> Verdict:
    """Ready where its newest generation was seen and all pods it is to have are available."""

    def verdict(state: State, evidence: str, since: str = "", brief: str = "") -> Verdict:
        return Verdict(f"ReplicaSet {name}", "pods", state, evidence, since=since, name=name, brief=brief)

    if replica_set is None:
        return verdict("progressing", "it is not there")
    if is_terminating(replica_set):
        return verdict("progressing", "it is being deleted")
    generation = count(part(replica_set, "metadata").get("generation"))
    status = part(replica_set, "status")
    if not generation or count(status.get("observedGeneration")) < generation:
        return verdict("progressing", "its newest generation was not seen by the ReplicaSet controller yet")
    wanted, there = count(part(replica_set, "spec").get("replicas")), count(status.get("replicas"))
    available = count(status.get("availableReplicas"))
    numbers = f"{there} of {wanted} pods are there, {available} available"
    failure = true_conditions(replica_set).get("ReplicaFailure")
    if failure is not None:
        words = words_of(failure)
        return verdict("progressing", f"{numbers}; {words}", text(failure, "lastTransitionTime"), words)
    return verdict("ready" if wanted and there == available == wanted else "progressing", numbers)


def present_replicaset(
    deployment: Mapping[str, Any], replica_sets: Iterable[Mapping[str, Any]]
) -> Mapping[str, Any] | None:
    """The one that has the Deployment's present revision; None where its controller has not made it."""
    uid, revision = (text(deployment, "metadata", *names) for names in (("uid",), ("annotations", _REVISION)))
    return next(
        (
            item
            for item in replica_sets
            if revision and text(item, "metadata", "annotations", _REVISION) == revision
            if any(owner.get("uid") == uid for owner in parts(item, "metadata", "ownerReferences"))
        ),
        None,
    )


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


# Year to second, as RFC 3339 writes them: texts that compare like times.
_SECOND = len("2026-01-01T00:00:00")


def lease_verdict(name: str, lease: Mapping[str, Any], pods: Mapping[str, str], namespace: str) -> Verdict:
    """Held by one of the pods that may lead, and by the process that runs in it now.

    Clocks of two machines are never compared: whether a Lease has run out is for the next leader to find. When a pod
    took and renewed it, and when its container began, all tell by the clock of the pod's node. A container runtime that
    is slow notes the beginning only after the process has taken the Lease (containerd, internal/cri/server,
    container_start.go); then it is the renewing, every few seconds, that shows that the process lives.

    Args:
        pods: the controller's pods that are not ending: name to when the container began (RFC 3339), empty where it
            does not run.
    """

    def verdict(state: State, evidence: str, next_step: str = "") -> Verdict:
        # A leader leads since it took the Lease; one that is gone has not led since it renewed it last.
        since = part(lease, "spec").get("acquireTime" if state == "ready" else "renewTime")
        return Verdict(f"Lease {name}", "leader", state, evidence, next_step, str(since or ""), name=name)

    holder = part(lease, "spec").get("holderIdentity")
    if not isinstance(holder, str) or not holder:
        return verdict("progressing", "nobody holds it: no pod has become the leader yet")
    # controller-runtime, pkg/leaderelection: the host's name, which is the pod's, and a UUID.
    pod = holder.rpartition("_")[0] or holder
    if pod not in pods:
        return verdict(
            "progressing",
            f"held by {pod}, which is none of the controller's pods: nothing is reconciled until it runs out",
            f"where it does not run out, kubectl -n {namespace} delete lease {name}",
        )
    taken, renewed = (_second(part(lease, "spec").get(name)) for name in ("acquireTime", "renewTime"))
    began = _second(pods[pod])
    if taken and taken < began and not renewed > began:
        return verdict("progressing", f"held by an earlier process of {pod}: nothing is reconciled until it runs out")
    return verdict("ready", f"held by {pod}")


def _second(time: Any) -> str:
    """A time without its fractions, which a container's has not; empty where it is none."""
    return time[:_SECOND] if isinstance(time, str) else ""
