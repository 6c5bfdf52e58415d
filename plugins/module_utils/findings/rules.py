# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table in which rules register, and helpers that several rules use. A rule depends on the facts alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from .catalogue import BY_CODE
from .entry import CatalogueEntry

# The reason why a node accepts no pod (C(Line.about)): this, or the key of a taint.
NOT_READY = ("not ready",)

Facts = dict[str, Any]
# What a rule yields: the object, and the words for the placeholders of its catalogue entry.
RuleMatch = tuple[str, dict[str, Any]]
Rule = Callable[[Facts], Iterator[RuleMatch]]


class Rules(dict[str, Rule]):
    """A table from code to rule."""

    def entry(self, code: str) -> Callable[[Rule], Rule]:
        """Return a decorator that registers a function as the rule for a code of the catalogue."""

        def keep(function: Rule) -> Rule:
            self[BY_CODE[code].code] = function
            return function

        return keep

    def findings(self, entry: CatalogueEntry, facts: Facts) -> list[dict[str, str]]:
        """Return the findings for an entry of the catalogue; empty if its rule does not match."""
        return [entry.finding(subject, **words) for subject, words in self[entry.code](facts)]


def enumerated(names: Iterable[str]) -> str:
    """Return names as a comma-separated list, C(nothing) if there are none."""
    return ", ".join(names) or "nothing"


def is_ours(facts: Facts) -> bool:
    """Return whether Conductor manages the installed Trainer or takes it over."""
    owner = facts["trainer"]["owner"]
    return bool(owner["kind"] == "conductor" or owner["adoptable"])


def is_settled(facts: Facts) -> bool:
    """Return whether the requested release is installed completely and managed by Conductor."""
    trainer = facts["trainer"]
    return bool(
        trainer["state"] == "complete"
        and trainer["owner"]["kind"] == "conductor"
        and facts["record"]["release"] == facts["wanted"]["release"]
    )
