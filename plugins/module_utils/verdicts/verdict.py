# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A verdict over a snapshot of an object: ready or not, by which rule, on what evidence. Pure.

What is missing, stale or half-filled is never ready. Odd or absent fields never raise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ..objects.fields import part, parts, text

# Characters of what a condition says; a message may hold a whole log.
_LONGEST = 1000

State = Literal["ready", "progressing", "failed", "unknown"]


@dataclass(frozen=True)
class Verdict:
    """What is known of one subject.

    Args:
        rule: what was checked.
        evidence: what was found.
        remedy: the next thing to try, where the evidence tells.
        since: since when the server has it so (RFC 3339), where it says that.
        name: of the object in C(subject), where it has one.
        brief: of the evidence, what a line of progress has room for; empty where that is all of it.
        is_probe: the rule is what a webhook was asked.
    """

    subject: str
    rule: str
    state: State
    evidence: str = ""
    next_step: str = ""
    since: str = ""
    name: str = ""
    brief: str = ""
    is_probe: bool = False

    @property
    def ready(self) -> bool:
        """Unknown is never ready."""
        return self.state == "ready"

    def __str__(self) -> str:
        return f"{self.subject}: {self.evidence or self.rule}"


def count(value: Any) -> int:
    """A field that should be a number; 0 where it is absent or something else."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def true_conditions(value: Any) -> dict[str, Mapping[str, Any]]:
    """Type to condition, of those of an object's status that are True."""
    found = parts(part(value, "status"), "conditions")
    return {str(entry.get("type")): entry for entry in found if entry.get("status") == "True"}


def ended(subject: str, rule: str, value: Any, ends: Mapping[str, State]) -> Verdict | None:
    """The verdict on something that has an end, by the first of these conditions that is True; None where none is.

    Args:
        ends: the type of a condition to what it means.
    """
    conditions = true_conditions(value)
    for kind, state in ends.items():
        if kind in conditions:
            since = text(conditions[kind], "lastTransitionTime")
            return Verdict(subject, rule, state, words_of(conditions[kind]), since=since)
    return None


def words_of(condition: Mapping[str, Any]) -> str:
    """What a condition says: reason and message, where it has them."""
    words = (condition.get("reason"), condition.get("message"))
    return ": ".join(word for word in words if isinstance(word, str) and word)[:_LONGEST]
