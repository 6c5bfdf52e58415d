# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.objects.fields import (
    is_terminating,
    is_true,
    numbers,
    part,
    parts,
    text,
    texts,
    whole_number,
)

ODD: list[Any] = [
    None,
    1,
    1.5,
    True,
    "x",
    [],
    [1],
    [[]],
    {},
    {"a": None},
    {"a": 1},
    {"a": [None, 1, "b", {}]},
    {"a": {"b": []}},
]


@pytest.mark.parametrize("value", ODD)
def test_odd_values_count_as_empty(value: Any) -> None:
    assert isinstance(part(value, "a", "b"), dict)
    assert all(isinstance(item, dict) for item in parts(value, "a"))
    assert all(isinstance(item, str) for item in texts(value, "a"))
    assert isinstance(text(value, "a"), str)
    assert is_true(value, "Ready") is False
    assert is_terminating(value) is False


def test_existing_fields_are_found() -> None:
    value = {"a": {"b": {"c": 1}, "l": ["x", {"y": 2}], "t": "words", "n": 3, "yes": True}}
    assert part(value, "a", "b") == {"c": 1}
    assert parts(value, "a", "l") == [{"y": 2}]
    assert texts(value, "a", "l") == ["x"]
    assert [text(value, "a", name) for name in ("t", "n", "yes", "none")] == ["words", "3", "", ""]


def test_condition_is_true_only_with_status_true() -> None:
    def item(status: Any) -> dict[str, Any]:
        return {"status": {"conditions": [{"type": "Ready", "status": status}]}}

    assert [is_true(item(status), "Ready") for status in ("True", "False", "Unknown", True)] == [
        True,
        False,
        False,
        False,
    ]
    assert not is_true(item("True"), "Established")


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("2.3.0", (2, 3, 0)),
        ("v1.31.4+k3s1", (1, 31, 4)),
        ("1.30.2-gke.1587003", (1, 30, 2)),
        ("0.12", (0, 12)),
        ("", ()),
        ("latest", ()),
        # Python refuses to convert more than 4300 digits.
        (f"v1.{'9' * 5000}", (1,)),
        ("9" * 5000, ()),
        (f"1.2.{'9' * 5000}-x", (1, 2)),
    ],
)
def test_versions_as_numbers(version: str, expected: tuple[int, ...]) -> None:
    assert numbers(version) == expected


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("007", 7),
        ("999999999", 999999999),
        *((text, None) for text in ("", "-1", "1.5", "²", "٣", "1\n", "9" * 10, "9" * 5000)),
    ],
)
def test_whole_numbers(text: str, number: int | None) -> None:
    assert whole_number(text) == number
