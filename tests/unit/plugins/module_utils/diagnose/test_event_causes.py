# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Causes in the kubelet's events, and in the reason of a pod."""

from __future__ import annotations

import json
import re

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.event_causes import (
    EVENT_CAUSES,
    POD_CAUSES,
    event_cause,
    pod_cause,
)
from tests.unit.plugins.helpers.builders import ROOT

# An event's reason and message, and words of the cause; the same for the reason and message of a pod.
TABLES: dict[str, list[list[str]]] = json.loads(
    (ROOT / "tests" / "unit" / "plugins" / "recorded" / "kubelet_events.json").read_text(encoding="utf-8")
)
EVENTS, REASONS = TABLES["events"], TABLES["pods"]


@pytest.mark.parametrize(("event", "cause"), EVENTS)
def test_an_event_has_a_cause_and_a_next_step(event: str, cause: str) -> None:
    found = event_cause(event)
    assert found is not None
    assert cause in found[0]
    assert found[1]
    assert "{" not in "".join(found)


def test_every_entry_is_used() -> None:
    used = {
        next(entry for entry in EVENT_CAUSES if re.search(entry.words, event, re.IGNORECASE)) for event, _why in EVENTS
    }
    assert used == set(EVENT_CAUSES)


@pytest.mark.parametrize(
    "event",
    [
        "BackOff: Back-off restarting failed container manager in pod p",
        'BackOff: Back-off pulling image "x"',
        "FailedScheduling: 0/1 nodes are available: 1 Insufficient cpu.",
        'Failed: Failed to pull image "x": dial tcp 10.0.0.1:443: connect: connection refused',
        "",
    ],
)
def test_no_event_is_the_pod_that_fails_to_reach_the_api_server(event: str) -> None:
    assert event_cause(event) is None


def test_weak_entries_and_the_liveness_probe_can_be_left_out() -> None:
    ready, alive = "Unhealthy: Readiness probe failed: x", "Unhealthy: Liveness probe failed: x"
    assert event_cause(ready)
    assert event_cause(ready, weak=False) is None
    assert event_cause(alive, weak=False)
    assert event_cause(alive, liveness=False) is None


@pytest.mark.parametrize(("reason", "cause"), REASONS)
def test_the_reason_of_a_pod_has_a_cause(reason: str, cause: str) -> None:
    found = pod_cause(reason)
    assert found is not None
    assert cause in found[0]
    assert "{" not in "".join(found)


def test_every_reason_is_used() -> None:
    used = {
        next(entry for entry in POD_CAUSES if re.search(entry.words, text, re.IGNORECASE)) for text, _why in REASONS
    }
    assert used == set(POD_CAUSES)
    assert pod_cause("") is None
    assert pod_cause("Unheard: of") is None
