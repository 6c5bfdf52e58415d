# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What kubectl applied of our own kustomization, and how it gives that up to us. Pure.

A field with two appliers is only removed when both leave it out, so as long as kubectl is one of them no later release
could drop anything (KEP-555, "merge strategy"). Therefore kubectl's entries leave managedFields once ours is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ._bundle import MANAGED_LABEL
from ._managed_fields import holds, without
from ._ownership import own_entry

# The names under which kubectl writes whole objects from files. Those of its editing commands (kubectl-edit, -patch,
# -scale, -label, ...) are not among them: what they wrote is somebody's decision, and stays that somebody's.
_SERVER_SIDE = ("kubectl", "Apply")
# Kept by `kubectl apply --server-side` where the object was applied client-side before: it owns the annotation below.
_LAST_APPLIED_KEEPER = ("kubectl-last-applied", "Apply")
# These own, besides what was in the file, all that the server added to it as defaults.
_CLIENT_SIDE = (
    ("kubectl-client-side-apply", "Update"),
    ("kubectl-create", "Update"),
    ("kubectl-replace", "Update"),
)
# All the names under which kubectl can be in the way of a take-over.
KUBECTL = frozenset(manager for manager, _operation in (_SERVER_SIDE, *_CLIENT_SIDE))
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def kubectl_applied(metadata: Mapping[str, Any]) -> bool:
    """Whether kubectl applied the object from our kustomization, and it was not handed over to us since.

    Told by our label in kubectl's own entry: a label that we or an editor set on somebody's object does not count.
    Another manager that applies the object beside kubectl is an installer that would come back: then it is not ours
    to take, unless we have it already.
    """
    if (metadata.get("labels") or {}).get(MANAGED_LABEL) != "true":
        return False
    entries = _entries(metadata)
    if not any(
        _who(entry) in (_SERVER_SIDE, *_CLIENT_SIDE)
        and holds(entry.get("fieldsV1") or {}, "metadata", "labels", MANAGED_LABEL)
        for entry in entries
    ):
        return False
    others = [
        entry
        for entry in entries
        if entry.get("operation") == "Apply" and _who(entry) not in (_SERVER_SIDE, _LAST_APPLIED_KEEPER)
    ]
    return not others or own_entry(metadata) is not None


def hand_over(metadata: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The JSON Patch (RFC 6902) that ends kubectl's ownership of what we own; empty where there is nothing to end.

    To be sent after our own apply: only then the fields have another owner. The patch sets the resourceVersion it was
    made for, so that the server refuses it (409) where the object changed meanwhile.

    What a server-side kubectl applied beyond the release (a toleration in somebody's overlay) stays kubectl's. Of a
    client-side one that cannot be told from the server's defaults: it stays on the object, and nobody's. The
    last-applied annotation goes, because the next client-side apply would delete by it what is ours now, and because it
    doubles the size of every CRD we list. (A Deployment counts that as a new generation; nothing is rolled out.)
    """
    ours = own_entry(metadata)
    if ours is None:
        return []
    kept = []
    for entry in metadata["managedFields"]:
        if entry.get("subresource") or _who(entry) not in (_SERVER_SIDE, _LAST_APPLIED_KEEPER, *_CLIENT_SIDE):
            kept.append(entry)
        elif _who(entry) == _SERVER_SIDE and (rest := without(entry.get("fieldsV1") or {}, ours["fieldsV1"])):
            kept.append({**entry, "fieldsV1": rest})
    if kept == metadata["managedFields"]:
        return []
    patch = [
        {"op": "replace", "path": "/metadata/managedFields", "value": kept},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]},
    ]
    if _LAST_APPLIED in (metadata.get("annotations") or {}):
        patch.append({"op": "remove", "path": f"/metadata/annotations/{_LAST_APPLIED.replace('/', '~1')}"})
    return patch


def _entries(metadata: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [entry for entry in metadata.get("managedFields") or [] if not entry.get("subresource")]


def _who(entry: Mapping[str, Any]) -> tuple[str, str]:
    return str(entry.get("manager")), str(entry.get("operation"))
