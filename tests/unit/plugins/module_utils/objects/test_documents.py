# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Loading YAML: the values that come out, and that no text leads to anything but a value or our own error."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.conductor.trainer.plugins.module_utils.objects.documents import (
    DocumentError,
    documents,
    json_types,
)

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False, width=32)
    | st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp", "Cn", "Co"]), max_size=12)
    | st.sampled_from(["y", "n", "on", "1", "1e3", "0x1", "2020-01-01", "~", "null", "<<", "=", ".nan", "1_0", "-"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcy1<=-", max_size=4), inner, max_size=4),
    max_leaves=12,
)
PIECES = st.sampled_from(
    [
        *("a", ":", " ", "\n", "-", "[", "]", "{", "}", "&x", "*x", "!", "!!int", "!!binary", "<<", "'", '"', "|", ">"),
        *("?", ",", "---", "...", "#", "%YAML 1.1", "%", "@", "\t", "1", ".nan", "2020-01-01", "\0", "\x1b", "ü"),
        *("\ud800", "\ufeff", "~"),
    ]
)


@settings(max_examples=300, deadline=None)
@given(JSON)
def test_data_comes_back(value: Any) -> None:
    assert documents(json.dumps({"x": value})) == [json_types({"x": value})]
    # With quotes, and with a tag for everything that is not text: YAML 1.1 and 1.2 differ on what is text without them.
    text = yaml.safe_dump({"x": value}, allow_unicode=True, default_style='"')
    assert documents(text, unique_keys=True) == [json_types({"x": value})]


@settings(max_examples=600, deadline=None)
@given(st.lists(PIECES, max_size=24).map("".join))
def test_any_text_is_a_value_of_json_or_an_error(text: str) -> None:
    for unique in (True, False):
        with contextlib.suppress(DocumentError):
            json.dumps(documents(text, unique_keys=unique), allow_nan=False)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ((1, 2), [1, 2]),
        ({1: {True: b"text"}}, {"1": {"true": "text"}}),
        (1.0, 1),
        (1e22, 1e22),
        (1.5, 1.5),
    ],
)
def test_types_of_python(value: Any, found: Any) -> None:
    assert json_types(value) == found
    assert type(json_types(value)) is type(found)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("x: 18446744073709551615", 2**64 - 1),
        ("x: 18446744073709551616", 2.0**64),
        ("x: -9223372036854775809", -(2**63)),
        ("x: " + "9" * 400, "9" * 400),
        ("x: " + "9" * 10_000, "9" * 10_000),
        ("x: 0x" + "F" * 5000, "0x" + "F" * 5000),
        ('{"x": 18446744073709551615}', 2**64 - 1),
        ('{"x": 18446744073709551616}', 2.0**64),
        ('{"x": -0}', 0),
    ],
    ids=lambda value: str(value)[:30],
)
def test_large_numbers(text: str, found: Any) -> None:
    assert documents(text) == [{"x": found}]


@pytest.mark.parametrize("digits", [400, 5000])
def test_a_number_that_json_cannot_hold(digits: int) -> None:
    with pytest.raises(DocumentError, match="a number that JSON does not have"):
        documents('{"x": ' + "9" * digits + "}")


def test_aliases_are_copies() -> None:
    ((first, second),) = documents("- &a {b: {c: d}}\n- *a\n")
    first["b"]["c"] = "e"
    assert second == {"b": {"c": "d"}}


@pytest.mark.parametrize("size", [202, 5000, 100_000])
@pytest.mark.parametrize("opening", ["[", "{a: ", '{"a": ', "- ", "? "])
def test_depth_is_bounded(size: int, opening: str) -> None:
    text = opening * size
    with pytest.raises(DocumentError):
        documents(text)
