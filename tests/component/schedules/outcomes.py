# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs schedules, and judges how the wait ended by what was true then, not by what the wait says."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

from kubernetes.client import Configuration

from ansible_collections.conductor.trainer.plugins.module_utils.cluster import watch
from ansible_collections.conductor.trainer.plugins.module_utils.cluster.client import Cluster
from ansible_collections.conductor.trainer.plugins.module_utils.errors import NotReadyError
from ansible_collections.conductor.trainer.plugins.module_utils.probes.proof import rounds_for
from ansible_collections.conductor.trainer.plugins.module_utils.wait import controllers
from ansible_collections.conductor.trainer.plugins.module_utils.wait.controllers import ControllersWait
from tests.component.schedules.schedule import UNTOLD, Schedule, schedule
from tests.component.schedules.scripted_server import ScriptedServer
from tests.component.schedules.world import World, release

# Seconds: a wait that may succeed, one that cannot, and what comes on top before it counts as one that hangs.
_TIMEOUT, _IN_VAIN, _OVERTIME = 20.0, 0.8, 12.0
# What a stream does not tell is found by the next list, after a minute; here it is sooner.
_RELIST, _SILENCE = 0.25, 1.0
_AS_THEY_ARE = (watch._RELIST_SECONDS, watch._SILENCE, controllers._IDLE)
WORKERS = 4


@dataclass(frozen=True)
class Outcome:
    """How the wait of one schedule ended.

    Args:
        wrong: what it should not have done, in words; empty where nothing.
        lag: seconds from when everything was good to its return; None where it was not to return.
        faults: how many things the server did wrong.
    """

    seed: int
    kind: str
    wrong: str
    lag: float | None
    faults: int


def run(seed: int, kind: str) -> Outcome:
    """Runs one schedule against the real client, watcher and wait."""
    plan = schedule(seed, kind)
    untold = plan.kind in UNTOLD
    watch._RELIST_SECONDS, watch._SILENCE, controllers._IDLE = (_RELIST, _SILENCE, _RELIST) if untold else _AS_THEY_ARE
    with ScriptedServer(plan) as server:
        configuration = Configuration()
        configuration.host = server.url
        cluster = Cluster(configuration)
        wrong, lag = "", None
        timeout = _IN_VAIN if kind == "never" else _TIMEOUT
        try:
            began = time.monotonic()
            ControllersWait(cluster, release(), refresh=bool(seed % 2)).run(timeout)
            ended = server.now
            wrong = _premature(plan.world, server, ended)
            lag = max(0.0, ended - _good_since(plan.world, ended))
        except NotReadyError as error:
            if kind != "never":
                wrong = f"it did not become ready: {error}"
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
            wrong = f"it raised {error!r}"
        if time.monotonic() - began > timeout + _OVERTIME:
            wrong = wrong or f"it hung: it took {time.monotonic() - began:.1f} s"
        cluster.close()
        return Outcome(seed, kind, wrong, lag, len(server.faults))


def _premature(world: World, server: ScriptedServer, ended: float) -> str:
    """Whether everything was never good while it was proved for the last time, in words."""
    proofs = [asked.seconds for asked in server.asked if asked.method == "POST"]
    last = proofs[-rounds_for(world.replicas) :]
    since = last[0] if last else ended
    if any(good <= ended and since <= over for good, over in world.good):
        return ""
    return f"it said ready at {ended:.3f} s; everything was good {world.good}"


def _good_since(world: World, ended: float) -> float:
    return max((good for good, _over in world.good if good <= ended), default=ended)


def run_all(pairs: Iterable[tuple[int, str]]) -> list[Outcome]:
    """Runs them, a few at once, each worker one after the other."""
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        return list(pool.map(run, *zip(*pairs, strict=True), chunksize=5))


def quantile(values: Sequence[float], share: float) -> float:
    """The value that so great a share of them does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def describe(plan: Schedule) -> str:
    """A schedule for a person who looks for a mistake."""
    lines = [f"{change.seconds:.3f} s  {change.facet}: {change.state}" for change in plan.world.changes]
    return "\n".join([f"seed {plan.seed}, {plan.kind}, {plan.world.replicas} API servers", *lines])
