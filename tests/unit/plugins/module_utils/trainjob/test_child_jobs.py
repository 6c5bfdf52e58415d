# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import ApiError
from ansible_collections.conductor.trainer.plugins.module_utils.trainjob.child_jobs import Jobs
from ansible_collections.conductor.trainer.plugins.module_utils.trainjob.definition import trainjob_key
from ansible_collections.conductor.trainer.plugins.module_utils.trainjob.state import JOBSET_LABEL, JOBSET_UID_LABEL
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
        (QUOTA, "the ResourceQuota none is used up and rejects its pods", False),
        (SECURITY, "Pod Security (restricted:latest) rejects its pods", True),
        ('admission webhook "x" denied the request: no', "the webhook x rejects its pods", True),
        (
            'Error creating: Internal error occurred: failed calling webhook "inject.example.io": failed to '
            "call webhook: "
            'Post "https://mesh.mesh.svc:443/x?timeout=10s": dial tcp 10.0.0.1:443: connect: connection refused',
            "the webhook inject.example.io does not answer, so the API server rejects its pods",
            False,
        ),
        ("Error creating: something new", "its pods cannot be created", False),
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


@pytest.mark.parametrize(("created", "is_rejected"), [(None, True), (1, True), (2, False), (3, False)])
def test_a_pod_that_was_created_later_shows_that_the_cause_is_repaired(created: int | None, is_rejected: bool) -> None:
    cluster = FakeCluster()
    job = put_job(cluster)
    cluster.put(job_event(job, SECURITY, second=2))
    if created is not None:
        item = job_event(job, "Created pod: mnist-node-0-0-abcde", second=created)
        cluster.put({**item, "metadata": {**item["metadata"], "name": "created"}, "reason": "SuccessfulCreate"})
    jobs = Jobs(cluster, KEY)
    # The pod has failed, and the next one does not exist yet.
    assert jobs.see() is False
    assert bool(jobs.refusals) is is_rejected


ABOVE = (
    'job "mnist-node-0" creation failed with error: Job.batch "mnist-node-0" is invalid: '
    'spec.template.spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu '
    "limit of 1"
)


def owner_event(kind: str, reason: str, message: str, *, uid: str = "", name: str = "mnist") -> dict[str, Any]:
    """What Trainer or JobSet say about an object that they cannot create."""
    about = {"kind": kind, "name": name, "namespace": "team", "uid": uid or f"uid-{kind}"}
    return obj(
        "Event",
        f"{name}.{kind}.{reason}",
        namespace="team",
        involvedObject=about,
        reason=reason,
        message=message,
        # An event of the newer API.
        eventTime="2026-01-01T00:00:01.000000Z",
    )


JOB_SET = obj(
    "JobSet",
    "mnist",
    "jobset.x-k8s.io/v1alpha2",
    "team",
    metadata={"uid": "uid-JobSet"},
    spec={"replicatedJobs": [{"name": "node", "replicas": 2}, {"name": "more"}]},
)


@pytest.mark.parametrize(
    ("kind", "reason", "message", "job_set", "cause", "hopeless"),
    [
        ("JobSet", "JobCreationFailed", ABOVE, JOB_SET, "a container requests more cpu than its limit", True),
        (
            "JobSet",
            "JobCreationFailed",
            'job "mnist-node-0" creation failed with error: admission webhook "a.b.c" denied the request: no',
            JOB_SET,
            "the webhook a.b.c rejects its Jobs",
            True,
        ),
        (
            "JobSet",
            "JobCreationFailed",
            'job "mnist-node-0" creation failed with error: Internal error occurred: failed calling webhook '
            '"a.b.c": EOF',
            JOB_SET,
            "the webhook a.b.c does not answer, so the API server rejects its Jobs",
            False,
        ),
        (
            "JobSet",
            "HeadlessServiceCreationFailed",
            'services "mnist" is forbidden: exceeded quota: small, requested: services=1',
            JOB_SET,
            "the ResourceQuota small is used up and rejects its Service",
            False,
        ),
        (
            "TrainJob",
            "TrainJobResourcesCreationFailed",
            "TrainJob resources reconciliation failed: ValidatingAdmissionPolicy 'p' with binding 'b' denied "
            "request: no",
            None,
            "the ValidatingAdmissionPolicy p (ValidatingAdmissionPolicyBinding b) rejects its JobSet",
            True,
        ),
        (
            "TrainJob",
            "TrainJobResourcesCreationFailed",
            "TrainJob resources reconciliation failed: envInjection target podSet not found in runtime template",
            None,
            "its JobSet cannot be created",
            False,
        ),
    ],
)
def test_every_level_is_read(
    kind: str, reason: str, message: str, job_set: dict[str, Any] | None, cause: str, hopeless: bool
) -> None:
    cluster = FakeCluster()
    cluster.put(owner_event(kind, reason, message))
    jobs = Jobs(cluster, KEY, "uid-TrainJob")
    assert jobs.see(job_set) is False
    (sign,) = jobs.refusals
    assert str(sign) == f"{cause}: {kind} mnist: {message}"
    assert sign.next_step
    assert bool(jobs.hopeless) is hopeless


@pytest.mark.parametrize(
    "event",
    [
        owner_event("TrainJob", "TrainJobResourcesCreationFailed", ABOVE, uid="of an earlier one"),
        owner_event("JobSet", "JobCreationFailed", ABOVE, name="other"),
        owner_event("Pod", "JobCreationFailed", ABOVE),
        owner_event("JobSet", "FailedJobs", ABOVE),
    ],
)
def test_events_about_something_else_do_not_count(event: dict[str, Any]) -> None:
    cluster = FakeCluster()
    cluster.put(event)
    jobs = Jobs(cluster, KEY, "uid-TrainJob")
    jobs.see(JOB_SET)
    assert jobs.refusals == []


def test_what_exists_now_was_created_after_all() -> None:
    cluster = FakeCluster()
    cluster.put(owner_event("JobSet", "JobCreationFailed", ABOVE))
    cluster.put(owner_event("TrainJob", "TrainJobResourcesCreationFailed", ABOVE))
    put_job(cluster, "mnist-node-0", active=1)
    jobs = Jobs(cluster, KEY, "uid-TrainJob")
    jobs.see(JOB_SET)
    assert jobs.refusals == []


def test_a_later_job_that_cannot_be_created_is_seen() -> None:
    cluster = FakeCluster()
    cluster.put(owner_event("JobSet", "JobCreationFailed", ABOVE.replace("node-0", "node-1")))
    put_job(cluster, "mnist-node-0", active=1)
    jobs = Jobs(cluster, KEY, "uid-TrainJob")
    jobs.see(JOB_SET)
    assert [sign.scene.what for sign in jobs.hopeless] == ["its Jobs"]


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


@pytest.mark.parametrize(("uid", "found"), [("ours", ["Job a"]), ("", []), (None, [])])
def test_only_the_jobs_of_its_own_job_set_count(uid: str | None, found: list[str]) -> None:
    cluster = FakeCluster()
    for name, owner in (("a", "ours"), ("b", "another")):
        job = put_job(cluster, name, conditions=ended("Failed"))
        job["metadata"]["labels"][JOBSET_UID_LABEL] = owner
        cluster.put(job)
    jobs = Jobs(cluster, KEY)
    jobs.job_set_uid = uid
    jobs.see()
    assert [str(verdict).partition(":")[0] for verdict in jobs.failed] == found
