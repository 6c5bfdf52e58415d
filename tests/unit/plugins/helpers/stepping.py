# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A wait whose time is played: no threads, no pauses, and a cluster that changes by a script."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from ansible_collections.conductor.trainer.plugins.module_utils.cluster.watch import Scope, Watcher
from ansible_collections.conductor.trainer.plugins.module_utils.errors import ApiError
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import Key
from ansible_collections.conductor.trainer.plugins.module_utils.wait.controllers import ControllersWait
from tests.unit.plugins.helpers.builders import bundle, serving
from tests.unit.plugins.helpers.fakes import Clock, FakeCluster

Change = Callable[[FakeCluster], object]
# What becomes of the cluster: (seconds from the start, change).
Script = list[tuple[float, Change]]


class SteppingWatcher(Watcher):
    """Has no threads: to wait is to let time pass and, now and then, the cluster change."""

    clock: Clock
    script: Script
    fails: ApiError | None = None

    def __init__(self, cluster: FakeCluster, scopes: list[Scope], *, step: str = "wait for controllers") -> None:
        super().__init__(cluster, scopes, step=step)
        self.fake = cluster
        self.began = self.clock.now

    def start(self) -> None:
        """Fails where the test says so."""
        self.failure = self.fails

    def wait(self, seconds: float) -> None:
        """Passes the time and plays the script up to then."""
        self.clock.sleep(seconds)
        while self.script and self.script[0][0] <= self.clock.now - self.began:
            self.script.pop(0)[1](self.fake)
        self.refresh()


def waiting(cluster: FakeCluster, clock: Clock, timeout: float, *, refresh: bool = False) -> dict[str, Any]:
    """Waits for the small bundle."""
    return ControllersWait(cluster, bundle(), refresh=refresh, monotonic=clock.monotonic).run(timeout)


def drop(key: Key) -> Change:
    """Takes an object away."""
    return lambda cluster: cluster.objects.pop(key)


def edit(key: Key, *path: Any, to: Any) -> Change:
    """Sets one field of an object."""

    def change(cluster: FakeCluster) -> None:
        cluster.objects[key] = copy.deepcopy(cluster.objects[key])
        at: Any = cluster.objects[key]
        for name in path[:-1]:
            at = at[name]
        at[path[-1]] = to

    return change


def good(cluster: FakeCluster) -> None:
    """Puts back whatever a test broke."""
    whole = serving(bundle())
    cluster.objects.update(whole.objects)
    cluster.hooks[:] = whole.hooks
