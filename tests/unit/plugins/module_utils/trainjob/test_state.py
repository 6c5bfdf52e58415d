# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.trainjob.state import (
    Failure,
    JobState,
    conditions_of,
    container_of,
    failure_of,
    row_of,
    state_of,
)


def job(*conditions: tuple[str, str], **spec: Any) -> dict[str, Any]:
    entries = [
        {"type": kind, "status": status, "reason": f"{kind}Reason", "message": "m"} for kind, status in conditions
    ]
    return {"spec": spec, "status": {"conditions": entries}}


def pod(phase: str = "Running", *containers: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "p"},
        "spec": {"nodeName": "n", "containers": [{"name": "node"}]},
        "status": {"phase": phase, "containerStatuses": list(containers), **more},
    }


def container(restarts: int = 0, **states: dict[str, Any]) -> dict[str, Any]:
    return {"name": "node", "restartCount": restarts, **states}


def ended(code: int) -> dict[str, Any]:
    return {"terminated": {"exitCode": code, "reason": "Error" if code else "Completed"}}


WAITING = {"waiting": {"reason": "CrashLoopBackOff"}}


@pytest.mark.parametrize(
    ("train_job", "job_set", "pods", "expected"),
    [
        (job(("Complete", "True")), None, [], JobState("complete", "CompleteReason: m")),
        (job(("Failed", "True")), None, [pod()], JobState("failed", "FailedReason: m")),
        # It has ended, whatever other conditions it has.
        (job(("Suspended", "True"), ("Failed", "True")), None, [], JobState("failed", "FailedReason: m")),
        (job(("Complete", "True"), ("Failed", "True")), None, [], JobState("failed", "FailedReason: m")),
        (job(("Complete", "False"), ("Failed", "Unknown")), {}, [pod()], JobState("running", "pods: 1 Running")),
        (job(("Suspended", "True"), suspend=True), None, [], JobState("suspended", "SuspendedReason: m")),
        # Resumed; the condition is not updated yet.
        (job(("Suspended", "True"), suspend=False), {}, [pod()], JobState("running", "pods: 1 Running")),
        (job(suspend=True), None, [], JobState("suspended", "spec.suspend is true")),
        (job(), None, [], JobState("created", "Trainer has not created its JobSet yet")),
        (job(), {}, [], JobState("created", "JobSet has not created pods yet")),
        (job(), job(("X", "True")), [], JobState("created", "JobSet has not created pods yet: XReason: m")),
        (job(), {}, [pod("Pending"), pod("")], JobState("created", "pods: 2 Pending")),
        (job(), {}, [pod("Pending"), pod()], JobState("running", "pods: 1 Pending, 1 Running")),
        (job(), {}, [pod("Succeeded"), pod("Failed")], JobState("running", "pods: 1 Failed, 1 Succeeded")),
    ],
)
def test_how_far_it_is(
    train_job: dict[str, Any], job_set: dict[str, Any] | None, pods: list[dict[str, Any]], expected: JobState
) -> None:
    found = state_of(train_job, job_set, pods)
    assert found == expected
    assert found.is_final is (expected.phase in ("complete", "failed"))


@pytest.mark.parametrize("odd", [{}, {"status": 3}, {"status": {"conditions": "no"}}, {"status": {"conditions": [1]}}])
def test_odd_objects_are_not_taken_for_an_end(odd: dict[str, Any]) -> None:
    assert state_of(odd, odd, [odd]).phase == "created"
    assert conditions_of(odd) == []
    assert row_of(odd)["exit_code"] is None
    assert (failure_of(odd), container_of(odd)) == (None, "")


@pytest.mark.parametrize(
    ("found", "failure"),
    [
        (pod(), None),
        (pod("Succeeded", container(state=ended(0))), None),
        (pod("Failed", container(state=ended(3))), Failure("node", 3, 0, previous=False)),
        (pod("Running", container(2, state=WAITING, lastState=ended(4))), Failure("node", 4, 2, previous=True)),
        (pod("Running", container(1, state={"running": {}}, lastState=ended(4))), Failure("node", 4, 1, previous=True)),
        # The last attempt succeeded.
        (pod("Succeeded", container(1, state=ended(0), lastState=ended(4))), None),
        (pod("Pending", initContainerStatuses=[container(state=ended(1))]), Failure("node", 1, 0, previous=False)),
    ],
)
def test_a_container_that_failed_is_found(found: dict[str, Any], failure: Failure | None) -> None:
    assert failure_of(found) == failure


def test_a_row_says_what_became_of_a_pod() -> None:
    assert row_of(pod("Succeeded", container(state=ended(0)))) == {
        "name": "p",
        "phase": "Succeeded",
        "node": "n",
        "exit_code": 0,
        "restarts": 0,
        "message": "",
    }
    crashed = row_of(pod("Running", container(2, state=WAITING, lastState=ended(4))))
    assert (crashed["exit_code"], crashed["restarts"]) == (4, 2)
    assert crashed["message"] == "CrashLoopBackOff (last exit code 4)"
    assert row_of(pod())["exit_code"] is None
    # Only one of two containers has ended.
    assert row_of(pod("Running", container(state=ended(0)), container(state={"running": {}})))["exit_code"] is None


def test_the_log_that_tells_most_is_of_the_container_that_failed() -> None:
    sidecar = {**container(state=ended(5)), "name": "sidecar"}
    assert container_of(pod("Failed", container(state=ended(0)), sidecar)) == "sidecar"
    assert container_of(pod()) == "node"


def test_conditions_are_short() -> None:
    assert conditions_of(job(("Complete", "True"))) == [
        {"type": "Complete", "status": "True", "reason": "CompleteReason", "message": "m"}
    ]
