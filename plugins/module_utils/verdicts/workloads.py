# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judge Deployments, their ReplicaSets and pods, and the Lease of a controller. Pure.

If a quota, Pod Security or an admission webhook rejects pods, this appears first on the ReplicaSet, in its condition
ReplicaFailure (kubernetes/api apps/v1), and then on the Deployment. Without a leader the webhooks of a controller
answer, but nothing is reconciled: a new pod waits until the previous Lease expires, after 15 s by default (client-go,
tools/leaderelection).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..objects.fields import is_terminating, part, parts, text
from .verdict import State, Verdict, count, true_conditions, words_of


def pod_trouble(pod: Mapping[str, Any]) -> str:
    """Return C(pod_words) after the name of the pod; empty if the pod is ready."""
    words = pod_words(pod)
    return "" if words is None else f"pod {part(pod, 'metadata').get('name', '')}: {words}".rstrip()


def pod_words(pod: Mapping[str, Any]) -> str | None:
    """Return the reason of the kubelet or the scheduler why a pod is not running or not ready; None if it is ready."""
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
    """Return whether the pod's Ready condition is True and it is not being deleted."""
    if part(pod, "metadata").get("deletionTimestamp"):
        return False
    conditions = parts(part(pod, "status"), "conditions")
    return any(condition.get("type") == "Ready" and condition.get("status") == "True" for condition in conditions)


def running_since(pod: Mapping[str, Any]) -> str:
    """Return when the newest running container started (RFC 3339); empty if none runs."""
    running = [
        part(part(container, "state"), "running") for container in parts(part(pod, "status"), "containerStatuses")
    ]
    return max((str(state.get("startedAt") or "") for state in running), default="")


def containers_of(pod: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the statuses of a pod's containers, init containers first."""
    status = part(pod, "status")
    return [*parts(status, "initContainerStatuses"), *parts(status, "containerStatuses")]


def pods_of(deployment: Mapping[str, Any], pods: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the pods that a Deployment's selector matches, without those that are being deleted."""
    wanted = deployment["spec"]["selector"]["matchLabels"].items()
    return [
        pod
        for pod in pods
        if wanted <= (pod["metadata"].get("labels") or {}).items() and not pod["metadata"].get("deletionTimestamp")
    ]


_REVISION = "deployment.kubernetes.io/revision"


def replicaset_verdict(name: str, replica_set: Mapping[str, Any] | None) -> Verdict:
    """Judge a ReplicaSet: ready if its newest generation was observed and all its pods are available."""

    def verdict(state: State, evidence: str, since: str = "", brief: str = "") -> Verdict:
        return Verdict(f"ReplicaSet {name}", "pods", state, evidence, since=since, name=name, brief=brief)

    if replica_set is None:
        return verdict("progressing", "missing")
    if is_terminating(replica_set):
        return verdict("progressing", "Terminating")
    generation = count(part(replica_set, "metadata").get("generation"))
    status = part(replica_set, "status")
    if not generation or count(status.get("observedGeneration")) < generation:
        return verdict("progressing", "the ReplicaSet controller has not observed its newest generation yet")
    wanted, there = count(part(replica_set, "spec").get("replicas")), count(status.get("replicas"))
    available = count(status.get("availableReplicas"))
    numbers = f"{there} of {wanted} pods exist, {available} available"
    failure = true_conditions(replica_set).get("ReplicaFailure")
    if failure is not None:
        words = words_of(failure)
        return verdict("progressing", f"{numbers}; {words}", text(failure, "lastTransitionTime"), words)
    return verdict("ready" if wanted and there == available == wanted else "progressing", numbers)


def present_replicaset(
    deployment: Mapping[str, Any], replica_sets: Iterable[Mapping[str, Any]]
) -> Mapping[str, Any] | None:
    """Return the ReplicaSet of the Deployment's current revision; None if it does not exist yet."""
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
    """Judge a Deployment: ready if it is rolled out.

    That is: its newest generation was observed, all replicas are updated and available, and no older one remains.
    """

    def verdict(state: State, *evidence: str, brief: str = "") -> Verdict:
        said, since = "; ".join(evidence), _since(deployment)
        return Verdict(
            f"Deployment {name}", "rollout", state, said, since=since, name=name, brief=brief or evidence[-1]
        )

    if deployment is None:
        return verdict("progressing", "missing")
    metadata, spec, status = (part(deployment, name) for name in ("metadata", "spec", "status"))
    if metadata.get("deletionTimestamp"):
        return verdict("progressing", "Terminating")
    generation, seen = metadata.get("generation"), status.get("observedGeneration")
    if not count(generation) or count(seen) < count(generation):
        return verdict("progressing", "the Deployment controller has not observed its newest generation yet")
    wanted = count(spec.get("replicas", 1))
    if wanted < 1:
        return verdict("progressing", "scaled to 0 replicas")
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
    """Return since when the Deployment has been available, or unavailable."""
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
    """Return the controller's message if the rollout exceeded progressDeadlineSeconds; empty otherwise."""
    for condition in parts(status, "conditions"):
        if condition.get("type") == "Progressing" and condition.get("reason") == "ProgressDeadlineExceeded":
            return str(condition.get("message", "its progress deadline is exceeded"))
    return ""


# The length of an RFC 3339 time without fractions. Such texts compare like times.
_SECOND = len("2026-01-01T00:00:00")


def lease_verdict(name: str, lease: Mapping[str, Any], pods: Mapping[str, str], namespace: str) -> Verdict:
    """Judge a Lease: ready if one of the controller's pods holds it, with the process that runs now.

    Clocks of two machines are never compared: the next leader decides whether a Lease has expired. The times at which a
    pod took and renewed the Lease, and at which its container started, are all by the clock of the pod's node. A slow
    container runtime notes the start only after the process has taken the Lease (containerd, internal/cri/server,
    container_start.go); then a later renewal, every few seconds, shows that the process is alive.

    Args:
        pods: the controller's pods that are not terminating: by name, when the container started (RFC 3339), empty if
            it is not running.
    """

    def verdict(state: State, evidence: str, next_step: str = "") -> Verdict:
        # A leader has led since acquireTime; without one there has been no leader since renewTime.
        since = part(lease, "spec").get("acquireTime" if state == "ready" else "renewTime")
        return Verdict(f"Lease {name}", "leader", state, evidence, next_step, str(since or ""), name=name)

    holder = part(lease, "spec").get("holderIdentity")
    if not isinstance(holder, str) or not holder:
        return verdict("progressing", "no holder: no pod has become the leader yet")
    # controller-runtime, pkg/leaderelection: the host name, which is the pod's name, and a UUID.
    pod = holder.rpartition("_")[0] or holder
    if pod not in pods:
        return verdict(
            "progressing",
            f"held by {pod}, which is not a pod of the controller: nothing is reconciled until it expires",
            f"if it does not expire, run `kubectl -n {namespace} delete lease {name}`",
        )
    taken, renewed = (_second(part(lease, "spec").get(name)) for name in ("acquireTime", "renewTime"))
    began = _second(pods[pod])
    if taken and taken < began and not renewed > began:
        return verdict("progressing", f"held by an earlier process of {pod}: nothing is reconciled until it expires")
    return verdict("ready", f"held by {pod}")


def _second(time: Any) -> str:
    """Return a time without fractions of a second, because container times have none; empty if it is not a text."""
    return time[:_SECOND] if isinstance(time, str) else ""
