# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A line of a result that keeps what it is about: people read the text, code compares the fields. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Iterable


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


def about(*lines: object) -> frozenset[Hashable]:
    """What any of these is about; nothing for what is no C(Line)."""
    return frozenset().union(*(line.about for line in lines if isinstance(line, Line)))
