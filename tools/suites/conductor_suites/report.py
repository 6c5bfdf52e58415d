# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the run says: a line for each suite, the log of a failed one, the sum."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path

from conductor_suites.suite import Counts, Outcome

# Lines of a failed suite's log; the whole log stays in its file.
TAIL = 60
# How Ansible and pytest begin to say what failed, and how many lines from there on are shown where the end leaves them
# out: a result that was printed later may be longer than it.
_FAILED = re.compile(r"^\s*(fatal: \[|\[ERROR\]: |E {3})")
HEAD = 20
# What is said of a failure in one line, and how many tests of a suite are named at the end.
WIDTH = 300
NAMED = 5


def line(outcome: Outcome) -> str:
    """The suite in one line: result, name, counts, seconds."""
    counts = outcome.counts
    if outcome.word == "skip" and not outcome.log:
        return f"skip  {outcome.suite.name:<18} {outcome.reason}"
    parts = [f"{counts.passed} passed"] if counts.passed or not counts.failed else []
    if counts.failed:
        parts.append(f"{counts.failed} failed")
    if counts.skips:
        parts.append(f"{len(counts.skips)} skipped")
    return f"{outcome.word:<4}  {outcome.suite.name:<18} {', '.join(parts):<32} {outcome.seconds:7.1f} s"


def details(outcome: Outcome, clone: Path) -> list[str]:
    """What follows the line: figures, why tests were skipped, and for a failure its reason and the end of its log."""
    lines = [f"        {figure}" for figure in outcome.figures]
    lines += [f"        skipped: {skip}" for skip in outcome.counts.skips if outcome.log]
    if outcome.word != "FAIL":
        return lines
    lines.append(f"        {outcome.reason}")
    if outcome.log:
        text = _rows(outcome.log)
        before = text[:-TAIL]
        first = next((number for number, row in enumerate(before) if _FAILED.match(row)), None)
        if first is not None:
            lines += ["        what failed first:", *(f"  | {row}" for row in before[first : first + HEAD])]
        lines += [
            f"        the last lines of {outcome.log.relative_to(clone)}:",
            *(f"  | {row}" for row in text[-TAIL:]),
        ]
    return lines


def failed(outcomes: Sequence[Outcome]) -> list[str]:
    """Each suite that failed once more, briefly: the end of a long output is what most people see of it."""
    lines = []
    for outcome in outcomes:
        if outcome.word != "FAIL":
            continue
        lines.append(f"FAIL  {outcome.suite.name:<18} {outcome.reason}".rstrip())
        words = outcome.failures or _words(outcome)
        lines += [f"        {row[:WIDTH]}" for row in words[:NAMED]]
        if len(words) > NAMED:
            lines.append(f"        and {len(words) - NAMED} more")
    return lines


def _words(outcome: Outcome) -> tuple[str, ...]:
    """What a log has to say of the first failure, in one line: Ansible's words, or the last line."""
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
    """What stands at a key of a result in YAML, the last line of several; empty where nothing does."""
    there = re.compile(rf"(?P<indent>\s*){key}: (?!''$|\"\"$)")
    number, found = next(((at, match) for at, row in enumerate(result) if (match := there.match(row))), (0, None))
    if not found:
        return ""
    deeper = takewhile(lambda row: row.startswith(found["indent"] + "  "), result[number + 1 :])
    return [result[number], *deeper][-1].strip()


def total(outcomes: Sequence[Outcome]) -> str:
    """The closing line."""
    counts = sum((outcome.counts for outcome in outcomes), Counts())
    skipped = f", {len(counts.skips)} skipped" if counts.skips else ""
    return f"{counts.passed} passed, {counts.failed} failed{skipped}"
