# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A verdict on a snapshot of an object: whether it is ready, the rule that decided, and the evidence. Pure.

Missing, stale or incomplete objects are never ready. Missing or malformed fields never raise an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ..objects.fields import conditions_of, is_true, part, parts, text

# The length of an RFC 3339 time without fractions. Such texts compare like times.
_SECOND = len("2026-01-01T00:00:00")
# The most characters taken from a condition, whose message may hold a whole log.
_LONGEST = 1000

State = Literal["ready", "progressing", "failed", "unknown"]


@dataclass(frozen=True)
class Verdict:
    """The state of one subject.

    Args:
        rule: what was checked; a code.
        evidence: what was found.
        next_step: what to do next, if the evidence shows it.
        since: since when the state has lasted according to the server (RFC 3339); empty if unknown.
        name: of the object in C(subject), if it has one.
        brief: the part of the evidence that fits into a progress line; empty to use all of it.
        is_probe: whether this is the result of a probe, and the rule names the probe.
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
        """Return whether the state is ready. An unknown state is not."""
        return self.state == "ready"

    def row(self) -> dict[str, str]:
        """Return the verdict for a result."""
        return {
            "subject": self.subject,
            "rule": self.rule,
            "state": self.state,
            "evidence": self.evidence,
            "since": self.since,
        }

    def __str__(self) -> str:
        return f"{self.subject}: {self.evidence or self.rule}"


def count(value: Any) -> int:
    """Return the value of a field that counts something; 0 if it is missing, negative or not a number."""
    return max(0, value) if isinstance(value, int) and not isinstance(value, bool) else 0


def second_of(time: Any) -> str:
    """Return a time without fractions of a second, because container times have none; empty if it is not a text."""
    return time[:_SECOND] if isinstance(time, str) else ""


def true_conditions(value: Any) -> dict[str, Mapping[str, Any]]:
    """Return the conditions of an object's status that are True, by type. One that contradicts itself is not."""
    found = parts(part(value, "status"), "conditions")
    return {kind: entry for entry in found for kind in (text(entry, "type"),) if is_true(value, kind)}


def denied_condition(value: Any, kind: str) -> Mapping[str, Any] | None:
    """Return the condition of a type that is present and not True; None if there is none or if it is True."""
    return next((entry for entry in conditions_of(value, kind) if entry.get("status") != "True"), None)


def ended(subject: str, rule: str, value: Any, ends: Mapping[str, State]) -> Verdict | None:
    """Return the verdict of the first of these conditions that is True; None if none is.

    Args:
        ends: the meaning of each type of condition.
    """
    conditions = true_conditions(value)
    for kind, state in ends.items():
        if kind in conditions:
            since = text(conditions[kind], "lastTransitionTime")
            return Verdict(subject, rule, state, words_of(conditions[kind]), since=since)
    return None


def words_of(condition: Mapping[str, Any]) -> str:
    """Return the reason and message of a condition; empty if it has neither."""
    words = (condition.get("reason"), condition.get("message"))
    return ": ".join(word for word in words if isinstance(word, str) and word)[:_LONGEST]
