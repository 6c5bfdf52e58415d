# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which suites run at once: a cluster's suite leaves most of two processors idle."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor

from conductor_suites.suite import Outcome, Suite

Run = Callable[[Suite, threading.Event], Outcome]


def side_by_side(suites: Sequence[Suite], jobs: int, run: Run) -> list[Outcome]:
    """The outcomes of all suites, in their order; ``jobs`` of them run at once, begun in the order of ``in_turn``.

    When this is interrupted, what runs is told to end, and nothing more is begun.
    """
    stopping = threading.Event()

    def begin(suite: Suite) -> Outcome:
        if stopping.is_set():
            raise CancelledError(suite.name)
        try:
            return run(suite, stopping)
        except BaseException:
            stopping.set()
            raise

    with ThreadPoolExecutor(max(1, jobs)) as pool:
        running = {suite.name: pool.submit(begin, suite) for suite in in_turn(suites)}
        try:
            return [running[suite.name].result() for suite in suites]
        except BaseException:
            stopping.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def in_turn(suites: Sequence[Suite]) -> list[Suite]:
    """Those that take seconds first, so that a slip is known at once; then one of a cluster and another by turns."""
    quick = [suite for suite in suites if suite.tier in ("static", "generated", "unit")]
    cluster = [suite for suite in suites if suite.tier == "cluster"]
    others = [suite for suite in suites if suite not in quick and suite not in cluster]
    turns: list[Suite] = []
    while cluster or others:
        turns += cluster[:1] + others[:1]
        del cluster[:1], others[:1]
    return quick + turns
