# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Command line: ``python -m conductor_suites [--tier TIER]... [--evidence PAGE] [NAME...]``."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from pathlib import Path

from conductor_suites.catalogue import TIERS, Suite, all_suites, obstacle
from conductor_suites.evidence import Kept
from conductor_suites.results import Outcome, details, failed, line, skipped, total
from conductor_suites.running import SHARED, Running, environment, execute, side_by_side

CLONE = Path(__file__).resolve().parents[3]


def main() -> int:
    """Run the chosen suites, all of them by default; return 1 if anything failed."""
    parser = argparse.ArgumentParser(prog="suites", description=__doc__)
    parser.add_argument("--tier", choices=TIERS, action="append", help="only suites of this tier")
    parser.add_argument(
        "--jobs", type=int, default=4, metavar="N", help="suites that run at once, half of them on clusters (4)"
    )
    parser.add_argument(
        "--evidence",
        type=Path,
        metavar="PAGE",
        help="leave nothing out, and write the results; suites that passed at this commit are not run again",
    )
    parser.add_argument("--list", action="store_true", help="show the names and run nothing")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these suites")
    arguments = parser.parse_args()
    output = CLONE / "tests" / "output"
    output.mkdir(parents=True, exist_ok=True)
    suites = all_suites(CLONE, output, evidence=arguments.evidence is not None)
    suites = [suite for suite in suites if not arguments.tier or suite.tier in arguments.tier]
    if unknown := set(arguments.names) - {suite.name for suite in suites}:
        parser.error(f"no such suite: {', '.join(sorted(unknown))}; --list shows them")
    suites = [suite for suite in suites if not arguments.names or suite.name in arguments.names]
    if arguments.list:
        print("\n".join(f"{suite.tier:<13} {suite.name}" for suite in suites))
        return 0
    variables = environment(CLONE, CLONE / (os.environ.get("CONDUCTOR_CACHE") or ".cache"), os.environ)
    strict = os.environ.get("CI") == "true"
    kept = Kept(CLONE, output / "evidence.json") if arguments.evidence else None
    running, used = Running(), set[str]()
    # Suites use these one after the other; each of them gets one that was reset and checked.
    clusters = [f"test-{number}" for number in range(1, max(1, arguments.jobs // 2) + 1)]

    def run(suite: Suite, cluster: str) -> Outcome:
        if kept and (before := kept.outcome(suite)):
            return before
        gap = obstacle(suite, CLONE)
        if not gap and cluster:
            used.add(cluster)
            log = (output / suite.name).relative_to(CLONE)
            print(f"...   {suite.name:<18} takes minutes; follow it in {log}.log", flush=True)
        chosen = {**variables, SHARED: cluster} if cluster else variables
        outcome = skipped(suite, gap, strict) if gap else execute(suite, CLONE, output, chosen, running)
        print("\n".join([line(outcome), *details(outcome, CLONE)]), flush=True)
        if kept:
            kept.keep(outcome)
        return outcome

    # A job that is ended from outside cleans up like one that is interrupted at the terminal.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        outcomes = side_by_side(suites, arguments.jobs, clusters, run, running)
    finally:
        for name in used:
            subprocess.run(
                [CLONE / "tools/cluster/cluster", "down", name], env=variables, check=False, capture_output=True
            )
    if kept:
        arguments.evidence.write_text(kept.page(outcomes), encoding="utf-8")
    print("\n".join([*failed(outcomes), total(outcomes)]))
    return 1 if any(outcome.counts.failed for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
