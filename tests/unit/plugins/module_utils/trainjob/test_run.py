# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import (
    ApiError,
    InputError,
    NotReadyError,
    RefusedError,
    RightsError,
)
from ansible_collections.conductor.trainer.plugins.module_utils.trainjob.definition import (
    Submission,
    submission_of,
    trainjob_key,
)
from ansible_collections.conductor.trainer.plugins.module_utils.trainjob.run import TrainJobRun, Wishes
from ansible_collections.conductor.trainer.plugins.module_utils.trainjob.state import JOBSET_LABEL
from tests.unit.plugins.helpers.builders import bundle, installed, jobset_crd, key, obj, train_job
from tests.unit.plugins.helpers.fakes import Clock, FakeCluster, Request, failure

KEY = trainjob_key("team", "mnist")
JOB = train_job("mnist", "team", "")
NOT_SEEN = 'denied the request: "own" must be created before the TrainJob is created'


@pytest.fixture
def cluster() -> FakeCluster:
    fake = installed(bundle())
    fake.put(obj("Namespace", "team"), "kubectl")
    fake.allows = lambda _attributes: True
    return fake


def present(
    cluster: FakeCluster, submission: Submission | None = None, *, clock: Clock | None = None, **wishes: Any
) -> dict[str, Any]:
    clock = clock or Clock()
    run = TrainJobRun(cluster, Wishes(**wishes), monotonic=clock.monotonic, sleep=clock.sleep)
    return run.present(KEY, submission)


def ending(cluster: FakeCluster, condition: str) -> None:
    """Make a TrainJob end as soon as it is submitted."""

    def hook(request: Request) -> dict[str, Any] | None:
        if request.method == "POST" and request.writes and request.path.endswith("/trainjobs"):
            return cluster.put({**train_job("mnist", "team", condition), "metadata": request.body["metadata"]})
        return None

    cluster.hooks.append(hook)


def submitted(cluster: FakeCluster) -> int:
    return len([request for request in cluster.writes if request.method == "POST"])


def test_submitted_followed_and_left_there(cluster: FakeCluster) -> None:
    ending(cluster, "Complete")
    result = present(cluster, submission_of([JOB]))
    assert (result["changed"], result["phase"], result["deleted"]) == (True, "complete", [])
    again = present(cluster, submission_of([JOB]))
    assert (again["changed"], again["phase"], submitted(cluster)) == (False, "complete", 1)


def test_one_that_is_another_is_named_and_not_touched(cluster: FakeCluster) -> None:
    cluster.put(train_job("mnist", "team"))
    other = submission_of([{**JOB, "spec": {"runtimeRef": {"name": "jax"}, "trainer": {}}}])
    with pytest.raises(RefusedError, match=r"differs in spec.runtimeRef.name, spec.trainer\nNext: .*recreate: true"):
        present(cluster, other)
    assert cluster.writes == []


def test_one_that_is_another_makes_room_where_that_is_wanted(cluster: FakeCluster) -> None:
    before = cluster.put(train_job("mnist", "team"))["metadata"]["uid"]
    ending(cluster, "Complete")
    other = submission_of([{**JOB, "metadata": {**JOB["metadata"], "labels": {"a": "b"}}, "spec": {"suspend": False}}])
    assert present(cluster, other, recreate=True, check_mode=True)["phase"] == "predicted"
    assert cluster.writes == []
    result = present(cluster, other, recreate=True)
    assert result["deleted"] == ["TrainJob team/mnist"]
    assert cluster.objects[KEY]["metadata"]["uid"] != before


@pytest.mark.parametrize(("recreate", "times"), [(False, 0), (True, 1)])
def test_one_that_failed_fails_again_or_is_tried_again(cluster: FakeCluster, recreate: bool, times: int) -> None:
    cluster.put(train_job("mnist", "team", "Failed"))
    ending(cluster, "Complete")
    if recreate:
        assert present(cluster, submission_of([JOB]), recreate=True)["phase"] == "complete"
    else:
        with pytest.raises(NotReadyError, match="it failed"):
            present(cluster, submission_of([JOB]))
    assert submitted(cluster) == times


def test_without_a_definition_it_has_to_be_there(cluster: FakeCluster) -> None:
    with pytest.raises(InputError, match="TrainJob team/mnist does not exist"):
        present(cluster)
    cluster.put(train_job("mnist", "team"), "kubectl")
    assert present(cluster)["phase"] == "complete"
    assert cluster.writes == []


@pytest.mark.parametrize(
    ("condition", "delete_after", "gone"),
    [
        ("Complete", "never", False),
        ("Complete", "on_success", True),
        ("Complete", "always", True),
        ("Failed", "never", False),
        ("Failed", "on_success", False),
        ("Failed", "always", True),
        ("", "on_success", False),
        ("", "always", True),
    ],
)
def test_what_is_deleted_afterwards(cluster: FakeCluster, condition: str, delete_after: str, gone: bool) -> None:
    ending(cluster, condition)
    try:
        result = present(cluster, submission_of([JOB]), delete_after=delete_after, timeout=0)
        assert result["deleted"] == (["TrainJob team/mnist"] if gone else [])
    except NotReadyError:
        assert condition != "Complete"
    assert (KEY not in cluster.objects) is gone
    assert all("Foreground" in str(request.body) for request in cluster.writes if request.method == "DELETE")


def test_a_failure_is_told_although_it_cannot_be_deleted(cluster: FakeCluster) -> None:
    ending(cluster, "Failed")
    cluster.fail(403, method="DELETE", message="no right to delete")
    with pytest.raises(NotReadyError, match=r"it failed(.|\n)*deletion failed, too: no right to delete"):
        present(cluster, submission_of([JOB]), delete_after="always")


def test_without_waiting_it_is_looked_at_once(cluster: FakeCluster) -> None:
    result = present(cluster, submission_of([JOB]), wait=False, delete_after="on_success")
    assert (result["phase"], result["deleted"]) == ("created", [])


def test_the_manager_is_given_a_moment_to_see_a_runtime_that_was_just_made(cluster: FakeCluster) -> None:
    left = [NOT_SEEN] * 3

    def hook(request: Request) -> None:
        if request.method == "POST" and request.writes and left:
            raise failure(403, message=left.pop())

    cluster.hooks.append(hook)
    ending(cluster, "Complete")
    clock = Clock()
    script = obj("ConfigMap", "script", namespace="team", data={"a": "b"})
    assert present(cluster, submission_of([JOB, script]), clock=clock)["phase"] == "complete"
    assert len(clock.pauses) == 3
    # A runtime that was not just created will not appear.
    del cluster.objects[KEY]
    left.append(NOT_SEEN)
    with pytest.raises(ApiError, match="must be created before"):
        present(cluster, submission_of([JOB, script]), clock=clock)
    assert len(clock.pauses) == 3


def test_a_name_that_the_server_makes_up(cluster: FakeCluster) -> None:
    generated = submission_of([{**JOB, "metadata": {"generateName": "mnist-", "namespace": "team"}}])

    def hook(request: Request) -> dict[str, Any] | None:
        if request.method == "POST" and request.writes:
            return cluster.put(train_job("mnist-x1", "team"))
        return None

    cluster.hooks.append(hook)
    result = TrainJobRun(cluster, Wishes()).present(generated.key, generated)
    assert (result["name"], result["changed"]) == ("mnist-x1", True)


def test_absent_takes_it_and_what_was_made_for_it_and_is_content_without(cluster: FakeCluster) -> None:
    script = obj("ConfigMap", "script", namespace="team", data={"a": "b"})
    asked = submission_of([JOB, script])
    ending(cluster, "Complete")
    present(cluster, asked)
    check = TrainJobRun(cluster, Wishes(check_mode=True)).absent(KEY, asked)
    assert key("ConfigMap", "script", namespace="team") in cluster.objects
    result = TrainJobRun(cluster, Wishes()).absent(KEY, asked)
    assert result["deleted"] == check["deleted"] == ["TrainJob team/mnist", "ConfigMap team/script"]
    assert (result["changed"], result["phase"]) == (True, "absent")
    again = TrainJobRun(cluster, Wishes()).absent(KEY, asked)
    assert (again["changed"], again["deleted"]) == (False, [])


def test_what_is_still_there_is_said_while_it_goes(cluster: FakeCluster) -> None:
    ending(cluster, "Complete")
    present(cluster, submission_of([JOB]))
    pods = [
        obj("Pod", name, namespace="team", metadata={"labels": {JOBSET_LABEL: "mnist"}}) for name in ("first", "second")
    ]
    for pod in pods:
        cluster.put(pod, "kubelet")

    def events() -> Iterator[dict[str, Any]]:
        for pod in pods:
            gone = cluster.objects.pop(key("Pod", pod["metadata"]["name"], namespace="team"))
            yield {"type": "DELETED", "object": gone}

    cluster.streams["pods"] = [events()]
    said: list[str] = []
    seconds = itertools.count()
    run = TrainJobRun(cluster, Wishes(), say=said.append, monotonic=lambda: float(next(seconds)))
    result = run.absent(KEY, None)
    lines = [line.partition("s  ")[2] for line in said]
    assert lines[0] == "deleting: waiting for Pod 2"
    assert lines[-1] == "deleted"
    assert result["progress"] == said
    # No progress lines without a receiver.
    assert TrainJobRun(cluster, Wishes()).absent(KEY, None)["progress"] == []


def test_it_is_gone_when_its_pods_are_those_that_a_job_still_made_as_well(cluster: FakeCluster) -> None:
    """While a TrainJob is being deleted, its Job may replace pods that are deleted before it."""
    ending(cluster, "Complete")
    pods = [
        obj("Pod", name, namespace="team", metadata={"labels": {JOBSET_LABEL: "mnist"}}) for name in ("first", "second")
    ]
    cluster.put(pods[0], "kubelet")
    waits = []

    def hook(request: Request) -> None:
        # The lists that select the job's pods look for them, the others wait until they are gone.
        whole = request.path.endswith("/pods") and "labelSelector" not in request.query
        if request.step == "list" and whole and KEY not in cluster.objects:
            waits.append(request)
            del cluster.objects[key("Pod", "first" if len(waits) == 1 else "second", namespace="team")]
            if len(waits) == 1:
                cluster.put(pods[1], "kubelet")

    cluster.hooks.append(hook)
    present(cluster, submission_of([JOB]), delete_after="always")
    assert len(waits) == 2
    assert not [stored for stored in cluster.objects if stored.name == "second"]


# -- permissions ------------------------------------------------------------------------------------------------------


def test_permissions_to_follow_it_are_checked_before_it_is_submitted(cluster: FakeCluster) -> None:
    cluster.fail(403, method="GET", path="/pods")
    with pytest.raises(RightsError, match="list pods in namespace team") as caught:
        present(cluster, submission_of([JOB]))
    assert cluster.writes == []
    assert "nothing was written" in str(caught.value)


def test_without_waiting_they_are_not_needed(cluster: FakeCluster) -> None:
    cluster.fail(403, method="GET", path="/pods")
    result = present(cluster, submission_of([JOB]), wait=False)
    assert (result["changed"], result["phase"], submitted(cluster)) == (True, "created", 1)
    assert "its state cannot be read" in result["cause"]


def test_watching_is_a_permission_of_its_own(cluster: FakeCluster) -> None:
    cluster.allows = lambda attributes: (attributes["verb"], attributes["resource"]) != ("watch", "pods")
    with pytest.raises(RightsError, match="watch pods in namespace team"):
        present(cluster, submission_of([JOB]))
    assert cluster.writes == []


@pytest.mark.parametrize(("delete_after", "runs"), [("never", True), ("always", False)])
def test_a_job_that_was_submitted_is_said_to_run(cluster: FakeCluster, delete_after: str, runs: bool) -> None:
    """Permissions that a list does not show, such as watch, or that were withdrawn meanwhile."""
    lists = []

    def hook(request: Request) -> None:
        if request.method == "GET" and request.path.endswith("/pods"):
            lists.append(request)
            if len(lists) == 2:
                raise failure(403)

    cluster.hooks.append(hook)
    with pytest.raises(RightsError) as caught:
        present(cluster, submission_of([JOB]), delete_after=delete_after)
    assert ("TrainJob team/mnist was submitted and continues" in str(caught.value)) is runs
    assert (KEY in cluster.objects) is runs
    assert ("run this again, which follows it" in str(caught.value)) is runs


def test_pods_of_others_are_not_waited_for(cluster: FakeCluster) -> None:
    cluster.put(train_job("mnist", "team"))
    cluster.put(jobset_crd())
    cluster.put(obj("JobSet", "mnist", "jobset.x-k8s.io/v1alpha2", "team"))
    cluster.put(obj("Pod", "theirs", namespace="team", metadata={"labels": {JOBSET_LABEL: "mnist"}}), "kubelet")
    clock = Clock()
    run = TrainJobRun(cluster, Wishes(), monotonic=clock.monotonic, sleep=clock.sleep)
    assert run.absent(KEY, None)["deleted"] == ["TrainJob team/mnist"]
