# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import threading

import pytest

from conductor_suites.scheduling import in_turn, side_by_side
from conductor_suites.suite import Counts, Outcome, Suite

SUITES = [
    Suite("ruff", "static", ()),
    Suite("core", "artifact", ()),
    Suite("unit", "unit", ()),
    Suite("stories", "cluster", ()),
    Suite("fleet", "cluster", ()),
]


def test_quick_suites_come_first_and_the_others_by_turns() -> None:
    assert [suite.name for suite in in_turn(SUITES)] == ["ruff", "unit", "stories", "core", "fleet"]


def test_two_run_at_once_and_outcomes_keep_the_order() -> None:
    both = threading.Barrier(2, timeout=10)

    def run(suite: Suite, stopping: threading.Event) -> Outcome:
        if suite.tier == "cluster":
            both.wait()
        return Outcome(suite, Counts(passed=1), 0)

    cluster = [suite for suite in SUITES if suite.tier == "cluster"]
    assert [outcome.suite for outcome in side_by_side(cluster, 2, run)] == cluster
    assert [outcome.suite for outcome in side_by_side(SUITES[:3], 1, run)] == SUITES[:3]


def test_an_interrupt_ends_what_runs_and_begins_nothing_more() -> None:
    begun: list[str] = []
    second = threading.Event()

    def run(suite: Suite, stopping: threading.Event) -> Outcome:
        begun.append(suite.name)
        if suite.name == "ruff":
            assert second.wait(10)
            raise KeyboardInterrupt
        second.set()
        assert stopping.wait(10)
        return Outcome(suite, Counts(passed=1), 0)

    with pytest.raises(KeyboardInterrupt):
        side_by_side(SUITES, 2, run)
    assert begun == ["ruff", "unit"]
