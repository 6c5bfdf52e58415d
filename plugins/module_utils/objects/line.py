# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A line of a result with typed fields: people read the text, code compares the fields. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any


class Line(str):
    """A text with the values that it was built from; in a result it is a plain string.

    Args:
        subject: the object that the line is about.
        detail: what the line says about the object.
        about: further values to compare, e.g. owners or permissions.
    """

    subject: str
    detail: str
    about: frozenset[Hashable]

    def __new__(cls, text: str, *, subject: str = "", detail: str = "", about: Iterable[Hashable] = ()) -> Line:
        """Create a line. This is not C(__init__), because a C(str) takes its text on creation."""
        line = super().__new__(cls, text)
        line.subject, line.detail, line.about = subject, detail, frozenset(about)
        return line


def plain(value: Any) -> Any:
    """Replace lines with plain strings in a value, because the library returns only Python's own types."""
    if isinstance(value, Mapping):
        return {name: plain(below) for name, below in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, Line) else value


def about(*lines: object) -> frozenset[Hashable]:
    """Return all C(about) values of these lines; values that are not a C(Line) have none."""
    return frozenset().union(*(line.about for line in lines if isinstance(line, Line)))


def about_places(*names: str) -> frozenset[Hashable]:
    """Return the C(about) value of a line about namespaces, or about the URLs of webhooks outside the cluster."""
    return frozenset(("place", name) for name in names)


def about_object(name: str) -> frozenset[Hashable]:
    """Return the C(about) value of a line about one object, without its kind."""
    return frozenset({("object", name)})


def terminating_line(kind: str, name: str, finalizers: Iterable[str], said: Iterable[str] = ()) -> Line:
    """Return a line about a Terminating object with its finalizers.

    Args:
        said: what else is known about what holds it.
    """
    subject, waiting = f"{kind} {name}", "; ".join(filter(None, (", ".join(finalizers), ", ".join(said))))
    words = f"{subject}, which waits for {waiting}" if waiting else subject
    return Line(words, subject=subject, about=about_object(name))
