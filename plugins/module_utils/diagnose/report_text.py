# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A diagnosis as lines for a person. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

# Characters of all of it. A screen is what people read; the result holds the same, whole.
MOST = 6000
# Bytes of a whole message, and characters of the line of one verdict.
SCREEN, _LONG = 7500, 600
_LINE = 160
_CUT = "... (the rest is in the result)"


def diagnosis_lines(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """One paragraph for each row of C(_diagnosis.diagnose), all of them shorter than C(MOST)."""
    lines: list[str] = []
    for row in rows:
        where = f", pod {row['pod']}" if row["pod"] else ""
        state = f", {row['container']}" if row["container"] else ""
        code = f", exit code {row['exit_code']}" if row["exit_code"] is not None else ""
        again = f", {row['restarts']} restarts" if row["restarts"] else ""
        lines.append(_short(f"{row['object']}{where}{state}{code}{again}"))
        if row["replica_set"]:
            lines.append(_short(f"  {row['replica_set']}"))
        if row["cause"]:
            lines.append(_short(f"  cause: {row['cause']}"))
        lines += [_short(f"  event: {event}") for event in row["events"]]
        lines += [_short(f"  log: {line}") for line in row["log"]]
        lines += [_short(f"  not read: {what}") for what in row["unread"]]
        lines.append(_short(f"  look: {row['look']}"))
    return _bounded(lines)


def bounded_message(message: str) -> str:
    """A message of at most C(SCREEN) bytes, each line of it of at most a few hundred characters."""
    lines = [line if len(line) <= _LONG else f"{line[: _LONG - 3]}..." for line in message.splitlines()]
    return "\n".join(_bounded(lines, SCREEN))


def _short(line: str) -> str:
    line = " ".join(line.split()) if not line.startswith("  ") else "  " + " ".join(line.split())
    return line if len(line) <= _LINE else f"{line[: _LINE - 3]}..."


def _bounded(lines: list[str], most: int = MOST) -> list[str]:
    kept: list[str] = []
    length = len(_CUT) + 1
    for line in lines:
        length += len(line.encode()) + 1
        if length > most:
            return [*kept, _CUT]
        kept.append(line)
    return kept
