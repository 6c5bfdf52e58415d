# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Command line: ``python -m conductor_suites [--tier TIER]... [--evidence PAGE] [NAME...]``."""

import argparse
import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

from conductor_suites.catalogue import TIERS, Suite, all_suites, obstacle
from conductor_suites.results import Kept, Outcome, details, failed, line, skipped, total
from conductor_suites.running import SHARED, environment, execute, side_by_side

CLONE = Path(__file__).resolve().parents[3]
OUTPUT = CLONE / "tests" / "output"
PAGE = "leave nothing out, and write the results; suites that passed at this commit are not run again"


def main() -> int:
    """Run the chosen suites, all of them by default; return 1 if anything failed."""
    parser = argparse.ArgumentParser(prog="suites", description=__doc__)
    parser.add_argument("--tier", choices=TIERS, action="append", help="only suites of this tier")
    parser.add_argument("--jobs", type=int, default=4, help="suites that run at once, half of them on clusters (4)")
    parser.add_argument("--evidence", type=Path, metavar="PAGE", help=PAGE)
    parser.add_argument("--list", action="store_true", help="show the names and run nothing")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these suites")
    arguments = parser.parse_args()
    OUTPUT.mkdir(parents=True, exist_ok=True)
    suites = all_suites(CLONE, OUTPUT, evidence=arguments.evidence is not None)
    suites = [suite for suite in suites if not arguments.tier or suite.tier in arguments.tier]
    if unknown := set(arguments.names) - {suite.name for suite in suites}:
        parser.error(f"no such suite: {', '.join(sorted(unknown))}; --list shows them")
    suites = [suite for suite in suites if not arguments.names or suite.name in arguments.names]
    if arguments.list:
        print("\n".join(f"{suite.tier:<13} {suite.name}" for suite in suites))
        return 0
    kept = Kept(CLONE, OUTPUT / "evidence.json") if arguments.evidence else None
    # A job that is ended from outside cleans up like one that is interrupted at the terminal.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    outcomes = asyncio.run(run_all(suites, arguments.jobs, kept))
    if kept:
        arguments.evidence.write_text(kept.page(outcomes), encoding="utf-8")
    print("\n".join([*failed(outcomes), total(outcomes)]))
    return 1 if any(outcome.counts.failed for outcome in outcomes) else 0


async def run_all(suites: list[Suite], jobs: int, kept: Kept | None) -> list[Outcome]:
    """Run the suites, except those whose outcome is kept; report each one when it ends."""
    variables = environment(CLONE, CLONE / (os.environ.get("CONDUCTOR_CACHE") or ".cache"), os.environ)
    used = set[str]()

    async def run(suite: Suite, cluster: str) -> Outcome:
        if kept and (before := kept.outcome(suite)):
            return before
        gap = obstacle(suite, CLONE)
        if not gap and cluster:
            used.add(cluster)
            print(f"...   {suite.name:<18} takes minutes; follow it in tests/output/{suite.name}.log", flush=True)
        chosen = {**variables, SHARED: cluster} if cluster else variables
        strict = os.environ.get("CI") == "true"
        outcome = skipped(suite, gap, strict) if gap else await execute(suite, CLONE, OUTPUT, chosen)
        print("\n".join([line(outcome), *details(outcome, CLONE)]), flush=True)
        if kept:
            kept.keep(outcome)
        return outcome

    try:
        # Suites use the clusters one after the other; each suite gets one that was reset and checked.
        clusters = [f"test-{number}" for number in range(1, max(1, jobs // 2) + 1)]
        return await side_by_side(suites, jobs, clusters, run)
    finally:
        for name in used:
            command = [f"{CLONE}/tools/cluster/cluster", "down", name]
            subprocess.run(command, env=variables, check=False, capture_output=True)


if __name__ == "__main__":
    sys.exit(main())
