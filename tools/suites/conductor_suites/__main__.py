# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run suites, several at once, with logs and limits, on shared clusters: ``python -m conductor_suites [NAME...]``."""

import argparse
import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from conductor_suites.catalogue import TIERS, Suite, all_suites, obstacle
from conductor_suites.results import Kept, Outcome, details, failed, judge, line, skipped, total

CLONE = Path(__file__).resolve().parents[3]
OUTPUT = CLONE / "tests" / "output"
# Seconds between asking a command to stop and making it.
GRACE = 20
# Names the cluster that a suite resets and uses (tests/support/lending.py).
SHARED = "CONDUCTOR_TEST_CLUSTER"
PAGE = "leave nothing out, and write the results; suites that passed at this commit are not run again"


def main() -> int:
    """Run the chosen suites, all of them by default; return 1 if anything failed."""
    parser = argparse.ArgumentParser(prog="suites", description=__doc__)
    parser.add_argument("--tier", choices=TIERS, action="append", help="only suites of this tier")
    parser.add_argument("--jobs", type=int, default=4, help="suites that run at once, half of them on clusters (4)")
    parser.add_argument("--evidence", type=Path, metavar="PAGE", help=PAGE)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these suites")
    arguments = parser.parse_args()
    OUTPUT.mkdir(parents=True, exist_ok=True)
    suites = all_suites(CLONE, OUTPUT, evidence=arguments.evidence is not None)
    suites = [suite for suite in suites if not arguments.tier or suite.tier in arguments.tier]
    if unknown := set(arguments.names) - {suite.name for suite in suites}:
        parser.error(f"no suite {', '.join(sorted(unknown))}; available: {', '.join(suite.name for suite in suites)}")
    suites = [suite for suite in suites if not arguments.names or suite.name in arguments.names]
    kept = Kept(CLONE, OUTPUT / "evidence.json") if arguments.evidence else None
    # A job that is ended from outside cleans up like one at the terminal, also where the shell ignores SIGINT for it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
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


def environment(clone: Path, cache: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables for a suite.

    Nothing of the user's may select a cluster or a collections path, nothing may be asked of Galaxy, and what tools
    like to keep in the home folder is kept in the cache.
    """
    foreign = re.compile(f"KUBECONFIG$|PYTHONPATH$|{SHARED}$|CONDUCTOR_SAMPLE$|K8S_AUTH_|ANSIBLE_|MOLECULE_")
    scratch = cache / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    return {
        **{key: value for key, value in environ.items() if not foreign.match(key)},
        "PATH": f"{clone}/.venv/bin{os.pathsep}{environ.get('PATH', os.defpath)}",
        "VIRTUAL_ENV": f"{clone}/.venv",
        "CONDUCTOR_CACHE": str(cache),
        "ANSIBLE_CONFIG": f"{clone}/ansible.cfg",
        # Also for molecule, which writes a configuration of its own.
        "ANSIBLE_HOME": f"{clone}/.ansible",
        "ANSIBLE_COLLECTIONS_PATH": f"{clone}/.ansible/collections",
        # Logs are read as plain text.
        "NO_COLOR": "1",
        "PY_COLORS": "0",
        "KUBECACHEDIR": f"{cache}/kube",
        "XDG_CACHE_HOME": f"{cache}/xdg",
        "TMPDIR": str(scratch),
    }


async def run(command: Sequence[str], limit: float, variables: Mapping[str, str], **options: Any) -> str:
    """Run one command to its end and return what went wrong, or nothing; end it if this is cancelled."""
    if shutil.which(command[0], path=variables.get("PATH")) is None:
        return f"cannot start {command[0]}: no such program"
    # Ends all that the command started as well: it has a process group of its own.
    limited = (f"--kill-after={GRACE}", str(limit), *command)
    null, merged = asyncio.subprocess.DEVNULL, asyncio.subprocess.STDOUT
    process = await asyncio.create_subprocess_exec(
        "timeout", *limited, stdin=null, stderr=merged, env=variables, **options
    )
    try:
        code = await process.wait()
    except asyncio.CancelledError:
        process.terminate()
        await process.wait()
        raise
    words = " ".join(command)
    if code in (124, 137):
        return f"`{words}` did not end within {limit:.0f} s"
    return f"`{words}` ended with exit code {code}" if code else ""


async def execute(suite: Suite, clone: Path, output: Path, variables: Mapping[str, str]) -> Outcome:
    """Run ``suite`` in ``clone`` to its end; the log is ``output``/NAME.log."""
    log, reason, started = output / f"{suite.name}.log", "", time.monotonic()
    if suite.junit:
        suite.junit.unlink(missing_ok=True)
    with log.open("wb") as stream:
        for command in suite.commands:
            reason = reason or await run(command, suite.limit, variables, cwd=clone, stdout=stream)
    return judge(suite, time.monotonic() - started, reason, log)


def in_turn(suites: Sequence[Suite]) -> list[Suite]:
    """Return the suites in the order of their start: the longest ways first, and a slip is to be known at once."""
    order = ("cluster", "control_plane", "static", "generated", "unit", "artifact")

    def rank(suite: Suite) -> tuple[int, float]:
        group = order.index(suite.tier)
        return (2, 0) if 2 <= group <= 4 else (group, -suite.seconds)

    return sorted(suites, key=rank)


async def side_by_side(
    suites: Sequence[Suite], jobs: int, clusters: Sequence[str], run: Callable[[Suite, str], Awaitable[Outcome]]
) -> list[Outcome]:
    """Return the outcomes of all suites, in their order; ``jobs`` of them run at once.

    ``run`` gets a suite and its cluster, empty where it needs none. No two suites have one cluster at a time. When this
    is interrupted, what runs is ended, and nothing more is begun.
    """
    waiting = in_turn(suites)
    outcomes: dict[str, Outcome] = {}

    async def work(cluster: str) -> None:
        while suite := next((suite for suite in waiting if cluster or suite.tier != "cluster"), None):
            waiting.remove(suite)
            outcomes[suite.name] = await run(suite, cluster if suite.tier == "cluster" else "")

    async with asyncio.TaskGroup() as workers:
        # Each worker has a cluster to itself, or none. Those with one take other suites too.
        for cluster in [*clusters, *[""] * jobs][:jobs]:
            workers.create_task(work(cluster))
    return [outcomes[suite.name] for suite in suites]


if __name__ == "__main__":
    sys.exit(main())
