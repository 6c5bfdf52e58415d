# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compute the score from the results of the changes: killed, survived or equivalent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from conductor_mutation.targets import Target, TargetError

Fate = Literal["killed", "timeout", "survived"]


class Change(NamedTuple):
    """A change: the path in the clone, the line (from 1), and the changed line with every gap as one space."""

    file: str
    line: int
    before: str
    after: str


class Score(NamedTuple):
    """The score of one target, or of one of its modules.

    Args:
        mutants: number of all tried changes.
        killed: number of those that a test detected, including timeouts.
        timeouts: number of timeouts.
        equivalent: number of survivors without an effect, each listed with its reason.
        survivors: the other survivors.
    """

    mutants: int
    killed: int
    timeouts: int
    equivalent: int
    survivors: tuple[Change, ...]

    @property
    def percent(self) -> float:
        """Per cent of the changes with an effect that a test detected."""
        detectable = self.mutants - self.equivalent
        return 100 * self.killed / detectable if detectable else 0.0

    def sentence(self) -> str:
        """Return the score in one line."""
        text = f"{self.percent:.1f} % of {self.mutants} mutants: {self.killed} killed, {len(self.survivors)} survived"
        extras = [f"{self.equivalent} equivalent"] if self.equivalent else []
        extras += [f"{self.timeouts} of the killed by timeout"] if self.timeouts else []
        return ", ".join([text, *extras])

    def facts(self) -> dict[str, Any]:
        """Return the score for a file of results."""
        survivors = [change._asdict() for change in self.survivors]
        return {**self._asdict(), "percent": self.percent, "sentence": self.sentence(), "survivors": survivors}


def score(target: Target, results: Sequence[tuple[Change, Fate]]) -> Score:
    """Return the score of a target; of one of its modules, if the results are of that module only.

    Raises:
        TargetError: a change that is listed as equivalent was detected, or no longer exists.
    """
    files = {change.file for change, _fate in results}
    known = {(entry.file, entry.before, entry.after) for entry in target.equivalent if entry.file in files}
    survived = sorted(change for change, fate in results if fate == "survived")
    real = tuple(change for change in survived if (change.file, change.before, change.after) not in known)
    stale = known - {(change.file, change.before, change.after) for change in survived}
    if stale:
        lines = "; ".join(f"{file}: {before} -> {after}" for file, before, after in sorted(stale))
        raise TargetError(f"listed as equivalent, but did not survive: {lines}")
    timeouts = sum(fate == "timeout" for _change, fate in results)
    return Score(len(results), len(results) - len(survived), timeouts, len(survived) - len(real), real)


def by_file(target: Target, results: Sequence[tuple[Change, Fate]]) -> dict[str, Score]:
    """Return the score of each module that was changed."""
    files = sorted({change.file for change, _fate in results})
    return {file: score(target, [result for result in results if result[0].file == file]) for file in files}
