# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.filter.screen import FilterModule, screen
from ansible_collections.conductor.trainer.plugins.filter.status import status
from tests.unit.plugins.filter.test_status import changed, healthy

QUOTA = {"code": "quota_exceeded", "object": "ResourceQuota q", "cause": "they do not fit", "next_step": "raise it"}


def lines(**changes: Any) -> dict[str, list[str]]:
    """Return the text after each title, with the lines below it, by title."""
    found: dict[str, list[str]] = {}
    title = ""
    for line in screen(status(changed(**changes))).splitlines():
        if line.startswith("    "):
            found[title].append(line.strip())
        else:
            title, _blank, words = line.partition(" ")
            found[title] = [words.strip()]
    return found


def test_everything_has_its_line() -> None:
    found = lines(trainer={"release": "9.9.9", "owner": {"name": "Conductor"}})
    assert list(found) == [
        *("Health", "Cluster", "Kubernetes", "Trainer", "JobSet", "Differences", "Certificates", "Runtimes"),
        *("TrainJobs", "JobSets", "Neighbours", "Blockers", "Warnings"),
    ]
    assert found["Health"] == ["healthy"]
    assert found["Trainer"] == ["9.9.9, complete, healthy, in ops, managed by Conductor"]
    assert found["Runtimes"] == ["2 of the release"]
    assert found["Certificates"] == ["1 of 1 webhook configurations have one, the first expires in 9 days (validator)"]
    assert found["Blockers"] == found["Warnings"] == ["none"]


@pytest.mark.parametrize(
    ("changes", "title", "words"),
    [
        ({"trainer": {"state": "absent"}}, "Trainer", "absent"),
        ({"trainer": {"state": "incomplete", "healthy": False}}, "Trainer", "incomplete, not healthy"),
        ({"jobset": {"healthy": None}}, "JobSet", "health unknown"),
        ({"certificates": None}, "Certificates", "unknown"),
        ({"certificates": []}, "Certificates", "none"),
        (
            {"certificates": [{"configuration": "c", "not_after": "", "days_left": None}]},
            "Certificates",
            "expiry unknown for c",
        ),
        ({"built_in_runtimes": {"present": None, "missing": None}}, "Runtimes", "unknown"),
        (
            {"built_in_runtimes": {"present": ["jax"], "missing": ["torch"]}},
            "Runtimes",
            "1 of the release, missing: torch",
        ),
        ({"built_in_runtimes": {"present": [], "missing": ["torch"]}}, "Runtimes", "none of the release"),
        (
            {"user_objects": {"custom_runtimes": ["mine"], "namespaced_runtimes": 2}},
            "Runtimes",
            "others: mine, 2 TrainingRuntimes",
        ),
        ({"user_objects": {"train_jobs": {"total": None, "unfinished": None}}}, "TrainJobs", "unknown"),
        ({"user_objects": {"train_jobs": {"total": 3, "unfinished": 1}}}, "TrainJobs", "3, 1 unfinished"),
    ],
)
def test_what_else_a_line_may_say(changes: dict[str, Any], title: str, words: str) -> None:
    assert lines(**changes)[title][0].startswith(words) or words in lines(**changes)[title][0]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "none"),
        (
            {"summary": ["3 registries", "2 replicas"], "fields": 12},
            "12 fields differ from the release, by 3 registries, 2 replicas",
        ),
        (
            {"summary": ["1 patch"], "fields": 1, "objects": 1},
            "1 field differs from the release, 1 object added or removed, by 1 patch",
        ),
        ({"others": {"kubectl-patch": 2, "x\x1b": 1}}, r"fields added: 2 by kubectl-patch, 1 by x\x1b"),
        ({"problem": "no option x"}, "options unknown: no option x"),
        (
            {"summary": ["1 image"], "fields": 2, "others": {"kubectl-edit": 1}},
            "2 fields differ from the release, by 1 image; fields added: 1 by kubectl-edit",
        ),
    ],
)
def test_what_differs_from_the_release_and_by_what(options: dict[str, Any], words: str) -> None:
    assert lines(options=options)["Differences"] == [words]


def test_the_options_of_the_last_install_that_are_not_given() -> None:
    [_none, told, option, next_step] = lines(
        options_changed=["conductor_replicas is 2 in the install record and not given here"]
    )["Differences"]
    assert told == "this cluster was installed with other options:"
    assert option.strip() == "conductor_replicas is 2 in the install record and not given here"
    assert next_step.startswith("Next: give the options of the last install, or set `conductor_options: ")


def test_findings_have_their_next_steps() -> None:
    found = lines(blockers=[QUOTA, QUOTA])
    assert found["Blockers"][0] == "2"
    assert found["Blockers"][1:] == ["quota_exceeded, ResourceQuota q: they do not fit. Next: raise it"] * 2


def test_a_reason_stands_below_the_health() -> None:
    assert lines(built_in_runtimes={"missing": ["jax"]})["Health"] == [
        "unhealthy",
        "ClusterTrainingRuntime jax is missing",
    ]


def test_where_nothing_was_found_out_there_is_only_why() -> None:
    assert screen(status({"msg": "no"})).split() == ["Health", "unknown", "no"]


def test_one_screen() -> None:
    assert len(screen(status(healthy())).splitlines()) <= 24


def test_it_is_the_filter_that_ansible_loads() -> None:
    assert FilterModule().filters() == {"screen": screen}
