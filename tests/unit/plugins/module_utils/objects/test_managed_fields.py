# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import itertools
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.objects.managed_fields import (
    common,
    cut,
    field_name,
    holds,
    is_in,
    places,
    together,
    tree_of,
    value_at,
    without,
    without_containers,
)

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
        # A node that belongs to the set itself, with fields below it.
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
    """Return the members of the set that a tree represents."""
    found = {path} if path and (not fields or "." in fields) else set()
    for name, below in fields.items():
        if name != ".":
            found |= members(below, (*path, name))
    return found


def trees() -> list[dict[str, Any]]:
    """Yield every tree of two names and two levels."""
    leaf: dict[str, Any] = {}
    inner = [{"f:x": leaf}, {".": leaf, "f:x": leaf}, {"f:x": leaf, "f:y": leaf}, {".": leaf, "f:y": leaf}, leaf]
    options: list[dict[str, Any] | None] = [None, *inner]
    return [
        {name: node for name, node in (("f:a", first), ("f:b", second)) if node is not None}
        for first, second in itertools.product(options, options)
    ]


def test_difference_equals_difference_of_the_members() -> None:
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


def test_intersection_and_union_equal_those_of_the_members() -> None:
    for fields, other in itertools.product(trees(), trees()):
        assert members(common(fields, other)) == members(fields) & members(other), (fields, other)
        assert members(together(fields, other)) == members(fields) | members(other), (fields, other)


def test_cut_removes_a_path_and_everything_below() -> None:
    for fields in trees():
        for path in (("f:a",), ("f:a", "f:x"), ("f:z",)):
            left = {member for member in members(fields) if member[: len(path)] != path}
            assert members(cut(fields, path)) - {()} == left - {()}, (fields, path)


def test_tree_of_places_is_the_same_set() -> None:
    fields: dict[str, Any] = {"f:a": {"f:b": {}, ITEM: {"f:c": {}}}, "f:d": {}}
    paths = list(places(fields))
    assert paths == [("f:a", "f:b"), ("f:a", ITEM, "f:c"), ("f:d",)]
    assert tree_of(paths) == fields
    assert list(places({"f:a": {".": {}}, "f:b": {".": {}, "f:c": {}}})) == [("f:a",), ("f:b", "f:c")]
    assert is_in(fields, ("f:a", ITEM))
    assert not is_in(fields, ("f:d", "f:e"))


OBJECT = {
    "a": {"b.c": 1},
    "list": [{"name": "manager", "x": 2}, {"name": "other"}],
    "ports": [{"port": 1}],
    "set": ["v"],
}


@pytest.mark.parametrize(
    ("path", "name", "found"),
    [
        (("f:a", "f:b.c"), "a.b.c", (True, 1)),
        (("f:a", "f:b"), "a.b", (False, None)),
        (("f:a", "f:b.c", "f:d"), "a.b.c.d", (False, None)),
        (("f:list", ITEM, "f:x"), "list[manager].x", (True, 2)),
        (("f:list", 'k:{"name":"none"}'), "list[none]", (False, None)),
        (("f:a", ITEM), "a[manager]", (False, None)),
        (("f:ports", 'k:{"port":1,"protocol":"TCP"}', "f:port"), "ports[1,TCP].port", (True, 1)),
        (("f:set", 'v:"v"'), 'set["v"]', (True, "v")),
        (("f:set", 'v:"w"'), 'set["w"]', (False, None)),
        (("f:set", "i:0"), "set[0]", (False, None)),
    ],
)
def test_name_and_value_of_a_path(path: tuple[str, ...], name: str, found: tuple[bool, Any]) -> None:
    assert field_name(path) == name
    assert value_at(OBJECT, path) == found


@pytest.mark.parametrize(
    ("fields", "other", "left"),
    [
        # A map or list without fields is left out if the other set has fields in it.
        ({"f:data": {}}, {"f:data": {"f:a": {}}}, {}),
        ({"f:data": {".": {}}}, {"f:data": {"f:a": {}}}, {}),
        ({"f:spec": {"f:ports": {".": {}}}}, {"f:spec": {"f:ports": {"k:{}": {}}}}, {}),
        # Fields in it stay, and so do containers in which the other set has no fields.
        ({"f:data": {".": {}, "f:b": {}}}, {"f:data": {"f:a": {}}}, {"f:data": {".": {}, "f:b": {}}}),
        ({"f:data": {".": {}}}, {"f:spec": {}}, {"f:data": {".": {}}}),
        ({"f:args": {}}, {"f:args": {}}, {"f:args": {}}),
    ],
)
def test_containers_without_fields_are_left_out(
    fields: dict[str, Any], other: dict[str, Any], left: dict[str, Any]
) -> None:
    assert without_containers(fields, other) == left
