# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How words that somebody said become a cause and a remedy, by a catalogue. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple


class KnownCause(NamedTuple):
    """How a cause is recognised, and what it means.

    Args:
        words: a regular expression that a text must match; upper and lower case alike.
        cause, remedy: in plain words; may name C({0}) and so on, what the groups of C(words) matched.
        own_fault: whether neither time nor anybody else mends it, whatever else the text speaks of.
    """

    words: str
    cause: str
    next_step: str
    own_fault: bool = False


def cause_in(text: str, catalogue: Iterable[KnownCause]) -> tuple[str, str] | None:
    """The cause that a text tells of and what to do, by the first entry that fits; None where none does."""
    for entry in catalogue:
        if found := re.search(entry.words, text, re.IGNORECASE):
            groups = [group or "" for group in found.groups()]
            return entry.cause.format(*groups).rstrip(), entry.next_step.format(*groups)
    return None
