# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Split the stream of a watch into events. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from .body import OddAnswer, parse, quoted, size_of, weight_of
from .shapes import Wanted, check_object

_CHANGES = ("ADDED", "MODIFIED", "DELETED")


def events_in(
    pieces: Iterable[bytes], encoding: str, wanted: Wanted, limit: int
) -> Iterator[tuple[dict[str, Any], int]]:
    """Yield the events of a watch, with C(type) and C(object), and the estimated memory of each.

    Events of other types than a client of this API knows are left out. An incomplete last line is not an event.

    Args:
        encoding: the Content-Encoding; none is ever requested.
        wanted: the objects that the events are about.
        limit: bytes of a line.

    Raises:
        OddAnswer: a line is too long, not an event, or about another object.
    """
    if encoding.strip().lower() not in ("", "identity"):
        raise OddAnswer(f"it has the Content-Encoding {quoted(encoding)}, which was not requested")
    rest = bytearray()
    for piece in pieces:
        start = len(rest)
        rest += piece
        while (end := rest.find(b"\n", start)) >= 0:
            line = bytes(rest[:end])
            del rest[: end + 1]
            start = 0
            if line.strip():
                event = _event(parse(line, limit), wanted)
                if event:
                    yield event, weight_of(line)
        if len(rest) > limit:
            # An exception keeps the variables of all functions that it passes.
            rest.clear()
            raise OddAnswer(f"a line of it is longer than {size_of(limit)}")


def _event(line: dict[str, Any], wanted: Wanted) -> dict[str, Any] | None:
    kind, item = line.get("type"), line.get("object")
    if not isinstance(kind, str) or not isinstance(item, dict):
        raise OddAnswer("it is not an event of a watch")
    if kind in _CHANGES:
        check_object(item, wanted)
        return line
    return line if kind in ("ERROR", "BOOKMARK") else None
