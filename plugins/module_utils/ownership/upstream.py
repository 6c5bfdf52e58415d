# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Distinguish a person's edits of an upstream object from the differences between upstream's manifests and ours. Pure.

An edit is a conflict; a known difference is not. The live object is compared with the result of a forced dry run of our
manifest, never with the manifest itself, because the server adds defaults.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from ..names import FIELD_MANAGER, LAST_APPLIED, MANAGED_LABEL
from ..objects.diff import changed_fields
from ..objects.digest import digest
from ..objects.encodings import from_json
from ..objects.managed_fields import field_name, is_in, places, tree_of, value_at
from ..release.bundle import Side

_CRD = "CustomResourceDefinition"


def is_bare(manifest: Mapping[str, Any], side: Side) -> bool:
    """Return whether upstream's object has only a name: server-side apply records no owner for it."""
    labels = set(manifest["metadata"].get("labels") or {}) - {MANAGED_LABEL}
    fields = {*manifest, *manifest["metadata"]} - {"apiVersion", "kind", "metadata", "name", "namespace", "labels"}
    return not fields and all(is_in(side.lacks, ("f:metadata", "f:labels", f"f:{name}")) for name in labels)


def declared(metadata: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a managedFields entry that were in its author's file.

    An Apply entry has only these. An Update entry also has the server's defaults; the last-applied annotation of
    client-side kubectl distinguishes them. Without it (C(kubectl create)) they cannot be distinguished: return none.
    """
    fields = dict(entry.get("fieldsV1") or {})
    if entry.get("operation") == "Apply":
        return fields
    if entry.get("manager") not in ("kubectl-client-side-apply", "kubectl-create", "kubectl-replace"):
        # An edit contains only its author's fields.
        return fields
    try:
        file = from_json((metadata.get("annotations") or {}).get(LAST_APPLIED, "{}"))
    except ValueError:
        return {}
    return tree_of([path for path in places(fields) if value_at(file, path)[0]])


def leftovers(side: Side, live: Mapping[str, Any], wanted: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the fields of upstream's object that ours does not have: those to delete, and those only to disown.

    A field with another value than upstream's was edited and is not deleted. A map that is empty in upstream's manifest
    (the data of a Secret) holds values of others, and is only disowned.
    """
    gone, disowned = [], []
    for path, told in _leaves(side.has):
        if told == "":
            disowned.append(path)
        elif not value_at(wanted, path)[0] and _is_upstreams(live, path, told):
            gone.append(path)
    return tree_of(gone), tree_of(disowned)


def edits(side: Side, live: dict[str, Any], after: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the edited fields that an apply would overwrite: name to (existing value, our value).

    Args:
        live: the existing object.
        after: the object after a dry run of our manifest.
    """
    expected = copy.deepcopy(live)
    for path, told in _leaves(side.has):
        there, value = value_at(after, path)
        if told and _is_upstreams(live, path, told):
            # If an interrupted adoption already made the field ours, our apply removes it.
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
    """Return the owner of a field with a name as in C(diff.py); empty without one, e.g. for a removed field."""
    owners = [
        str(entry.get("manager"))
        for entry in metadata.get("managedFields") or []
        if not entry.get("subresource")
        for path in places(declared(metadata, entry))
        # A map stays with its first owner after a field in it got another owner, so maps do not count.
        if not is_in(entry["fieldsV1"], (*path, "."))
        for owned in (field_name(path),)
        if is_or_is_in(owned, name) or is_or_is_in(name, owned)
    ]
    return ", ".join(dict.fromkeys(owners))


def is_or_is_in(name: str, other: str) -> bool:
    """Return whether a field, with a name as in C(diff.py), is another one or a part of it."""
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
    """Add a field that only our manifest has to the expected object, unless another manager set it.

    The highest missing part of the path is copied as a whole, with the defaults that the server added below it. An
    existing field without an owner is a default itself.
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
    """Remove a field from an object, if it exists."""
    parent = value_at(target, path[:-1])[1] if len(path) > 1 else target
    if isinstance(parent, dict):
        parent.pop(path[-1].removeprefix("f:"), None)


def _undescribed(crd: dict[str, Any]) -> dict[str, Any]:
    """Return a CRD without the descriptions in its schemas. A property with the name description is kept."""

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
