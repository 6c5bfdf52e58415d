# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

from bundle_generator.differences import Allowed, compare, matches, read_allowed, unexplained
from bundle_generator.documents import GenerateError


def config_map(name: str = "c", /, **data: Any) -> dict[str, Any]:
    return {"kind": "ConfigMap", "metadata": {"name": name, "namespace": "n"}, "data": data}


def found(ours: dict[str, Any], theirs: dict[str, Any]) -> list[tuple[str, str]]:
    return [(d.path, d.change) for d in compare([ours], [theirs]).differences]


def allow(path: str, change: str, *objects: str, equal_as: str = "") -> list[Allowed]:
    names = list(objects) or ["ConfigMap/c"]
    return [Allowed(objects=names, path=path, change=change, reason="because", equal_as=equal_as)]


def test_each_kind_of_change_is_found_at_its_place() -> None:
    assert found(config_map(a="1", b="2"), config_map(b="3", c="4")) == [
        ("/data/a", "added"),
        ("/data/b", "changed"),
        ("/data/c", "removed"),
    ]
    assert found(config_map(**{"a/b": [1, 2]}), config_map(**{"a/b": [1, 3]})) == [("/data/a~1b/1", "changed")]


def test_types_are_told_apart() -> None:
    assert found(config_map(a=1), config_map(a=True)) == [("/data/a", "changed")]


def test_a_list_of_another_length_differs_as_a_whole() -> None:
    assert found(config_map(a=[1]), config_map(a=[1, 2])) == [("/data/a", "changed")]


def test_whole_objects() -> None:
    whole = compare([config_map("mine")], [config_map("theirs")])
    assert [(d.name, d.path, d.change) for d in whole.differences] == [
        ("mine", "", "added"),
        ("theirs", "", "removed"),
    ]


def test_objects_and_fields_are_counted_equal_or_not() -> None:
    ours, theirs = config_map(a=[1, 2], b=[1], e={}), config_map(a=[1, 2], b=[1, 2], c={"d": "1"}, e={})
    result = compare([ours, config_map("mine")], [theirs])
    # kind, name, namespace, the two of a, b as a whole, c as a whole, the empty e; and the object that one side lacks
    assert (result.objects, result.fields, len(result.differences)) == (2, 9, 3)


def test_a_listed_difference_is_accepted_and_any_other_is_not() -> None:
    differences = compare([config_map(a="1")], [config_map(a="2")]).differences
    assert unexplained(differences, allow("/data/a", "changed")) == []
    assert unexplained(differences, []) == ['not listed: ConfigMap c /data/a: "2" -> "1"']
    assert len(unexplained(differences, allow("/data/a", "removed"))) == 2
    assert len(unexplained(differences, allow("/data/a", "changed", "ConfigMap/d"))) == 2


def test_an_entry_must_explain_something_for_every_object_it_names() -> None:
    differences = compare([config_map(a="1")], [config_map(a="2")]).differences
    lines = unexplained(differences, allow("/data/a", "changed", "ConfigMap/c", "ConfigMap/d"))
    assert lines == ["listed, but not found: ConfigMap/d /data/a changed"]


def test_equal_as_yaml_accepts_another_layout_but_no_other_value() -> None:
    entry = allow("/data/a", "changed", equal_as="yaml")
    same = compare([config_map(a="x: {y: 1}\n")], [config_map(a="# hello\nx:\n  y: 1\n")]).differences
    assert unexplained(same, entry) == []
    other = compare([config_map(a="x: {y: 2}\n")], [config_map(a="x:\n  y: 1\n")]).differences
    assert len(unexplained(other, allow("/data/a", "changed", equal_as="yaml"))) == 2


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("", "", True),
        ("", "/a", False),
        ("/a/*/c", "/a/b/c", True),
        ("/a/*/c", "/a/b/b/c", False),
        ("/a/**/c", "/a/c", True),
        ("/a/**/c", "/a/b/b/c", True),
        ("/a/**/c", "/a/b/c/d", False),
    ],
)
def test_patterns(pattern: str, path: str, *, expected: bool) -> None:
    assert matches(pattern, path) is expected


@pytest.mark.parametrize(
    "entry",
    [
        {"objects": ["A/b"], "path": "/x", "change": "moved", "reason": "r"},
        {"objects": ["A/b"], "path": "/x", "change": "added", "reason": ""},
        {"objects": [], "path": "/x", "change": "added", "reason": "r"},
        {"objects": ["A/b"], "path": "/x", "change": "added"},
        {"objects": ["A/b"], "path": "/x", "change": "added", "reason": "r", "typo": 1},
    ],
)
def test_a_malformed_entry_is_refused(entry: dict[str, Any]) -> None:
    with pytest.raises(GenerateError, match="difference 0"):
        read_allowed([entry])
