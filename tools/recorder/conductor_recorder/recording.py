# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reduce the versions of objects to the fields that verdicts read. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# The fields to keep; others are long, or differ between clusters.
_METADATA = ("name", "namespace", "uid", "generation", "labels", "deletionTimestamp", "creationTimestamp", "finalizers")
_OF_SPEC = {
    "Pod": ("nodeName",),
    "Deployment": ("replicas", "paused", "selector", "progressDeadlineSeconds"),
    "ReplicaSet": ("replicas",),
    "CustomResourceDefinition": ("group", "scope"),
    "Lease": ("holderIdentity", "acquireTime", "leaseTransitions", "leaseDurationSeconds"),
}
_OF_POD_STATUS = ("phase", "conditions", "reason", "message", "initContainerStatuses", "containerStatuses")
_OF_CONTAINER = ("name", "image", "ready", "started", "restartCount", "state", "lastState")
# Verdicts recognise a caBundle, but do not verify it.
_CA = "c2hvcnRlbmVk"


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
    metadata = item.get("metadata") or {}
    kept: dict[str, Any] = {"metadata": {name: metadata[name] for name in _METADATA if name in metadata}}
    if kind == "Secret":
        return kept
    spec = item.get("spec") or {}
    if kind in _OF_SPEC:
        kept["spec"] = {name: spec[name] for name in _OF_SPEC[kind] if name in spec}
    if kind == "CustomResourceDefinition":
        kept["spec"]["versions"] = [{"name": version["name"]} for version in spec.get("versions") or []]
    for name in ("status", "endpoints"):
        if name in item:
            kept[name] = item[name]
    if kind == "Pod" and "status" in kept:
        kept["status"] = {name: _status(value) for name, value in kept["status"].items() if name in _OF_POD_STATUS}
    if "webhooks" in item:
        kept["webhooks"] = [_webhook(webhook) for webhook in item["webhooks"]]
    return kept


def _status(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    return [
        {name: entry[name] for name in _OF_CONTAINER if name in entry} if "restartCount" in entry else entry
        for entry in value
    ]


def _webhook(webhook: Mapping[str, Any]) -> dict[str, Any]:
    client = dict(webhook.get("clientConfig") or {})
    if client.get("caBundle"):
        client["caBundle"] = _CA
    return {"name": webhook.get("name"), "clientConfig": client}
