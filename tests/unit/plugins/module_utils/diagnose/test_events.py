# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.events import (
    Subject,
    is_about,
    last_event,
    time_of,
)
from tests.unit.plugins.helpers.fakes import FakeCluster


def event(name: str, message: str, **times: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "ops", "creationTimestamp": times.pop("created", None)}
    return {"apiVersion": "v1", "kind": "Event", "metadata": metadata, "message": message, **times}


def test_the_time_of_the_last_repetition_counts() -> None:
    cluster = FakeCluster()
    cluster.put(event("a", "pulling", created="2026-01-01T00:00:09Z"))
    cluster.put(event("b", "no such image", created="2026-01-01T00:00:01Z", lastTimestamp="2026-01-01T00:01:00Z"))
    cluster.put(event("c", "scheduled", eventTime="2026-01-01T00:00:02Z"))
    assert last_event(cluster, "ops", "manager-1") == "no such image"


def test_a_message_shows_no_secret() -> None:
    cluster = FakeCluster()
    cluster.put(event("a", "pulling https://user:hunter2@registry.invalid/x", created="2026-01-01T00:00:09Z"))
    assert last_event(cluster, "ops", "manager-1") == "pulling https://(hidden)@registry.invalid/x"


@pytest.mark.parametrize("denied", [True, False])
def test_without_events_or_permission_the_message_is_empty(denied: bool) -> None:
    cluster = FakeCluster()
    if denied:
        cluster.fail(403, method="GET", path="/events")
    assert last_event(cluster, "ops", "manager-1") == ""


@pytest.mark.parametrize(
    "odd",
    [
        {},
        None,
        7,
        "x",
        ["x"],
        {"metadata": ["x"]},
        {"metadata": "x"},
        {"metadata": None},
        {"lastTimestamp": ["x"]},
        {"lastTimestamp": {"x": 1}, "eventTime": True},
        {"series": ["x"], "metadata": {"creationTimestamp": None}},
    ],
)
def test_an_odd_event_has_no_time(odd: Any) -> None:
    assert time_of(odd) == ""


@pytest.mark.parametrize(
    ("times", "time"),
    [
        ({"lastTimestamp": "l", "eventTime": "e", "metadata": {"creationTimestamp": "c"}}, "l"),
        ({"lastTimestamp": None, "eventTime": "e", "metadata": {"creationTimestamp": "c"}}, "e"),
        ({"series": {"lastObservedTime": "s"}, "eventTime": "e"}, "s"),
        ({"metadata": {"creationTimestamp": "c"}}, "c"),
    ],
)
def test_the_last_known_time_counts(times: dict[str, Any], time: str) -> None:
    assert time_of(times) == time


POD = Subject("manager-1", "new", "2026-01-01T00:00:05Z")


@pytest.mark.parametrize(
    ("involved", "found"),
    [
        ({"name": "manager-1", "uid": "new"}, True),
        ({"name": "another", "uid": "new"}, True),
        ({"name": "manager-1", "uid": "old"}, False),
        ({"name": "manager-1"}, True),
        ({"name": "another"}, False),
        ({}, False),
        (["x"], False),
    ],
)
def test_an_event_is_about_the_object_of_its_uid(involved: Any, found: bool) -> None:
    assert is_about({"involvedObject": involved}, POD) is found


@pytest.mark.parametrize(
    ("reason", "when", "found"),
    [
        ("FailedMount", "2026-01-01T00:00:04Z", False),
        ("FailedMount", "2026-01-01T00:00:05.999Z", False),
        ("FailedMount", "2026-01-01T00:00:06Z", True),
        ("FailedScheduling", "2026-01-01T00:00:04Z", False),
        ("Unhealthy", "2026-01-01T00:00:04Z", True),
        ("Failed", "2026-01-01T00:00:04Z", True),
    ],
)
def test_an_event_from_before_the_start_is_over(reason: str, when: str, found: bool) -> None:
    said = {"involvedObject": {"name": "manager-1", "uid": "new"}, "reason": reason, "lastTimestamp": when}
    assert is_about(said, POD) is found


def test_the_last_event_of_an_earlier_pod_does_not_count() -> None:
    cluster = FakeCluster()
    for uid, second in (("old", 9), ("new", 1)):
        item = event(uid, f"of the {uid} pod", lastTimestamp=f"2026-01-01T00:00:0{second}Z")
        cluster.put({**item, "involvedObject": {"name": "manager-1", "uid": uid}})
    assert last_event(cluster, "ops", "manager-1", "new") == "of the new pod"
    assert last_event(cluster, "ops", "manager-1", "third") == ""
    assert last_event(cluster, "ops", "manager-1") == "of the old pod"
