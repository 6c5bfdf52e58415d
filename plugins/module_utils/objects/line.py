# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A line of a result that keeps what it is about: people read the text, code compares the fields. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any


class Line(str):
    """A text with what it was made of; in a result it is a string like any other.

    Args:
        subject: the object it is about.
        detail: what it says of the object.
        about: what else can be compared, e.g. owners or rights.
    """

    subject: str
    detail: str
    about: frozenset[Hashable]

    def __new__(cls, text: str, *, subject: str = "", detail: str = "", about: Iterable[Hashable] = ()) -> Line:
        """Makes one; C(str) takes its text when it is made."""
        line = super().__new__(cls, text)
        line.subject, line.detail, line.about = subject, detail, frozenset(about)
        return line


def plain(value: Any) -> Any:
    """The same value with plain strings for lines: what leaves the library is of Python's own types only."""
    if isinstance(value, Mapping):
        return {name: plain(below) for name, below in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, Line) else value


def about(*lines: object) -> frozenset[Hashable]:
    """What any of these is about; nothing for what is no C(Line)."""
    return frozenset().union(*(line.about for line in lines if isinstance(line, Line)))


def about_places(*names: str) -> frozenset[Hashable]:
    """What a line is about that tells of these namespaces, or of the URLs of webhooks that are in none."""
    return frozenset(("place", name) for name in names)


def about_object(name: str) -> frozenset[Hashable]:
    """What a line is about that tells of one object; of which kind the other texts about it say."""
    return frozenset({("object", name)})


def terminating_line(kind: str, name: str, finalizers: Iterable[str]) -> Line:
    """An object that is Terminating, and what it waits for."""
    subject, waiting = f"{kind} {name}", ", ".join(finalizers)
    said = f"{subject}, which waits for {waiting}" if waiting else subject
    return Line(said, subject=subject, about=about_object(name))
