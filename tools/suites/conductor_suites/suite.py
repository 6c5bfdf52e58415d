# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a suite is, and what became of one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Suite:
    """Commands that run one after the other; the suite has passed when all have exited with 0."""

    name: str
    # "static" and "unit" need nothing but the environment, "generated" and "control_plane" Go, "artifact" other
    # environments, "cluster" a container engine.
    tier: str
    commands: tuple[tuple[str, ...], ...]
    # Seconds for each command; one that hangs must not hang the run.
    limit: float = 900
    # Where the last command writes its results, test by test; None: the suite counts as one test.
    junit: Path | None = None
    # Why the suite cannot run here; None: it can.
    obstacle: Callable[[], str | None] = lambda: None


@dataclass(frozen=True)
class Counts:
    """Numbers of tests, and a line for each that was skipped: what and why."""

    passed: int = 0
    failed: int = 0
    skips: tuple[str, ...] = ()

    def __add__(self, other: Counts) -> Counts:
        """The sum of two suites."""
        return Counts(self.passed + other.passed, self.failed + other.failed, self.skips + other.skips)


@dataclass(frozen=True)
class Outcome:
    """What became of a suite."""

    suite: Suite
    counts: Counts
    seconds: float
    # What to say of a failure besides the log.
    reason: str = ""
    log: Path | None = None
    # Lines that a suite wants to be seen even when all is well: what it compared, on which versions it ran.
    figures: tuple[str, ...] = ()
    # The tests that failed, a line each, where the suite tells one from the other.
    failures: tuple[str, ...] = ()

    @property
    def word(self) -> str:
        """The result in one word, as it begins the line."""
        if self.counts.failed:
            return "FAIL"
        return "ok" if self.counts.passed else "skip"
