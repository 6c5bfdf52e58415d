# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of a suite: its tests, counted, and the lines that report them."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from conductor_suites.catalogue import Suite

# Lines of a failed suite's log; the whole log stays in its file.
TAIL = 60
# At the end: characters of a failure, and tests that are named of one suite.
WIDTH, NAMED = 300, 5
# How Ansible and pytest begin to report a failure.
_FAILED = re.compile(r"^\s*(fatal: \[|\[ERROR\]: |E {3})")
# Hypothesis leaves its statistics among a suite's properties, in base64 (hypothesis/extra/pytestplugin.py).
_NOT_FOR_PEOPLE = "hypothesis-statistics-"


@dataclass(frozen=True)
class Counts:
    """Numbers of tests, and a line for each that was skipped: what and why."""

    passed: int = 0
    failed: int = 0
    skips: tuple[str, ...] = ()

    def __add__(self, other: Counts) -> Counts:
        """Return the sum of two suites."""
        return Counts(self.passed + other.passed, self.failed + other.failed, self.skips + other.skips)


@dataclass(frozen=True)
class Outcome:
    """What became of a suite."""

    suite: Suite
    counts: Counts
    seconds: float
    # Why it failed, besides its log.
    reason: str = ""
    log: Path | None = None
    # Lines that a suite wants to be seen even when all is well: what it compared, on which versions it ran.
    figures: tuple[str, ...] = ()
    # The tests that failed, a line each, if the suite counts them.
    failures: tuple[str, ...] = ()

    @property
    def word(self) -> str:
        """The result in one word, as it begins the line."""
        if self.counts.failed:
            return "FAIL"
        return "ok" if self.counts.passed else "skip"


def judge(suite: Suite, seconds: float, reason: str, log: Path) -> Outcome:
    """Return the outcome of a suite that came to its end; ``reason`` is what went wrong with its commands, or empty."""
    if not suite.junit:
        return Outcome(suite, Counts(failed=1) if reason else Counts(passed=1), seconds, reason, log)
    try:
        # Written by the test run itself a moment ago, hence trusted.
        results = ET.parse(suite.junit)  # noqa: S314
    except (OSError, ET.ParseError) as error:
        return Outcome(suite, Counts(failed=1), seconds, f"{reason or 'exit code 0'}, but no results: {error}", log)
    passed, skips, failures = 0, [], []
    for case in results.iter("testcase"):
        name, skipped = f"{case.get('classname')}::{case.get('name')}", case.find("skipped")
        why = next((entry for kind in ("failure", "error") for entry in case.findall(kind)), None)
        if why is not None:
            failures.append(f"{name}: {(why.get('message') or '').strip().partition(chr(10))[0]}")
        elif skipped is not None:
            skips.append(f"{name}: {skipped.get('message')}")
        else:
            passed += 1
    counts = Counts(passed, len(failures), tuple(skips))
    if reason and not failures:
        # A broken test file or configuration fails no single test.
        counts += Counts(failed=1)
    if not reason and not passed:
        counts, reason = counts + Counts(failed=1), "no test ran"
    shown = [
        (str(entry.get("name")), entry.get("value")) for entry in results.iterfind("testsuite/properties/property")
    ]
    figures = tuple(f"{name}: {value}" for name, value in shown if not name.startswith(_NOT_FOR_PEOPLE))
    return Outcome(suite, counts, seconds, reason, log, figures, tuple(failures))


def skipped(suite: Suite, obstacle: str, strict: bool) -> Outcome:
    """Return the outcome of a suite that cannot run; a failure where everything must run."""
    if strict:
        return Outcome(suite, Counts(failed=1), 0, f"cannot run here, and CI=true allows no gap: {obstacle}")
    return Outcome(suite, Counts(skips=(f"{suite.name}: {obstacle}",)), 0, obstacle)


def line(outcome: Outcome) -> str:
    """Return the suite in one line: result, name, counts, seconds."""
    counts = outcome.counts
    if outcome.word == "skip" and not outcome.log:
        return f"skip  {outcome.suite.name:<18} {outcome.reason}"
    parts = [f"{counts.passed} passed"] if counts.passed or not counts.failed else []
    parts += [f"{counts.failed} failed"] if counts.failed else []
    parts += [f"{len(counts.skips)} skipped"] if counts.skips else []
    return f"{outcome.word:<4}  {outcome.suite.name:<18} {', '.join(parts):<32} {outcome.seconds:7.1f} s"


def details(outcome: Outcome, clone: Path) -> list[str]:
    """Return what follows the line: figures, skipped tests, and for a failure its reason and the end of its log."""
    lines = [f"        {figure}" for figure in outcome.figures]
    lines += [f"        skipped: {skip}" for skip in outcome.counts.skips if outcome.log]
    if outcome.word == "FAIL":
        lines.append(f"        {outcome.reason}")
        if outcome.log:
            lines.append(f"        the last lines of {outcome.log.relative_to(clone)}:")
            lines += [f"  | {row}" for row in _rows(outcome.log)[-TAIL:]]
    return lines


def failed(outcomes: Sequence[Outcome]) -> list[str]:
    """Return each suite that failed once more, briefly: the end of a long output is what most people see of it."""
    lines = []
    for outcome in outcomes:
        if outcome.word == "FAIL":
            lines.append(f"FAIL  {outcome.suite.name:<18} {outcome.reason}".rstrip())
            words = outcome.failures or _words(outcome)
            lines += [f"        {row[:WIDTH]}" for row in words[:NAMED]]
            lines += [f"        and {len(words) - NAMED} more"] if len(words) > NAMED else []
    return lines


def _words(outcome: Outcome) -> tuple[str, ...]:
    """Return what a log has to say of the first failure, in one line: Ansible's words, or the last line."""
    if not outcome.log:
        return ()
    rows = [row for row in _rows(outcome.log) if row.strip()]
    first = next((number for number, row in enumerate(rows) if _FAILED.match(row)), len(rows))
    result = list(takewhile(lambda row: not row.startswith(("TASK [", "PLAY ")), rows[first:]))
    # What a command wrote says more than that it failed.
    return (_value(result, "stderr") or _value(result, "msg") or rows[-1].strip(),)


def _rows(log: Path) -> list[str]:
    return log.read_text(encoding="utf-8", errors="replace").splitlines()


def _value(result: Sequence[str], key: str) -> str:
    """Return the value of a key of a result in YAML, the last line of several; empty if it has none."""
    start = re.compile(rf"(?P<indent>\s*){key}: (?!''$|\"\"$)")
    number, found = next(((at, match) for at, row in enumerate(result) if (match := start.match(row))), (0, None))
    if not found:
        return ""
    deeper = takewhile(lambda row: row.startswith(found["indent"] + "  "), result[number + 1 :])
    return [result[number], *deeper][-1].strip()


def total(outcomes: Sequence[Outcome]) -> str:
    """Return the closing line."""
    counts = sum((outcome.counts for outcome in outcomes), Counts())
    skips = f", {len(counts.skips)} skipped" if counts.skips else ""
    return f"{counts.passed} passed, {counts.failed} failed{skips}"
