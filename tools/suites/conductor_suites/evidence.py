# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the long suites showed: kept from run to run, so that one that was cut off goes on, and written as a page."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from conductor_suites.catalogue import Suite
from conductor_suites.results import Counts, Outcome, total


class Kept:
    """The outcomes of one state of the clone. Suites that failed or could not run are not kept."""

    def __init__(self, clone: Path, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self.state = _git(clone, "rev-parse", "--short=12", "HEAD")
        if _git(clone, "status", "--porcelain", "--untracked-files=no"):
            # Nobody could say later what was tested.
            self.state += ", with changes that are not committed"
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        known = found.get("state") == self.state and "," not in self.state
        self._found: dict[str, Any] = found if known else {"state": self.state}

    def outcome(self, suite: Suite) -> Outcome | None:
        """That of an earlier run; None where there is none, or the suite is not the same."""
        entry = self._found.get(suite.name)
        if not entry or entry["commands"] != [list(command) for command in suite.commands]:
            return None
        return Outcome(suite, Counts(passed=entry["passed"]), entry["seconds"], figures=tuple(entry["figures"]))

    def keep(self, outcome: Outcome) -> None:
        """Notes a suite that passed, nothing of it skipped."""
        if outcome.counts.failed or outcome.counts.skips or not outcome.counts.passed:
            return
        with self._lock:
            self._found[outcome.suite.name] = {
                "commands": outcome.suite.commands,
                "passed": outcome.counts.passed,
                "seconds": outcome.seconds,
                "figures": outcome.figures,
            }
            self._file.write_text(json.dumps(self._found), encoding="utf-8")

    def page(self, outcomes: Sequence[Outcome]) -> str:
        """Return the page in Markdown."""
        machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors"
        lines = [
            "# Evidence",
            "",
            f"Made by `make evidence` at commit {self.state} on {machine}, Python {platform.python_version()}: "
            f"every suite, whole. {total(outcomes)}.",
            "",
            "| suite | result | passed | failed | skipped | seconds |",
            "|---|---|---|---|---|---|",
        ]
        for outcome in outcomes:
            counts = outcome.counts
            numbers = f"{counts.passed} | {counts.failed} | {len(counts.skips)} | {outcome.seconds:.0f}"
            lines.append(f"| {outcome.suite.name} | {outcome.word} | {numbers} |")
        figures = [f"* {outcome.suite.name}: {figure}" for outcome in outcomes for figure in outcome.figures]
        return "\n".join([*lines, *(["", *figures] if figures else []), ""])


def _git(clone: Path, *arguments: str) -> str:
    answer = subprocess.run(["git", "-C", clone, *arguments], capture_output=True, text=True, timeout=60, check=True)
    return answer.stdout.strip()
