# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures what a user waits for: an install on a fresh local cluster, and the same again (``make bench``).

Each round makes a cluster, waits until its DNS serves, runs the install playbook twice, and removes the cluster.
Seconds are those of the whole command. Writes are counted in the API server's audit log.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

from tests.support.playing import play
from tests.support.real_cluster import RealCluster, real_cluster

NAME = "bench"


class Run(NamedTuple):
    """One run of the install playbook: seconds, tasks that reported a change, writes the server received."""

    seconds: float
    changed: int
    writes: int


def install(cluster: RealCluster) -> Run:
    """Runs the install playbook once. Raises ValueError with what it printed when it fails."""
    began = cluster.now()
    started = time.monotonic()
    played = play("install", cluster.variables)
    seconds = time.monotonic() - started
    if played.code:
        raise ValueError(played.output + played.errors)
    return Run(seconds, played.recap["localhost"]["changed"], len(cluster.writes_since(began)))


def row(what: str, runs: Sequence[Run]) -> str:
    """One line of the table."""
    seconds = [run.seconds for run in runs]
    changed = ", ".join(sorted({str(run.changed) for run in runs}))
    written = ", ".join(sorted({str(run.writes) for run in runs}))
    times = f"{min(seconds):.1f} | {statistics.median(seconds):.1f} | {max(seconds):.1f}"
    return f"| {what} | {times} | {changed} | {written} |"


def main() -> int:
    """Prints a table."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how many fresh clusters")
    rounds = parser.parse_args().rounds
    first, second = [], []
    for number in range(rounds):
        with real_cluster(NAME) as cluster:
            first.append(install(cluster))
            second.append(install(cluster))
        print(f"round {number + 1}: {first[-1].seconds:.1f} s, again {second[-1].seconds:.1f} s", flush=True)
    print("| run | min s | median s | max s | changed | writes |\n|---|---|---|---|---|---|")
    print(row("fresh cluster", first))
    print(row("again", second))
    return 0


if __name__ == "__main__":
    sys.exit(main())
