# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Map a message of another program to a cause and a next step, by a catalogue. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple


class KnownCause(NamedTuple):
    """A cause and how to recognise it.

    Args:
        words: a regular expression that must match the message, ignoring case.
        cause, next_step: texts; C({0}), C({1}) stand for what the groups of C(words) matched.
        if_installed: the next step if it is a pod of a controller: it names the variables that change what an install
            applies; empty if it is the same.
        own_fault: whether the program itself is at fault, so that waiting never helps, whatever else the message says.
    """

    words: str
    cause: str
    next_step: str
    own_fault: bool = False
    if_installed: str = ""


def cause_in(text: str, catalogue: Iterable[KnownCause], *, installed: bool = True) -> tuple[str, str] | None:
    """Return the cause and the next step of the first entry that matches a text; None if none matches.

    Args:
        installed: whether the text is about a controller or its pods, which an install applies.
    """
    for entry in catalogue:
        if found := re.search(entry.words, text, re.IGNORECASE):
            groups = [group or "" for group in found.groups()]
            step = (entry.if_installed if installed else "") or entry.next_step
            return entry.cause.format(*groups).rstrip(" :"), step.format(*groups)
    return None
