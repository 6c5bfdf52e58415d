# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.cluster.watch import Scope, Watcher
from ansible_collections.conductor.trainer.plugins.module_utils.errors import (
    ApiError,
    RightsError,
    UnreachableError,
)
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import RESOURCES, resource_of
from tests.unit.plugins.helpers.builders import CONFIG, NAMESPACE, key, obj
from tests.unit.plugins.helpers.fakes import FakeCluster, Request, failure

MAPS = Scope(RESOURCES["v1", "ConfigMap"], NAMESPACE, metadata_only=True)
PODS = Scope(RESOURCES["v1", "Pod"], NAMESPACE)
LIMIT = 30.0


def config(name: str = "config", **data: str) -> dict[str, Any]:
    return obj("ConfigMap", name, namespace=NAMESPACE, data=data)


def event(kind: str, manifest: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, "object": manifest}


@pytest.fixture
def cluster() -> Iterator[FakeCluster]:
    fake = FakeCluster()
    fake.put(config(a="1"))
    yield fake
    fake.released.set()


def until(watcher: Watcher, scope: Scope, **expected: str) -> None:
    """Wait for changes, as a caller of the class does, until the objects have these values of "a"."""
    for _time in range(20):
        found = {name: (item.get("data") or {}).get("a", "") for name, item in watcher.objects(scope).items()}
        if found == expected:
            return
        watcher.wait(LIMIT)
    pytest.fail(f"{found} is not {expected}")


def lists(cluster: FakeCluster) -> int:
    return sum(request.step == "list" for request in cluster.requests)


def held(cluster: FakeCluster) -> Callable[[float], None]:
    """A pause that lasts until the test is over: the watcher does nothing after it."""

    def sleep(seconds: float) -> None:
        cluster.released.wait()

    return sleep


def test_refresh_lists_each_scope_once_without_a_thread(cluster: FakeCluster) -> None:
    cluster.put(obj("Pod", "p", namespace=NAMESPACE), "kubelet")
    cluster.put(obj("Pod", "q", namespace="elsewhere"), "kubelet")
    with Watcher(cluster, [MAPS, PODS]) as watcher:
        watcher.refresh()
        assert list(watcher.objects(MAPS)) == ["config"]
        assert list(watcher.objects(PODS)) == ["p"]
        assert watcher._threads == []
    assert {request.path: "Partial" in request.accept for request in cluster.requests} == {
        "/api/v1/namespaces/ops/configmaps": True,
        "/api/v1/namespaces/ops/pods": False,
    }


def test_refresh_sends_further_requests_in_parallel() -> None:
    cluster, together = FakeCluster(connections=2), threading.Barrier(2)

    def hook(_request: Request) -> None:
        # Both must be in flight to pass.
        together.wait(10)

    cluster.hooks.append(hook)
    Watcher(cluster, [MAPS]).refresh([lambda: cluster.find("/api/v1/namespaces/ops")])
    assert not together.broken
    cluster.fail(503, method="GET", path="/api/v1/namespaces/ops/pods")
    with pytest.raises(ApiError):
        Watcher(cluster, [MAPS]).refresh([lambda: cluster.list_all(PODS.resource, NAMESPACE)])


def test_refresh_raises_errors_of_the_server(cluster: FakeCluster) -> None:
    cluster.fail(500, method="GET", path="/configmaps")
    with pytest.raises(ApiError):
        Watcher(cluster, [MAPS]).refresh()


def test_refresh_names_every_missing_permission(cluster: FakeCluster) -> None:
    cluster.fail(403, method="GET")
    deployments = Scope(resource_of("apps/v1", "Deployment"))
    with pytest.raises(RightsError, match="then run this again") as caught:
        Watcher(cluster, [MAPS, deployments]).refresh()
    assert caught.value.facts["missing_permissions"] == [
        "list, watch configmaps in namespace ops",
        "list, watch deployments.apps",
    ]


def test_events_update_objects_and_wake_the_waiter(cluster: FakeCluster) -> None:
    cluster.put(config("old", a="9"))
    cluster.streams["configmaps"] = [
        [
            event("MODIFIED", config(a="2")),
            event("ADDED", config("new", a="3")),
            event("BOOKMARK", {"metadata": {"resourceVersion": "77"}}),
            event("DELETED", config("old")),
            event("DELETED", config("never-seen")),
        ]
    ]
    with Watcher(cluster, [MAPS], sleep=held(cluster)) as watcher:
        watcher.refresh()
        # The list after the stream is not under test.
        cluster.fail(503, method="GET", path="/configmaps")
        watcher.start()
        until(watcher, MAPS, config="2", new="3")


def test_a_list_and_an_event_wake_the_waiter_once_each(cluster: FakeCluster) -> None:
    cluster.streams["configmaps"] = [[event("MODIFIED", config(a="2"))]]
    with Watcher(cluster, [MAPS], sleep=held(cluster)) as watcher:
        watcher.refresh()
        assert watcher._changed.is_set()
        watcher.wait(0)
        assert not watcher._changed.is_set()
        # Only the event can wake the waiter: the list after the stream fails.
        cluster.fail(503, method="GET", path="/configmaps")
        watcher.start()
        assert watcher._changed.wait(LIMIT)


def test_everything_is_listed_again_every_minute(cluster: FakeCluster) -> None:
    now = [0.0]
    with Watcher(cluster, [MAPS], sleep=held(cluster), monotonic=lambda: now[0]) as watcher:
        watcher.refresh()
        # Streams that are open without events.
        watcher.start()
        watcher.wait(0)
        cluster.put(config(a="2"))
        now[0] = 59.0
        watcher.wait(0)
        assert lists(cluster) == 1
        now[0] = 60.0
        watcher.wait(0)
        until(watcher, MAPS, config="2")
        assert lists(cluster) == 2


def test_failed_periodic_list_is_repeated_a_minute_later(cluster: FakeCluster) -> None:
    now = [0.0]
    with Watcher(cluster, [MAPS], sleep=held(cluster), monotonic=lambda: now[0]) as watcher:
        watcher.refresh()
        watcher.start()
        cluster.put(config(a="2"))
        cluster.fail(503, method="GET", path="/configmaps")
        now[0] = 60.0
        watcher.wait(0)
        for thread in list(watcher._threads)[1:]:
            thread.join(LIMIT)
        assert watcher.failure is None
        cluster.hooks.clear()
        now[0] = 120.0
        watcher.wait(0)
        until(watcher, MAPS, config="2")


def test_stopping_ends_the_streams(cluster: FakeCluster) -> None:
    ended: list[str] = []
    watcher = Watcher(cluster, [MAPS, PODS])
    watcher._opened(MAPS, lambda: ended.append("maps"))
    watcher.stop()
    assert ended == ["maps"]
    # A stream that opens after the stop ends at once.
    watcher._opened(PODS, lambda: ended.append("pods"))
    assert ended == ["maps", "pods"]


def test_wait_is_never_negative(cluster: FakeCluster) -> None:
    asked: list[float | None] = []

    class Event(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            asked.append(timeout)
            return False

    watcher = Watcher(cluster, [MAPS])
    watcher._changed = Event()
    watcher.wait(7.5)
    watcher.wait(-1)
    assert asked == [7.5, 0.0]


def test_watch_starts_at_the_version_of_the_list(cluster: FakeCluster) -> None:
    with Watcher(cluster, [MAPS]) as watcher:
        watcher.refresh()
        version = watcher._versions[MAPS]
        watcher.start()
        watcher.start()
        while not any(request.method == "WATCH" for request in list(cluster.requests)):
            watcher.wait(0.01)
    assert [request.body for request in cluster.requests if request.method == "WATCH"] == [version]


@pytest.mark.parametrize(
    "end",
    [
        [{"type": "ERROR", "object": {"code": 410, "reason": "Expired"}}],
        [],
        failure(410, "Expired", "too old resource version"),
        failure(500, "", "internal"),
        UnreachableError("connection reset"),
    ],
)
def test_everything_is_listed_again_after_a_stream_ended(cluster: FakeCluster, end: Any) -> None:
    cluster.streams["configmaps"] = [end]
    pauses: list[float] = []
    with Watcher(cluster, [MAPS], sleep=pauses.append) as watcher:
        watcher.refresh()
        cluster.put(config(a="2"))
        watcher.start()
        until(watcher, MAPS, config="2")
        assert watcher.failure is None
    assert lists(cluster) == 2
    assert len(pauses) == 1
    assert all(0 < pause <= 1 for pause in pauses)


def test_short_streams_are_opened_with_backoff(cluster: FakeCluster) -> None:
    expired = {"type": "ERROR", "object": {"code": 410}}
    cluster.streams["configmaps"] = [[expired] for _time in range(20)]
    pauses: list[float] = []
    with Watcher(cluster, [MAPS], sleep=pauses.append) as watcher:
        watcher.refresh()
        watcher.start()
        while cluster.streams["configmaps"]:
            watcher.wait(LIMIT)
    assert len(pauses) >= 10


def test_failed_list_is_retried(cluster: FakeCluster) -> None:
    errors = [failure(500), UnreachableError("gone"), failure(429)]
    cluster.streams["configmaps"] = [[]]
    pauses: list[float] = []
    with Watcher(cluster, [MAPS], sleep=pauses.append) as watcher:
        watcher.refresh()
        cluster.put(config(a="2"))

        def hook(request: Any) -> None:
            if request.step == "list" and errors:
                raise errors.pop()

        cluster.hooks.append(hook)
        watcher.start()
        until(watcher, MAPS, config="2")
    # One more list after the stream without events.
    assert len(pauses) == 4


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("where", ["watch", "list"])
def test_missing_permission_is_a_failure_and_wakes_the_waiter(cluster: FakeCluster, status: int, where: str) -> None:
    with Watcher(cluster, [MAPS], sleep=lambda seconds: None) as watcher:
        watcher.refresh()
        watcher.wait(0)
        cluster.streams["configmaps"] = [failure(status) if where == "watch" else []]
        if where == "list":
            cluster.fail(status, method="GET", path="/configmaps")
        watcher.start()
        watcher.wait(LIMIT)
        assert isinstance(watcher.failure, ApiError)
        assert watcher.failure.status == status


def test_events_after_the_stop_are_ignored(cluster: FakeCluster) -> None:
    stopped = threading.Event()

    def stream() -> Iterator[dict[str, Any]]:
        assert stopped.wait(LIMIT)
        yield event("MODIFIED", config(a="2"))

    cluster.streams["configmaps"] = [stream()]
    watcher = Watcher(cluster, [MAPS])
    watcher.refresh()
    watcher.start()
    watcher.stop()
    stopped.set()
    for thread in watcher._threads:
        thread.join(LIMIT)
        assert not thread.is_alive()
    assert watcher.objects(MAPS)["config"]["data"] == {"a": "1"}


def test_returned_objects_do_not_change_later(cluster: FakeCluster) -> None:
    with Watcher(cluster, [MAPS]) as watcher:
        watcher.refresh()
        before = watcher.objects(MAPS)
        del cluster.objects[CONFIG]
        cluster.put(config("b"))
        watcher.refresh()
        assert list(before) == ["config"]
        assert list(watcher.objects(MAPS)) == ["b"]
    assert key("ConfigMap", "b", namespace=NAMESPACE) in cluster.objects


def test_malformed_event_does_not_end_the_watch(cluster: FakeCluster) -> None:
    cluster.streams["configmaps"] = [[event("MODIFIED", {})]]
    with Watcher(cluster, [MAPS], sleep=lambda seconds: None) as watcher:
        watcher.refresh()
        cluster.put(config(a="later"))
        watcher.start()
        until(watcher, MAPS, config="later")
    assert watcher.failure is None
