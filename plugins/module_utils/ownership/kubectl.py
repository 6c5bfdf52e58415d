# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recognise objects that kubectl applied, and take over their fields. Pure.

A field with two appliers is only removed if both leave it out. While kubectl is one of them, no later release could
remove a field (KEP-555, "merge strategy"). So kubectl's entries are removed from managedFields when ours exists.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..names import FIELD_MANAGER, LAST_APPLIED, MANAGED_LABEL
from ..objects.managed_fields import common, cut, holds, together, without, without_containers
from .owner import HELPERS, own_entry

# The managers under which kubectl writes whole objects from files. Those of its editing commands (kubectl-edit, -patch,
# -scale, -label, ...) are not included: an edit is a person's decision, and the field stays with its manager.
_SERVER_SIDE = ("kubectl", "Apply")
# `kubectl apply --server-side` adds it if the object was applied client-side before. It owns the annotation below.
LAST_APPLIED_KEEPER = ("kubectl-last-applied", "Apply")
# These own the fields of the file and also the defaults that the server added.
_CLIENT_SIDE = (
    ("kubectl-client-side-apply", "Update"),
    ("kubectl-create", "Update"),
    ("kubectl-replace", "Update"),
)
# All managers of kubectl whose fields a take-over includes.
KUBECTL = frozenset(manager for manager, _operation in (_SERVER_SIDE, *_CLIENT_SIDE))
# The annotation of client-side apply, which is removed separately and is not an edit.
NO_EDITS: dict[str, Any] = {"f:metadata": {"f:annotations": {f"f:{LAST_APPLIED}": {}}}}


def kubectl_applied(metadata: Mapping[str, Any]) -> bool:
    """Return whether kubectl applied the object from our kustomization and we have not taken it over yet.

    Our label must be in kubectl's own entry: a label set by us or by an editor does not count. If another manager also
    applies the object, it is an installer that would apply it again. Then the object is not ours to take over, unless
    we already own it.
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
    """Return whether kubectl applied the object from any files and no other tool manages it. Ignore marks.

    If we have an entry too, kubectl must still, or again, own fields that are also ours.
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
    # If an object has a single field and an editing command of kubectl changed it, the applier's entry is gone.
    return bool(files) or (bool(others) and all(str(entry.get("manager")).startswith("kubectl") for entry in others))


def is_nobodys(metadata: Mapping[str, Any]) -> bool:
    """Return whether only controllers have set fields of the object. Ignore marks."""
    if metadata.get("ownerReferences"):
        return False
    return all(entry.get("manager") in HELPERS for entry in entries(metadata))


def take_over_entries(
    metadata: Mapping[str, Any],
    manifest: Mapping[str, Any],
    ours: Mapping[str, Any],
    leftovers: tuple[Mapping[str, Any], Mapping[str, Any]],
    tools: tuple[str, ...] = (),
    removed: Sequence[tuple[str, ...]] = (),
) -> list[dict[str, Any]]:
    """Return managedFields with our manager in place of kubectl's; unchanged if kubectl has no entry.

    Write them before our own apply, which then removes the fields that only we own and that are not in our manifest.

    Args:
        ours: the fields that our apply sets.
        leftovers: the fields of the old release that ours does not set: those to delete, and those only to disown.
        tools: the name prefixes of other managers whose entries are replaced as well.
        removed: the paths of marks that are removed from the object.
    """
    # A late import: most runs take nothing over.
    from .upstream import declared

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
        # Without any entry the server would create one of its own ("before-first-apply").
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
    """Return the JSON Patch (RFC 6902) that removes kubectl's ownership of our fields; empty if it owns none.

    Send it after our own apply, when the fields have another owner. The patch sets the resourceVersion for which it was
    made, so the server rejects it (409) if the object has changed meanwhile.

    Fields that server-side kubectl applied beyond the release (e.g. a toleration in an overlay) stay with kubectl. For
    client-side kubectl they cannot be distinguished from the server's defaults: they stay on the object without an
    owner. The last-applied annotation is removed, because the next client-side apply would use it to delete fields
    that are ours now, and because it doubles the size of every CRD that we list. (This increases the generation of a
    Deployment, but rolls nothing out.)
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
    """Return the entries of managedFields for an object itself, without those of subresources such as status."""
    return [entry for entry in metadata.get("managedFields") or [] if not entry.get("subresource")]


def who(entry: Mapping[str, Any]) -> tuple[str, str]:
    """Return the manager and the operation of an entry."""
    return str(entry.get("manager")), str(entry.get("operation"))
