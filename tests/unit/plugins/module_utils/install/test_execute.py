# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Killed runs, concurrent runs, and the order of the writes of a run."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.cluster.lease import Lease
from ansible_collections.conductor.trainer.plugins.module_utils.errors import ConductorError, NotReadyError
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import key_of
from ansible_collections.conductor.trainer.plugins.module_utils.ownership.record import (
    Record,
    read_install_record,
    record_manifest,
)
from tests.unit.plugins.helpers.builders import CONFIG, HOME, LEASE, NAMESPACE, RECORD, bundle, obj
from tests.unit.plugins.helpers.fakes import FakeCluster, Request
from tests.unit.plugins.helpers.installing import ensure_present

EVERYTHING = {key_of(manifest) for manifest in bundle().objects()}


class Killed(BaseException):
    """Not caught by our code, like a signal."""


def killed_at(number: int, *, stored: bool) -> FakeCluster:
    """A cluster on which a run was killed at its Nth write, before or after the server stored it."""
    cluster = FakeCluster(connections=1)
    writes = []

    def kill(request: Request) -> dict[str, Any] | None:
        if not request.writes:
            return None
        writes.append(request)
        if len(writes) == number:
            if stored:
                cluster._answer(request)
            raise Killed
        if len(writes) > number:
            # A killed process sends no more requests.
            raise Killed
        return None

    cluster.hooks.append(kill)
    try:
        ensure_present(cluster, bundle())
    except Killed:
        pass
    else:
        pytest.fail(f"a run has fewer than {number} writes")
    cluster.hooks.clear()
    return cluster


# A run writes every object, the lease twice and the record twice.
WRITES = len(EVERYTHING) + 4


@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize("number", range(1, WRITES + 1))
def test_a_killed_run_is_completed_by_the_next_which_recognises_our_objects(number: int, stored: bool) -> None:
    cluster = killed_at(number, stored=stored)
    # Without an intent it is unknown who created the namespace: an uninstall retains it.
    untold = HOME in cluster.objects and RECORD not in cluster.objects
    if LEASE in cluster.objects:
        # As if the process were gone: this one is still running.
        cluster.objects[LEASE]["spec"]["holderIdentity"] = ""
    ensure_present(cluster, bundle())
    record = read_install_record(cluster, NAMESPACE)
    assert set(record.entries) == EVERYTHING
    assert record.intent == frozenset()
    lost = {key for key, entry in record.entries.items() if not entry.created}
    assert lost == ({HOME} if untold else set())
    cluster.requests.clear()
    assert ensure_present(cluster, bundle())["changed"] is False
    assert cluster.writes == []


def test_the_first_run_writes_what_it_intends_before_it_creates() -> None:
    cluster = FakeCluster()
    ensure_present(cluster, bundle())
    keys = [request.subject for request in cluster.writes]
    assert keys[0] == str(HOME)
    # Both at the same time.
    assert set(keys[1:3]) == {str(LEASE), str(RECORD)}
    assert keys[-2:] == [str(RECORD), str(LEASE)]


def test_where_only_fields_change_there_is_nothing_to_intend() -> None:
    cluster = FakeCluster()
    ensure_present(cluster, bundle())
    cluster.change(CONFIG, "kubectl-edit")
    cluster.requests.clear()
    ensure_present(cluster, bundle())
    assert [request.subject for request in cluster.writes] == [str(LEASE), str(CONFIG), str(RECORD), str(LEASE)]


def test_what_another_run_did_meanwhile_is_not_done_again() -> None:
    cluster = FakeCluster()
    cluster.put(obj("Namespace", NAMESPACE), "admin", "Update")
    others = FakeCluster()
    others.objects, others._count = cluster.objects, cluster._count
    times: list[int] = []

    def another(request: Request) -> None:
        if request.method == "POST" and "/leases" in request.path and not times:
            times.append(1)
            ensure_present(others, bundle())

    cluster.hooks.append(another)
    result = ensure_present(cluster, bundle())
    assert (result["changed"], result["unchanged"]) == (False, len(EVERYTHING))
    # It acquired and released the lease.
    assert [request.subject for request in cluster.writes if request.method != "POST"] == [str(LEASE)] * 2


def test_what_changed_while_another_run_was_waited_for_is_planned_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = FakeCluster()
    ensure_present(cluster, bundle())
    del cluster.objects[CONFIG]
    cluster.objects[LEASE]["spec"]["holderIdentity"] = "elsewhere pid 1"

    def watch(*_args: Any, **_more: Any) -> Any:
        cluster.objects[LEASE]["spec"]["holderIdentity"] = ""
        cluster.objects[RECORD]["metadata"]["resourceVersion"] = "other"
        (config,) = (manifest for manifest in bundle().objects() if key_of(manifest) == CONFIG)
        cluster.put(config)
        yield {"type": "MODIFIED"}

    monkeypatch.setattr(cluster, "watch", watch)
    result = ensure_present(cluster, bundle())
    assert result["actions"] == {}
    assert result["record_updated"] is True
    assert result["notices"] == ["waited for another run to end: elsewhere pid 1"]


def test_an_intent_takes_nothing_from_a_faster_run() -> None:
    """The other run created the namespace and wrote its record before this one read it again."""
    cluster = FakeCluster()
    theirs = Record(release="0.0.1", profile="theirs")

    def hook(request: Request) -> None:
        if request.method == "POST" and request.subject == str(RECORD) and RECORD not in cluster.objects:
            cluster.put(record_manifest(theirs, NAMESPACE))

    cluster.hooks.append(hook)
    cluster.fail(403, method="POST", path="/leases")
    with pytest.raises(ConductorError):
        ensure_present(cluster, bundle())
    assert read_install_record(cluster, NAMESPACE).profile == "theirs"


def test_a_record_that_is_there_already_is_written_when_the_lease_is_taken() -> None:
    """Its creator held no lease, or has released it."""
    cluster = FakeCluster()

    def hook(request: Request) -> None:
        if request.method == "POST" and request.subject == str(RECORD) and RECORD not in cluster.objects:
            cluster.put(record_manifest(Record(release="0.0.1"), NAMESPACE))

    cluster.hooks.append(hook)
    ensure_present(cluster, bundle())
    assert read_install_record(cluster, NAMESPACE).release == "9.9.9"


def test_with_permission_by_name_only_the_intent_is_recorded_after_the_lease() -> None:
    cluster = FakeCluster()
    cluster.fail(403, method="POST", path="/configmaps")
    ensure_present(cluster, bundle())
    keys = [(request.method, request.subject) for request in cluster.writes]
    assert keys[3] == ("PATCH", str(RECORD))
    assert read_install_record(cluster, NAMESPACE).entries


def test_a_run_that_cannot_have_the_lease_has_created_at_most_the_namespace() -> None:
    cluster = FakeCluster()
    cluster.fail(403, method="POST", path="/leases")
    with pytest.raises(ConductorError) as caught:
        ensure_present(cluster, bundle())
    assert caught.value.facts["written"] == [str(HOME)]
    assert {request.subject for request in cluster.writes} == {str(HOME), str(LEASE), str(RECORD)}


def test_a_run_whose_lease_is_taken_stops_and_leaves_the_record_to_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = FakeCluster()

    def held_up(lease: Lease) -> None:
        lease._lost = "elsewhere pid 1"
        raise NotReadyError("another run took the install lease")

    monkeypatch.setattr(Lease, "require", held_up)
    with pytest.raises(NotReadyError):
        ensure_present(cluster, bundle())
    assert sorted(request.subject for request in cluster.writes) == sorted([str(HOME), str(LEASE), str(RECORD)])
    assert read_install_record(cluster, NAMESPACE).entries == {}


def test_a_lease_that_cannot_be_given_back_is_remarked() -> None:
    cluster = FakeCluster()
    cluster.fail(500, path="/leases/conductor-install")
    result = ensure_present(cluster, bundle())
    assert len(result["notices"]) == 1
    assert result["notices"][0].startswith("the install lease could not be released")


def test_without_its_namespace_a_run_has_neither_lease_nor_record() -> None:
    cluster = FakeCluster()
    ensure_present(cluster, bundle(), phases=["admission"])
    assert [request.subject for request in cluster.writes] == ["ValidatingWebhookConfiguration validator"]
