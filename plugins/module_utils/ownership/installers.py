# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who installed something, as a kind that code can compare; C(owner.py) knows the marks and says it in words."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ..objects.fields import part, parts, text
from ..objects.line import Line, about
from .kubectl import installed_by_kubectl, kubectl_applied
from .owner import Mark, manager_of, mark_of

# How the names of field managers begin; those of GitOps tools are of their controllers.
MANAGERS: dict[str, tuple[str, ...]] = {
    "kubectl": ("kubectl",),
    "helm": ("helm",),
    "argocd": ("argocd",),
    "flux": ("kustomize-controller", "helm-controller", "flux"),
    "olm": ("olm", "operator-lifecycle-manager", "catalog-operator"),
    "juju": ("juju",),
}
# The owners that can be named to take objects from.
ADOPTABLE = ("helm", "argocd", "flux", "olm", "juju", "other")
NOBODY: dict[str, Any] = {"kind": "none", "name": "", "adoptable": False}


def owner(metadata: Mapping[str, Any], adopt: Collection[str] = ()) -> dict[str, Any]:
    """Who manages an object.

    Args:
        adopt: the owners to take objects from; some of C(ADOPTABLE).

    Returns:
        C(kind), C(name) in words, and C(adoptable): an install takes it over, from kubectl without being asked to.
    """
    sound = _sound(metadata)
    manager = manager_of(sound)
    if manager.kind == "conductor":
        return {"kind": "conductor", "name": Line("Conductor", about=[("owner", "conductor", "")]), "adoptable": False}
    kind, name = _foreign(metadata, manager)
    by_kubectl = mark_of(sound) is None and (kubectl_applied(sound) or installed_by_kubectl(sound))
    return {"kind": kind, "name": name, "adoptable": by_kubectl or _tool(kind) in adopt}


def tool_of(metadata: Mapping[str, Any]) -> str:
    """Under which of the names in C(ADOPTABLE) an object of somebody else's can be taken over."""
    return _tool(_foreign(metadata, manager_of(_sound(metadata)))[0])


def _tool(kind: str) -> str:
    return kind if kind in ADOPTABLE else "other"


def _foreign(metadata: Mapping[str, Any], manager: Mark) -> tuple[str, Line]:
    """The kind of an owner and its name in words, which is about who it is."""
    said = Line(manager.words, about=[("owner", manager.kind, manager.name)])
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
    """Only what the judges of ownership look at, and that in the types they count on."""
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
    """The one owner of several objects; kind C(mixed) where they have several, C(none) where there are no objects."""
    all_found = [owner(part(item, "metadata"), adopt) for item in objects]
    owners = {about(found["name"]): found for found in all_found}
    if not owners:
        return dict(NOBODY)
    kinds = {found["kind"] for found in owners.values()}
    return {
        "kind": kinds.pop() if len(kinds) == 1 else "mixed",
        "name": Line("; ".join(sorted(found["name"] for found in owners.values())), about=frozenset().union(*owners)),
        # What is Conductor's already does not stand in the way of the rest: a take-over may have been cut off.
        "adoptable": any(found["adoptable"] for found in owners.values())
        and all(found["adoptable"] or found["kind"] == "conductor" for found in owners.values()),
    }


def is_own_or_nothing(objects: Iterable[Mapping[str, Any]]) -> bool:
    """Whether all of these are Conductor's, or kubectl's out of its kustomization; so it is where there are none."""
    found = [_sound(part(item, "metadata")) for item in objects]
    return all(
        manager_of(sound).kind == "conductor" or (mark_of(sound) is None and kubectl_applied(sound)) for sound in found
    )
