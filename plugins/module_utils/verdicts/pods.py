# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judge pods: whether one is ready, and otherwise which container keeps it from that, and why. Pure.

A pod may be rejected or ended as a whole: evicted, preempted, not admitted by its node (kubernetes/kubernetes
pkg/kubelet/lifecycle, eviction, preemption, nodeshutdown). Its own reason then explains more than the exit codes of
its containers: every process that is killed ends with 137.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ..objects.fields import conditions_of, has_ended, is_terminating, is_true, name_of, part, parts, text
from ..redaction import redact
from .verdict import count, words_of

# The kubelet's reasons for containers that it is creating, or that wait for the init containers.
BEING_MADE = frozenset({"ContainerCreating", "PodInitializing"})
# The kubelet's reasons for containers that it retries at growing intervals.
_BACK_OFF = frozenset(
    {
        "ImagePullBackOff",
        "CrashLoopBackOff",
        "ErrImagePull",
        "RunContainerError",
        "RegistryUnavailable",
        "SignatureValidationFailed",
    }
)
# Exit reasons that add nothing to the exit code.
_PLAIN_EXITS = frozenset({"", "Error", "Completed"})
# Exit reasons whose message says why the program never ran.
_NEVER_RAN = frozenset({"StartError", "ContainerCannotRun"})


def pod_trouble(pod: Mapping[str, Any]) -> str:
    """Return C(pod_words) after the name of the pod; empty if the pod is ready."""
    words = pod_words(pod)
    return "" if words is None else f"pod {name_of(pod)}: {words}".rstrip()


def pod_words(pod: Mapping[str, Any]) -> str | None:
    """Return the reason of the kubelet or the scheduler why a pod is not running or not ready; None if it is ready.

    Secrets in messages are hidden.
    """
    words = _words(pod)
    return None if words is None else redact(words)


def _words(pod: Mapping[str, Any]) -> str | None:
    if (own := pod_reason(pod)) and not is_pod_ready(pod):
        return own
    status = holding_container(pod)
    if status and (text(part(status, "state", "waiting"), "reason") not in BEING_MADE or not _is_unscheduled(pod)):
        return _container_words(pod, status)
    for condition in conditions_of(pod, "PodScheduled"):
        if condition.get("status") == "False":
            return f"{text(condition, 'reason')} {text(condition, 'message')}".strip()
    if is_pod_ready(pod):
        return None
    if is_terminating(pod):
        return "Terminating"
    # The condition repeats what the containers show, unless others keep the pod from being ready (readiness gates).
    gates = words_of(next(iter(conditions_of(pod, "Ready")), {})) if is_true(pod, "ContainersReady") else ""
    return f"{text(pod, 'status', 'phase') or 'unknown'}, not ready yet{': ' + gates if gates else ''}"


def pod_reason(pod: Mapping[str, Any]) -> str:
    """Return the reason and message of a pod's own status, e.g. C(Evicted); empty if it has none.

    A pod that another program ends has a condition instead (KEP-3329).
    """
    status = part(pod, "status")
    if text(status, "phase") == "Succeeded":
        return ""
    if own := words_of(status):
        return own
    if has_ended(pod) or is_terminating(pod):
        disrupted = [entry for entry in conditions_of(pod, "DisruptionTarget") if entry.get("status") == "True"]
        return words_of(disrupted[-1]) if disrupted else ""
    return ""


def _is_unscheduled(pod: Mapping[str, Any]) -> bool:
    return any(condition.get("status") == "False" for condition in conditions_of(pod, "PodScheduled"))


def _container_words(pod: Mapping[str, Any], status: Mapping[str, Any]) -> str:
    waiting, ended = part(status, "state", "waiting"), part(status, "state", "terminated")
    if waiting:
        words = " ".join(text(waiting, key) for key in ("reason", "message") if text(waiting, key))
        last = part(status, "lastState", "terminated")
        said = f"{words or 'waiting'}{f' ({_exit(last, prefix=True)})' if last else ''}"
    elif ended:
        said = _exit(ended)
    elif _is_init(pod, status) and not _is_sidecar(pod, status):
        said = "the init container is still running"
    else:
        said = "running, not ready yet"
    return f"{text(status, 'name')}: {said}" if has_several_containers(pod) and text(status, "name") else said


def _exit(ended: Mapping[str, Any], *, prefix: bool = False) -> str:
    """Return how a container ended: the reason, if it explains the exit code, the code, and why it never ran."""
    reason, code = text(ended, "reason"), ended.get("exitCode")
    said = f"last exit code {code}" if prefix else f"{reason or 'ended'}, exit code {code}"
    if prefix and reason not in _PLAIN_EXITS:
        said = f"{reason}, {said}"
    if reason in _NEVER_RAN and text(ended, "message"):
        said += f": {text(ended, 'message').strip()}"
    return said


def exit_code_of(ended: Mapping[str, Any]) -> int | None:
    """Return the exit code in the state C(terminated) of a container; None if it has none."""
    code = ended.get("exitCode")
    return code if isinstance(code, int) and not isinstance(code, bool) else None


def holding_container(pod: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the status of the container that keeps a pod from being ready; empty if none is known.

    That is: one that the kubelet cannot start, one that failed, one that ended and should not have, an init container
    that is still running, and last one that waits for others.
    """
    found = containers_of(pod)
    main = parts(pod, "status", "containerStatuses")
    lasting = [status for status in found if not _is_init(pod, status) or _is_sidecar(pod, status)]
    ordered: Iterable[Iterable[Mapping[str, Any]]] = (
        (status for status in found if _waits_in_vain(status)),
        (status for status in found if _failed(status)),
        (
            status
            for status in lasting
            if part(status, "state", "terminated") and text(pod, "status", "phase") != "Succeeded"
        ),
        (status for status in found if status not in lasting and part(status, "state", "running")),
        # The main containers wait until the sidecars have started.
        (status for status in lasting if _is_init(pod, status) and _is_unready(status)),
        (status for status in found if part(status, "state", "waiting")),
        (status for status in lasting if len(main) > 1 and _is_unready(status)),
    )
    return next((status for group in ordered for status in group), {})


def _waits_in_vain(status: Mapping[str, Any]) -> bool:
    waiting = part(status, "state", "waiting")
    return bool(waiting) and text(waiting, "reason") not in BEING_MADE


def _failed(status: Mapping[str, Any]) -> bool:
    ended = part(status, "state", "terminated")
    return bool(ended) and ended.get("exitCode") != 0


def _is_unready(status: Mapping[str, Any]) -> bool:
    return bool(part(status, "state", "running")) and status.get("ready") is False


def _is_init(pod: Mapping[str, Any], status: Mapping[str, Any]) -> bool:
    return any(status is other for other in parts(pod, "status", "initContainerStatuses"))


def _is_sidecar(pod: Mapping[str, Any], status: Mapping[str, Any]) -> bool:
    """Return whether this is an init container that runs as long as the pod (KEP-753)."""
    return text(status, "name") in sidecars_of(pod)


def sidecars_of(pod: Mapping[str, Any]) -> set[str]:
    """Return the names of the init containers that run as long as the pod; they are stopped when it ends."""
    return {
        text(container, "name")
        for container in parts(pod, "spec", "initContainers")
        if text(container, "restartPolicy") == "Always"
    }


def has_several_containers(pod: Mapping[str, Any]) -> bool:
    """Return whether a container of this pod must be named: kubectl then asks for C(-c)."""
    declared = len(parts(pod, "spec", "initContainers")) + len(parts(pod, "spec", "containers"))
    return max(len(containers_of(pod)), declared) > 1


def is_pod_ready(pod: Mapping[str, Any]) -> bool:
    """Return whether a pod's Ready condition is True, and it has neither ended nor is being deleted."""
    if is_terminating(pod) or has_ended(pod):
        return False
    contradicted = conditions_of(pod, "ContainersReady") and not is_true(pod, "ContainersReady")
    return is_true(pod, "Ready") and not contradicted


def by_age(pods: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return pods from the oldest to the newest; those that have ended come first, because they are being replaced."""
    return sorted(pods, key=lambda pod: (not has_ended(pod), text(pod, "metadata", "creationTimestamp")))


def running_since(pod: Mapping[str, Any], names: Collection[str] = ()) -> str:
    """Return when the newest running container started (RFC 3339); empty if none runs.

    Args:
        names: the containers that count; all of them if empty. A sidecar that another program adds has its own life.
    """
    running = [
        part(status, "state", "running")
        for status in parts(pod, "status", "containerStatuses")
        if not names or text(status, "name") in names
    ]
    return max((text(state, "startedAt") for state in running), default="")


def may_run(pod: Mapping[str, Any], names: Collection[str] = ()) -> bool:
    """Return whether a process of this pod may be running.

    A status without containers may be older than their start; one with containers shows which of them run.

    Args:
        names: see C(running_since).
    """
    if has_ended(pod) or is_terminating(pod):
        return False
    known = [
        status
        for status in parts(pod, "status", "containerStatuses")
        if (not names or text(status, "name") in names) and part(status, "state")
    ]
    return not known or any(part(status, "state", "running") for status in known)


def in_back_off(pod: Mapping[str, Any]) -> bool:
    """Return whether a container of this pod is in back-off: the kubelet retries it at growing intervals."""
    return any(_waiting_reason(status) in _BACK_OFF for status in containers_of(pod))


def is_being_made(pod: Mapping[str, Any]) -> bool:
    """Return whether the kubelet is creating the containers; the pod's status does not show any details then."""
    return any(_waiting_reason(status) in BEING_MADE for status in containers_of(pod))


def restarts_of(pod: Mapping[str, Any]) -> int:
    """Return the highest restart count among the containers of this pod."""
    return max((count(status.get("restartCount")) for status in containers_of(pod)), default=0)


def _waiting_reason(status: Mapping[str, Any]) -> str:
    return text(status, "state", "waiting", "reason")


def containers_of(pod: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the statuses of a pod's containers, init containers first."""
    return [*parts(pod, "status", "initContainerStatuses"), *parts(pod, "status", "containerStatuses")]
