# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
import yaml

from ansible_collections.conductor.trainer.plugins.filter.summary import RETURN, FilterModule, summary

APPLIED: dict[str, Any] = {
    "changed": True,
    "failed": False,
    "release": "2.3.0",
    "components": {"trainer": "2.3.0", "jobset": "0.12.0"},
    "namespace": "kubeflow-system",
    "kubernetes": "1.35.8",
    "actions": {"create": ["a", "b"]},
    "unchanged": 3,
    "elapsed": 1.24,
}
WAITED: dict[str, Any] = {
    "changed": False,
    "controllers": [{"name": "jobset-controller-manager", "ready": "1/1", "status": "Running", "image": "i"}],
    "checks": ["many"],
    "elapsed": 10.06,
}
PROVEN: dict[str, Any] = {
    "runtimes": [{"name": "jax", "framework": "jax", "proven": True, "message": ""}],
    "missing": [],
    "elapsed": 0.2,
}
PASSED: dict[str, Any] = {"changed": False, "failed": False, "msg": "All assertions passed"}
FAILED: dict[str, Any] = {"changed": False, "failed": True, "msg": "apply Deployment x: no\nNext: do that\n"}


def test_a_whole_run() -> None:
    steps = {"target": {}, "apply": APPLIED, "wait": WAITED, "prove runtimes": PROVEN, "runtimes": PASSED}
    assert summary(steps, "2.3.0") == {
        "verified": True,
        "release": "2.3.0",
        "components": {"trainer": "2.3.0", "jobset": "0.12.0"},
        "namespace": "kubeflow-system",
        "kubernetes": "1.35.8",
        "controllers": [{"name": "jobset-controller-manager", "ready": "1/1", "status": "Running"}],
        "runtimes": [{"name": "jax", "framework": "jax", "proven": True}],
        "blockers": [],
        "warnings": [],
        "options": {"digest": None, "changed": []},
        "changed": True,
        "check_mode": False,
        "smoke": None,
        "steps": [
            {"name": "apply", "seconds": 1.2},
            {"name": "wait", "seconds": 10.1},
            {"name": "prove runtimes", "seconds": 0.2},
        ],
        "error": None,
    }


def test_a_failed_step_ends_it() -> None:
    steps = {"apply": FAILED, "wait": WAITED, "prove runtimes": PROVEN}
    assert summary(steps, "2.3.0") == {
        "verified": False,
        "release": "2.3.0",
        "components": None,
        "namespace": None,
        "kubernetes": None,
        # The results after the failure are from an earlier run.
        "controllers": [],
        "runtimes": [],
        "blockers": [],
        "warnings": [],
        "options": {"digest": None, "changed": []},
        "changed": False,
        "check_mode": False,
        "smoke": None,
        "steps": [],
        "error": {"step": "apply", "message": "apply Deployment x: no\nNext: do that"},
    }


def test_what_was_learnt_before_the_failure_is_kept() -> None:
    found = summary({"apply": APPLIED, "wait": {**FAILED, "elapsed": 300.04}, "prove runtimes": PROVEN}, "2.3.0")
    assert found["kubernetes"] == "1.35.8"
    assert found["changed"]
    assert found["steps"] == [{"name": "apply", "seconds": 1.2}, {"name": "wait", "seconds": 300.0}]
    assert found["error"]["step"] == "wait"
    assert not found["verified"]


def test_a_failed_write_is_a_change_when_others_went_before_it() -> None:
    assert summary({"apply": {**FAILED, "written": ["Namespace kubeflow-system"]}}, "2.3.0")["changed"]
    assert not summary({"apply": {**FAILED, "written": []}}, "2.3.0")["changed"]


def test_rejected_runtimes_are_shown_and_not_verified() -> None:
    found = summary({"apply": APPLIED, "wait": WAITED, "prove runtimes": PROVEN, "runtimes": FAILED}, "2.3.0")
    assert not found["verified"]
    assert found["runtimes"]
    assert found["error"]["step"] == "runtimes"


@pytest.mark.parametrize("missing", ["wait", "prove runtimes"])
def test_what_was_skipped_is_not_verified(missing: str) -> None:
    steps = {"apply": APPLIED, "wait": WAITED, "prove runtimes": PROVEN, missing: {"skipped": True, "changed": False}}
    found = summary(steps, "2.3.0", check_mode=True)
    assert found["check_mode"]
    assert not found["verified"]
    assert found["error"] is None


def test_no_runtimes_wanted_is_verified() -> None:
    assert summary({"apply": APPLIED, "wait": WAITED, "prove runtimes": {"runtimes": []}}, "2.3.0")["verified"]


def test_an_unreachable_bastion_is_an_error() -> None:
    found = summary({"apply": {"unreachable": True, "changed": False, "msg": "no route"}}, "2.3.0")
    assert found["error"] == {"step": "apply", "message": "no route"}


def test_a_long_message_is_cut() -> None:
    message = summary({"apply": {"failed": True, "msg": "x" * 100_000}}, "2.3.0")["error"]["message"]
    assert len(message) == 4000
    assert "... (100000 characters, cut here) ..." in message


def test_names_and_lists_are_cut() -> None:
    blockers = [{"code": "quota_exceeded", "object": "x\n" * 5_000_000, "cause": "c"}] * 200
    rows = summary({"apply": {"failed": True, "msg": "", "blockers": blockers}}, "2.3.0")["blockers"]
    assert len(rows) == 101
    assert max(len(row["object"]) for row in rows) <= 300
    assert "\n" not in rows[0]["object"]
    assert rows[-1] == {"code": "", "object": "and 100 more"}


def test_nothing_at_all() -> None:
    found = summary({}, "2.3.0")
    assert not found["verified"]
    assert found["error"] is None


def test_the_keys_are_the_documented_ones() -> None:
    documented = yaml.safe_load(RETURN)["_value"]
    for steps in ({}, {"apply": FAILED}, {"apply": APPLIED, "wait": WAITED, "prove runtimes": PROVEN}):
        assert list(summary(steps, "2.3.0")) == list(documented["contains"]) == list(documented["sample"])


def test_it_is_the_filter_that_ansible_loads() -> None:
    assert FilterModule().filters() == {"summary": summary}


FINDING = {"code": "quota_exceeded", "object": "ResourceQuota none", "cause": "c", "next_step": "r"}


def test_blockers_and_warnings_are_in_it() -> None:
    inspection = {
        "cluster": {"kubernetes": "1.35.8"},
        "blockers": [FINDING],
        "warnings_found": [FINDING],
        "elapsed": 0.2,
    }
    found = summary({"inspect": inspection, "blockers": FAILED}, "2.3.0", check_mode=True)
    short = [{"code": "quota_exceeded", "object": "ResourceQuota none"}]
    assert (found["blockers"], found["warnings"], found["kubernetes"]) == (short, short, "1.35.8")
    assert summary({"apply": {**FAILED, "blockers": [FINDING]}}, "2.3.0")["blockers"] == short


SMOKE: dict[str, Any] = {
    "changed": False,
    "phase": "complete",
    "pods": [{"name": "a"}, {"name": "b"}],
    "logs": {"a": ["hm", "right"], "b": ["right"], "c": []},
    "timeline": [{"seconds": 0.1, "phase": "created"}, {"seconds": 4.26, "phase": "complete"}],
    "elapsed": 10.2,
}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {"phase": "complete", "nodes": 2, "seconds": 4.3, "says": ["right"]}),
        ({"phase": "running", "failed": True}, {"phase": "running", "nodes": 2, "seconds": 10.2, "says": ["right"]}),
        (
            {"phase": "predicted", "pods": [], "logs": {}, "timeline": []},
            {"phase": "predicted", "nodes": 0, "seconds": 10.2, "says": []},
        ),
    ],
)
def test_the_smoke_job(changes: dict[str, Any], expected: dict[str, Any]) -> None:
    assert summary({"smoke job": {**SMOKE, **changes}}, "2.3.0")["smoke"] == expected


def test_a_smoke_job_that_could_not_be_submitted_is_an_error_alone() -> None:
    found = summary({"smoke job": FAILED}, "2.3.0")
    assert (found["smoke"], found["error"]["step"]) == (None, "smoke job")


def test_the_options_and_what_changed() -> None:
    changed = ["conductor_replicas is 2 in the install record and not given here"]
    applied = {**APPLIED, "options": {"digest": "3f1c", "summary": ["2 replicas"]}, "options_changed": changed}
    assert summary({"apply": applied, "wait": WAITED}, "2.3.0")["options"] == {"digest": "3f1c", "changed": changed}
    # A refused run knows only what changed.
    refused = {**FAILED, "options_changed": changed}
    assert summary({"apply": refused}, "2.3.0")["options"] == {"digest": None, "changed": changed}
