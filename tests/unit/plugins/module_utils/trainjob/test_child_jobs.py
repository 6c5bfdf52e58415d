# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import ApiError
from ansible_collections.conductor.trainer.plugins.module_utils.trainjob.child_jobs import Jobs
from ansible_collections.conductor.trainer.plugins.module_utils.trainjob.definition import trainjob_key
from ansible_collections.conductor.trainer.plugins.module_utils.trainjob.state import JOBSET_LABEL
from tests.unit.plugins.helpers.builders import job_event, obj
from tests.unit.plugins.helpers.fakes import FakeCluster

KEY = trainjob_key("team", "mnist")
QUOTA = 'Error creating: pods "x" is forbidden: exceeded quota: none, requested: pods=1, used: pods=0, limited: pods=0'
SECURITY = 'Error creating: pods "x" is forbidden: violates PodSecurity "restricted:latest": privileged'


def put_job(cluster: FakeCluster, name: str = "mnist-node-0", owner: str = "mnist", **status: Any) -> dict[str, Any]:
    """Return a Job with one pod, as on the server."""
    labels = {JOBSET_LABEL: owner}
    return cluster.put(
        obj("Job", name, "batch/v1", "team", metadata={"labels": labels}, spec={"parallelism": 1}, status=status)
    )


def ended(kind: str) -> list[dict[str, str]]:
    """Return the conditions of a Job that has ended."""
    return [{"type": kind, "status": "True", "reason": "BackoffLimitExceeded", "message": "too often"}]


def test_those_that_failed() -> None:
    cluster = FakeCluster()
    put_job(cluster, "a", conditions=ended("Failed"))
    put_job(cluster, "b", conditions=ended("Complete"))
    put_job(cluster, "c", "other", conditions=ended("Failed"))
    jobs = Jobs(cluster, KEY)
    assert jobs.see() is True
    assert [str(verdict) for verdict in jobs.failed] == ["Job a: BackoffLimitExceeded: too often"]
    assert jobs.refusals == []
    # No events are read if all pods exist.
    assert not [request for request in cluster.requests if "events" in request.path]


@pytest.mark.parametrize(
    ("message", "cause", "hopeless"),
    [
        (QUOTA, "a ResourceQuota rejects its pods", False),
        (SECURITY, "Pod Security rejects its pods", True),
        ('admission webhook "x" denied the request: no', "an admission webhook or policy rejects its pods", True),
    ],
)
def test_who_refuses_pods(message: str, cause: str, hopeless: bool) -> None:
    cluster = FakeCluster()
    cluster.put(job_event(put_job(cluster), "an older refusal: is forbidden", second=1))
    cluster.put(job_event(put_job(cluster), message, second=2))
    jobs = Jobs(cluster, KEY)
    assert jobs.see() is False
    (sign,) = jobs.refusals
    assert str(sign) == f"{cause}: Job mnist-node-0: {message}"
    assert "{" not in sign.next_step
    assert bool(jobs.hopeless) is hopeless


def test_what_was_refused_and_is_there_now_is_past() -> None:
    cluster = FakeCluster()
    cluster.put(job_event(put_job(cluster, active=1), QUOTA))
    jobs = Jobs(cluster, KEY)
    assert jobs.see() is True
    assert jobs.refusals == []


def test_refusals_of_other_jobs_do_not_count() -> None:
    cluster = FakeCluster()
    put_job(cluster)
    cluster.put(job_event(put_job(cluster, "other-node-0", "other"), QUOTA))
    jobs = Jobs(cluster, KEY)
    assert jobs.see() is False
    assert jobs.refusals == []


@pytest.mark.parametrize("path", ["/jobs", "/events"])
def test_whoever_may_not_read_does_without(path: str) -> None:
    cluster = FakeCluster()
    cluster.put(job_event(put_job(cluster), QUOTA))
    cluster.fail(403, method="GET", path=path)
    jobs = Jobs(cluster, KEY)
    jobs.see()
    assert jobs.refusals == []


def test_a_server_that_fails_is_told() -> None:
    cluster = FakeCluster()
    cluster.fail(500, method="GET", path="/jobs")
    with pytest.raises(ApiError):
        Jobs(cluster, KEY).see()


def test_they_are_looked_at_often_until_all_pods_are_there() -> None:
    cluster = FakeCluster()
    put_job(cluster)
    jobs = Jobs(cluster, KEY)

    def looks(*seconds: float) -> int:
        cluster.requests.clear()
        for second in seconds:
            jobs.look(second)
        return len([request for request in cluster.requests if request.path.endswith("/jobs")])

    assert looks(0, 0.5, 1.9, 2, 2.1) == 2
    put_job(cluster, active=1)
    assert looks(4, 5, 18) == 1
    assert looks(19) == 1
