# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What upstream's objects have where ours differ, small enough to go with a bundle.

An install over upstream's own has to tell what the release had from what somebody edited since. Values are kept as
digests: whether a field still holds upstream's can be told by them, and nothing of upstream's text is copied.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .canonical import digest
from .differences import ABSENT, Difference, compare
from .errors import GenerateError
from .phases import Object, identity

# On every object of ours and never on one of upstream's: need not be said each time.
MANAGED_LABEL = "conductor.trainer/managed"
# As the modules shorten a digest: enough to tell an edit.
_DIGITS = 16
# An empty map or list of upstream's: what is in it came from elsewhere, and is not upstream's to be told by.
_EMPTY = ""

Side = dict[str, Any]


def sides(ours: Iterable[Object], theirs: Iterable[Object]) -> dict[str, Side]:
    """Return, for each object that both have, how upstream's differs: what it C(lacks), and what it C(has) instead.

    Both are trees in the notation of managedFields: ``f:`` and the name of a field, ``k:`` and the key of an item. A
    leaf of C(has) is the digest of a value. C(described) says that its schemas have descriptions. The keys are
    apiVersion, kind, namespace and name with ``|`` between them. Raises GenerateError.
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
    """Tell whether a difference is a text of a schema that ours goes without."""
    parts = difference.path.split("/")
    return (
        difference.kind == "CustomResourceDefinition"
        and parts[1:3] == ["spec", "versions"]
        and parts[-1] == "description"
        and difference.ours is ABSENT
    )


def _value(difference: Difference) -> str:
    if isinstance(difference.theirs, list) and any(isinstance(item, dict) for item in difference.theirs):
        raise GenerateError(f"{difference}: a server fills defaults into these items, so no digest of them can be told")
    if isinstance(difference.theirs, dict) and difference.theirs:
        raise GenerateError(f"{difference}: digests are of single values; teach {__name__} to go into this map")
    return _EMPTY if difference.theirs in ({}, []) else digest(difference.theirs)[:_DIGITS]


def _segments(difference: Difference, obj: Object) -> list[str]:
    """Return the path of a difference in the notation of managedFields; items of lists by their names."""
    found, node = [], obj
    for part in difference.path.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(node, list):
            node = node[int(name)]
            if not isinstance(node, dict) or "name" not in node:
                raise GenerateError(f"{difference}: the item has no name to be found by on a cluster")
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
    """Drop the branches that nothing is left of; ``lacks`` is nothing but leaves that are empty themselves."""
    labels = tree.get("f:metadata", {})
    if labels.get("f:labels") == {}:
        del labels["f:labels"]
    return {name: below for name, below in tree.items() if name != "f:metadata" or below}
