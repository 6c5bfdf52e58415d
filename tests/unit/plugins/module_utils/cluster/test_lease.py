# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import itertools
import os
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.cluster import lease as lease_module
from ansible_collections.conductor.trainer.plugins.module_utils.cluster.lease import Lease, is_free, this_process
from ansible_collections.conductor.trainer.plugins.module_utils.errors import ApiError, ConductorError, NotReadyError
from tests.unit.plugins.helpers.builders import LEASE, NAMESPACE, obj
from tests.unit.plugins.helpers.fakes import Clock, FakeCluster, Request, failure

OTHER = "elsewhere/00000000 pid 7 abcd"


def empty() -> FakeCluster:
    cluster = FakeCluster()
    cluster.put(obj("Namespace", NAMESPACE))
    return cluster


def lease(holder: str = OTHER, **spec: Any) -> dict[str, Any]:
    whole = {"holderIdentity": holder, "leaseDurationSeconds": 15, "acquireTime": "2026-01-01T00:00:00.0Z", **spec}
    return obj("Lease", "conductor-install", "coordination.k8s.io/v1", NAMESPACE, spec=whole)


def held(holder: str = OTHER, **spec: Any) -> FakeCluster:
    cluster = empty()
    cluster.put(lease(holder, **spec), operation="Update")
    return cluster


def holder_of(cluster: FakeCluster) -> str:
    return str(cluster.objects[LEASE]["spec"]["holderIdentity"])


class Passing:
    """A clock on which each watch of the lease takes some seconds, with a hook to run meanwhile."""

    def __init__(self, cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch, *events: Any, seconds: float = 5) -> None:
        self.clock = Clock()
        self.watched: list[float] = []
        happenings = itertools.chain(events, itertools.repeat(None))

        def watch(_resource: Any, _namespace: Any, _version: str, limit: float, **more: Any) -> Any:
            assert more["name"] == "conductor-install"
            self.watched.append(limit)
            self.clock.now += min(limit, seconds)
            happens = next(happenings, None)
            if isinstance(happens, ConductorError):
                raise happens
            if happens is not None:
                happens(cluster)
                yield {"type": "BOOKMARK"}
                yield {"type": "MODIFIED"}

        monkeypatch.setattr(cluster, "watch", watch)


def test_lease_is_created_held_and_released() -> None:
    cluster = empty()
    with Lease(cluster, NAMESPACE, patience=0) as mine:
        assert holder_of(cluster).startswith(this_process())
        assert mine.is_new
        mine.require()
    assert holder_of(cluster) == ""
    assert (mine.waited_for, mine.not_released) == ("", "")
    with Lease(cluster, NAMESPACE, patience=0) as again:
        assert not again.is_new
    assert cluster.objects[LEASE]["spec"]["leaseTransitions"] == 1


def test_lease_is_released_if_the_run_fails() -> None:
    cluster = empty()
    with pytest.raises(ValueError, match="mine"), Lease(cluster, NAMESPACE, patience=0):
        raise ValueError("mine")
    assert holder_of(cluster) == ""


def test_another_run_is_waited_for_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = held()
    passing = Passing(cluster, monkeypatch, lambda cluster: cluster.put(lease(""), operation="Update"))
    with Lease(cluster, NAMESPACE, patience=60, monotonic=passing.clock.monotonic) as mine:
        assert mine.waited_for == OTHER
    assert len(passing.watched) == 1


def test_other_run_is_named_after_the_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = held()

    def renews(cluster: FakeCluster) -> None:
        cluster.put(lease(renewTime=str(passing.clock.now)), operation="Update")

    passing = Passing(cluster, monkeypatch, *[renews] * 9)
    with (
        pytest.raises(
            NotReadyError, match="another run holds the install lease: elsewhere/00000000 pid 7 abcd, since 2026"
        ) as caught,
        Lease(cluster, NAMESPACE, patience=40, monotonic=passing.clock.monotonic),
    ):
        pass
    assert "waited 40 s" in str(caught.value)
    assert holder_of(cluster) == OTHER


def test_lease_without_renewal_expires_regardless_of_clocks(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = held(renewTime="2999-01-01T00:00:00.0Z")
    passing = Passing(cluster, monkeypatch)
    with Lease(cluster, NAMESPACE, patience=60, monotonic=passing.clock.monotonic):
        assert holder_of(cluster).startswith(this_process())
    assert sum(passing.watched) == pytest.approx(15 + 10 + 5)


def test_expired_watch_is_restarted_and_other_failures_are_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = held()
    passing = Passing(cluster, monkeypatch, failure(410, "Expired"), failure(403, "Forbidden"))
    with (
        pytest.raises(ApiError) as caught,
        Lease(cluster, NAMESPACE, patience=60, monotonic=passing.clock.monotonic),
    ):
        pass
    assert caught.value.status == 403
    assert len(passing.watched) == 2


def test_ended_holder_on_this_machine_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease_module, "_runs", lambda pid: pid != 7)
    machine = this_process().partition(" pid ")[0]
    assert is_free(lease(f"{machine} pid 7 abcd"))
    assert not is_free(lease(f"{machine} pid 8 abcd"))
    assert not is_free(lease(f"{machine} pid ? abcd"))
    assert not is_free(lease(OTHER))
    assert is_free(lease(""))


def test_running_process_is_detected(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_free(lease(f"{this_process()} abcd"))

    def kill(_pid: int, _signal: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", kill)
    assert not is_free(lease(f"{this_process()} abcd"))


@pytest.mark.parametrize("status", [409, 404])
def test_concurrent_take_is_detected(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = held("")
    times: list[int] = []

    def faster(request: Request) -> None:
        if request.method == "PATCH" and "/leases/" in request.path and not times:
            times.append(1)
            cluster.objects[LEASE]["spec"]["holderIdentity"] = OTHER
            raise failure(status, "Conflict")

    cluster.hooks.append(faster)
    passing = Passing(cluster, monkeypatch, lambda cluster: cluster.put(lease(""), operation="Update"))
    with Lease(cluster, NAMESPACE, patience=60, monotonic=passing.clock.monotonic) as mine:
        assert mine.waited_for == OTHER


def test_concurrent_creation_is_detected(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = empty()
    times: list[int] = []

    def faster(request: Request) -> None:
        if request.method == "POST" and not times:
            times.append(1)
            cluster.put(lease(), operation="Update")

    cluster.hooks.append(faster)
    passing = Passing(cluster, monkeypatch, lambda cluster: cluster.put(lease(""), operation="Update"))
    with Lease(cluster, NAMESPACE, patience=60, monotonic=passing.clock.monotonic) as mine:
        assert (mine.waited_for, mine.is_new) == (OTHER, False)


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_missing_permission_is_an_error(method: str) -> None:
    cluster = empty() if method == "POST" else held("")
    cluster.fail(403, method=method, path="/leases")
    with pytest.raises(ApiError), Lease(cluster, NAMESPACE, patience=0):
        pass


def test_failed_release_is_reported() -> None:
    cluster = empty()
    with Lease(cluster, NAMESPACE, patience=0) as mine:
        cluster.fail(503, path="/leases")
    assert "no" in mine.not_released


def taken_away(cluster: FakeCluster, mine: Lease, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another run takes the lease while this one is delayed, and the next renewal notices."""
    cluster.put(lease(), operation="Update")
    monkeypatch.setattr(mine._ended, "wait", lambda _seconds: False)
    mine._keep()
    monkeypatch.undo()


def test_a_lease_that_another_run_took_stops_this_one(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = empty()
    with Lease(cluster, NAMESPACE, patience=0) as mine:
        taken_away(cluster, mine, monkeypatch)
        with pytest.raises(NotReadyError, match="another run took the install lease: elsewhere"):
            mine.require()
    # The lease of another run is not released.
    assert holder_of(cluster) == OTHER


def test_failed_renewal_is_retried(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = empty()
    with Lease(cluster, NAMESPACE, patience=0) as mine:
        answers = iter([failure(503), None, None])
        beats = iter([False, False, True])

        def hook(request: Request) -> None:
            if "/leases/" in request.path and request.method == "PATCH" and (error := next(answers)):
                raise error

        cluster.hooks.append(hook)
        monkeypatch.setattr(mine._ended, "wait", lambda _seconds: next(beats))
        before = cluster.objects[LEASE]["spec"]["renewTime"]
        mine._keep()
        assert cluster.objects[LEASE]["spec"]["renewTime"] > before
        assert not mine.lost
        monkeypatch.undo()


def test_deleted_lease_is_reported_without_a_holder(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = empty()
    with Lease(cluster, NAMESPACE, patience=0) as mine:
        del cluster.objects[LEASE]
        cluster.fail(500, method="GET", path="/leases")
        monkeypatch.setattr(mine._ended, "wait", lambda _seconds: False)
        mine._keep()
        monkeypatch.undo()
        assert mine.lost


def test_machines_without_proc_are_all_different(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(*_args: Any, **_more: Any) -> Any:
        raise OSError

    monkeypatch.setattr("builtins.open", nothing)
    assert this_process() != this_process()


@pytest.mark.parametrize("how", ["it exists and does not", "it changes again and again", "its watch ends at once"])
def test_a_lease_that_cannot_be_taken_is_not_asked_for_without_end(how: str) -> None:
    cluster = held() if how == "its watch ends at once" else FakeCluster()
    if how == "it exists and does not":
        cluster.fail(404, method="GET", path="/leases/", reason="NotFound")
        cluster.fail(409, method="POST", path="/leases", reason="AlreadyExists")
    elif how == "it changes again and again":
        cluster.put(obj("Namespace", NAMESPACE))
        cluster.put(lease(""), operation="Update")
        cluster.fail(409, method="PATCH", path="/leases/", reason="Conflict")
    else:
        cluster.streams["leases"] = [[{"type": "ERROR", "object": {"code": 410}}] for _time in range(10_000)]
    with pytest.raises(NotReadyError, match="another run holds"), Lease(cluster, NAMESPACE, patience=1.0):
        pass
    # With pauses that double; without them there would be thousands.
    assert len(cluster.requests) < 100


@pytest.mark.parametrize(("seconds", "duration"), [(7, 7), (0, 15), (-1, 15), (10**30, 15), ("x", 15), (None, 15)])
def test_only_a_sensible_duration_counts(seconds: Any, duration: float) -> None:
    assert lease_module._duration({"spec": {"leaseDurationSeconds": seconds}}) == duration


@pytest.mark.parametrize("number", ["\xb2", "\u0663", "9" * 400])
def test_an_odd_process_number_is_no_process(number: str) -> None:
    machine = this_process().partition(" pid ")[0]
    assert not is_free(lease(f"{machine} pid {number} abcd"))
