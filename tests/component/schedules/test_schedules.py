# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever becomes good last, and whatever goes wrong meanwhile: the wait never ends too early, and it ends.

How long it takes to notice is a figure of the suite, not a test: a busy machine is slow.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.component.schedules.outcomes import describe, quantile, run_all
from tests.component.schedules.schedule import KINDS, TOLD, WITHHELD, schedule
from tests.component.schedules.world import GOOD, OBJECT_STATES, REPLICA_FACETS, facets_of
from tests.unit.plugins.helpers.new_process import told_by

# How many schedules of each kind: in every run, and in `make evidence`, where they are others.
SHARES = {"prompt": 0.2, "behind": 0.2, "faulty": 0.2, "withholding": 0.15, "relapse": 0.15, "never": 0.1}
SIZES = [
    pytest.param(0, 300, id="300"),
    pytest.param(1_000_000, 10_000, id="10000", marks=pytest.mark.evidence),
]


@pytest.mark.parametrize(("first", "count"), SIZES)
def test_no_schedule_is_ready_too_early_or_hangs(
    first: int, count: int, record_testsuite_property: Callable[[str, object], None]
) -> None:
    pairs = [(first + number, kind) for kind in KINDS for number in range(round(SHARES[kind] * count))]
    outcomes = run_all(pairs)
    assert len(outcomes) == count
    for kind in KINDS[:-1]:
        lags = [outcome.lag for outcome in outcomes if outcome.kind == kind and outcome.lag is not None]
        record_testsuite_property(
            f"{len(lags)} {kind} schedules",
            f"returned {quantile(lags, 0.5):.3f} s after all was good (median), {quantile(lags, 0.99):.3f} s (p99)",
        )
    wrong = [outcome for outcome in outcomes if outcome.wrong]
    shown = [f"{outcome.wrong}\n{describe(schedule(outcome.seed, outcome.kind))}" for outcome in wrong[:3]]
    assert not wrong, "\n\n".join([f"{len(wrong)} of {count}", *shown])
    # Without faults nothing would have been tested.
    assert sum(outcome.faults for outcome in outcomes) > count / 2


def test_whoever_asks_at_once_sees_the_same_objects() -> None:
    """The first schedule of a process asks from several threads, and a certificate must be one of its caBundle."""
    program = """
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from tests.component.schedules.world import DEFAULTER, SECRET, VALIDATOR, object_in

together = Barrier(8)

def authorities(number):
    together.wait()
    objects = [object_in(key, "good") for key in (DEFAULTER, VALIDATOR, SECRET)]
    bundles = {webhook["clientConfig"]["caBundle"] for item in objects for webhook in item.get("webhooks", [])}
    return bundles | {objects[-1]["data"]["ca.crt"]}

with ThreadPoolExecutor(8) as threads:
    print(len(set.union(*threads.map(authorities, range(8)))))
"""
    assert told_by(program) == ["1"]


def test_a_schedule_is_the_same_each_time() -> None:
    assert schedule(5, "faulty") == schedule(5, "faulty") != schedule(6, "faulty")


def test_every_facet_is_the_last_one_now_and_then() -> None:
    last = {change.facet for seed in range(2000) for change in schedule(seed, "prompt").world.changes[-1:]}
    assert last == set(facets_of(3))
    assert len(last) == len(OBJECT_STATES) + 3 * len(REPLICA_FACETS) + 1


@pytest.mark.parametrize("kind", KINDS)
def test_all_is_good_in_the_end_but_where_it_is_not_to_be(kind: str) -> None:
    for seed in range(200):
        world = schedule(seed, kind).world
        bad = [facet for facet in world.facets if world.state(facet, 9.0) != GOOD]
        assert len(bad) == (kind == "never")
        if kind == "never":
            # What is the one thing that is missing may have been good for a while.
            assert all(over < 9.0 for _good, over in world.good)
        else:
            assert world.good[-1][1] == float("inf")


def test_everything_that_can_go_wrong_does() -> None:
    assert set(schedule(1, "withholding").stream_faults) == {*TOLD, *WITHHELD}
    assert {fault for seed in range(50) for fault in schedule(seed, "faulty").stream_faults} == set(TOLD)
    assert schedule(1, "prompt").stream_faults == ()
