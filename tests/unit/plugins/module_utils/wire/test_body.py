# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.wire.body import (
    SENT,
    OddAnswer,
    beginning,
    parse,
    quoted,
    read_beginning,
    read_body,
    size_of,
    weight_of,
)

MIB = 1 << 20
BLANKS = b" " * MIB


def test_pieces_are_put_together() -> None:
    sizes: list[int] = []
    assert read_body([b"ab", b"", b"c"], "", 3, sizes.append) == b"abc"
    assert sizes == [2, 2, 3]


@pytest.mark.parametrize("encoding", ["gzip", "GZIP ", "x-gzip"])
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_gzip_is_unpacked_however_it_is_cut(encoding: str, size: int) -> None:
    packed = gzip.compress(b"one " * 1000) + gzip.compress(b"two")
    pieces = [packed[at : at + size] for at in range(0, len(packed), size)]
    assert read_body(pieces, encoding, MIB) == b"one " * 1000 + b"two"


@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_a_long_body_is_an_error_before_it_is_read(encoding: str) -> None:
    read = 0

    def pieces() -> Any:
        nonlocal read
        while True:
            read += 1
            yield gzip.compress(BLANKS) if encoding else BLANKS

    with pytest.raises(OddAnswer, match="longer than 3 MiB"):
        read_body(pieces(), encoding, 3 * MIB)
    assert read == 4


@pytest.mark.parametrize(
    ("body", "encoding", "words"),
    [
        (b"{}", "gzip", "its content is not"),
        (gzip.compress(b"{}")[:-3], "gzip", "cut off"),
        (gzip.compress(b"{}") + b"x", "gzip", "its content is not|cut off"),
        (b"{}", "br", "br, which was not requested"),
        (b"{}", "gzip, gzip", "not requested"),
    ],
)
def test_another_encoding_is_an_error(body: bytes, encoding: str, words: str) -> None:
    with pytest.raises(OddAnswer, match=words):
        read_body([body], encoding, MIB)


def test_the_beginning_of_a_failure_is_enough() -> None:
    assert read_beginning([b"abc", b"def"], "", 6) == (b"abcdef", True)
    assert read_beginning([b"abc", b"def"], "", 4) == (b"abcd", False)
    assert read_beginning([gzip.compress(b"abc")], "gzip", 9) == (b"abc", True)
    assert read_beginning([b"abc"], "gzip", 9) == (b"", False)


def test_an_object_is_returned_as_it_is() -> None:
    value = {"a": [1, 2.5, True, None, "\u00e9\U0001f600"], "b": {"c": {}}, "n": -(2**63)}
    assert parse(json.dumps(value, ensure_ascii=False).encode(), MIB) == value
    assert parse(json.dumps(value).encode(), MIB) == value


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "it is empty"),
        (b"[]", "not a JSON object"),
        (b"null", "not a JSON object"),
        (b'{"a":1} x', "not JSON"),
        (b'{"a":1', "not JSON"),
        (b'{"a":NaN}', "NaN"),
        (b'{"a":-Infinity}', "Infinity"),
        (b'{"a":1e999}', "too large"),
        (b'{"a":' + b"9" * 100_000 + b"}", "100000 digits"),
        (b'{"a":1,"a":2}', "same key twice"),
        (b'{"b":{"a":1,"a":1}}', "same key twice"),
        (b'{"a":"\xff"}', "UTF-8"),
        (b'{"a":"\xed\xa0\x80"}', "UTF-8"),
        (b'\xef\xbb\xbf{"a":1}', "not JSON"),
        ('{"a":1}'.encode("utf-16"), "UTF-8"),
        (b'{"a":"\\ud800"}', "surrogate"),
        (b'{"\\uDFFF":1}', "surrogate"),
        (b'{"a":"\x1b"}', "not JSON"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested"),
        (b'{"a":' + b"[" * 300 + b"]" * 300 + b"}", "nested"),
        (b'{"a":"' + b"x" * (5 * MIB) + b'"}', "text of more than 4 MiB"),
        (b'{"' + b"x" * (5 * MIB) + b'":1}', "text of more than 4 MiB"),
    ],
)
def test_what_no_api_server_sends_is_an_error(data: bytes, words: str) -> None:
    with pytest.raises(OddAnswer, match=words) as caught:
        parse(data, 16 * MIB)
    assert len(str(caught.value)) < 300
    assert str(caught.value).isprintable()


def test_whole_surrogate_pairs_are_characters() -> None:
    assert parse(b'{"a":"\\ud83d\\ude00"}', MIB) == {"a": "\U0001f600"}


def test_wide_text_counts_as_what_it_takes() -> None:
    wide = '{"a":"\U0001f600"}'.encode()
    with pytest.raises(OddAnswer, match="longer"):
        parse(wide, len(wide) * 2 - 1)
    assert parse(wide, len(wide) * 2)


def _size(value: Any) -> int:
    below = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else ()
    return sys.getsizeof(value) + sum(map(_size, below))


@pytest.mark.parametrize(
    "value",
    [
        lambda: {"a": [{}] * 1000},
        lambda: {"a": [{"a": 1000 + number} for number in range(1000)]},
        lambda: {"a": [[number] for number in range(1000)]},
        lambda: {f"key-{number}": number * 1000 for number in range(1000)},
        lambda: {"a": [f"text {number}" for number in range(1000)]},
    ],
)
def test_the_estimated_weight_is_not_too_low(value: Callable[[], Any]) -> None:
    made = json.loads(json.dumps(value()))
    assert weight_of(json.dumps(made).encode()) > 0.8 * _size(made)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("a\x1b[2J\r\nb\u202e", "a [2J b"),
        (7, "7"),
        (None, "null"),
        ([1] * 10**6, "a list"),
        ({"a": 1}, "an object"),
        ("x" * 10**7, "x" * 100 + " ..."),
    ],
)
def test_a_quote_is_short_and_printable(value: Any, words: str) -> None:
    assert quoted(value) == words


def test_credentials_are_not_quoted() -> None:
    mark = SENT.set(("secret-token",))
    try:
        assert "secret" not in beginning(b"x" * 95 + b"secret-token")
        assert quoted("secret-token") == "********"
    finally:
        SENT.reset(mark)


@pytest.mark.parametrize(("size", "words"), [(8 * MIB, "8 MiB"), (256 << 10, "256 KiB")])
def test_size_of(size: int, words: str) -> None:
    assert size_of(size) == words
