# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reduce the versions of objects to the fields that verdicts read. Pure."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

# The fields to keep, by name: None is all of a field, a mapping parts of it or of each entry of a list. Others are
# long, or differ between clusters.
Shape = Mapping[str, Any]
METADATA = dict.fromkeys(
    ("name", "namespace", "uid", "generation", "labels", "deletionTimestamp", "creationTimestamp", "finalizers")
)
CONTAINERS = dict.fromkeys(("name", "image", "ready", "started", "restartCount", "state", "lastState"))
OTHERS: Shape = {"status": None, "endpoints": None, "webhooks": {"name": None, "clientConfig": None}}
BY_KIND: Mapping[str, Shape] = {
    "Secret": {},
    "Pod": {
        "spec": {"nodeName": None},
        "status": {
            **dict.fromkeys(("phase", "conditions", "reason", "message")),
            **dict.fromkeys(("initContainerStatuses", "containerStatuses"), CONTAINERS),
        },
    },
    "Deployment": {**OTHERS, "spec": dict.fromkeys(("replicas", "paused", "selector", "progressDeadlineSeconds"))},
    "ReplicaSet": {**OTHERS, "spec": {"replicas": None}},
    "CustomResourceDefinition": {**OTHERS, "spec": {"group": None, "scope": None, "versions": {"name": None}}},
    "Lease": {"spec": dict.fromkeys(("holderIdentity", "acquireTime", "leaseTransitions", "leaseDurationSeconds"))},
}
# Verdicts recognise a caBundle, but do not verify it.
CA = "c2hvcnRlbmVk"


class Recording:
    """The versions of all objects, in the order of their arrival."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []
        self._last: dict[tuple[str, str], Any] = {}

    def take(self, seconds: float, kind: str, event: str, item: Mapping[str, Any]) -> bool:
        """Keep a version if its reduced form differs from the previous one; return whether it was kept.

        Args:
            seconds: time since the recording began.
            event: ADDED, MODIFIED or DELETED.
        """
        kept = None if event == "DELETED" else trimmed(kind, item)
        name = str((item.get("metadata") or {}).get("name"))
        if (kind, name) in self._last and self._last[kind, name] == kept:
            return False
        self._last[kind, name] = kept
        self.entries.append({"seconds": round(seconds, 2), "kind": kind, "name": name, "object": kept})
        return True


def trimmed(kind: str, item: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object with the fields that verdicts read, and without secret data."""
    shape = {"metadata": METADATA, **BY_KIND.get(kind, OTHERS)}
    found: dict[str, Any] = copy.deepcopy(_fields({"metadata": {}, **item}, shape))
    for client in (webhook.get("clientConfig") or {} for webhook in found.get("webhooks") or ()):
        client.update({"caBundle": CA} if client.get("caBundle") else {})
    return found


def _fields(value: Any, shape: Shape | None) -> Any:
    if isinstance(value, list) and shape is not None:
        return [_fields(entry, shape) for entry in value]
    if not isinstance(value, Mapping) or shape is None:
        return value
    return {name: _fields(value[name], inner) for name, inner in shape.items() if name in value}
