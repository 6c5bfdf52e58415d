# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Record what a wait waits for, and since when."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..verdicts.progress import Progress
from ..verdicts.verdict import Verdict

# The number of last entries in a result.
_KEPT = 20


class Timeline:
    """Records since when each rule is not met, with an entry for each change.

    Args:
        started: the start of the wait, in seconds of its clock.
        say: receives lines of progress; None for none.
    """

    def __init__(self, started: float, say: Callable[[str], None] | None) -> None:
        self._started = started
        self._entries: list[dict[str, Any]] = []
        self._since: dict[tuple[str, str], float] = {}
        self._progress = Progress(say) if say else None

    def note(self, now: float, waiting: Sequence[Verdict], mounting: Sequence[str] = ()) -> None:
        """Record what the wait waits for now.

        Args:
            waiting: the verdicts that are not ready.
            mounting: the pods that have not mounted their new certificate yet.
        """
        rules = {(verdict.subject, verdict.rule) for verdict in waiting}
        if rules != self._since.keys() or not self._entries:
            lines = [str(verdict) for verdict in waiting]
            self._entries.append({"seconds": round(now - self._started, 2), "waiting_for": lines})
        self._since = {rule: self._since.get(rule, now) for rule in rules}
        if self._progress:
            self._progress.look(now - self._started, waiting, mounting)

    def lasting(self, now: float, subject: str, rule: str) -> float:
        """Return for how many seconds a rule has not been met; 0 if it is met."""
        return now - self._since.get((subject, rule), now)

    def wait_facts(self) -> dict[str, Any]:
        """Return the timeline and the progress for a result."""
        return {
            "timeline": self._entries[-_KEPT:],
            "progress": self._progress.lines[-_KEPT:] if self._progress else [],
        }
