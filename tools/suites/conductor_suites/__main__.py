# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Command line: ``python -m conductor_suites [--tier TIER]... [--evidence PAGE] [NAME...]``."""

from __future__ import annotations

import argparse
import os
import sys
import threading
from pathlib import Path

from conductor_suites.catalogue import TIERS, all_suites
from conductor_suites.evidence import Kept
from conductor_suites.execution import environment, execute
from conductor_suites.report import details, failed, line, total
from conductor_suites.scheduling import side_by_side
from conductor_suites.suite import Counts, Outcome, Suite


def skipped(suite: Suite, obstacle: str, strict: bool) -> Outcome:
    """The outcome of a suite that cannot run; a failure where everything must run."""
    if strict:
        return Outcome(suite, Counts(failed=1), 0, f"cannot run here, and CI=true allows no gap: {obstacle}")
    return Outcome(suite, Counts(skips=(f"{suite.name}: {obstacle}",)), 0, obstacle)


def main() -> int:
    """Run the chosen suites, all of them by default; 1 if anything failed."""
    parser = argparse.ArgumentParser(prog="suites", description=__doc__)
    parser.add_argument("--tier", choices=TIERS, action="append", help="only suites of this tier")
    parser.add_argument(
        "--jobs", type=int, default=2, metavar="N", help="suites that run at once; those of a cluster mostly wait (2)"
    )
    parser.add_argument(
        "--evidence",
        type=Path,
        metavar="PAGE",
        help="leave nothing out, and write what came of it; suites that passed at this commit are not run again",
    )
    parser.add_argument("--list", action="store_true", help="show the names and run nothing")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these suites")
    arguments = parser.parse_args()
    clone = Path(__file__).resolve().parents[3]
    cache = clone / (os.environ.get("CONDUCTOR_CACHE") or ".cache")
    output = clone / "tests" / "output"
    output.mkdir(parents=True, exist_ok=True)
    everything = all_suites(clone, output, evidence=arguments.evidence is not None)
    suites = [suite for suite in everything if not arguments.tier or suite.tier in arguments.tier]
    unknown = set(arguments.names) - {suite.name for suite in suites}
    if unknown:
        parser.error(f"no such suite: {', '.join(sorted(unknown))}; --list shows them")
    if arguments.names:
        suites = [suite for suite in suites if suite.name in arguments.names]
    if arguments.list:
        for suite in suites:
            print(f"{suite.tier:<10} {suite.name}")
        return 0
    variables = environment(clone, cache, os.environ)
    strict = os.environ.get("CI") == "true"
    kept = Kept(clone, output / "evidence.json") if arguments.evidence else None

    def run(suite: Suite, stopping: threading.Event) -> Outcome:
        if kept and (before := kept.outcome(suite)):
            return before
        if suite.tier == "cluster":
            print(
                f"...   {suite.name:<18} takes minutes; follow it in {(output / suite.name).relative_to(clone)}.log",
                flush=True,
            )
        obstacle = suite.obstacle()
        outcome = skipped(suite, obstacle, strict) if obstacle else execute(suite, clone, output, variables, stopping)
        print("\n".join([line(outcome), *details(outcome, clone)]), flush=True)
        if kept:
            kept.keep(outcome)
        return outcome

    outcomes = side_by_side(suites, arguments.jobs, run)
    if kept:
        arguments.evidence.write_text(kept.page(outcomes), encoding="utf-8")
    print("\n".join([*failed(outcomes), total(outcomes)]))
    return 1 if any(outcome.counts.failed for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
