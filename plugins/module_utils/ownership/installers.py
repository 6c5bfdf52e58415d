# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Determine who installed an object, as a kind that code can compare. C(owner.py) knows the marks and the texts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ..names import ADOPTABLE, MANAGERS
from ..objects.fields import part, parts, text
from ..objects.line import Line, about
from .kubectl import installed_by_kubectl, kubectl_applied
from .owner import Mark, manager_of, mark_of, marks_of

NOBODY: dict[str, Any] = {"kind": "none", "name": "", "adoptable": False}


def owner(metadata: Mapping[str, Any], adopt: Collection[str] = ()) -> dict[str, Any]:
    """Return who manages an object.

    Args:
        adopt: the owners to adopt objects from; some of C(ADOPTABLE).

    Returns:
        C(kind), C(name) as text, and C(adoptable): whether an install takes the object over. Objects of kubectl are
        always adoptable.
    """
    sound = _sound(metadata)
    manager = manager_of(sound)
    if manager.kind == "conductor":
        return {"kind": "conductor", "name": Line("Conductor", about=[("owner", "conductor", "")]), "adoptable": False}
    kind, name = _foreign(metadata, manager)
    by_kubectl = mark_of(sound) is None and (kubectl_applied(sound) or installed_by_kubectl(sound))
    return {"kind": kind, "name": name, "adoptable": by_kubectl or _tool(kind) in adopt}


def tool_of(metadata: Mapping[str, Any]) -> str:
    """Return the name in C(ADOPTABLE) under which an object of another owner can be adopted."""
    return _tool(_foreign(metadata, manager_of(_sound(metadata)))[0])


def _tool(kind: str) -> str:
    return kind if kind in ADOPTABLE else "other"


def _foreign(metadata: Mapping[str, Any], manager: Mark) -> tuple[str, Line]:
    """Return the kind of an owner, and its name as a line whose C(about) identifies the owner."""
    said = Line(manager.words, about=[("owner", mark.kind, mark.name) for mark in marks_of(metadata) or [manager]])
    if manager.kind not in ("managers", "unknown"):
        return manager.kind, said
    for reference in parts(metadata, "ownerReferences"):
        name = f"{text(reference, 'kind')} {text(reference, 'name')}"
        return "operator", Line(name, about=[("owner", "operator", name)])
    names = [text(entry, "manager") for entry in parts(metadata, "managedFields") if not entry.get("subresource")]
    for kind, beginnings in MANAGERS.items():
        if any(name.startswith(beginnings) for name in names):
            return kind, said
    return "other", said


def _sound(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return only the metadata that decides about ownership, with the expected types."""
    names = ("manager", "operation", "subresource")
    entries = [
        {**{name: text(entry, name) for name in names}, "fieldsV1": {"f:metadata": {"f:labels": labels}}}
        for entry in parts(metadata, "managedFields")
        for labels in (part(entry, "fieldsV1", "f:metadata", "f:labels"),)
    ]
    return {
        "labels": part(metadata, "labels"),
        "annotations": part(metadata, "annotations"),
        "managedFields": entries,
        "ownerReferences": parts(metadata, "ownerReferences"),
    }


def common_owner(objects: Iterable[Mapping[str, Any]], adopt: Collection[str] = ()) -> dict[str, Any]:
    """Return the common owner of several objects; kind C(mixed) if they have several, C(none) without objects."""
    all_found = [owner(part(item, "metadata"), adopt) for item in objects]
    owners = {about(found["name"]): found for found in all_found}
    if not owners:
        return dict(NOBODY)
    kinds = {found["kind"] for found in owners.values()}
    return {
        "kind": kinds.pop() if len(kinds) == 1 else "mixed",
        "name": Line("; ".join(sorted(found["name"] for found in owners.values())), about=frozenset().union(*owners)),
        # Objects that Conductor owns do not prevent adopting the others: a take-over may have been interrupted.
        "adoptable": any(found["adoptable"] for found in owners.values())
        and all(found["adoptable"] or found["kind"] == "conductor" for found in owners.values()),
    }


def is_own_or_nothing(objects: Iterable[Mapping[str, Any]]) -> bool:
    """Return whether Conductor, or kubectl with its kustomization, applied all of these; True without any."""
    found = [_sound(part(item, "metadata")) for item in objects]
    return all(
        manager_of(sound).kind == "conductor" or (mark_of(sound) is None and kubectl_applied(sound)) for sound in found
    )
