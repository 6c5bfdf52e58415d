# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.cluster.deletion import Deleter, DeletionTarget
from ansible_collections.conductor.trainer.plugins.module_utils.errors import ApiError, NotReadyError, RightsError
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import Key
from tests.unit.plugins.helpers.builders import CONFIG, NAMESPACE, SECRET, bundle, installed, key, obj
from tests.unit.plugins.helpers.fakes import FakeCluster, Request, failure

HELD = "example.com/held"


def target(cluster: FakeCluster, of: Key, **more: Any) -> DeletionTarget:
    return DeletionTarget(of, cluster.objects[of]["metadata"]["uid"], **more)


def hold(cluster: FakeCluster, *keys: Key) -> None:
    for one in keys:
        cluster.objects[one]["metadata"]["finalizers"] = [HELD]


def deleter(cluster: FakeCluster, timeout: float = 0.0) -> Deleter:
    return Deleter(cluster, timeout=timeout)


def sent(cluster: FakeCluster) -> list[str]:
    return [f"{request.method} {request.path}" for request in cluster.requests]


def test_immediate_deletion_takes_one_request() -> None:
    cluster = installed(bundle())
    one = deleter(cluster)
    one.delete([target(cluster, CONFIG)])
    assert CONFIG not in cluster.objects
    assert sent(cluster) == [f"DELETE /api/v1/namespaces/{NAMESPACE}/configmaps/config"]
    assert one.deleted == [CONFIG]


def test_foreground_deletion_is_requested() -> None:
    cluster = installed(bundle())
    deleter(cluster).delete([target(cluster, CONFIG)], foreground=True)
    assert cluster.requests[0].body["propagationPolicy"] == "Foreground"


def test_missing_object_does_not_count_as_deleted() -> None:
    cluster = FakeCluster()
    one = deleter(cluster)
    one.delete([DeletionTarget(CONFIG, "uid-x")])
    assert one.deleted == []


def test_newer_object_with_the_same_name_is_left_alone() -> None:
    cluster = installed(bundle())
    one = deleter(cluster)
    one.delete([DeletionTarget(CONFIG, "uid-of-another")])
    assert CONFIG in cluster.objects
    assert one.deleted == []


def test_conflict_on_the_same_object_is_an_error() -> None:
    cluster = installed(bundle())
    cluster.fail(409, method="DELETE", message="try later")
    with pytest.raises(ApiError, match="try later"):
        deleter(cluster).delete([target(cluster, CONFIG)])


def test_conflict_on_a_terminating_object_is_waited_for() -> None:
    cluster = installed(bundle())
    cluster.objects[CONFIG]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    cluster.fail(409, method="DELETE")
    one = deleter(cluster)
    with pytest.raises(NotReadyError):
        one.delete([target(cluster, CONFIG)])
    assert one.deleted == []


def test_terminating_object_is_only_waited_for() -> None:
    cluster = installed(bundle())
    hold(cluster, CONFIG)
    cluster.objects[CONFIG]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    with pytest.raises(NotReadyError, match=HELD):
        deleter(cluster).delete([target(cluster, CONFIG, terminating=True)])
    assert cluster.writes == []


def test_remaining_object_is_named_with_its_finalizers() -> None:
    cluster = installed(bundle())
    hold(cluster, CONFIG)
    one = Deleter(cluster, timeout=0, explain=lambda of: f"the server on {of.name}")
    with pytest.raises(NotReadyError) as caught:
        one.delete([target(cluster, CONFIG)])
    assert f"finalizer {HELD} (the controller of example.com must remove it): the server on config" in str(caught.value)
    assert caught.value.facts == {"remaining": [f"ConfigMap {NAMESPACE}/config"]}
    assert one.deleted == [CONFIG]


def test_only_a_few_of_many_are_named() -> None:
    cluster = FakeCluster()
    keys = [key("ConfigMap", f"c-{number}", namespace="a") for number in range(7)]
    for one in keys:
        cluster.put(obj("ConfigMap", one.name, namespace="a"))
    hold(cluster, *keys)
    with pytest.raises(NotReadyError, match="and 2 more") as caught:
        deleter(cluster).delete([target(cluster, one) for one in keys])
    assert len(caught.value.facts["remaining"]) == 6


def test_wait_ends_with_the_deletion_event() -> None:
    cluster = installed(bundle())
    hold(cluster, CONFIG)

    def stream() -> Iterator[dict[str, Any]]:
        yield {"type": "DELETED", "object": cluster.objects.pop(CONFIG)}

    cluster.streams["configmaps"] = [stream()]
    deleter(cluster, 60).delete([target(cluster, CONFIG)])
    assert "WATCH" in {request.method for request in cluster.requests}
    cluster.released.set()


def test_equal_names_in_two_namespaces_are_distinguished() -> None:
    cluster = FakeCluster()
    keys = [key("ConfigMap", "same", namespace=namespace) for namespace in ("a", "b")]
    for one in keys:
        cluster.put(obj("ConfigMap", one.name, namespace=one.namespace))
    hold(cluster, keys[1])
    with pytest.raises(NotReadyError) as caught:
        deleter(cluster).delete([target(cluster, one) for one in keys])
    assert caught.value.facts["remaining"] == ["ConfigMap b/same"]


def test_the_first_failure_is_raised_and_what_was_deleted_is_kept() -> None:
    cluster = installed(bundle())
    cluster.connections = 1

    def hook(request: Request) -> dict[str, Any] | None:
        if request.path.endswith("manager-cert"):
            raise failure(403, "Forbidden", "not you")
        return None

    cluster.hooks.append(hook)
    one = deleter(cluster)
    with pytest.raises(ApiError, match="not you"):
        one.delete([target(cluster, CONFIG), target(cluster, SECRET)])
    assert one.deleted == [CONFIG]


def test_missing_permission_to_wait_is_named() -> None:
    cluster = installed(bundle())
    hold(cluster, CONFIG)
    cluster.fail(403, method="GET", path="/configmaps")
    with pytest.raises(RightsError, match="wait for deletions"):
        deleter(cluster).delete([target(cluster, CONFIG)])


def test_objects_of_a_deleted_crd_are_gone() -> None:
    cluster = FakeCluster()
    job = key("TrainJob", "j", "trainer.kubeflow.org/v1alpha1", "a")
    deleter(cluster).wait_for([DeletionTarget(job, "uid-1")])
    assert cluster.writes == []
