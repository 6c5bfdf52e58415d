# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets of fields as managedFields holds them (FieldsV1, KEP-555). Pure.

A set is a tree: C(f:name) is a field, C(k:{...}) an item of a list by its keys, C(v:...) an item by its value; C(.)
says that the node it stands in belongs to the set itself, and an empty node is one that does and has nothing below it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Fields = Mapping[str, Any]
_ITSELF = "."


def holds(fields: Fields, *path: str) -> bool:
    """Whether a field belongs to a set, or a part of it does; C(path) is its names, e.g. C("metadata", "labels")."""
    node: Any = fields
    for name in path:
        if f"f:{name}" not in node:
            return False
        node = node[f"f:{name}"]
    return True


def without(fields: Fields, other: Fields) -> dict[str, Any]:
    """The set of the fields that are in C(fields) and not in C(other)."""
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


def _has_itself(node: Fields) -> bool:
    return not node or _ITSELF in node
