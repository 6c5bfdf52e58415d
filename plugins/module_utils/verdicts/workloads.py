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

from ..objects.fields import conditions_of, has_ended, is_terminating, part, parts, text, texts
from ..redaction import redact
from .pods import pod_trouble, pod_words
from .verdict import State, Verdict, count, denied_condition, second_of, words_of


def pods_of(deployment: Mapping[str, Any], pods: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the pods that a Deployment's selector matches, without those that are being deleted."""
    return [pod for pod in pods if _selects(deployment, part(pod, "metadata", "labels")) and not is_terminating(pod)]


def _selects(deployment: Mapping[str, Any], labels: Mapping[str, Any]) -> bool:
    """Return whether the selector of a Deployment matches these labels. An empty one, which is invalid, does not."""
    wanted = part(deployment, "spec", "selector", "matchLabels")
    expressions = parts(deployment, "spec", "selector", "matchExpressions")
    return (
        bool(wanted or expressions)
        and all(name in labels and labels[name] == value for name, value in wanted.items())
        and all(_holds(expression, labels) for expression in expressions)
    )


def _holds(expression: Mapping[str, Any], labels: Mapping[str, Any]) -> bool:
    value, values = labels.get(text(expression, "key")), texts(expression, "values")
    operators = {
        "In": value in values,
        "NotIn": value not in values,
        "Exists": value is not None,
        "DoesNotExist": value is None,
    }
    return operators.get(text(expression, "operator"), False)


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
    if failure := _replica_failure(replica_set):
        words = redact(words_of(failure))
        return verdict("progressing", f"{numbers}; {words}", text(failure, "lastTransitionTime"), words)
    complete = wanted > 0 and there == available == wanted and not _is_contradicted(status, wanted)
    return verdict("ready" if complete else "progressing", numbers)


def failure_words(workload: Mapping[str, Any] | None) -> str:
    """Return why the pods of a ReplicaSet or Deployment are rejected, in the unchanged words of the server."""
    return words_of(_replica_failure(workload))


def _replica_failure(workload: Mapping[str, Any] | None) -> Mapping[str, Any]:
    return next(
        (entry for entry in conditions_of(workload, "ReplicaFailure") if entry.get("status") == "True"),
        {},
    )


def is_refused(deployment: Mapping[str, Any]) -> bool:
    """Return whether the last attempt to create pods of this Deployment was rejected."""
    return bool(_replica_failure(deployment))


def _is_contradicted(status: Mapping[str, Any], wanted: int) -> bool:
    """Return whether other numbers of a status contradict that all pods are available."""
    known = (status.get(field) for field in ("readyReplicas", "fullyLabeledReplicas"))
    return count(status.get("unavailableReplicas")) > 0 or any(
        value is not None and count(value) < wanted for value in known
    )


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
    metadata, status = part(deployment, "metadata"), part(deployment, "status")
    if metadata.get("deletionTimestamp"):
        return verdict("progressing", "Terminating")
    generation, seen = metadata.get("generation"), status.get("observedGeneration")
    if not count(generation) or count(seen) < count(generation):
        return verdict("progressing", "the Deployment controller has not observed its newest generation yet")
    if _wanted(deployment) < 1:
        return verdict("progressing", "scaled to 0 replicas")
    numbers, members = _numbers(deployment), list(pods)
    if not has_all_replicas(deployment):
        # What has ended is replaced: the pods that are left explain more.
        members.sort(key=lambda pod: not has_ended(pod))
        troubled = [(pod_trouble(pod), words) for pod in members for words in (pod_words(pod),) if words is not None]
        failure = text(_replica_failure(deployment), "message")
        reasons = [trouble for trouble, _words in troubled] or [redact(failure)]
        evidence = filter(None, (numbers, _deadline_message(deployment), *reasons))
        return verdict("progressing", *evidence, brief=troubled[-1][1] if troubled else "")
    for kind in ("Available", "Progressing"):
        if words := _denial(deployment, kind):
            return verdict("progressing", f"{numbers}, but {words}")
    return verdict("ready", f"{status.get('availableReplicas')} of {_wanted(deployment)} replicas available")


def _wanted(deployment: Mapping[str, Any]) -> int:
    return count(part(deployment, "spec").get("replicas", 1))


def _numbers(deployment: Mapping[str, Any]) -> str:
    status = part(deployment, "status")
    total, updated, available = (
        count(status.get(field)) for field in ("replicas", "updatedReplicas", "availableReplicas")
    )
    surplus = total - _wanted(deployment)
    more = f", {surplus} more than wanted" if surplus > 0 else ""
    return f"{available} of {_wanted(deployment)} replicas available, {updated} of {total} updated{more}"


def has_all_replicas(deployment: Mapping[str, Any]) -> bool:
    """Return whether the numbers of a Deployment show all pods, of the newest template only, and all available."""
    wanted, status = _wanted(deployment), part(deployment, "status")
    return all(
        count(status.get(field)) == wanted for field in ("replicas", "updatedReplicas", "availableReplicas")
    ) and not _is_contradicted(status, wanted)


def _denial(deployment: Mapping[str, Any], kind: str) -> str:
    """Return the condition that contradicts complete numbers; empty if it does not.

    The progress of a paused Deployment is unknown, also if it is rolled out.
    """
    condition = denied_condition(deployment, kind)
    if condition is None and kind == "Progressing" and _deadline_message(deployment):
        condition = next(iter(conditions_of(deployment, "Progressing")))
    if condition is None or (condition.get("status") == "Unknown" and text(condition, "reason") == "DeploymentPaused"):
        return ""
    words = words_of(condition)
    return redact(f"{kind} is {text(condition, 'status') or 'unknown'}{': ' + words if words else ''}")


def _since(deployment: Mapping[str, Any] | None) -> str:
    """Return since when the Deployment has been available, or unavailable."""
    return next((text(entry, "lastTransitionTime") for entry in conditions_of(deployment, "Available")), "")


def _deadline_message(deployment: Mapping[str, Any]) -> str:
    """Return the controller's message if the rollout exceeded progressDeadlineSeconds; empty otherwise."""
    for condition in conditions_of(deployment, "Progressing"):
        if condition.get("reason") == "ProgressDeadlineExceeded":
            return text(condition, "message") or "its progress deadline is exceeded"
    return ""


def lease_verdict(
    name: str, lease: Mapping[str, Any], pods: Mapping[str, str], namespace: str, *, hosts: bool = False
) -> Verdict:
    """Judge a Lease: ready if one of the controller's pods holds it, with the process that runs now.

    Clocks of two machines are never compared: the next leader decides whether a Lease has expired. The times at which a
    pod took and renewed the Lease, and at which its container started, are all by the clock of the pod's node. A slow
    container runtime notes the start only after the process has taken the Lease (containerd, internal/cri/server,
    container_start.go); then a later renewal, every few seconds, shows that the process is alive.

    Args:
        pods: the controller's pods that may run: by name, when the container started (RFC 3339), empty if that is
            unknown. A pod that has ended, is terminating or waits for its next start holds nothing.
        hosts: whether they use the network of their node: C(pods) then has the names of the nodes.
    """

    def verdict(state: State, evidence: str, next_step: str = "") -> Verdict:
        # A leader has led since acquireTime; without one there has been no leader since renewTime.
        since = part(lease, "spec").get("acquireTime" if state == "ready" else "renewTime")
        return Verdict(f"Lease {name}", "leader", state, evidence, next_step, str(since or ""), name=name)

    if is_terminating(lease):
        return verdict("progressing", "it is being deleted: its holder stops")
    holder = part(lease, "spec").get("holderIdentity")
    if not isinstance(holder, str) or not holder:
        return verdict("progressing", "no holder: no pod has become the leader yet")
    # controller-runtime, pkg/leaderelection: the host name, which is the pod's name, and a UUID.
    pod = holder.rpartition("_")[0] or holder
    if hosts:
        # On the network of the node it is the host name of the node, with or without its domain.
        pod = next((node for node in pods if node.partition(".")[0] == pod.partition(".")[0]), pod)
    if (
        hosts
        and pod not in pods
        and pods
        and second_of(part(lease, "spec").get("renewTime")) > max(map(second_of, pods.values()))
    ):
        # The node has another name than its host. Somebody has renewed the Lease since the newest pod started.
        return verdict("ready", f"held by {pod}")
    if pod not in pods:
        return verdict(
            "progressing",
            f"held by {pod}, which is not a pod of the controller that runs: nothing is reconciled until it expires",
            f"if it does not expire, run `kubectl -n {namespace} delete lease {name}`",
        )
    taken, renewed = (second_of(part(lease, "spec").get(name)) for name in ("acquireTime", "renewTime"))
    began = second_of(pods[pod])
    if (taken or renewed) and taken < began and not renewed > began:
        return verdict("progressing", f"held by an earlier process of {pod}: nothing is reconciled until it expires")
    # Without a start, only renewals show that it is alive. Comparing two clocks can only delay the verdict here.
    others = max((second_of(start) for name, start in pods.items() if name != pod), default="")
    if not began and renewed and renewed < others:
        return verdict(
            "progressing", f"held by {pod}, which is not known to run: nothing is reconciled until it expires"
        )
    return verdict("ready", f"held by {pod}")
