# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What kubectl applied of our own kustomization, and how it gives that up to us. Pure.

A field with two appliers is only removed when both leave it out, so as long as kubectl is one of them no later release
could drop anything (KEP-555, "merge strategy"). Therefore kubectl's entries leave managedFields once ours is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..names import FIELD_MANAGER, MANAGED_LABEL
from ..objects.managed_fields import common, cut, holds, together, without, without_containers
from .owner import HELPERS, own_entry
from .upstream import LAST_APPLIED, declared

# The names under which kubectl writes whole objects from files. Those of its editing commands (kubectl-edit, -patch,
# -scale, -label, ...) are not among them: what they wrote is somebody's decision, and stays that somebody's.
_SERVER_SIDE = ("kubectl", "Apply")
# Kept by `kubectl apply --server-side` where the object was applied client-side before: it owns the annotation below.
LAST_APPLIED_KEEPER = ("kubectl-last-applied", "Apply")
# These own, besides what was in the file, all that the server added to it as defaults.
_CLIENT_SIDE = (
    ("kubectl-client-side-apply", "Update"),
    ("kubectl-create", "Update"),
    ("kubectl-replace", "Update"),
)
# All the names under which kubectl can be in the way of a take-over.
KUBECTL = frozenset(manager for manager, _operation in (_SERVER_SIDE, *_CLIENT_SIDE))
# What they set on the way, and what is removed by a name of its own.
NO_EDITS: dict[str, Any] = {"f:metadata": {"f:annotations": {f"f:{LAST_APPLIED}": {}}}}


def kubectl_applied(metadata: Mapping[str, Any]) -> bool:
    """Whether kubectl applied the object from our kustomization, and it was not handed over to us since.

    Told by our label in kubectl's own entry: a label that we or an editor set on somebody's object does not count.
    Another manager that applies the object beside kubectl is an installer that would come back: then it is not ours
    to take, unless we have it already.
    """
    if (metadata.get("labels") or {}).get(MANAGED_LABEL) != "true":
        return False
    found = entries(metadata)
    if not any(
        who(entry) in (_SERVER_SIDE, *_CLIENT_SIDE)
        and holds(entry.get("fieldsV1") or {}, "metadata", "labels", MANAGED_LABEL)
        for entry in found
    ):
        return False
    others = [
        entry
        for entry in found
        if entry.get("operation") == "Apply" and who(entry) not in (_SERVER_SIDE, LAST_APPLIED_KEEPER)
    ]
    return not others or own_entry(metadata) is not None


def installed_by_kubectl(metadata: Mapping[str, Any]) -> bool:
    """Whether kubectl applied the object from anybody's files, and nobody else looks after it; marks are not judged.

    Beside an entry of ours it counts where it still, or again, has fields that are ours too.
    """
    if metadata.get("ownerReferences"):
        return False
    files = [entry for entry in entries(metadata) if who(entry) in (_SERVER_SIDE, *_CLIENT_SIDE)]
    ours = own_entry(metadata)
    if ours is not None:
        return any(common(entry.get("fieldsV1") or {}, ours.get("fieldsV1") or {}) for entry in files)
    others = [entry for entry in entries(metadata) if entry.get("manager") not in HELPERS]
    if any(
        entry.get("operation") == "Apply" and not str(entry.get("manager")).startswith("kubectl") for entry in others
    ):
        return False
    # Of an object with a single field nothing is left to whoever applied it, once an editor of kubectl's changed that.
    return bool(files) or (bool(others) and all(str(entry.get("manager")).startswith("kubectl") for entry in others))


def is_nobodys(metadata: Mapping[str, Any]) -> bool:
    """Whether nobody but controllers ever set a field of it; marks are not judged."""
    if metadata.get("ownerReferences"):
        return False
    return all(entry.get("manager") in HELPERS for entry in entries(metadata))


def let_go(
    metadata: Mapping[str, Any],
    manifest: Mapping[str, Any],
    ours: Mapping[str, Any],
    leftovers: tuple[Mapping[str, Any], Mapping[str, Any]],
    tools: tuple[str, ...] = (),
    removed: Sequence[tuple[str, ...]] = (),
) -> list[dict[str, Any]]:
    """The new managedFields that put our name in the place of kubectl's; the same as they are where it has none.

    To be written before our own apply: a field that is ours alone by then, and not in our manifest, goes with it.

    Args:
        ours: the fields that our apply sets.
        leftovers: the fields of the old release that ours does not set: to be deleted, to be disowned only.
        tools: how the names of other managers begin that have to let go as well.
        removed: the paths of marks that are taken off the object.
    """
    gone, disowned = leftovers
    taken: dict[str, Any] = {}
    kept: list[dict[str, Any]] = []
    time = None
    for entry in metadata.get("managedFields") or []:
        author = who(entry)
        leaves = author in (_SERVER_SIDE, *_CLIENT_SIDE) or (bool(tools) and author[0].startswith(tools))
        if entry.get("subresource") or not (leaves or author == LAST_APPLIED_KEEPER):
            kept.append(entry)
            continue
        fields = entry.get("fieldsV1") or {}
        mine = common(fields, together(ours, gone))
        taken, time = together(taken, mine), time or entry.get("time")
        rest = fields if entry.get("operation") == "Apply" else declared(metadata, entry) if not tools else {}
        for known in (ours, gone, disowned, NO_EDITS):
            rest = without(rest, known)
        for path in removed:
            rest = cut(rest, path)
        rest = without_containers(rest, ours)
        if rest:
            kept.append({**entry, "fieldsV1": rest})
    present = own_entry(metadata)
    if not taken and not kept:
        # Nobody may be left in charge for a moment: the server would make an owner of its own ("before-first-apply").
        taken = dict(ours)
    if not taken or kept == metadata.get("managedFields"):
        return kept
    own = {
        "manager": FIELD_MANAGER,
        "operation": "Apply",
        "apiVersion": manifest["apiVersion"],
        "time": time,
        "fieldsType": "FieldsV1",
        **(present or {}),
        "fieldsV1": together((present or {}).get("fieldsV1") or {}, taken),
    }
    return [*(entry for entry in kept if entry != present), own]


def take_over_patch(metadata: Mapping[str, Any]) -> list[dict[str, Any]]:
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
        if entry.get("subresource") or who(entry) not in (_SERVER_SIDE, LAST_APPLIED_KEEPER, *_CLIENT_SIDE):
            kept.append(entry)
        elif who(entry) == _SERVER_SIDE and (rest := without(entry.get("fieldsV1") or {}, ours["fieldsV1"])):
            kept.append({**entry, "fieldsV1": rest})
    if kept == metadata["managedFields"]:
        return []
    patch = [
        {"op": "replace", "path": "/metadata/managedFields", "value": kept},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]},
    ]
    if LAST_APPLIED in (metadata.get("annotations") or {}):
        patch.append({"op": "remove", "path": f"/metadata/annotations/{LAST_APPLIED.replace('/', '~1')}"})
    return patch


def entries(metadata: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The entries of managedFields that are about an object itself, not its status."""
    return [entry for entry in metadata.get("managedFields") or [] if not entry.get("subresource")]


def who(entry: Mapping[str, Any]) -> tuple[str, str]:
    """Whose an entry is: the manager and the operation."""
    return str(entry.get("manager")), str(entry.get("operation"))
