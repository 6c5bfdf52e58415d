# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare our objects with upstream's, and match the differences with the list of intended ones."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from .documents import GenerateError, canonical, load_documents
from .phases import Object

ABSENT = object()
CHANGES = ("added", "removed", "changed")


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
    """The extent and the result of a comparison."""

    # Objects in one set or in both.
    objects: int
    # Single values; a list with another length and a missing object count once.
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
