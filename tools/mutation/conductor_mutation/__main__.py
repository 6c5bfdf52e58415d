# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Command line: ``python -m conductor_mutation TARGET [--jobs N] [--limit SECONDS] [--only TEXT] [--report FILE]``."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from pathlib import Path

from conductor_mutation import trials
from conductor_mutation.targets import DATA, Change, Fate, TargetError, read_target, score

CLONE = Path(__file__).resolve().parents[3]


def main() -> int:
    """Try every change; return 1 if the tests notice too few of them, 2 if the changes cannot be tried."""
    parser = argparse.ArgumentParser(prog="mutation", description=__doc__)
    parser.add_argument("target", help=f"one of {DATA.name}")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1), help="processes at once")
    parser.add_argument("--limit", type=float, default=120, help="seconds per change; a timeout counts as a kill (120)")
    parser.add_argument("--only", default="", metavar="TEXT", help="only modules whose path contains TEXT")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the result as JSON")
    parser.add_argument("--data", type=Path, default=DATA, metavar="FILE", help="other targets")
    parser.add_argument("--clone", type=Path, default=CLONE, help="another clone")
    arguments = parser.parse_args()
    clone = arguments.clone.resolve()
    signal.signal(signal.SIGTERM, _end)
    results: list[tuple[Change, Fate]] = []
    try:
        target = read_target(arguments.target, clone, arguments.data)
        modules = [module for module in target.modules if arguments.only in module]
        found = [mutant for module in modules for mutant in trials.find(clone, module, target.operators)]
        print(f"{target.name}: {len(found)} mutants of {len(modules)} modules", flush=True)
        for change, fate in trials.run(clone, target, found, arguments.jobs, arguments.limit):
            results.append((change, fate))
            if fate != "killed":
                print(f"{fate}  {change.file}:{change.line}: {change.before}  ->  {change.after}", flush=True)
    except (TargetError, trials.RunError) as error:
        print(f"mutation: {error}", file=sys.stderr)
        return 2
    total, parts = (
        score(results),
        {file: score(results, file) for file in sorted({change.file for change, _ in results})},
    )
    print("\n".join(f"{name}: {part.sentence()}" for name, part in {**parts, target.name: total}.items()))
    if arguments.report:
        files = {file: part.facts() for file, part in parts.items()}
        arguments.report.write_text(json.dumps({**total.facts(), "least": target.least, "files": files}, indent=1))
    return 0 if total.percent >= target.least else 1


def _end(number: int, _frame: object) -> None:
    """End the run once, and let nothing interrupt the removal of the copies."""
    signal.signal(number, signal.SIG_IGN)
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
