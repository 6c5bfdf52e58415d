# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who installed something, as a kind that code can compare; C(_ownership.py) knows the marks and says it in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ._fields import part, parts, text
from ._handover import kubectl_applied
from ._ownership import OURS, owner_of

# How the words of owner_of begin, and the kind that goes with them.
_WORDS = (
    ("Helm", "helm"),
    ("Flux", "flux"),
    ("Argo CD", "argocd"),
    ("Operator Lifecycle Manager", "olm"),
    ("Juju", "juju"),
)
# How the names of field managers begin; those of GitOps tools are of their controllers.
_MANAGERS = (
    ("kubectl", "kubectl"),
    ("helm", "helm"),
    ("argocd", "argocd"),
    ("kustomize-controller", "flux"),
)
NOBODY: dict[str, Any] = {"kind": "none", "name": "", "adoptable": False}


def owner(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Who manages an object.

    Returns:
        C(kind), C(name) in words, and C(adoptable): applied with kubectl, but out of our own kustomization.
    """
    sound = _sound(metadata)
    words = owner_of(sound)
    if words == OURS:
        return {"kind": "conductor", "name": "Conductor", "adoptable": False}
    for beginning, kind in _WORDS:
        if words.startswith(beginning):
            return {"kind": kind, "name": words, "adoptable": False}
    for reference in parts(metadata, "ownerReferences"):
        name = f"{text(reference, 'kind')} {text(reference, 'name')}"
        return {"kind": "operator", "name": name, "adoptable": False}
    names = [text(entry, "manager") for entry in parts(metadata, "managedFields") if not entry.get("subresource")]
    for beginning, kind in _MANAGERS:
        if any(name.startswith(beginning) for name in names):
            return {"kind": kind, "name": words, "adoptable": kubectl_applied(sound)}
    return {"kind": "other", "name": words, "adoptable": False}


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
    }


def common_owner(objects: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The one owner of several objects; kind C(mixed) where they have several, C(none) where there are no objects."""
    owners = {found["name"]: found for item in objects for found in (owner(part(item, "metadata")),)}
    if not owners:
        return dict(NOBODY)
    kinds = {found["kind"] for found in owners.values()}
    return {
        "kind": kinds.pop() if len(kinds) == 1 else "mixed",
        "name": "; ".join(sorted(owners)),
        # What is Conductor's already does not stand in the way of the rest: a take-over may have been cut off.
        "adoptable": any(found["adoptable"] for found in owners.values())
        and all(found["adoptable"] or found["kind"] == "conductor" for found in owners.values()),
    }


def is_own_or_nothing(objects: Iterable[Mapping[str, Any]]) -> bool:
    """Whether all of these are Conductor's or will be without a word; so it is where there are none."""
    found = common_owner(objects)
    return bool(found["kind"] in ("none", "conductor") or found["adoptable"])
