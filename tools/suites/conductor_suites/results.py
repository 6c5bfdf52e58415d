# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of a suite: its tests, counted, and the lines that report them."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

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
    """What became of a suite.

    Args:
        reason: why it failed, besides its log.
        figures: lines to be seen even when all is well: what the suite compared, on which versions it ran.
        failures: the tests that failed, a line each, if the suite counts them.
    """

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
