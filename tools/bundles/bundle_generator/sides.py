# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Describe how upstream's objects differ from ours, in a form small enough for a bundle.

An install over upstream's own objects must distinguish fields of the release from later edits. Digests of upstream's
values are enough to detect that a field is unchanged, and copy none of upstream's text.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .differences import ABSENT, Difference, compare
from .documents import GenerateError, digest
from .phases import Object, identity

# On each of our objects and on none of upstream's, so not worth listing.
MANAGED_LABEL = "conductor.trainer/managed"
# The modules shorten a digest to as many: enough to detect an edit.
_DIGITS = 16
# An empty map or list of upstream's: its content on a cluster has other sources and identifies nothing.
_EMPTY = ""

Side = dict[str, Any]


def sides(ours: Iterable[Object], theirs: Iterable[Object]) -> dict[str, Side]:
    """Return how upstream's version of each common object differs from ours.

    ``lacks`` are the fields missing in upstream's, ``has`` those with another value. Both are trees in the notation of
    managedFields: ``f:`` and the name of a field, ``k:`` and the key of an item. A leaf of ``has`` is the digest of a
    value. ``described`` means that its schemas have descriptions. The keys of the result are apiVersion, kind,
    namespace and name, joined with ``|``. Raises GenerateError.
    """
    mine, other = ({identity(obj): obj for obj in objects} for objects in (ours, theirs))
    return {"|".join(key): _side(mine[key], other[key]) for key in sorted(mine.keys() & other.keys())}


def _side(ours: Object, theirs: Object) -> Side:
    lacks: Side = {}
    has: Side = {}
    side: Side = {}
    for difference in compare([ours], [theirs]).differences:
        if _is_description(difference):
            side["described"] = True
            continue
        path = _segments(difference, theirs if difference.ours is ABSENT else ours)
        if difference.theirs is ABSENT:
            _put(lacks, path, _leaves(difference.ours))
        else:
            _put(has, path, _value(difference))
    lacks.get("f:metadata", {}).get("f:labels", {}).pop(f"f:{MANAGED_LABEL}", None)
    return side | {name: tree for name, tree in (("lacks", _pruned(lacks)), ("has", has)) if tree}


def _is_description(difference: Difference) -> bool:
    """Return whether a difference is a description in a schema, which ours does not have."""
    parts = difference.path.split("/")
    return (
        difference.kind == "CustomResourceDefinition"
        and parts[1:3] == ["spec", "versions"]
        and parts[-1] == "description"
        and difference.ours is ABSENT
    )


def _value(difference: Difference) -> str:
    if isinstance(difference.theirs, list) and any(isinstance(item, dict) for item in difference.theirs):
        raise GenerateError(f"{difference}: a server adds defaults to these items, so their digest is not stable")
    if isinstance(difference.theirs, dict) and difference.theirs:
        raise GenerateError(
            f"{difference}: only single values have digests: extend {__name__} to descend into this map"
        )
    return _EMPTY if difference.theirs in ({}, []) else digest(difference.theirs)[:_DIGITS]


def _segments(difference: Difference, obj: Object) -> list[str]:
    """Return the path of a difference in the notation of managedFields; items of lists by their names."""
    found, node = [], obj
    for part in difference.path.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(node, list):
            node = node[int(name)]
            if not isinstance(node, dict) or "name" not in node:
                raise GenerateError(f"{difference}: the item has no name that identifies it on a cluster")
            found.append(f'k:{{"name":"{node["name"]}"}}')
        else:
            node = node[name]
            found.append(f"f:{name}")
    return found


def _put(tree: Side, path: list[str], leaf: Any) -> None:
    *parents, last = path
    for part in parents:
        tree = tree.setdefault(part, {})
    tree[last] = leaf


def _leaves(value: Any) -> Side:
    return {f"f:{name}": _leaves(below) for name, below in value.items()} if isinstance(value, dict) else {}


def _pruned(tree: Side) -> Side:
    """Remove empty branches: all leaves of ``lacks`` are empty, so only metadata and its labels can be emptied."""
    labels = tree.get("f:metadata", {})
    if labels.get("f:labels") == {}:
        del labels["f:labels"]
    return {name: below for name, below in tree.items() if name != "f:metadata" or below}
