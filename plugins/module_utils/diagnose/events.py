# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read events: what the kubelet does that the pod's status does not show (pulling, mounting)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ..cluster.client import Cluster
from ..errors import ConductorError
from ..objects.fields import name_of, part, text
from ..objects.resources import resource_of
from ..redaction import redact
from ..verdicts.pods import containers_of
from ..verdicts.verdict import second_of

# The kubelet or the scheduler does this before a container starts. If one has started since, it has succeeded.
_BEFORE_START = frozenset(
    {
        "FailedScheduling",
        "FailedMount",
        "FailedAttachVolume",
        "FailedCreatePodSandBox",
        "FailedCreatePodContainer",
        "NetworkNotReady",
        "FailedPrepareDynamicResources",
    }
)


class Subject(NamedTuple):
    """An object that events are about. Another object may have had its name before.

    Args:
        started: when its newest container started, if it is a pod.
    """

    name: str
    uid: str
    started: str = ""


def subject_of(item: Mapping[str, Any]) -> Subject:
    """Return an object, e.g. a pod, as the subject of events."""
    states = [part(status, *path) for status in containers_of(item) for path in _STATES]
    started = max((text(state, "startedAt") for state in states), default="")
    return Subject(name_of(item), text(item, "metadata", "uid"), started)


_STATES = (("state", "running"), ("state", "terminated"), ("lastState", "terminated"))


def is_about(event: Mapping[str, Any], subject: Subject) -> bool:
    """Return whether an event is about this very object, and about something that still matters.

    An event without a uid is compared by name.
    """
    object_ = part(event, "involvedObject") or part(event, "regarding")
    uid = text(object_, "uid")
    if (uid != subject.uid) if uid and subject.uid else (text(object_, "name") != subject.name):
        return False
    passed = text(event, "reason") in _BEFORE_START and second_of(time_of(event)) <= second_of(subject.started)
    return not passed


def newest(events: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return events in the order of their last occurrence."""
    return sorted(events, key=time_of)


def last_event(cluster: Cluster, namespace: str, pod: str, uid: str = "") -> str:
    """Return the message of the newest event of a pod; empty if there is none or events cannot be read.

    Args:
        uid: of the pod; events of earlier pods of its name do not count.
    """
    events = _events_of_pod(cluster, namespace, pod)
    ours = [event for event in events if not uid or text(event, "involvedObject", "uid") in ("", uid)]
    return redact(text(newest(ours)[-1], "message")).strip() if ours else ""


def last_warning(cluster: Cluster, namespace: str, pod: Mapping[str, Any]) -> str:
    """Return reason and message, unchanged, of the newest warning about a pod that still matters; empty without any."""
    events = _events_of_pod(cluster, namespace, name_of(pod), ",type=Warning")
    ours = [event for event in events if is_about(event, subject_of(pod))]
    return f"{text(newest(ours)[-1], 'reason')}: {text(newest(ours)[-1], 'message')}" if ours else ""


def reasons_of(cluster: Cluster, namespace: str, pod: str) -> set[str]:
    """Return the reasons of the events of a pod; empty if there are none or they cannot be read."""
    events = _events_of_pod(cluster, namespace, pod)
    return {text(event, "reason") for event in events if text(event, "involvedObject", "name") == pod}


def _events_of_pod(cluster: Cluster, namespace: str, pod: str, more: str = "") -> list[dict[str, Any]]:
    """Return the events of a pod that also match C(more), a field selector; none if they cannot be read."""
    selector = f"involvedObject.kind=Pod,involvedObject.name={pod}{more}"
    try:
        return cluster.list_all(resource_of("v1", "Event"), namespace, metadata_only=False, field_selector=selector)[0]
    except ConductorError:
        return []


def time_of(event: Any) -> str:
    """Return the time at which an event last occurred (RFC 3339), to sort events by; empty if it is unknown."""
    # A repeated event has the time of its last occurrence; an event of the newer API has only eventTime.
    times = (
        text(event, "series", "lastObservedTime"),
        text(event, "lastTimestamp"),
        text(event, "eventTime"),
        text(event, "metadata", "creationTimestamp"),
    )
    return next((time for time in times if time), "")
