# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables that rules enter themselves into, and what several of them ask. A rule looks at the facts alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from .catalogue import BY_CODE, CatalogueEntry

# What a refusal is about: this, or the key of a taint.
NOT_READY = ("not ready",)

Facts = dict[str, Any]
# What a rule yields: the object, and what goes into the placeholders of its catalogue entry.
RuleMatch = tuple[str, dict[str, Any]]
Rule = Callable[[Facts], Iterator[RuleMatch]]


class Rules(dict[str, Rule]):
    """A table of rules by the code they stand for."""

    def entry(self, code: str) -> Callable[[Rule], Rule]:
        """Makes a function the rule for a code of the catalogue."""

        def keep(function: Rule) -> Rule:
            self[BY_CODE[code].code] = function
            return function

        return keep

    def findings(self, entry: CatalogueEntry, facts: Facts) -> list[dict[str, str]]:
        """What an entry of the catalogue comes to; empty where it does not hold."""
        return [entry.finding(subject, **words) for subject, words in self[entry.code](facts)]


def enumerated(names: Iterable[str]) -> str:
    """Names for a sentence."""
    return ", ".join(names) or "nothing"


def is_ours(facts: Facts) -> bool:
    """Whether the Trainer that is there is Conductor's, or will be without a word."""
    owner = facts["trainer"]["owner"]
    return bool(owner["kind"] == "conductor" or owner["adoptable"])


def is_settled(facts: Facts) -> bool:
    """Whether the release wanted is there and Conductor's, so that an install has nothing to do but to look."""
    trainer = facts["trainer"]
    return bool(
        trainer["state"] == "complete"
        and trainer["owner"]["kind"] == "conductor"
        and facts["record"]["release"] == facts["wanted"]["release"]
    )
