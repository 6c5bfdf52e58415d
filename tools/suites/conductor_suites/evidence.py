# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the long suites showed: kept from run to run, so that one that was cut off goes on, and written as a page."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from conductor_suites.catalogue import Suite
from conductor_suites.results import Counts, Outcome, total

PAGE = """\
# Evidence

Made by `make evidence` at commit {state} on {machine}, Python {python}: every suite, whole. {total}.

| suite | result | passed | failed | skipped | seconds |
|---|---|---|---|---|---|
{rows}
"""


class Kept:
    """The outcomes of one state of the clone. Suites that failed or could not run are not kept."""

    def __init__(self, clone: Path, file: Path) -> None:
        self._file = file
        self.state, changes = _git(clone, "rev-parse", "--short=12", "HEAD"), _git(clone, "diff", "--name-only", "HEAD")
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        known = found.get("state") == self.state and not changes
        if changes:
            # Nobody could say later what was tested.
            self.state += ", with changes that are not committed"
        self._found: dict[str, Any] = found if known else {"state": self.state}

    def outcome(self, suite: Suite) -> Outcome | None:
        """That of an earlier run; None where there is none, or the suite is not the same."""
        entry = self._found.get(suite.name)
        if not entry or entry["commands"] != [list(command) for command in suite.commands]:
            return None
        return Outcome(suite, Counts(passed=entry["passed"]), entry["seconds"], figures=tuple(entry["figures"]))

    def keep(self, outcome: Outcome) -> None:
        """Notes a suite that passed, nothing of it skipped."""
        suite, passed = outcome.suite, outcome.counts.passed
        if outcome.counts != Counts(passed=passed) or not passed:
            return
        entry = {"commands": suite.commands, "passed": passed, "seconds": outcome.seconds, "figures": outcome.figures}
        self._found[suite.name] = entry
        self._file.write_text(json.dumps(self._found), encoding="utf-8")

    def page(self, outcomes: Sequence[Outcome]) -> str:
        """Return the page in Markdown."""
        machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors"
        cells = [(one.suite.name, one.word, *one.counts.numbers().values(), f"{one.seconds:.0f}") for one in outcomes]
        rows = "\n".join(f"| {' | '.join(map(str, row))} |" for row in cells)
        figures = [f"* {outcome.suite.name}: {figure}\n" for outcome in outcomes for figure in outcome.figures]
        facts = {"state": self.state, "machine": machine, "python": platform.python_version(), "rows": rows}
        return PAGE.format(**facts, total=total(outcomes)) + "".join(["\n", *figures] if figures else [])


def _git(clone: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", clone, *arguments], capture_output=True, text=True, timeout=60, check=True
    ).stdout.strip()
