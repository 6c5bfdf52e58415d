# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How values of a configuration are read. test_config.py has the keys of the release."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import InputError
from ansible_collections.conductor.trainer.plugins.module_utils.options.settings.keys import (
    Configurable,
    seconds,
    settings_of,
)

KEYS = {
    "whole": {"type": "integer"},
    "part": {"type": "number"},
    "time": {"type": "duration"},
    "on": {"type": "boolean"},
    "text": {"type": "string"},
    "some": {"type": "list of string"},
    "counts": {"type": "map of integer"},
    "section.sub.key": {"type": "string"},
    "section.other": {"type": "string"},
}
ABOUT = Configurable("Trainer 1", "conductor_x", KEYS)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1ns", "0.000000001"),
        ("1us", "0.000001"),
        ("1µs", "0.000001"),
        ("1μs", "0.000001"),
        ("1ms", "0.001"),
        ("2s", "2"),
        ("1m", "60"),
        ("1h", "3600"),
        ("1h1m1.5s", "3661.5"),
        ("-1.5s", "-1.5"),
        ("+.5s", "0.5"),
        ("9223372036s", "9223372036"),
        ("9223372037s", None),
        ("-9223372037s", None),
        ("15", None),
        ("", None),
        ("1d", None),
    ],
)
def test_a_duration_of_go(text: str, found: str | None) -> None:
    assert seconds(text) == (None if found is None else Decimal(found))


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("whole", 2**31 - 1, 2**31 - 1),
        ("whole", 1 - 2**31, 1 - 2**31),
        ("whole", "5", 5),
        ("whole", "-5.0", -5),
        ("part", "1.5", 1.5),
        ("part", 3.4028234e38, 3.4028234e38),
        ("part", -3.4028234e38, -3.4028234e38),
        ("time", "0", "0"),
        ("time", "-1m", "-1m"),
        ("some", ["a"], ["a"]),
        ("counts", {"a": "1", "b": None}, {"a": 1, "b": None}),
        ("whole", None, None),
    ],
)
def test_a_value(name: str, value: Any, found: Any) -> None:
    assert list(settings_of({name: value}, ABOUT, {})) == [((name,), found)]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("whole", 2**31, "whole is 2147483648, and must be a whole number"),
        ("whole", -(2**31), "whole is -2147483648, and must be a whole number"),
        ("whole", 1.5, "whole is 1.5, and must be a whole number"),
        ("whole", True, "whole is true, and must be a whole number"),
        ("whole", "1" * 10, "whole is 1111111111, and must be a whole number"),
        ("part", float("nan"), "part is nan, and must be a number"),
        ("part", 3.5e38, "part is 3.5e+38, and must be a number"),
        ("part", -3.5e38, "part is -3.5e+38, and must be a number"),
        ("time", 15, "time is 15, and must be a duration like 15s"),
        ("time", "15", "time is 15, and must be a duration like 15s"),
        ("on", "yes", "on is yes, and must be true or false"),
        ("some", "a", "some is a, and must be a list"),
        ("some", ["a", 1], "some[1] is 1, and must be a text"),
        ("counts", [1], "counts is a list, and must be a mapping"),
        ("counts", {"a": "x"}, "counts[a] is x, and must be a whole number"),
        ("section", 1, "section is 1, and must be a mapping"),
    ],
)
def test_a_value_of_another_type(name: str, value: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        list(settings_of({name: value}, ABOUT, {}))
    assert caught.value.message == f"`conductor_x`: {message}"
    number = isinstance(value, list) and name == "some"
    assert (", in quotes" in (caught.value.next_step or "")) is number


def test_a_null_for_a_section_removes_what_the_release_sets_there() -> None:
    present = {"section": {"sub": {"key": "a"}, "other": "b"}}
    assert list(settings_of({"section": None}, ABOUT, present)) == [
        (("section", "sub"), None),
        (("section", "other"), None),
    ]
    assert list(settings_of({"section": {"sub": None}}, ABOUT, present)) == [(("section", "sub", "key"), None)]
    assert list(settings_of({"section": {"sub": None}}, ABOUT, {"section": "odd"})) == []


@pytest.mark.parametrize(
    ("config", "message", "next_step"),
    [
        ({"textt": "a"}, "has no key textt, and would not start; did you mean text?", "the keys are counts, on, part"),
        (
            {"section": {"key": "a"}},
            "has no key section.key, and would not start; did you mean section.sub.key?",
            "the keys of section are other, sub",
        ),
        (
            {"section": {"section.other": "a"}},
            "has no key section.section.other, and would not start; did you mean {section: {other: ...}}?",
            "the keys of section are other, sub",
        ),
        ({"key": "a"}, "has no key key, and would not start; did you mean section.sub.key?", "the keys are counts"),
        (
            {"section": {"sub": {"x": 1}}},
            "has no key section.sub.x, and would not start",
            "the keys of section.sub are key",
        ),
        (
            {"section.other": "a"},
            "has no key section.other, and would not start; did you mean {section: {other: ...}}?",
            "the keys are counts",
        ),
    ],
)
def test_an_unknown_key(config: dict[str, Any], message: str, next_step: str) -> None:
    with pytest.raises(InputError) as caught:
        list(settings_of(config, ABOUT, {}))
    assert caught.value.message == f"`conductor_x`: Trainer 1 {message}"
    assert next_step in (caught.value.next_step or "")


def test_the_configuration_itself_is_a_mapping() -> None:
    with pytest.raises(InputError) as caught:
        list(settings_of("text", ABOUT, {}))
    assert caught.value.message == "`conductor_x`: the value is text, and must be a mapping"
    assert (caught.value.next_step or "").endswith("the keys are counts, on, part, section, some, text, time, whole")
