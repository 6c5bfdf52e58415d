# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.conductor.trainer.plugins.module_utils.verdicts.verdict import Verdict
from ansible_collections.conductor.trainer.plugins.module_utils.wait.timeline import Timeline

FIRST = Verdict("Deployment a", "rollout", "progressing", "0 of 1")
SAME = Verdict("Deployment a", "rollout", "progressing", "still 0 of 1")
OTHER = Verdict("Service b", "endpoints", "progressing", "none")


def test_an_entry_for_each_change_of_what_is_waited_for() -> None:
    timeline = Timeline(10.0, None)
    for now, waiting in ((10.0, [FIRST]), (11.0, [SAME]), (12.5, [SAME, OTHER]), (13.0, [])):
        timeline.note(now, waiting)
    assert timeline.wait_facts() == {
        "timeline": [
            {"seconds": 0.0, "waiting_for": ["Deployment a: 0 of 1"]},
            {"seconds": 2.5, "waiting_for": ["Deployment a: still 0 of 1", "Service b: none"]},
            {"seconds": 3.0, "waiting_for": []},
        ],
        "progress": [],
    }


def test_how_long_a_rule_is_not_met_counts_from_the_last_time_it_was() -> None:
    timeline = Timeline(0.0, None)
    timeline.note(1.0, [FIRST])
    assert timeline.lasting(4.0, "Deployment a", "rollout") == 3.0
    timeline.note(5.0, [])
    timeline.note(6.0, [FIRST])
    assert timeline.lasting(8.0, "Deployment a", "rollout") == 2.0
    assert timeline.lasting(8.0, "Deployment a", "other") == 0.0


def test_what_is_said_is_kept_as_well() -> None:
    said: list[str] = []
    timeline = Timeline(0.0, said.append)
    timeline.note(1.0, [FIRST], ["pod"])
    assert timeline.wait_facts()["progress"] == said != []
    assert "waiting for the kubelet" in said[0]


def test_a_result_holds_the_last_ones() -> None:
    timeline = Timeline(0.0, None)
    for second in range(50):
        timeline.note(float(second), [FIRST] if second % 2 else [])
    assert [entry["seconds"] for entry in timeline.wait_facts()["timeline"]] == [
        float(second) for second in range(30, 50)
    ]
