# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.cluster import namespace_contents
from ansible_collections.conductor.trainer.plugins.module_utils.cluster.deletion import Deleter, DeletionTarget
from ansible_collections.conductor.trainer.plugins.module_utils.errors import ApiError
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import Key
from ansible_collections.conductor.trainer.plugins.module_utils.ownership.record import RecordEntry, parse_record
from ansible_collections.conductor.trainer.plugins.module_utils.remove.execute import Stages
from ansible_collections.conductor.trainer.plugins.module_utils.remove.model import Removal
from tests.unit.plugins.helpers.builders import obj
from tests.unit.plugins.helpers.fakes import FakeCluster, Request
from tests.unit.plugins.helpers.removals import CRDS, HOME, MANAGER, RECORD, TORCH, cluster
from tests.unit.plugins.helpers.states import release

# Objects that a controller leaves behind if it is deleted quickly.
ORPHAN = {"ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "gone", "uid": "uid-gone"}]}
PLACE = Key("v1", "Namespace", "", HOME)


def run(found: FakeCluster, *stages: tuple[str, Key]) -> Stages:
    one = Stages(found, release(), Deleter(found, timeout=0))
    one.run(
        Removal(
            stages=tuple((name, (DeletionTarget(key, found.objects[key]["metadata"]["uid"]),)) for name, key in stages),
        )
    )
    return one


def test_a_plan_without_stages_asks_nothing() -> None:
    found = cluster()
    run(found)
    assert found.requests == []


def test_deployments_go_in_the_foreground_and_nothing_else_does() -> None:
    found = cluster()
    run(found, ("runtimes", TORCH), ("controllers", MANAGER))
    policies = {
        request.path.rpartition("/")[2]: request.body.get("propagationPolicy")
        for request in found.requests
        if request.method == "DELETE"
    }
    assert policies[MANAGER.name] == "Foreground"
    assert policies[TORCH.name] is None


def test_a_namespace_that_is_not_empty_stays_and_the_record_vouches_for_it() -> None:
    found = cluster()
    uid = found.objects[PLACE]["metadata"]["uid"]
    one = run(found, ("namespaces", PLACE))
    assert list(one.retained) == [PLACE]
    assert PLACE in found.objects
    assert dict(parse_record(found.objects[RECORD]).entries) == {PLACE: RecordEntry(uid, "", "", True)}


def test_without_the_permission_to_write_the_whole_record_stays() -> None:
    found = cluster()
    before = parse_record(found.objects[RECORD])
    found.fail(403, method="PATCH", path="/configmaps/")
    run(found, ("namespaces", PLACE))
    assert parse_record(found.objects[RECORD]) == before


@pytest.mark.parametrize("status", [409, 500])
def test_a_record_that_cannot_be_written_is_a_failure(status: int) -> None:
    found = cluster()
    found.fail(status, method="PATCH", path="/configmaps/")
    with pytest.raises(ApiError):
        run(found, ("namespaces", PLACE))
    assert PLACE in parse_record(found.objects[RECORD]).entries


def test_two_namespaces_that_stay_for_one_reason_are_both_vouched_for() -> None:
    found = FakeCluster()
    places = [Key("v1", "Namespace", "", name) for name in ("a", HOME)]
    for place in places:
        found.put(obj("Namespace", place.name))
        found.put(obj("ConfigMap", "guest", namespace=place.name))
    one = Stages(found, release(), Deleter(found, timeout=0))
    targets = tuple(DeletionTarget(key, found.objects[key]["metadata"]["uid"]) for key in places)
    one.run(Removal(stages=(("namespaces", targets),)))
    assert list(one.retained) == places
    assert set(parse_record(found.objects[RECORD]).entries) == set(places)


def test_a_namespace_waits_for_what_the_garbage_collector_is_about_to_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(namespace_contents, "_GARBAGE_PAUSE", 0.0)
    found = FakeCluster()
    found.put(obj("Namespace", HOME))
    orphan = Key("v1", "Pod", HOME, "orphan")
    found.put({**obj("Pod", "orphan", namespace=HOME), "metadata": {**ORPHAN, "name": "orphan", "namespace": HOME}})
    looks = []

    def hook(request: Request) -> None:
        if request.path.endswith("/pods"):
            looks.append(request.path)
            if len(looks) == 3:
                del found.objects[orphan]

    found.hooks.append(hook)
    one = run(found, ("namespaces", PLACE))
    assert (one.retained, len(looks)) == ({}, 3)
    assert PLACE not in found.objects


def test_a_crd_without_objects_goes() -> None:
    found = cluster()
    crd = next(key for key in CRDS if key.name.startswith("jobsets."))
    run(found, ("crds", crd))
    assert crd not in found.objects
