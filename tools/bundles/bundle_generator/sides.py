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

from .differences import ABSENT, divide
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
    labels = {name: value for name, value in ours["metadata"].get("labels", {}).items() if name != MANAGED_LABEL}
    metadata = {name: value for name, value in ours["metadata"].items() if name != "labels"}
    if labels or "labels" in theirs["metadata"]:
        metadata["labels"] = labels
    side: Side = {}
    lacks, has = _differ({**ours, "metadata": metadata}, theirs, f"{ours['kind']} {metadata['name']}", side)
    return side | {name: tree for name, tree in (("lacks", lacks), ("has", has)) if tree}


def _differ(ours: Any, theirs: Any, where: str, side: Side) -> tuple[Side, Side]:
    """Return the tree of the fields that ``theirs`` lacks, and that of the fields with another value."""
    lacks: Side = {}
    has: Side = {}
    for name, mine, other in divide(ours, theirs) or ():
        step, below = _step(ours, name, mine), f"{where}/{name}"
        if other is ABSENT:
            lacks[step] = _leaves(mine)
        elif mine is ABSENT and name == "description" and where.startswith("CustomResourceDefinition"):
            side["described"] = True
        elif divide(mine, other) is not None:
            inner_lacks, inner_has = _differ(mine, other, below, side)
            lacks |= {step: inner_lacks} if inner_lacks else {}
            has |= {step: inner_has} if inner_has else {}
        elif type(mine) is not type(other) or mine != other:
            has[step] = _value(other, below)
        if step == "" and step in lacks | has:
            raise GenerateError(f"{below}: the item has no name that identifies it on a cluster")
    return lacks, has


def _step(ours: Any, name: str, mine: Any) -> str:
    """Return a field or an item (by its name) in the notation of managedFields; empty if an item has no name."""
    if isinstance(ours, dict):
        return f"f:{name}"
    return f'k:{{"name":"{mine["name"]}"}}' if isinstance(mine, dict) and "name" in mine else ""


def _value(theirs: Any, where: str) -> str:
    if isinstance(theirs, list) and any(isinstance(item, dict) for item in theirs):
        raise GenerateError(f"{where}: a server adds defaults to these items, so their digest is not stable")
    if isinstance(theirs, dict) and theirs:
        raise GenerateError(f"{where}: only single values have digests: extend {__name__} to descend into this map")
    return _EMPTY if theirs in ({}, []) else digest(theirs)[:_DIGITS]


def _leaves(value: Any) -> Side:
    return {f"f:{name}": _leaves(below) for name, below in value.items()} if isinstance(value, dict) else {}
