# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Set operations on the fields in managedFields (FieldsV1, KEP-555). Pure.

A set is a tree: C(f:name) is a field, C(k:{...}) an item of a list by its keys, C(v:...) an item by its value. A node
with C(.) belongs to the set itself; so does an empty node, which has nothing below it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .encodings import from_json

Fields = Mapping[str, Any]
_ITSELF = "."


def holds(fields: Fields, *path: str) -> bool:
    """Return whether a field or a part of it is in a set; C(path) is its names, e.g. C("metadata", "labels")."""
    node: Any = fields
    for name in path:
        if f"f:{name}" not in node:
            return False
        node = node[f"f:{name}"]
    return True


def without(fields: Fields, other: Fields) -> dict[str, Any]:
    """Return the fields that are in C(fields) and not in C(other)."""
    rest: dict[str, Any] = {}
    for name, below in fields.items():
        if name == _ITSELF:
            continue
        known = other.get(name)
        if known is None:
            rest[name] = dict(below)
            continue
        left = without(below, known)
        if _has_itself(below) and not _has_itself(known):
            left = {_ITSELF: {}, **left} if left else {}
        elif not left:
            continue
        rest[name] = left
    return rest


def without_containers(fields: Fields, other: Fields) -> dict[str, Any]:
    """Return the set without maps and lists that have no field in it, if C(other) has fields in them."""
    rest: dict[str, Any] = {}
    for name, below in fields.items():
        known = other.get(name)
        left = without_containers(below, known or {})
        if known and name != _ITSELF and not left.keys() - {_ITSELF}:
            continue
        rest[name] = left
    return rest


def common(fields: Fields, other: Fields) -> dict[str, Any]:
    """Return the fields that are in both sets."""
    found: dict[str, Any] = {}
    for name, below in fields.items():
        known = other.get(name)
        if name == _ITSELF or known is None:
            continue
        both = common(below, known)
        if _has_itself(below) and _has_itself(known):
            found[name] = {_ITSELF: {}, **both} if both else {}
        elif both:
            found[name] = both
    return found


def together(fields: Fields, other: Fields) -> dict[str, Any]:
    """Return the fields that are in one or both sets."""
    found: dict[str, Any] = {name: dict(below) for name, below in fields.items()}
    for name, below in other.items():
        known = found.get(name)
        if known is None or name == _ITSELF:
            found[name] = dict(below)
            continue
        both = together(known, below)
        if both and (_has_itself(known) or _has_itself(below)):
            both[_ITSELF] = {}
        found[name] = both
    return found


def cut(fields: Fields, path: Sequence[str]) -> dict[str, Any]:
    """Return the set without the field at a path and everything below it."""
    rest = dict(fields)
    name, *deeper = path
    if name in rest:
        below = rest.pop(name)
        left = cut(below, deeper) if deeper else {}
        # Keep a node that was empty before: it is a field itself.
        if left or (deeper and not below):
            rest[name] = left
    return rest


def places(fields: Fields, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the paths to all leaves of a set, e.g. C(("f:spec", "f:replicas"))."""
    for name, below in fields.items():
        if name == _ITSELF:
            continue
        deeper = list(places(below, (*above, name)))
        yield from deeper or [(*above, name)]


def is_in(fields: Fields, path: Sequence[str]) -> bool:
    """Return whether the field at a path, or a part of it, is in a set."""
    node: Any = fields
    for name in path:
        if name not in node:
            return False
        node = node[name]
    return True


def tree_of(paths: Sequence[tuple[str, ...]]) -> dict[str, Any]:
    """Return the set of the fields at these paths."""
    tree: dict[str, Any] = {}
    for path in paths:
        node = tree
        for name in path:
            node = node.setdefault(name, {})
    return tree


def field_name(path: Sequence[str]) -> str:
    """Return a path as text, as C(objects/diff.py) does, e.g. C(spec.template.spec.containers[manager].image)."""
    text = ""
    for step in path:
        mark, _colon, rest = step.partition(":")
        if mark == "f":
            text += f".{rest}" if text else rest
        elif mark == "k":
            text += f"[{','.join(str(value) for value in _keys(rest).values())}]"
        else:
            text += f"[{rest}]"
    return text


def value_at(value: Any, path: Sequence[str]) -> tuple[bool, Any]:
    """Return whether an object has the field at a path, and its value."""
    for step in path:
        mark, _colon, rest = step.partition(":")
        if mark == "f":
            if not isinstance(value, Mapping) or rest not in value:
                return False, None
            value = value[rest]
            continue
        found = [item for item in value if _is_item(item, mark, rest)] if isinstance(value, list) else []
        if not found:
            return False, None
        value = found[0]
    return True, value


def _is_item(item: Any, mark: str, rest: str) -> bool:
    """Return whether a step of a path names this list item. A missing key has its default (the protocol of a port)."""
    if mark == "k":
        keys = _keys(rest)
        return isinstance(item, Mapping) and all(item.get(name, value) == value for name, value in keys.items())
    return bool(mark == "v" and item == from_json(rest))


def _keys(text: str) -> Mapping[str, Any]:
    keys = from_json(text)
    if not isinstance(keys, Mapping):
        raise ValueError(f"{text[:100]!r} does not name the keys of a list item")  # noqa: TRY004
    return keys


def _has_itself(node: Fields) -> bool:
    return not node or _ITSELF in node
