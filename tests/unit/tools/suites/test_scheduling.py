# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import sys
import threading
import time
from collections import defaultdict
from pathlib import Path

import pytest

from conductor_suites.catalogue import Suite
from conductor_suites.results import Counts, Outcome
from conductor_suites.running import Running, execute, in_turn, side_by_side

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


def test_clusters_are_busy_from_the_start_and_quick_suites_come_before_long_ones() -> None:
    assert [suite.name for suite in in_turn(SUITES)] == ["fleet", "stories", "ruff", "unit", "planes", "core"]


def test_two_run_at_once_and_outcomes_keep_the_order() -> None:
    both = threading.Barrier(2, timeout=10)

    def run(suite: Suite, cluster: str) -> Outcome:
        if suite.tier == "cluster":
            both.wait()
        return done(suite)

    assert [outcome.suite for outcome in side_by_side(CLUSTER, 2, ["a", "b"], run, Running())] == CLUSTER
    assert [outcome.suite for outcome in side_by_side(SUITES[:3], 1, ["a"], run, Running())] == SUITES[:3]


def test_no_two_suites_have_one_cluster_at_a_time_and_others_have_none() -> None:
    suites = [Suite(f"cluster-{number}", "cluster", ()) for number in range(20)]
    suites += [Suite(f"other-{number}", "unit", ()) for number in range(5)]
    held: dict[str, list[str]] = defaultdict(list)
    most: list[int] = []

    def run(suite: Suite, cluster: str) -> Outcome:
        assert bool(cluster) == (suite.tier == "cluster")
        if cluster:
            held[cluster].append(suite.name)
            most.append(len(held[cluster]))
            time.sleep(0.001)
            held[cluster].remove(suite.name)
        return done(suite)

    assert len(side_by_side(suites, 4, ["a", "b"], run, Running())) == 25
    assert (set(held), set(most)) == ({"a", "b"}, {1})


def test_a_suite_that_needs_no_cluster_does_not_wait_for_one() -> None:
    other = threading.Event()

    def run(suite: Suite, cluster: str) -> Outcome:
        if suite.tier == "cluster":
            assert other.wait(10)
        else:
            other.set()
        return done(suite)

    suites = [*CLUSTER, SUITES[0]]
    assert [outcome.suite for outcome in side_by_side(suites, 2, ["a"], run, Running())] == suites


def test_an_interrupt_ends_what_runs_and_begins_nothing_more(tmp_path: Path) -> None:
    running, started = Running(), tmp_path / "started"
    finished = tmp_path / "finished"
    program = f"import time; open({str(started)!r}, 'w'); time.sleep(600); open({str(finished)!r}, 'w')"
    begun: list[str] = []

    def run(suite: Suite, cluster: str) -> Outcome:
        begun.append(suite.name)
        if suite.name == "ruff":
            while not started.exists():
                time.sleep(0.01)
            raise KeyboardInterrupt
        return execute(suite, tmp_path, tmp_path, os.environ, running)

    suites = [SUITES[0], Suite("unit", "unit", ((sys.executable, "-c", program),)), SUITES[2]]
    with pytest.raises(KeyboardInterrupt):
        side_by_side(suites, 2, [], run, running)
    assert not finished.exists()
    assert begun == ["ruff", "unit"]
    assert running.run([sys.executable, "-c", ""], 10, env=os.environ).endswith("was interrupted")
