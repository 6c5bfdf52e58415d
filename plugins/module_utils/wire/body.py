# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the body of a response with limits, and parse JSON strictly.

An address may lead to anything: a proxy, a login page, a damaged or hostile server. Whatever it sends, this takes a
bounded amount of memory and ends in a document or in C(OddAnswer).
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, NoReturn

from ..redaction import MASK

_MIB = 1 << 20
# The size of the pieces in which bodies are read and unpacked.
PIECE = 1 << 16
# The deepest nesting of an answer. The schema of a CRD and its managed fields have about 60 levels.
_DEEPEST = 200
# The longest text in an answer, in characters. An object in etcd has at most 1.5 MiB by default.
_LONGEST_TEXT = 4 * _MIB
# Up to this size the keys of objects are compared, which takes as long as parsing.
_SMALL = 1 << 16
# More digits than a 64-bit number has; Python takes quadratic time for long numbers.
_MOST_DIGITS = 20
# Python's memory for a JSON object, list and value, in bytes; measured, rounded up.
_OBJECT, _LIST, _VALUE = 190, 100, 130
# The credentials that were sent with the request: a server may send them back.
SENT: ContextVar[tuple[str, ...]] = ContextVar("SENT", default=())
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_FOUR_BYTES = re.compile(rb"[\xf0-\xff]")


class OddAnswer(ValueError):
    """An answer that no API server gives; the text says what is odd."""


@dataclass(frozen=True)
class Limits:
    """What one answer may take.

    Args:
        seconds: for a request with all its retries.
        document: bytes of one object or document, unpacked.
        page: bytes of one page of a list, unpacked.
        error: bytes of a failure that are read; the rest is dropped.
        line: bytes of one event of a watch.
        overtime: seconds after which a watch is ended if the server did not end it as requested.
        held: estimated bytes of memory for all parsed answers together.
        pages: pages of one list.
    """

    seconds: float = 60.0
    document: int = 8 * _MIB
    page: int = 16 * _MIB
    error: int = 256 << 10
    line: int = 8 * _MIB
    overtime: float = 5.0
    held: int = 200 * _MIB
    pages: int = 400


def read_body(
    pieces: Iterable[bytes], encoding: str, limit: int, grown: Callable[[int], None] = lambda size: None
) -> bytearray:
    """Return a body, unpacked.

    Args:
        pieces: what arrives, as it arrives.
        encoding: the Content-Encoding; only gzip is ever requested.
        grown: called with the size after each piece.

    Raises:
        OddAnswer: the body is longer than C(limit), or is not packed as it claims.
    """
    body = bytearray()
    for piece in _unpacked(pieces, encoding):
        body += piece
        if len(body) > limit:
            # An exception keeps the variables of all functions that it passes.
            body.clear()
            raise OddAnswer(f"it is longer than {size_of(limit)}")
        grown(len(body))
    return body


def read_beginning(pieces: Iterable[bytes], encoding: str, limit: int) -> tuple[bytes, bool]:
    """Return at most C(limit) bytes of a body, and whether that is all of it. A damaged body counts as empty."""
    body = bytearray()
    try:
        for piece in _unpacked(pieces, encoding):
            body += piece
            if len(body) > limit:
                return bytes(body[:limit]), False
    except OddAnswer:
        return b"", False
    return bytes(body), True


def _unpacked(pieces: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        yield from pieces
        return
    if encoding not in ("gzip", "x-gzip"):
        raise OddAnswer(f"it has the Content-Encoding {quoted(encoding)}, which was not requested")
    unpacker = None
    try:
        for piece in pieces:
            left = piece
            while left:
                unpacker = unpacker or zlib.decompressobj(16 + zlib.MAX_WBITS)
                yield unpacker.decompress(left, PIECE)
                left = unpacker.unconsumed_tail or unpacker.unused_data
                if unpacker.eof:
                    unpacker = None
    except zlib.error as error:
        raise OddAnswer("its Content-Encoding is gzip, but its content is not") from error
    if unpacker is not None:
        raise OddAnswer("its gzip content is cut off")


def weight_of(data: bytes | bytearray) -> int:
    """Return an estimate of the memory that a JSON text takes once it is parsed, in bytes. It is mostly too high."""
    return len(data) + _OBJECT * data.count(b"{") + _LIST * data.count(b"[") + _VALUE * data.count(b",")


def parse(data: bytes | bytearray, limit: int) -> dict[str, Any]:
    """Return a JSON object.

    Args:
        limit: bytes that the text may take in memory; a text with rare characters takes up to four times its size.

    Raises:
        OddAnswer: it is no JSON object, or one that no API server sends.
    """
    wide = 1 if data.isascii() else 4 if _FOUR_BYTES.search(data) else 2
    if len(data) * wide > 2 * limit:
        raise OddAnswer(f"it is longer than {size_of(limit)}")
    problem, answer = _loaded(data)
    if problem:
        raise OddAnswer(problem)
    if not isinstance(answer, dict):
        raise OddAnswer(f"it is not a JSON object: {beginning(data)}")
    _check_values(answer, long=len(data) > _LONGEST_TEXT)
    if _SURROGATE.search(data):
        _check_characters(answer)
    return answer


def _loaded(data: bytes | bytearray) -> tuple[str, Any]:
    """Return what is odd about a JSON text, or its value. This raises nothing: an exception would keep the text."""
    try:
        return "", json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_once if len(data) <= _SMALL else None,
            parse_constant=_constant,
            parse_int=_integer,
            parse_float=_real,
        )
    except OddAnswer as error:
        return str(error), None
    except UnicodeDecodeError:
        return "it is not valid UTF-8", None
    except RecursionError:
        return f"it is nested deeper than {_DEEPEST} levels", None
    except ValueError:
        return f"it is not JSON: {beginning(data)}", None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise OddAnswer("it has the same key twice in one object")
    return found


def _constant(name: str) -> NoReturn:
    raise OddAnswer(f"it contains {name}, which is not JSON")


def _integer(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise OddAnswer(f"it contains a number of {len(digits)} digits")
    return int(digits)


def _real(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise OddAnswer("it contains a number that is too large")
    return number


def _check_values(answer: dict[str, Any], *, long: bool) -> None:
    """Bound the nesting, because other code walks through answers recursively, and the length of texts."""
    level: list[Any] = [answer]
    depth = 0
    while level:
        depth += 1
        if depth > _DEEPEST:
            raise OddAnswer(f"it is nested deeper than {_DEEPEST} levels")
        if long:
            for node in level:
                values = [*node, *node.values()] if isinstance(node, dict) else node
                if any(isinstance(value, str) and len(value) > _LONGEST_TEXT for value in values):
                    raise OddAnswer(f"it contains a text of more than {size_of(_LONGEST_TEXT)}")
        level = [
            value
            for node in level
            for value in (node.values() if isinstance(node, dict) else node)
            if isinstance(value, (dict, list))
        ]


def _check_characters(answer: dict[str, Any]) -> None:
    try:
        json.dumps(answer, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise OddAnswer("it contains half of a character (a lone surrogate)") from None


def beginning(data: bytes | bytearray, length: int = 100) -> str:
    """Return the beginning of a body for a message: printable, on one line."""
    return quoted(bytes(data[: 1 << 14]).decode("utf-8", errors="replace"), length) if data else "it is empty"


def without_credentials(text: str) -> str:
    """Replace the credentials that were sent with the request."""
    for secret in SENT.get():
        text = text.replace(secret, MASK)
    return text


def quoted(value: Any, length: int = 100) -> str:
    """Return a foreign value for a message: printable, on one line, bounded."""
    text = without_credentials((value if isinstance(value, str) else _shown(value))[: 1 << 14])
    shown = " ".join("".join(one if one.isprintable() else " " for one in text).split())
    return f"{shown[:length]} ..." if len(shown) > length else shown


def _shown(value: Any) -> str:
    if isinstance(value, (dict, list)):
        return "an object" if isinstance(value, dict) else "a list"
    return json.dumps(value)


def size_of(size: int) -> str:
    """Return a number of bytes for a message."""
    return f"{size // _MIB} MiB" if size >= _MIB else f"{size / 1024:.0f} KiB"
