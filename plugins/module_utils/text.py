# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make foreign text safe to show: escape control characters, keep lines apart, limit the length. Pure.

Names and messages come from servers, pods and files. Printed as they are, they could clear a screen, hide text, or look
like lines of Ansible.
"""

from __future__ import annotations

import re
from typing import Any

# The most characters of a name or of a short fact, of a line, and of a message.
NAME, LINE, MESSAGE = 300, 1000, 4000
# Control characters but the line feed (C0, DEL, C1), formatting characters (bidirectional controls, zero-width
# characters, tags), line and paragraph separators, and surrogates, which cannot be encoded. A test compares this with
# the Unicode database.
_HOSTILE = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5"
    "\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufeff\uffa0\ufff0-\ufffb\U000110bd"
    "\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e007f]"
)
# Codes of a terminal, e.g. for colours (ECMA-48), and characters without a width of their own.
_UNSEEN = re.compile(rf"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?![\t\r]){_HOSTILE.pattern}")
_SHORT_NAMES = {"\t": r"\t", "\r": r"\r"}


def escaped(text: str) -> str:
    """Return the text with each hostile character shown as its escape (backslash, x1b). Line feeds stay."""
    return _HOSTILE.sub(_escape, text)


def seen(text: str) -> str:
    """Return the text as a person sees it, to look for words in it: without colours and invisible characters."""
    return _UNSEEN.sub("", text) if _HOSTILE.search(text) else text


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    code = ord(character)
    if character in _SHORT_NAMES:
        return _SHORT_NAMES[character]
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def bounded(text: str, most: int = MESSAGE) -> str:
    """Return a text of at most this many characters. The middle is cut out, and the length of the cut is shown."""
    if len(text) <= most:
        return text
    note = f"... ({len(text)} characters, cut here) ..."
    left = max(0, most - len(note))
    end = left // 4
    return f"{text[: left - end]}{note}{text[len(text) - end :]}"


def one_line(text: Any, most: int = LINE) -> str:
    """Return a text as one line without hostile characters, of about this many characters. Columns stay."""
    # Cut before splitting: a long text would be split into as many pieces.
    first, *rest = bounded(str(text), 4 * most).split("\n")
    pieces = [piece for piece in (part.strip() for part in rest) if piece]
    return bounded(escaped(" ".join([first.rstrip("\r"), *pieces])), most)


def indented(text: str, by: int = 2) -> str:
    """Return the text with every line but the first indented, at least by this many spaces, and without empty lines."""
    first, *rest = text.split("\n")
    space = " " * by
    return "\n".join([first, *(line if line.startswith(space) else space + line for line in rest if line.strip())])


def sentence(text: str) -> str:
    """Return a text with a full stop at its end, unless it ends with punctuation, as the messages of others may do."""
    text = text.rstrip()
    return text if text.endswith((".", "?", "!", ":", ";")) else f"{text}."
