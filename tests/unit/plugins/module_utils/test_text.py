# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import sys
import unicodedata

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.text import (
    bounded,
    escaped,
    indented,
    one_line,
    sentence,
)

# Controls, formatting characters, surrogates, separators of lines and paragraphs.
HOSTILE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def test_every_hostile_character_of_unicode_is_escaped() -> None:
    every = [chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) in HOSTILE]
    assert len(every) > 2000
    shown = escaped("".join(every))
    assert shown.replace("\n", "").isascii()
    assert shown.replace("\n", "").isprintable()
    assert shown.count("\n") == 1


def test_other_characters_stay() -> None:
    letters = "".join(
        chr(code)
        for code in range(0x20, 0x10000)
        if unicodedata.category(chr(code))[0] in "LNPS" and chr(code) not in "\u115f\u1160\u3164\uffa0"
    )
    assert escaped(letters) == letters


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", r"\x1b[2J"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("a\rb\tc\nd", "a\\rb\\tc\nd"),
        ("\x7f\x9b31m", r"\x7f\x9b31m"),
        ("safe\u202eexe.txt", r"safe\u202eexe.txt"),
        ("a\u200bb\ufeff", r"a\u200bb\ufeff"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_escapes(text: str, shown: str) -> None:
    assert escaped(text) == shown


def test_the_cut_is_in_the_middle_and_said() -> None:
    text = bounded("begin" + "x" * 10_000_000 + "end", 200)
    assert len(text) == 200
    assert text.startswith("begin")
    assert text.endswith("end")
    assert "10000008 characters, cut here" in text
    assert bounded("short", 200) == "short"


def test_a_line_is_one_line_and_keeps_columns() -> None:
    assert one_line("name    1/1\n  ok: [berlin]\r\n\nend") == r"name    1/1 ok: [berlin] end"
    assert len(one_line("x\n" * 10_000_000, 100)) <= 100


def test_no_line_can_be_forged_at_the_left() -> None:
    text = indented("first\nok: [berlin]\n  second\n\n \n    deeper")
    assert text == "first\n  ok: [berlin]\n  second\n    deeper"


@pytest.mark.parametrize(
    ("text", "whole"), [("a", "a."), ("a.", "a."), ("is it running?", "is it running?"), ("a ", "a."), ("...", "...")]
)
def test_a_sentence_has_one_full_stop(text: str, whole: str) -> None:
    assert sentence(text) == whole
