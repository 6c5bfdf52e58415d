# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The results of the changes: killed, survived or equivalent, and the score."""

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
        mutants: all changes that were tried.
        killed: those that a test noticed, including those that ran out of time.
        timeouts: how many ran out of time.
        equivalent: survivors without an effect, each listed with its reason.
        survivors: the others.
    """

    mutants: int
    killed: int
    timeouts: int
    equivalent: int
    survivors: tuple[Change, ...]

    @property
    def percent(self) -> float:
        """The share of the changes with an effect that was noticed."""
        noticeable = self.mutants - self.equivalent
        return 100 * self.killed / noticeable if noticeable else 0.0

    def sentence(self) -> str:
        """Return all of it in one line."""
        text = f"{self.percent:.1f} % of {self.mutants} mutants: {self.killed} killed, {len(self.survivors)} survived"
        extras = [f"{self.equivalent} equivalent"] if self.equivalent else []
        extras += [f"{self.timeouts} of the killed by the time limit"] if self.timeouts else []
        return ", ".join([text, *extras])

    def facts(self) -> dict[str, Any]:
        """Return all of it for a file of results."""
        survivors = [change._asdict() for change in self.survivors]
        return {**self._asdict(), "percent": self.percent, "sentence": self.sentence(), "survivors": survivors}


def score(target: Target, results: Sequence[tuple[Change, Fate]]) -> Score:
    """Return the score of a target; of one of its modules, if the results are of that module only.

    Raises:
        TargetError: a change that is listed as equivalent was noticed, or can no longer be made.
    """
    files = {change.file for change, _fate in results}
    known = {(entry.file, entry.before, entry.after) for entry in target.equivalent if entry.file in files}
    survived = sorted(change for change, fate in results if fate == "survived")
    real = tuple(change for change in survived if (change.file, change.before, change.after) not in known)
    stale = known - {(change.file, change.before, change.after) for change in survived}
    if stale:
        lines = "; ".join(f"{file}: {before} -> {after}" for file, before, after in sorted(stale))
        raise TargetError(f"listed as equivalent, but none of them survived: {lines}")
    timeouts = sum(fate == "timeout" for _change, fate in results)
    return Score(len(results), len(results) - len(survived), timeouts, len(survived) - len(real), real)


def by_file(target: Target, results: Sequence[tuple[Change, Fate]]) -> dict[str, Score]:
    """Return the score of each module that was changed."""
    files = sorted({change.file for change, _fate in results})
    return {file: score(target, [result for result in results if result[0].file == file]) for file in files}
