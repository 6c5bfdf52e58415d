# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that are killed at each of their writes, and runs that meet, against a real API server."""

from __future__ import annotations

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.cluster import lease
from ansible_collections.conductor.trainer.plugins.module_utils.cluster.client import Cluster
from ansible_collections.conductor.trainer.plugins.module_utils.cluster.lease import Lease
from ansible_collections.conductor.trainer.plugins.module_utils.errors import ConductorError, NotReadyError
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import key_of
from ansible_collections.conductor.trainer.plugins.module_utils.options.layers import with_options
from ansible_collections.conductor.trainer.plugins.module_utils.ownership.record import Record, read_install_record
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle
from ansible_collections.conductor.trainer.plugins.module_utils.remove.absent import ensure_absent
from ansible_collections.conductor.trainer.plugins.module_utils.wire.request import Request
from tests.support.control_plane import ControlPlane
from tests.unit.plugins.helpers.installing import ensure_present

# More than an install has writes.
MANY = 100


class Killed(BaseException):
    """Nothing of ours catches it, like a signal."""


class Fuse:
    """Lets a run send some writes of objects, and nothing more after the last one's answer, or before it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._left = 0
        self._removed = False
        self._exchange = Cluster._exchange
        monkeypatch.setattr(Cluster, "_exchange", lambda cluster, request: self._pass(cluster, request))

    def arm(self, writes: int) -> None:
        """That many writes pass."""
        self._left = writes

    def out(self) -> None:
        """No more of that."""
        self._removed = True

    def _pass(self, cluster: Cluster, request: Request) -> Any:
        if self._removed:
            return self._exchange(cluster, request)
        if self._left <= 0:
            raise Killed
        answer = self._exchange(cluster, request)
        # Reviews and the lease are no part of what is installed; the record is: between it and an object it hurts.
        if request.method == "PATCH" and "dryRun" not in request.query and "/leases/" not in request.path:
            self._left -= 1
        return answer


@pytest.fixture
def gone_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leases are taken in the name of a process that has ended."""
    ended = subprocess.Popen(["true"])
    ended.wait()
    machine = lease.this_process().partition(" pid ")[0]
    monkeypatch.setattr(lease, "this_process", lambda: f"{machine} pid {ended.pid}")


@pytest.mark.usefixtures("gone_process")
@pytest.mark.parametrize("step", [4, pytest.param(1, marks=pytest.mark.evidence)], ids=["sampled", "each"])
def test_a_run_that_is_killed_at_each_of_its_writes(
    plane: ControlPlane, bundle: Bundle, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """One run after the other gets one write further, or as many as ``step``."""
    everything = {key_of(manifest) for manifest in bundle.objects()}
    fuse = Fuse(monkeypatch)
    killed = 0
    for _run in range(MANY):
        fuse.arm(step)
        try:
            # One after the other, so that each of them is once the last.
            client = plane.client()
            client.connections = 1
            ensure_present(client, bundle)
        except Killed:
            killed += 1
        else:
            break
    fuse.out()
    # Each object, and the record of what was intended; a run without any write left is not killed.
    assert killed >= len(everything) // step

    record = read_install_record(plane.client(), bundle.namespace)
    assert set(record.entries) == everything
    lost = [key for key, entry in record.entries.items() if not entry.created]
    # Of the namespace that lease and record live in nobody can tell who made it, and it stays at a removal; unless the
    # record came in the same run.
    assert [str(key) for key in lost] == ([f"Namespace {bundle.namespace}"] if step == 1 else [])
    mark = plane.now()
    assert not ensure_present(plane.client(), bundle)["changed"]
    assert plane.writes_since(mark) == []


@pytest.mark.usefixtures("gone_process")
@pytest.mark.parametrize("then", ["uninstalled", "installed without them"])
def test_objects_of_the_user_that_a_killed_run_created_do_not_stay(
    plane: ControlPlane, bundle: Bundle, monkeypatch: pytest.MonkeyPatch, then: str
) -> None:
    ours, theirs = (
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}, "data": {}}
        for name in ("ours", "theirs")
    )
    plane.kubectl("apply", "-f", "-", stdin=json.dumps(theirs))
    wanted = with_options(bundle, {"extra_objects": [ours]})
    fuse = Fuse(monkeypatch)
    there: list[str] = []
    for writes in range(4, MANY, 4):
        fuse.arm(writes)
        with pytest.raises(Killed):
            ensure_present(plane.client(), wanted)
        there = names(plane)
        if "ours" in there:
            break
    fuse.out()
    assert {"ours", "theirs"} <= {*there}
    if then == "uninstalled":
        ensure_absent(plane.client(), bundle, remove_crds=True, timeout=60)
    else:
        ensure_present(plane.client(), bundle, prune=False)
        assert "ours" in names(plane)
        ensure_present(plane.client(), bundle)
        assert read_install_record(plane.client(), bundle.namespace).intent == frozenset()
    assert {"ours", "theirs"} & {*names(plane)} == {"theirs"}


def names(plane: ControlPlane) -> list[str]:
    return [item["metadata"]["name"] for item in plane.get("configmaps", "--namespace=default")["items"]]


def test_two_runs_at_once_do_the_work_of_one(plane: ControlPlane, bundle: Bundle) -> None:
    mark = plane.now()
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _number: ensure_present(plane.client(), bundle), range(2)))
    done = [len(names) for result in both for names in result["actions"].values()]
    # The namespace has to be there before there can be a lease: both may have made it.
    assert len(bundle.objects()) <= sum(done) <= len(bundle.objects()) + 1
    stored = [write for write in plane.writes_since(mark) if write["code"] == 201 and "/leases" not in write["uri"]]
    assert len(stored) == len(bundle.objects()) + 1
    assert not ensure_present(plane.client(), bundle)["changed"]


def test_a_run_waits_for_another_and_says_so(installed: ControlPlane, bundle: Bundle) -> None:
    installed.kubectl("delete", "clusterrole", "jobset-metrics-reader")
    with ThreadPoolExecutor(1) as pool:
        with Lease(installed.client(), bundle.namespace, patience=0):
            waiting = pool.submit(ensure_present, installed.client(), bundle)
            with pytest.raises(NotReadyError, match="another run holds the install lease"):
                ensure_present(installed.client(), bundle, lease_timeout=1)
            assert not waiting.done()
        result = waiting.result(timeout=60)
    assert result["actions"] == {"create": ["ClusterRole jobset-metrics-reader"]}
    assert result["notices"][0].startswith("waited for another run to end: ")


def test_a_second_run_does_not_wait_where_nothing_is_to_be_written(installed: ControlPlane, bundle: Bundle) -> None:
    with Lease(installed.client(), bundle.namespace, patience=0):
        assert not ensure_present(installed.client(), bundle, lease_timeout=0)["changed"]


def test_a_write_that_fails_leaves_a_record_of_what_was_done(
    plane: ControlPlane, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange = Cluster._exchange

    def refuses(cluster: Cluster, request: Request) -> Any:
        if request.method == "PATCH" and request.path.endswith("/deployments/jobset-controller-manager"):
            raise ConductorError("no")
        return exchange(cluster, request)

    monkeypatch.setattr(Cluster, "_exchange", refuses)
    with pytest.raises(ConductorError) as caught:
        ensure_present(plane.client(), bundle)
    monkeypatch.undo()
    record: Record = read_install_record(plane.client(), bundle.namespace)
    recorded = {str(key) for key in record.entries}
    assert set(caught.value.facts["written"]) <= recorded
    assert all(entry.created for entry in record.entries.values())
    assert "Deployment kubeflow-system/jobset-controller-manager" not in recorded
    assert ensure_present(plane.client(), bundle)["actions"].keys() == {"create"}
