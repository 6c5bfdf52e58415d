# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells what a person edited in an object of upstream's install from what upstream's has otherwise than ours.

The first is a conflict, the second is no news. A server fills in defaults, so what is compared with the live object is
never our text, but what the server would make of it (a dry run that is forced).
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any

from ..names import FIELD_MANAGER, MANAGED_LABEL
from ..objects.diff import changed_fields
from ..objects.digest import digest
from ..objects.managed_fields import field_name, is_in, places, tree_of, value_at
from ..release.bundle import Side

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_CRD = "CustomResourceDefinition"


def is_bare(manifest: Mapping[str, Any], side: Side) -> bool:
    """Whether upstream's object is but a name: server-side apply records no owner for such a one."""
    labels = set(manifest["metadata"].get("labels") or {}) - {MANAGED_LABEL}
    fields = {*manifest, *manifest["metadata"]} - {"apiVersion", "kind", "metadata", "name", "namespace", "labels"}
    return not fields and all(is_in(side.lacks, ("f:metadata", "f:labels", f"f:{name}")) for name in labels)


def declared(metadata: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an entry of managedFields that stood in its author's file.

    An Apply owns just these. An Update owns the server's defaults as well; which are which is told by the copy of its
    file that client-side kubectl keeps. Without one (C(kubectl create)) nothing can be told, so nothing is declared.
    """
    fields = dict(entry.get("fieldsV1") or {})
    if entry.get("operation") == "Apply":
        return fields
    if entry.get("manager") not in ("kubectl-client-side-apply", "kubectl-create", "kubectl-replace"):
        # An edit is all its author's.
        return fields
    try:
        file = json.loads((metadata.get("annotations") or {}).get(LAST_APPLIED, "{}"))
    except ValueError:
        return {}
    return tree_of([path for path in places(fields) if value_at(file, path)[0]])


def leftovers(side: Side, live: Mapping[str, Any], wanted: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields of upstream's object that ours does not have: those to be deleted, and those to be disowned only.

    A field that holds another value than upstream's was edited, and is not deleted; a map that was empty at upstream's
    (the data of a Secret) holds what others wrote.
    """
    gone, let_go = [], []
    for path, told in _leaves(side.has):
        if told == "":
            let_go.append(path)
        elif not value_at(wanted, path)[0] and _is_upstreams(live, path, told):
            gone.append(path)
    return tree_of(gone), tree_of(let_go)


def edits(side: Side, live: dict[str, Any], after: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """The fields that an apply would take away from somebody who edited them: name to what is there and what we want.

    Args:
        live: the object that is there.
        after: what the server would make of it with our manifest.
    """
    expected = copy.deepcopy(live)
    for path, told in _leaves(side.has):
        there, value = value_at(after, path)
        if told and _is_upstreams(live, path, told):
            # Ours by name already, where an adoption was cut off: then it goes.
            _set(expected, path, value) if there else remove_field(expected, path)
    owned = [
        declared(live["metadata"], entry)
        for entry in live["metadata"].get("managedFields") or []
        if not entry.get("subresource") and entry.get("manager") != FIELD_MANAGER
    ]
    lacks = [*places(side.lacks), ("f:metadata", "f:labels", f"f:{MANAGED_LABEL}")]
    for path in lacks:
        _fill(expected, after, path, owned)
    if side.described and live.get("kind") == _CRD:
        expected, after = _undescribed(expected), _undescribed(after)
    return changed_fields(expected, after)


def owner_of_field(metadata: Mapping[str, Any], name: str) -> str:
    """Who owns a field that is named as C(diff.py) names it; empty where nobody does, as of one that was removed."""
    owners = [
        str(entry.get("manager"))
        for entry in metadata.get("managedFields") or []
        if not entry.get("subresource")
        for path in places(declared(metadata, entry))
        # The map around a field that went to somebody else stays its first owner's, and says nothing.
        if not is_in(entry["fieldsV1"], (*path, "."))
        for owned in (field_name(path),)
        if _is_or_is_in(owned, name) or _is_or_is_in(name, owned)
    ]
    return ", ".join(dict.fromkeys(owners))


def _is_or_is_in(name: str, other: str) -> bool:
    return name == other or name.startswith((f"{other}.", f"{other}["))


def _leaves(tree: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    for name, below in tree.items():
        if isinstance(below, str):
            yield (name,), below
        else:
            for path, told in _leaves(below):
                yield (name, *path), told


def _is_upstreams(live: Mapping[str, Any], path: tuple[str, ...], told: str) -> bool:
    there, value = value_at(live, path)
    return there and digest(value) == told


def _fill(
    expected: dict[str, Any], after: Mapping[str, Any], path: tuple[str, ...], owned: list[dict[str, Any]]
) -> None:
    """Puts what only ours has into what is expected; not where somebody put something of his own.

    The highest part of the path that is missing comes as a whole, with the defaults the server has filled in below it.
    What is there and nobody's is a default itself.
    """
    for length in range(1, len(path) + 1):
        above = path[:length]
        there, value = value_at(after, above)
        if not there:
            return
        if not value_at(expected, above)[0]:
            _set(expected, above, value)
            return
    if not any(is_in(fields, path) for fields in owned):
        _set(expected, path, value_at(after, path)[1])


def _set(target: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    parent = value_at(target, path[:-1])[1] if len(path) > 1 else target
    if isinstance(parent, dict):
        parent[path[-1].removeprefix("f:")] = copy.deepcopy(value)


def remove_field(target: dict[str, Any], path: tuple[str, ...]) -> None:
    """Takes a field out of an object; does nothing where it is not there."""
    parent = value_at(target, path[:-1])[1] if len(path) > 1 else target
    if isinstance(parent, dict):
        parent.pop(path[-1].removeprefix("f:"), None)


def _undescribed(crd: dict[str, Any]) -> dict[str, Any]:
    """A CRD without the texts in its schemas. A property that is called description is no text."""

    def bare(schema: Any) -> Any:
        if isinstance(schema, list):
            return [bare(item) for item in schema]
        if not isinstance(schema, Mapping):
            return schema
        return {
            name: bare(below) for name, below in schema.items() if name != "description" or not isinstance(below, str)
        }

    versions = [{**version, "schema": bare(version.get("schema"))} for version in crd["spec"]["versions"]]
    return {**crd, "spec": {**crd["spec"], "versions": versions}}
