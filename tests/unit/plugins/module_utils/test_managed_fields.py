# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import itertools
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils._managed_fields import holds, without

ITEM = 'k:{"name":"manager"}'


@pytest.mark.parametrize(
    ("fields", "other", "rest"),
    [
        ({}, {}, {}),
        ({"f:a": {}}, {}, {"f:a": {}}),
        ({"f:a": {}}, {"f:a": {}}, {}),
        ({"f:a": {}}, {"f:b": {}}, {"f:a": {}}),
        ({"f:a": {"f:b": {}, "f:c": {}}}, {"f:a": {"f:b": {}}}, {"f:a": {"f:c": {}}}),
        ({"f:a": {"f:b": {}}}, {"f:a": {"f:b": {}, "f:c": {}}}, {}),
        # A node that belongs to the set itself, beside what is below it.
        ({"f:a": {".": {}, "f:b": {}}}, {"f:a": {"f:b": {}}}, {"f:a": {}}),
        ({"f:a": {".": {}, "f:b": {}}}, {"f:a": {}}, {"f:a": {"f:b": {}}}),
        ({"f:a": {".": {}, "f:b": {}}}, {"f:a": {".": {}}}, {"f:a": {"f:b": {}}}),
        ({"f:a": {".": {}, "f:b": {}, "f:c": {}}}, {"f:a": {"f:b": {}}}, {"f:a": {".": {}, "f:c": {}}}),
        ({"f:a": {}}, {"f:a": {"f:b": {}}}, {"f:a": {}}),
        ({"f:a": {}}, {"f:a": {".": {}, "f:b": {}}}, {}),
        # Items of lists, by key and by value.
        ({"f:l": {ITEM: {".": {}, "f:x": {}}}}, {"f:l": {ITEM: {".": {}}}}, {"f:l": {ITEM: {"f:x": {}}}}),
        ({"f:l": {"v:1": {}, "v:2": {}}}, {"f:l": {"v:2": {}}}, {"f:l": {"v:1": {}}}),
    ],
)
def test_the_difference_of_two_sets(fields: dict[str, Any], other: dict[str, Any], rest: dict[str, Any]) -> None:
    assert without(fields, other) == rest


def members(fields: dict[str, Any], path: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    """The set that a tree stands for, by its definition."""
    found = {path} if path and (not fields or "." in fields) else set()
    for name, below in fields.items():
        if name != ".":
            found |= members(below, (*path, name))
    return found


def trees() -> list[dict[str, Any]]:
    """Every tree of two names and two levels, once."""
    leaf: dict[str, Any] = {}
    inner = [{"f:x": leaf}, {".": leaf, "f:x": leaf}, {"f:x": leaf, "f:y": leaf}, {".": leaf, "f:y": leaf}, leaf]
    options: list[dict[str, Any] | None] = [None, *inner]
    return [
        {name: node for name, node in (("f:a", first), ("f:b", second)) if node is not None}
        for first, second in itertools.product(options, options)
    ]


def test_the_difference_is_that_of_the_members() -> None:
    for fields, other in itertools.product(trees(), trees()):
        rest = without(fields, other)
        assert members(rest) == members(fields) - members(other), (fields, other)
        assert all(node or path for path, node in rest.items())


@pytest.mark.parametrize(
    ("path", "held"),
    [
        (("metadata",), True),
        (("metadata", "labels"), True),
        (("metadata", "labels", "a/b"), True),
        (("metadata", "labels", "c"), False),
        (("spec",), False),
        (("spec", "labels"), False),
    ],
)
def test_a_set_holds_a_field_or_a_part_of_it(path: tuple[str, ...], held: bool) -> None:
    assert holds({"f:metadata": {"f:labels": {"f:a/b": {}}}}, *path) is held
