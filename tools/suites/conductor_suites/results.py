# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of the suites: their tests, counted, the lines that report them, and the page of `make evidence`."""

import json
import os
import platform
import re
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conductor_suites.catalogue import Suite

# Lines of a failed suite's log; the whole log stays in its file.
TAIL = 60
# At the end: characters of a failure, and tests that are named of one suite.
WIDTH, NAMED = 300, 5
# What Ansible and pytest say of a failure.
_FAILED = re.compile(r"^ *(fatal: \[|\[ERROR\]: |E {3})(.|\n)*?(?=\n(TASK \[|PLAY )|\Z)", re.MULTILINE)
# Hypothesis leaves its statistics among a suite's properties, in base64 (hypothesis/extra/pytestplugin.py).
_NOT_FOR_PEOPLE = "hypothesis-statistics-"


@dataclass(frozen=True)
class Counts:
    """Numbers of tests, and a line for each that was skipped: what and why."""

    passed: int = 0
    failed: int = 0
    skips: tuple[str, ...] = ()

    def numbers(self) -> dict[str, int]:
        """Return the numbers by the words of the report."""
        return {"passed": self.passed, "failed": self.failed, "skipped": len(self.skips)}


@dataclass(frozen=True)
class Outcome:
    """What became of a suite; ``figures``, what it compared or ran on, are seen even when all is well."""

    suite: Suite
    counts: Counts
    seconds: float
    reason: str = ""
    log: Path | None = None
    figures: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()

    @property
    def word(self) -> str:
        """The result in one word, as it begins the line."""
        return "FAIL" if self.counts.failed else "ok" if self.counts.passed else "skip"


def judge(suite: Suite, seconds: float, reason: str, log: Path) -> Outcome:
    """Return the outcome of a suite that came to its end; ``reason`` is what went wrong with its commands, or empty."""
    if not suite.junit:
        return Outcome(suite, Counts(failed=1) if reason else Counts(passed=1), seconds, reason, log)
    try:
        # Written by the test run itself a moment ago, hence trusted.
        results = ET.parse(suite.junit)  # noqa: S314
    except (OSError, ET.ParseError) as error:
        return Outcome(suite, Counts(failed=1), seconds, f"{reason or 'exit code 0'}, but no results: {error}", log)
    failures, skips, passed = [], [], 0
    for case in results.iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        answers = {child.tag: child.get("message", "").strip() for child in case}
        if wrong := answers.keys() & {"failure", "error"}:
            failures.append(f"{name}: {answers[max(wrong)].partition(chr(10))[0]}")
        elif "skipped" in answers:
            skips.append(f"{name}: {answers['skipped']}")
        else:
            passed += 1
    if not (reason or failures or passed):
        reason = "no test ran"
    # A broken test file or configuration fails no single test.
    counts = Counts(passed, len(failures) or int(reason != ""), tuple(skips))
    shown = ((entry.get("name", ""), entry.get("value")) for entry in results.iterfind("testsuite/properties/property"))
    figures = tuple(f"{name}: {value}" for name, value in shown if not name.startswith(_NOT_FOR_PEOPLE))
    return Outcome(suite, counts, seconds, reason, log, figures, tuple(failures))


def skipped(suite: Suite, obstacle: str, strict: bool) -> Outcome:
    """Return the outcome of a suite that cannot run; a failure where everything must run."""
    if strict:
        return Outcome(suite, Counts(failed=1), 0, f"cannot run here, and CI=true allows no gap: {obstacle}")
    return Outcome(suite, Counts(skips=(f"{suite.name}: {obstacle}",)), 0, obstacle)


def line(outcome: Outcome) -> str:
    """Return the suite in one line: result, name, counts, seconds."""
    if outcome.word == "skip" and not outcome.log:
        return f"skip  {outcome.suite.name:<18} {outcome.reason}"
    parts = ", ".join(f"{number} {word}" for word, number in outcome.counts.numbers().items() if number)
    return f"{outcome.word:<4}  {outcome.suite.name:<18} {parts:<32} {outcome.seconds:7.1f} s"


def details(outcome: Outcome, clone: Path) -> list[str]:
    """Return what follows the line: figures, skipped tests, and for a failure its reason and the end of its log."""
    lines = [*outcome.figures, *(f"skipped: {skip}" for skip in outcome.counts.skips if outcome.log)]
    tail = []
    if outcome.word == "FAIL":
        lines.append(outcome.reason)
        if outcome.log:
            lines.append(f"the last lines of {outcome.log.relative_to(clone)}:")
            tail = [f"  | {row}" for row in _rows(outcome.log)[-TAIL:]]
    return [*(f"        {entry}" for entry in lines), *tail]


def failed(outcomes: Sequence[Outcome]) -> list[str]:
    """Return each suite that failed once more, briefly: the end of a long output is what most people see of it."""
    lines = []
    for outcome in (outcome for outcome in outcomes if outcome.word == "FAIL"):
        words = outcome.failures or _words(outcome)
        more = [f"and {len(words) - NAMED} more"] if len(words) > NAMED else []
        lines.append(f"FAIL  {outcome.suite.name:<18} {outcome.reason}".rstrip())
        lines += [f"        {row[:WIDTH]}" for row in [*words[:NAMED], *more]]
    return lines


def _words(outcome: Outcome) -> tuple[str, ...]:
    """Return what a log has to say of the first failure, in one line: Ansible's words, or the last line."""
    text = "\n".join(row for row in _rows(outcome.log) if row.strip()) if outcome.log else ""
    result = found[0] if (found := _FAILED.search(text)) else ""
    # What a command wrote says more than that it failed. The value may have several lines; the last one is shown.
    for key in ("stderr", "msg"):
        if value := re.search(rf"^( *){key}: (?!''$|\"\"$).*(\n\1  .*)*", result, re.MULTILINE):
            return (value[0].splitlines()[-1].strip(),)
    return tuple(row.strip() for row in text.splitlines()[-1:])


def _rows(log: Path) -> list[str]:
    return log.read_text(encoding="utf-8", errors="replace").splitlines()


def total(outcomes: Sequence[Outcome]) -> str:
    """Return the closing line."""
    passed, failures = (sum(getattr(one.counts, name) for one in outcomes) for name in ("passed", "failed"))
    skips = sum(len(outcome.counts.skips) for outcome in outcomes)
    return f"{passed} passed, {failures} failed" + (f", {skips} skipped" if skips else "")


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
