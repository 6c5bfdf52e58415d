# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read events: what the kubelet does that the pod's status does not show (pulling, mounting)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..cluster.client import Cluster
from ..errors import ConductorError
from ..objects.resources import resource_of
from ..redaction import redact


def last_event(cluster: Cluster, namespace: str, pod: str) -> str:
    """Return the message of the newest event of a pod; empty if there is none or events cannot be read."""
    selector = f"involvedObject.kind=Pod,involvedObject.name={pod}"
    try:
        events = cluster.list_all(resource_of("v1", "Event"), namespace, metadata_only=False, field_selector=selector)[
            0
        ]
    except ConductorError:
        return ""
    return redact(str(max(events, key=time_of).get("message", ""))).strip() if events else ""


def time_of(event: Mapping[str, Any]) -> str:
    """Return the time at which an event last occurred (RFC 3339), to sort events by."""
    # A repeated event has the time of its last occurrence; an event of the newer API has only eventTime.
    times = (event.get("lastTimestamp"), event.get("eventTime"), (event.get("metadata") or {}).get("creationTimestamp"))
    return next((str(time) for time in times if time), "")
