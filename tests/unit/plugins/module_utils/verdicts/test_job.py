# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.verdicts.jobs import has_missing_pods, job_verdict
from tests.unit.plugins.helpers.builders import obj


def job(condition: str = "", *, status: dict[str, object] | None = None, **spec: object) -> dict[str, object]:
    """Return a Job of two pods."""
    said = {"type": condition, "status": "True", "reason": "Because", "message": "it is so"}
    said["lastTransitionTime"] = "2026-01-01T00:00:00Z"
    conditions = {"conditions": [said]} if condition else {}
    return obj(
        "Job",
        "j",
        "batch/v1",
        namespace="team",
        spec={"parallelism": 2, "completions": 2, **spec},
        status={**conditions, **(status or {})},
    )


@pytest.mark.parametrize(
    ("condition", "state", "since"),
    [
        ("Complete", "ready", "2026-01-01T00:00:00Z"),
        ("Failed", "failed", "2026-01-01T00:00:00Z"),
        ("FailureTarget", "failed", "2026-01-01T00:00:00Z"),
        ("SuccessCriteriaMet", "progressing", ""),
        ("", "progressing", ""),
    ],
)
def test_conditions_of_a_job_decide(condition: str, state: str, since: str) -> None:
    verdict = job_verdict("j", job(condition, status={"active": 1}))
    assert (verdict.subject, verdict.rule, verdict.state, verdict.since) == ("Job j", "complete", state, since)
    assert verdict.evidence == ("1 of 2 pods exist" if state == "progressing" else "Because: it is so")


def test_failure_target_counts_as_failed() -> None:
    item = job("Complete")
    item["status"]["conditions"].append({"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"})  # type: ignore[index]
    assert job_verdict("j", item).evidence == "BackoffLimitExceeded"


@pytest.mark.parametrize("item", [None, {}, {"spec": 1, "status": []}, {"status": {"conditions": ["x", {}]}}])
def test_malformed_objects_are_never_ready(item: dict[str, object] | None) -> None:
    assert job_verdict("j", item).state == "progressing"


def test_suspended_job_is_reported() -> None:
    assert job_verdict("j", job("Suspended", suspend=True)).evidence == "suspended"


def test_no_pods_are_wanted_after_all_completions() -> None:
    assert job_verdict("j", job(status={"succeeded": 3})).evidence == "0 of 0 pods exist"


@pytest.mark.parametrize(
    ("item", "missing"),
    [
        (job(), True),
        (job(status={"active": 1}), True),
        (job(status={"active": 2}), False),
        # Succeeded pods are not created again.
        (job(status={"active": 1, "succeeded": 1}), False),
        (job(status={"active": 2, "succeeded": 1}, completions=9), False),
        (job(status={"active": 1, "succeeded": 1}, completions=9), True),
        (job(status={"active": 1}, parallelism=1, completions=None), False),
        (job(status={"active": 0}, parallelism=0), False),
        (job(suspend=True), False),
        (job("Complete"), False),
        (job("Failed"), False),
        ({}, True),
        # One pod is the default.
        ({"status": {"active": 1}}, False),
    ],
)
def test_missing_pods_of_a_job(item: dict[str, object], missing: bool) -> None:
    assert has_missing_pods(item) is missing
