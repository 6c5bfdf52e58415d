# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import codecs

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.objects.encodings import EncodingProblem, text_of

TEXT = "a: ü 😀\r\n"


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("utf-16"),
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
        TEXT.encode("utf-32"),
        codecs.BOM_UTF32_BE + TEXT.encode("utf-32-be"),
    ],
)
def test_a_byte_order_mark_says_the_encoding(data: bytes) -> None:
    assert text_of(data) == TEXT


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"a\nb\xe9", "is not valid UTF-8: byte 0xE9 in line 2"),
        (codecs.BOM_UTF8 + b"\xff", "is not valid UTF-8"),
        (codecs.BOM_UTF16_LE + b"a", "is not valid UTF-16"),
        (codecs.BOM_UTF32_LE + b"abcd", "is not valid UTF-32"),
        (b"\x1f\x8b\x08", "is compressed with gzip"),
        (b"\0\xff", "is binary, or UTF-16 without a byte order mark"),
    ],
)
def test_other_files_are_named(data: bytes, words: str) -> None:
    with pytest.raises(EncodingProblem, match=words):
        text_of(data)
