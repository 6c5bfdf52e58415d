# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Report why a controller is not ready: its newest pod, the end of its log, the newest warnings; as data and as lines.

If there is no pod, the ReplicaSet that should have created one is reported. Anything that cannot be read is listed and
never hides the failure to be explained.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..cluster.client import Cluster
from ..errors import ApiError, ConductorError
from ..objects.fields import name_of, namespace_of, part
from ..objects.resources import resource_of
from ..redaction import redact
from ..rejections.rejection import Scene, event_rejection
from ..verdicts.verdict import count
from ..verdicts.workloads import containers_of, present_replicaset, replicaset_verdict
from .events import time_of
from .failures import FailureSign, newest_pods
from .log_causes import failure_cause

LOG_LINES = 10
# The cause may be further up: a program that gets an unknown flag logs all known flags after the error.
_READ_LINES = 100
EVENTS = 5
# Characters of a log line or a message; the rest is cut off.
_WIDTH = 300
_BAD_REQUEST, _NOT_FOUND = 400, 404


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
    metadata = part(deployment, "metadata")
    name, namespace = str(metadata.get("name")), str(metadata.get("namespace"))
    unread: list[str] = []
    newest = newest_pods(deployment, pods)[-1:]
    status = _worst(newest[0]) if newest else {}
    state = _state(newest[0], status) if newest else {"pod": "", "container": "", "exit_code": None, "restarts": 0}
    log = _log(cluster, newest[0], status, unread) if newest else []
    template = str(part(part(newest[0], "metadata"), "labels").get("pod-template-hash", "")) if newest else ""
    replica_set, refusal = ("", "") if newest else _replica_set(cluster, deployment, unread)
    events = _events(cluster, namespace, name, f"{name}-{template}", unread)
    scene = Scene("its pods", namespace, given=True, install=True)
    # The log tells more than a restart count.
    known = (
        failure_cause(log)
        or (failure and (failure.signature.cause, failure.next_step))
        or _rejected(refusal, scene)
        or failure_cause(events, scene)
    )
    cause, next_step = map(redact, known or ("", ""))
    what = f"logs {state['pod']}{' --previous' if state['restarts'] else ''}" if log else f"describe deployment {name}"
    return {
        "object": f"Deployment {namespace}/{name}",
        **state,
        "replica_set": replica_set,
        "log": log[-LOG_LINES:],
        "events": events,
        "cause": cause,
        "next_step": next_step,
        "command": f"kubectl -n {namespace} {what}",
        "unreadable": unread,
    }


def _rejected(refusal: str, scene: Scene) -> tuple[str, str] | None:
    """Return cause and next step if the API server rejected the pods of a ReplicaSet."""
    found = event_rejection(refusal)
    return (found.cause(scene), found.next_step(scene)) if found else failure_cause([refusal], scene)


def _worst(pod: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the status of the first container that is not ready, else of the first one; empty if there is none."""
    statuses = containers_of(pod)
    return next((entry for entry in statuses if _holds_up(entry)), statuses[0] if statuses else {})


def _state(pod: Mapping[str, Any], status: Mapping[str, Any]) -> dict[str, Any]:
    waiting, ended = part(part(status, "state"), "waiting"), part(part(status, "state"), "terminated")
    last = ended or part(part(status, "lastState"), "terminated")
    words = str(waiting.get("reason") or ended.get("reason") or part(pod, "status").get("phase") or "unknown")
    # The exit tells more than the length of the back-off.
    if waiting.get("message") and not last:
        words += f": {redact(str(waiting['message']))[:_WIDTH]}"
    code = last.get("exitCode")
    return {
        "pod": str(part(pod, "metadata").get("name")),
        "container": f"{status.get('name', 'none yet')}: {words}",
        "exit_code": code if isinstance(code, int) else None,
        "restarts": count(status.get("restartCount")),
    }


def _holds_up(status: Mapping[str, Any]) -> bool:
    done = part(part(status, "state"), "terminated")
    return status.get("ready") is not True and done.get("exitCode") != 0


def _log(cluster: Cluster, pod: Mapping[str, Any], status: Mapping[str, Any], unread: list[str]) -> list[str]:
    """Return the last lines of a container's log, from its previous run if it is not running now."""
    if not status:
        return []
    metadata = part(pod, "metadata")
    name, namespace = str(metadata.get("name")), str(metadata.get("namespace"))
    container = str(status.get("name"))
    between = not part(part(status, "state"), "running") and bool(part(part(status, "lastState"), "terminated"))
    try:
        lines = cluster.pod_log(namespace, name, container=container, lines=_READ_LINES, previous=between)
    except ConductorError as error:
        # The container has not run yet, or the pod is gone.
        if not (isinstance(error, ApiError) and error.status in (_BAD_REQUEST, _NOT_FOUND)):
            unread.append(f"the log of {name}: {error.message[:_WIDTH]}")
        return []
    plain = "\n".join(_plain(line) for line in lines)
    return [line[:_WIDTH] for line in redact(plain).splitlines() if line.strip()]


def _plain(line: str) -> str:
    """Return the message of a structured log line (go.uber.org/zap, configured by controller-runtime), or the line."""
    try:
        entry = json.loads(line)
    except ValueError:
        return line
    if not isinstance(entry, dict) or "msg" not in entry:
        return line
    return ": ".join(str(entry[name]) for name in ("level", "msg", "error") if entry.get(name))


def _replica_set(cluster: Cluster, deployment: Mapping[str, Any], unread: list[str]) -> tuple[str, str]:
    """Return the state of the ReplicaSet that should have created the newest pod, and why its pods were rejected.

    The reason is the server's, unchanged: redaction may hide the words that show the cause.
    """
    try:
        found, _version = cluster.list_all(
            resource_of("apps/v1", "ReplicaSet"), namespace_of(deployment), metadata_only=False
        )
    except ConductorError as error:
        unread.append(f"ReplicaSets: {error.message[:_WIDTH]}")
        return "", ""
    present = present_replicaset(deployment, found)
    verdict = replicaset_verdict(name_of(present) or "of the newest revision", present)
    return redact(str(verdict))[:_WIDTH], verdict.brief


def _events(cluster: Cluster, namespace: str, deployment: str, newest: str, unread: list[str]) -> list[str]:
    """Return the newest warnings about a Deployment, its newest ReplicaSet and the pods of that, oldest first."""
    try:
        found, _version = cluster.list_all(
            resource_of("v1", "Event"), namespace, metadata_only=False, field_selector="type=Warning"
        )
    except ConductorError as error:
        unread.append(f"events: {error.message[:_WIDTH]}")
        return []
    ours = [
        event
        for event in found
        for name in (str(part(event, "involvedObject").get("name", "")),)
        if name == deployment or name.startswith(newest)
    ]
    ours.sort(key=time_of)
    lines = dict.fromkeys(redact(f"{event.get('reason', '')}: {event.get('message', '')}")[:_WIDTH] for event in ours)
    return list(lines)[-EVENTS:]


# Bytes of the whole report. It fits on a screen; the result holds the same facts uncut.
MOST = 6000
# Bytes of a whole message, and characters of the line of one verdict.
SCREEN, _LONG = 7500, 600
_LINE = 160
_CUT = "... (the rest is in the result)"


def diagnosis_lines(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return one paragraph for each row of C(diagnose), at most C(MOST) bytes in total."""
    lines: list[str] = []
    for row in rows:
        where = f", pod {row['pod']}" if row["pod"] else ""
        state = f", {row['container']}" if row["container"] else ""
        code = f", exit code {row['exit_code']}" if row["exit_code"] is not None else ""
        again = f", {row['restarts']} restarts" if row["restarts"] else ""
        lines.append(_short(f"{row['object']}{where}{state}{code}{again}"))
        if row["replica_set"]:
            lines.append(_short(f"  {row['replica_set']}"))
        if row["cause"]:
            lines.append(_short(f"  cause: {row['cause']}"))
        lines += [_short(f"  event: {event}") for event in row["events"]]
        lines += [_short(f"  log: {line}") for line in row["log"]]
        lines += [_short(f"  unreadable: {what}") for what in row["unreadable"]]
        lines.append(_short(f"  more: {row['command']}"))
    return _bounded(lines)


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
