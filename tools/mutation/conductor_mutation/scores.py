# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What came of the changes: killed, survived, of no effect; and the score."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

from conductor_mutation.targets import Target, TargetError

Fate = Literal["killed", "timeout", "survived"]


class Change(NamedTuple):
    """A change in words.

    Args:
        file: the path in the clone.
        line: counted from 1.
        before, after: the changed line, every gap in it as one space.
    """

    file: str
    line: int
    before: str
    after: str


class Score(NamedTuple):
    """What one target, or one of its modules, comes to.

    Args:
        mutants: all changes that were tried.
        killed: those a test noticed, the ones that ran out of time included.
        timeouts: how many ran out of time.
        equivalent: survivors that make no difference, each listed with its reason.
        survivors: the others.
    """

    mutants: int
    killed: int
    timeouts: int
    equivalent: int
    survivors: tuple[Change, ...]

    @property
    def percent(self) -> float:
        """The part that was noticed of what could be."""
        noticeable = self.mutants - self.equivalent
        return 100 * self.killed / noticeable if noticeable else 0.0

    def sentence(self) -> str:
        """All of it in one line."""
        text = f"{self.percent:.1f} % of {self.mutants} mutants: {self.killed} killed, {len(self.survivors)} survived"
        extras = [f"{self.equivalent} equivalent"] if self.equivalent else []
        extras += [f"{self.timeouts} of the killed by the time limit"] if self.timeouts else []
        return ", ".join([text, *extras])


def score(target: Target, results: Iterable[tuple[Change, Fate]]) -> Score:
    """The score of a target; of one of its modules, where the results are of that alone.

    Raises:
        TargetError: a change that is listed as one of no effect was noticed, or cannot be made any more.
    """
    fates = list(results)
    files = {change.file for change, _fate in fates}
    known = {(entry.file, entry.before, entry.after) for entry in target.equivalent if entry.file in files}
    survived = [change for change, fate in fates if fate == "survived"]
    alike = [change for change in survived if _identity(change) in known]
    stale = known - {_identity(change) for change in alike}
    if stale:
        lines = "; ".join(f"{file}: {before} -> {after}" for file, before, after in sorted(stale))
        raise TargetError(f"listed as equivalent, but none of them survived: {lines}")
    return Score(
        mutants=len(fates),
        killed=sum(fate != "survived" for _change, fate in fates),
        timeouts=sum(fate == "timeout" for _change, fate in fates),
        equivalent=len(alike),
        survivors=tuple(sorted(change for change in survived if _identity(change) not in known)),
    )


def by_file(target: Target, results: Sequence[tuple[Change, Fate]]) -> dict[str, Score]:
    """The score of each module that can be changed at all."""
    files = sorted({change.file for change, _fate in results})
    return {file: score(target, [result for result in results if result[0].file == file]) for file in files}


def facts(found: Score) -> dict[str, Any]:
    """A score for a file of results."""
    return {
        **found._asdict(),
        "percent": found.percent,
        "sentence": found.sentence(),
        "survivors": [change._asdict() for change in found.survivors],
    }


def _identity(change: Change) -> tuple[str, str, str]:
    return change.file, change.before, change.after
