# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.events import last_event
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
