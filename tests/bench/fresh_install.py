# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures what a user waits for: an install on a fresh local cluster, and the same again (``make bench``).

Each round makes a cluster, waits until its DNS serves, runs the install playbook twice, and removes the cluster.
Seconds are those of the whole command. Writes are counted in the API server's audit log.
"""

from __future__ import annotations

import argparse
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from conductor_suites.audit import writes

CLONE = Path(__file__).resolve().parents[2]
TOOL = CLONE / "tools" / "cluster" / "cluster"
NAME = "bench"


class Run(NamedTuple):
    """One run of the install playbook: seconds, tasks that reported a change, writes the server received."""

    seconds: float
    changed: int
    writes: int


def cluster(*arguments: str) -> str:
    """Runs the cluster tool; its output. Raises CalledProcessError."""
    return subprocess.run([TOOL, *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout


def install(kubeconfig: str) -> Run:
    """Runs the install playbook once. Raises CalledProcessError, ValueError."""
    began = datetime.now(UTC)
    started = time.monotonic()
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "playbooks/install.yml"]
    variables = ["-e", f"conductor_kubeconfig={kubeconfig}", "-e", f"conductor_context=kind-{NAME}"]
    output = subprocess.run([*command, *variables], cwd=CLONE, check=True, stdout=subprocess.PIPE, text=True).stdout
    seconds = time.monotonic() - started
    recap = re.search(r"changed=(\d+)", output)
    if not recap:
        raise ValueError(f"no recap in: {output}")
    log = cluster("audit", NAME).splitlines()
    return Run(seconds, int(recap[1]), len(list(writes(log, "kubernetes-admin", began))))


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
        cluster("down", NAME)
        try:
            cluster("up", NAME)
            kubeconfig = cluster("kubeconfig", NAME).strip()
            first.append(install(kubeconfig))
            second.append(install(kubeconfig))
        finally:
            cluster("down", NAME)
        print(f"round {number + 1}: {first[-1].seconds:.1f} s, again {second[-1].seconds:.1f} s", flush=True)
    print("| run | min s | median s | max s | changed | writes |\n|---|---|---|---|---|---|")
    print(row("fresh cluster", first))
    print(row("again", second))
    return 0


if __name__ == "__main__":
    sys.exit(main())
