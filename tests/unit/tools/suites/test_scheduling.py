# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conductor_suites.__main__ import execute, in_turn, side_by_side
from conductor_suites.catalogue import Suite
from conductor_suites.results import Counts, Outcome

SUITES = [
    Suite("ruff", "static", ()),
    Suite("core", "artifact", (), seconds=100),
    Suite("planes", "control_plane", (), seconds=200),
    Suite("unit", "unit", ()),
    Suite("stories", "cluster", ()),
    Suite("fleet", "cluster", (), seconds=90),
]
CLUSTER = [suite for suite in SUITES if suite.tier == "cluster"]


def done(suite: Suite) -> Outcome:
    return Outcome(suite, Counts(passed=1), 0)


def test_the_longest_ways_start_first_and_then_quick_suites() -> None:
    assert [suite.name for suite in in_turn(SUITES)] == ["fleet", "stories", "planes", "ruff", "unit", "core"]


def outcomes(suites: list[Suite], jobs: int, clusters: list[str], run: Callable[..., Any]) -> list[Outcome]:
    return asyncio.run(side_by_side(suites, jobs, clusters, run))


def test_two_run_at_once_and_outcomes_keep_the_order() -> None:
    both = asyncio.Barrier(2)

    async def run(suite: Suite, cluster: str) -> Outcome:
        if suite.tier == "cluster":
            await asyncio.wait_for(both.wait(), 10)
        return done(suite)

    assert [outcome.suite for outcome in outcomes(CLUSTER, 2, ["a", "b"], run)] == CLUSTER
    assert [outcome.suite for outcome in outcomes(SUITES[:3], 1, ["a"], run)] == SUITES[:3]


def test_no_two_suites_have_one_cluster_at_a_time_and_others_have_none() -> None:
    suites = [Suite(f"cluster-{number}", "cluster", ()) for number in range(20)]
    suites += [Suite(f"other-{number}", "unit", ()) for number in range(5)]
    held: dict[str, list[str]] = defaultdict(list)
    most: list[int] = []

    async def run(suite: Suite, cluster: str) -> Outcome:
        assert bool(cluster) == (suite.tier == "cluster")
        if cluster:
            held[cluster].append(suite.name)
            most.append(len(held[cluster]))
            await asyncio.sleep(0.001)
            held[cluster].remove(suite.name)
        return done(suite)

    assert len(outcomes(suites, 4, ["a", "b"], run)) == 25
    assert (set(held), set(most)) == ({"a", "b"}, {1})


def test_a_suite_that_needs_no_cluster_does_not_wait_for_one() -> None:
    other = asyncio.Event()

    async def run(suite: Suite, cluster: str) -> Outcome:
        if suite.tier == "cluster":
            await asyncio.wait_for(other.wait(), 10)
        else:
            other.set()
        return done(suite)

    suites = [*CLUSTER, SUITES[0]]
    assert [outcome.suite for outcome in outcomes(suites, 2, ["a"], run)] == suites


def test_a_worker_with_a_cluster_runs_other_suites_too() -> None:
    both = asyncio.Barrier(2)

    async def run(suite: Suite, cluster: str) -> Outcome:
        await asyncio.wait_for(both.wait(), 10)
        return done(suite)

    suites = [Suite(f"other-{number}", "unit", ()) for number in range(4)]
    assert len(outcomes(suites, 2, ["a"], run)) == 4


def test_an_interrupt_ends_what_runs_and_begins_nothing_more(tmp_path: Path) -> None:
    started = tmp_path / "started"
    finished = tmp_path / "finished"
    program = f"import time; open({str(started)!r}, 'w'); time.sleep(600); open({str(finished)!r}, 'w')"
    begun: list[str] = []

    async def run(suite: Suite, cluster: str) -> Outcome:
        begun.append(suite.name)
        if suite.name == "ruff":
            while not started.exists():
                await asyncio.sleep(0.01)
            signal.raise_signal(signal.SIGINT)
            await asyncio.sleep(60)
        return await execute(suite, tmp_path, tmp_path, os.environ)

    suites = [SUITES[0], Suite("unit", "unit", ((sys.executable, "-c", program),)), Suite("core", "artifact", ())]
    with pytest.raises(KeyboardInterrupt):
        outcomes(suites, 2, [], run)
    assert not finished.exists()
    assert begun == ["ruff", "unit"]
