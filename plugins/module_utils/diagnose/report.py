# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Report why a controller is not ready: its newest pod, the end of its log, the newest warnings; as data and as lines.

If there is no pod, the ReplicaSet that should have created one is reported. Anything that cannot be read is listed and
never hides the failure to be explained.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ..cluster.client import Cluster
from ..errors import ApiError, ConductorError
from ..objects.encodings import from_json
from ..objects.fields import name_of, namespace_of, part, parts, text
from ..objects.resources import resource_of
from ..redaction import redact
from ..rejections.rejection import Scene, event_rejection
from ..verdicts.pods import (
    containers_of,
    exit_code_of,
    has_several_containers,
    holding_container,
    is_pod_ready,
    pod_reason,
)
from ..verdicts.verdict import count
from ..verdicts.workloads import failure_words, present_replicaset, replicaset_verdict
from .event_causes import event_cause, pod_cause
from .events import Subject, is_about, newest, subject_of
from .failure_sign import FailureSign
from .failures import is_own_exit, newest_pods, pull_failure
from .log_causes import log_cause

LOG_LINES = 10
# The cause may be further up: a program that gets an unknown flag logs all known flags after the error.
_READ_LINES = 100
EVENTS = 5
# Characters of a log line or a message; the rest is cut off.
_WIDTH = 300
_BAD_REQUEST, _NOT_FOUND = 400, 404
# How the kubelet's event about a failed pull begins.
_PULL = "Failed to pull image"
# How the event of a controller begins whose pods are rejected.
_CREATION = "FailedCreate:"


def diagnose(
    cluster: Cluster, deployment: Mapping[str, Any], pods: Iterable[Mapping[str, Any]], failure: FailureSign | None
) -> dict[str, Any]:
    """Return everything known about a Deployment that is not ready.

    Args:
        deployment: from the server.
        pods: the pods that its selector matches.
        failure: a sign of failure, if one was found.

    Returns:
        C(object); C(pod), C(container) (its name and state), C(exit_code), C(restarts) of the newest pod;
        C(replica_set), the state of the ReplicaSet, empty if there is a pod; C(log), the last lines of the pod's log;
        C(events), the newest warnings; C(cause) and C(next_step), empty if unknown; C(command), a command that shows
        more; C(unreadable), facts that could not be read.
    """
    name, namespace = name_of(deployment), namespace_of(deployment)
    unread: list[str] = []
    pod = _telling(newest_pods(deployment, pods), failure)
    status = _worst(pod)
    state = _state(pod, status) if pod else {"pod": "", "container": "", "exit_code": None, "restarts": 0}
    log = _log(cluster, pod, status, unread) if pod else []
    replica_set, refusal, controller = ("", "", _owner(pod)) if pod else _replica_set(cluster, deployment, unread)
    subjects = [subject_of(deployment)]
    subjects += [controller] if controller else []
    subjects += [subject_of(pod)] if pod else []
    events = _events(cluster, namespace, subjects, _name_of_pods(deployment, pod), unread)
    scene = Scene("its pods", namespace, given=True, install=True)
    of_log = log_cause(log)
    of_sign = (failure.signature.cause, failure.next_step) if failure else None
    repeats = failure is not None and _only_repeats(failure)
    known = (
        pod_cause(pod_reason(pod))
        or (None if repeats else of_sign)
        # The log tells more than a restart count, and an event more than a back-off.
        or of_log
        or _of_events(events, scene, name_of(pod), failure)
        or of_sign
        or (_rejected(refusal, scene) if refusal else None)
    )
    cause, next_step = known or ("", "")
    shown = [line[:_WIDTH] for line in redact("\n".join(log)).splitlines() if line.strip()]
    is_log = bool(log) and (not known or known in (of_log, of_sign if repeats else None))
    what = _what_shows(pod, status, name, controller, is_log=is_log)
    return {
        "object": f"Deployment {namespace}/{name}",
        **state,
        "replica_set": replica_set,
        "log": shown[-LOG_LINES:],
        "events": list(dict.fromkeys(event.shown for event in events))[-EVENTS:],
        "cause": redact(cause),
        "next_step": redact(next_step),
        "command": f"kubectl -n {namespace} {what}",
        "unreadable": unread,
    }


def _telling(pods: Sequence[Mapping[str, Any]], failure: FailureSign | None) -> Mapping[str, Any]:
    """Return the pod that explains most: that of the sign of failure, or the newest that is not ready.

    Those that have ended come first: the last one is the newest that has not, if there is one.
    """
    failed = [pod for pod in pods if failure and text(pod, "metadata", "uid") == failure.uid]
    return next(iter((failed or [pod for pod in pods if not is_pod_ready(pod)] or pods)[-1:]), {})


def _rejected(refusal: str, scene: Scene) -> tuple[str, str] | None:
    """Return cause and next step if the API server rejected the pods of a ReplicaSet."""
    found = event_rejection(refusal)
    return (found.cause(scene), found.next_step(scene)) if found else event_cause(refusal)


class _Event(NamedTuple):
    """An event: its reason and message as the server has them, and as they are shown."""

    words: str
    message: str
    shown: str


def _only_repeats(failure: FailureSign) -> bool:
    """Return whether a sign tells only that something is tried again and again, not why."""
    return failure.is_back_off or (failure.signature.restarts > 0 and not failure.signature.words)


def _of_events(events: Sequence[_Event], scene: Scene, pod: str, failure: FailureSign | None) -> tuple[str, str] | None:
    """Return the cause and the next step by the newest event that has one.

    Args:
        scene: the pods, if they were rejected.
        failure: a sign of failure; if it is an exit by an error of its own, the process was not killed for a probe.
    """
    killed = failure is None or not is_own_exit(failure.exit_code)
    for weak in (False, True) if failure is None else (False,):
        for event in reversed(events):
            if event.words.startswith(_CREATION):
                # A rejection quotes others, e.g. why a webhook does not answer.
                found = _rejected(event.message, scene)
            else:
                found = event_cause(event.words, weak=weak, liveness=killed) or (
                    pull_failure(event.message, _image_in(event.message), scene.namespace, pod)
                    if event.message.startswith(_PULL)
                    else None
                )
            if found:
                return found
    return None


def _image_in(message: str) -> str:
    """Return the image that a kubelet's event about a failed pull names."""
    return next(iter(message.removeprefix(_PULL).split('"')[1:2]), "")


def _what_shows(
    pod: Mapping[str, Any], status: Mapping[str, Any], deployment: str, controller: Subject | None, *, is_log: bool
) -> str:
    """Return the arguments of kubectl that show the failure itself."""
    if is_log:
        container = f" -c {text(status, 'name')}" if has_several_containers(pod) else ""
        return f"logs {name_of(pod)}{container}{' --previous' if _is_between(status) else ''}"
    if pod:
        return f"describe pod {name_of(pod)}"
    return f"describe replicaset {controller.name}" if controller else f"describe deployment {deployment}"


def _owner(pod: Mapping[str, Any]) -> Subject | None:
    """Return the ReplicaSet that a pod belongs to; None if the pod does not name it."""
    for owner in parts(pod, "metadata", "ownerReferences"):
        if text(owner, "kind") == "ReplicaSet":
            return Subject(text(owner, "name"), text(owner, "uid"))
    return None


def _name_of_pods(deployment: Mapping[str, Any], pod: Mapping[str, Any]) -> str:
    """Return what the names of the newest ReplicaSet and its pods begin with; empty if that is unknown."""
    template = text(pod, "metadata", "labels", "pod-template-hash")
    return f"{name_of(deployment)}-{template}" if template else ""


def _worst(pod: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the status of the container that keeps a pod from being ready, else of the first; empty without any."""
    statuses = containers_of(pod)
    return holding_container(pod) or next(
        (entry for entry in statuses if _holds_up(entry)), statuses[0] if statuses else {}
    )


def _state(pod: Mapping[str, Any], status: Mapping[str, Any]) -> dict[str, Any]:
    waiting, ended = part(status, "state", "waiting"), part(status, "state", "terminated")
    last = ended or part(status, "lastState", "terminated")
    words = text(waiting, "reason") or text(ended, "reason") or text(pod, "status", "phase") or "unknown"
    # The exit tells more than the length of the back-off.
    if text(waiting, "message") and not last:
        words += f": {text(waiting, 'message')}"
    words = redact(pod_reason(pod) or words)[:_WIDTH]
    return {
        "pod": name_of(pod),
        "container": f"{text(status, 'name') or 'none yet'}: {words}",
        "exit_code": exit_code_of(last),
        "restarts": count(status.get("restartCount")),
    }


def _is_between(status: Mapping[str, Any]) -> bool:
    """Return whether a container waits for its next run, so that only the log of the previous one exists."""
    return not part(status, "state", "running") and bool(part(status, "lastState", "terminated"))


def _holds_up(status: Mapping[str, Any]) -> bool:
    return status.get("ready") is not True and part(status, "state", "terminated").get("exitCode") != 0


def _log(cluster: Cluster, pod: Mapping[str, Any], status: Mapping[str, Any], unread: list[str]) -> list[str]:
    """Return the last lines of a container's log, unchanged, from its previous run if it is not running now."""
    if not status:
        return []
    name, namespace = name_of(pod), namespace_of(pod)
    try:
        lines = cluster.pod_log(
            namespace, name, container=text(status, "name"), lines=_READ_LINES, previous=_is_between(status)
        )
    except ConductorError as error:
        # The container has not run yet, or the pod is gone.
        if not (isinstance(error, ApiError) and error.status in (_BAD_REQUEST, _NOT_FOUND)):
            unread.append(f"the log of {name}: {error.message[:_WIDTH]}")
        return []
    return [_plain(line) for line in lines]


def _plain(line: str) -> str:
    """Return the message of a structured log line (go.uber.org/zap, configured by controller-runtime), or the line."""
    try:
        entry = from_json(line)
    except ValueError:
        return line
    if not isinstance(entry, dict) or "msg" not in entry:
        return line
    return ": ".join(str(entry[name]) for name in ("level", "msg", "error") if entry.get(name))


def _replica_set(cluster: Cluster, deployment: Mapping[str, Any], unread: list[str]) -> tuple[str, str, Subject | None]:
    """Return the state of the ReplicaSet that should have created a pod, why its pods are rejected, and itself."""
    try:
        found, _version = cluster.list_all(
            resource_of("apps/v1", "ReplicaSet"), namespace_of(deployment), metadata_only=False
        )
    except ConductorError as error:
        unread.append(f"ReplicaSets: {error.message[:_WIDTH]}")
        return "", "", None
    present = present_replicaset(deployment, found)
    verdict = replicaset_verdict(name_of(present) or "of the newest revision", present)
    return redact(str(verdict))[:_WIDTH], failure_words(present), subject_of(present) if present else None


def _events(
    cluster: Cluster, namespace: str, subjects: Sequence[Subject], pods: str, unread: list[str]
) -> list[_Event]:
    """Return the warnings about a Deployment, its newest ReplicaSet and its newest pod, oldest first.

    Args:
        pods: what the names of that ReplicaSet and its pods begin with, for events that have no uid.
    """
    try:
        found, _version = cluster.list_all(
            resource_of("v1", "Event"), namespace, metadata_only=False, field_selector="type=Warning"
        )
    except ConductorError as error:
        unread.append(f"events: {error.message[:_WIDTH]}")
        return []
    ours = []
    for event in newest(found):
        object_ = part(event, "involvedObject")
        by_name = not text(object_, "uid") and bool(pods) and text(object_, "name").startswith(pods)
        if by_name or any(is_about(event, subject) for subject in subjects):
            words = f"{text(event, 'reason')}: {text(event, 'message')}"
            ours.append(_Event(words, text(event, "message"), redact(words)[:_WIDTH]))
    return ours


# Bytes of the whole report. It fits on a screen; the result holds the same facts uncut.
MOST = 6000
# Bytes of a whole message, and characters of the line of one verdict.
SCREEN, _LONG = 7500, 600
_LINE = 160
# Characters at the end of two messages that show that they are the same. What is before depends on who passed it on.
_SAME = 60
_QUOTED = re.compile('pods? "[^"]*"')
_CUT = "... (the rest is in the result)"


def diagnosis_lines(rows: Sequence[Mapping[str, Any]], said: str = "") -> list[str]:
    """Return one paragraph for each row of C(diagnose), at most C(MOST) bytes in total.

    Args:
        said: the message above. A server's words that it has, or that an earlier line has, are not repeated.
    """
    lines: list[str] = []
    told = _comparable(said)

    def once(title: str, words: str) -> list[str]:
        nonlocal told
        end = _comparable(words)[-_SAME:]
        if len(end) >= _SAME // 2 and end in told:
            return []
        told += _comparable(words)
        return [_short(f"  {title}{words}")]

    for row in rows:
        where = f", pod {row['pod']}" if row["pod"] else ""
        state = f", {row['container']}" if row["container"] else ""
        code = f", exit code {row['exit_code']}" if row["exit_code"] is not None else ""
        again = f", {row['restarts']} restarts" if row["restarts"] else ""
        lines.append(_short(f"{row['object']}{where}{state}{code}{again}"))
        if row["replica_set"]:
            lines += once("", row["replica_set"])
        if row["cause"]:
            lines += once("cause: ", row["cause"])
        lines += [line for event in row["events"] for line in once("event: ", event)]
        lines += [_short(f"  log: {line}") for line in row["log"]]
        lines += [_short(f"  unreadable: {what}") for what in row["unreadable"]]
        lines.append(_short(f"  more: {row['command']}"))
    return _bounded(lines)


def _comparable(words: str) -> str:
    """Return words without the names of pods, because the rejected pods of one ReplicaSet have different ones."""
    return _QUOTED.sub('""', " ".join(words.split()))


def bounded_message(message: str) -> str:
    """Return a message of at most C(SCREEN) bytes, with each line cut off after C(_LONG) characters."""
    lines = [line if len(line) <= _LONG else f"{line[: _LONG - 3]}..." for line in message.splitlines()]
    return "\n".join(_bounded(lines, SCREEN))


def _short(line: str) -> str:
    line = " ".join(line.split()) if not line.startswith("  ") else "  " + " ".join(line.split())
    return line if len(line) <= _LINE else f"{line[: _LINE - 3]}..."


def _bounded(lines: list[str], most: int = MOST) -> list[str]:
    kept: list[str] = []
    length = len(_CUT) + 1
    for line in lines:
        length += len(line.encode()) + 1
        if length > most:
            return [*kept, _CUT]
        kept.append(line)
    return kept
