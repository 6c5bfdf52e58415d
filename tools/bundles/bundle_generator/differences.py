# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare our objects with upstream's: match the differences with the list of intended ones, or describe them.

An install over upstream's own objects must distinguish fields of the release from later edits. Digests of upstream's
values are enough to detect that a field is unchanged, and copy none of upstream's text.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from .documents import GenerateError, Object, canonical, digest, identity, load_documents

ABSENT = object()
CHANGES = ("added", "removed", "changed")
# On each of our objects and on none of upstream's, so not worth listing.
MANAGED_LABEL = "conductor.trainer/managed"
# The modules shorten a digest to as many: enough to detect an edit.
_DIGITS = 16
# An empty map or list of upstream's: its content on a cluster has other sources and identifies nothing.
_EMPTY = ""

Side = dict[str, Any]


@dataclass(frozen=True)
class Difference:
    """A place where our object differs from upstream's; an empty path means the whole object."""

    kind: str
    name: str
    path: str
    ours: Any
    theirs: Any

    @property
    def change(self) -> str:
        """How we changed upstream's field."""
        return "added" if self.theirs is ABSENT else "removed" if self.ours is ABSENT else "changed"

    def __str__(self) -> str:
        """Return the place and both values, shortened."""
        values = (
            "nothing" if v is ABSENT else text if len(text := canonical(v)) < 120 else text[:120] + "..."
            for v in (self.theirs, self.ours)
        )
        return f"{self.kind} {self.name} {self.path or '(whole object)'}: {' -> '.join(values)}"


@dataclass(frozen=True)
class Comparison:
    """How many objects and single values were compared (a missing object is one value), and what differs."""

    objects: int
    fields: int
    differences: list[Difference]


@dataclass
class Allowed:
    """An entry of the list: the fields that may differ, how, and why."""

    objects: list[str]
    path: str
    change: str
    reason: str
    equal_as: str = ""
    used: set[str] = field(default_factory=set)

    def covers(self, difference: Difference) -> bool:
        """Return whether the entry explains a difference, and remember the object if it does."""
        names = (f"{difference.kind}/{difference.name}", f"{difference.kind}/*")
        wanted = next((name for name in self.objects if name in names), None)
        if wanted is None or self.change != difference.change or not matches(self.path, difference.path):
            return False
        if self.equal_as == "yaml" and _parsed(difference.ours) != _parsed(difference.theirs):
            return False
        self.used.add(wanted)
        return True


def read_allowed(entries: Iterable[dict[str, Any]]) -> list[Allowed]:
    """Return the checked entries of a list of differences; raises GenerateError."""
    allowed = []
    for number, entry in enumerate(entries):
        try:
            item = Allowed(**entry)
        except TypeError as error:
            raise GenerateError(f"difference {number}: {error}") from error
        if item.change not in CHANGES or item.equal_as not in ("", "yaml") or not item.reason or not item.objects:
            changes = ", ".join(CHANGES)
            raise GenerateError(f"difference {number}: needs objects, a reason and a change ({changes}): {entry}")
        allowed.append(item)
    return allowed


def compare(ours: Iterable[Object], theirs: Iterable[Object]) -> Comparison:
    """Compare two sets of objects, matched by kind, namespace and name, field by field."""
    mine, other = _by_key(ours), _by_key(theirs)
    keys = sorted(mine.keys() | other.keys())
    fields, differences = 0, []
    for key in keys:
        for path, left, right in _walk("", mine.get(key, ABSENT), other.get(key, ABSENT)):
            fields += 1
            if type(left) is not type(right) or left != right:
                differences.append(Difference(kind=key[0], name=key[2], path=path, ours=left, theirs=right))
    return Comparison(len(keys), fields, differences)


def unexplained(differences: Iterable[Difference], allowed: list[Allowed]) -> list[str]:
    """Return a line for each difference without an entry, and for each entry (or object in it) without a difference."""
    lines = [f"not listed: {d}" for d in differences if not any(entry.covers(d) for entry in allowed)]
    for entry in allowed:
        where = f"{entry.path or '(whole object)'} {entry.change}"
        lines += [f"listed, but not found: {name} {where}" for name in sorted(set(entry.objects) - entry.used)]
    return lines


def matches(pattern: str, path: str) -> bool:
    """Return whether a JSON Pointer matches a pattern; ``*`` is one part, ``**`` any number of parts."""
    parts = {"**": "(?:/[^/]*)*", "*": "/[^/]*"}
    expression = "".join(parts.get(part, "/" + re.escape(part)) for part in pattern.split("/")[1:])
    return re.fullmatch(expression, path) is not None


def divide(ours: Any, theirs: Any) -> list[tuple[str, Any, Any]] | None:
    """Return the fields or items of two values with both sides; None if they cannot be divided on both sides."""
    if isinstance(ours, dict) and isinstance(theirs, dict) and (ours or theirs):
        return [
            (name, ours.get(name, ABSENT), theirs.get(name, ABSENT)) for name in sorted(ours.keys() | theirs.keys())
        ]
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs) > 0:
        return [(str(index), *both) for index, both in enumerate(zip(ours, theirs, strict=True))]
    return None


def _walk(path: str, ours: Any, theirs: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield each place that cannot be divided further on both sides, with both values (equal or not)."""
    parts = divide(ours, theirs)
    if parts is None:
        yield path, ours, theirs
    for name, left, right in parts or ():
        yield from _walk(f"{path}/{name.replace('~', '~0').replace('/', '~1')}", left, right)


def _by_key(objects: Iterable[Object]) -> dict[tuple[str, str, str], Object]:
    return {(o["kind"], o["metadata"].get("namespace", ""), o["metadata"]["name"]): o for o in objects}


def _parsed(text: Any) -> Any:
    try:
        return load_documents(text)
    except (yaml.YAMLError, AttributeError):
        return text


def sides(ours: Iterable[Object], theirs: Iterable[Object]) -> dict[str, Side]:
    """Return how upstream's version of each common object differs from ours.

    The key "lacks" names the fields that upstream's version does not set, and "has" those with another value or not in
    ours. Both are trees in the notation of managedFields: "f:" and the name of a field, "k:" and the key of an item. A
    leaf of "has" is the digest of a value. "described" means that its schemas have descriptions. The keys of the result
    are apiVersion, kind, namespace and name, joined with "|". Raises GenerateError.
    """
    mine, other = ({identity(obj): obj for obj in objects} for objects in (ours, theirs))
    return {"|".join(key): _side(mine[key], other[key]) for key in sorted(mine.keys() & other.keys())}


def _side(ours: Object, theirs: Object) -> Side:
    labels = {name: value for name, value in ours["metadata"].get("labels", {}).items() if name != MANAGED_LABEL}
    metadata = {name: value for name, value in ours["metadata"].items() if name != "labels"}
    if labels or "labels" in theirs["metadata"]:
        metadata["labels"] = labels
    side: Side = {}
    missing, changed = _differ({**ours, "metadata": metadata}, theirs, f"{ours['kind']} {metadata['name']}", side)
    return side | {name: tree for name, tree in (("lacks", missing), ("has", changed)) if tree}


def _differ(ours: Any, theirs: Any, where: str, side: Side) -> tuple[Side, Side]:
    """Return the tree of the fields that are missing in ``theirs``, and that of its other changes."""
    missing: Side = {}
    changed: Side = {}
    for name, mine, other in divide(ours, theirs) or ():
        step, below = _step(ours, name, mine), f"{where}/{name}"
        if other is ABSENT:
            missing[step] = _leaves(mine)
        elif mine is ABSENT and name == "description" and where.startswith("CustomResourceDefinition"):
            side["described"] = True
        elif divide(mine, other) is not None:
            inner_missing, inner_changed = _differ(mine, other, below, side)
            missing |= {step: inner_missing} if inner_missing else {}
            changed |= {step: inner_changed} if inner_changed else {}
        elif type(mine) is not type(other) or mine != other:
            changed[step] = _value(other, below)
        if step == "" and step in missing | changed:
            raise GenerateError(f"{below}: the item has no name that identifies it on a cluster")
    return missing, changed


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
