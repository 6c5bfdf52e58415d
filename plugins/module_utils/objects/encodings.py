# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decode texts of others: files by their byte order mark, else as UTF-8, and JSON. Pure."""

from __future__ import annotations

import codecs
import json
from typing import Any

# UTF-32 first: its mark begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_GZIP = b"\x1f\x8b"


class EncodingProblem(ValueError):
    """A file is not text in an encoding that can be read. The message completes "FILE ..."."""


def text_of(data: bytes) -> str:
    """Decode the content of a file. PowerShell writes UTF-16 with a byte order mark.

    Raises:
        EncodingProblem: it is not such text.
    """
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        if data.startswith(_GZIP):
            raise EncodingProblem("is compressed with gzip") from None
        if encoding == "utf-8" and b"\0" in data[:4096]:
            raise EncodingProblem("is binary, or UTF-16 without a byte order mark") from None
        name = encoding.removesuffix("-sig").upper()
        line = data.count(b"\n", 0, error.start) + 1
        raise EncodingProblem(f"is not valid {name}: byte 0x{data[error.start]:02X} in line {line}") from None


def from_json(text: str | bytes | bytearray) -> Any:
    """Return the value of a JSON text from a file, a server or a program.

    Raises:
        ValueError: it is not JSON, or is nested too deeply.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
