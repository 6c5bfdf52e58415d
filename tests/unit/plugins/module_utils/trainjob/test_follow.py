# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import (
    NotReadyError,
    RefusedError,
    RightsError,
    UnreachableError,
)
from ansible_collections.conductor.trainer.plugins.module_utils.trainjob import follow
from ansible_collections.conductor.trainer.plugins.module_utils.trainjob.definition import trainjob_key
from ansible_collections.conductor.trainer.plugins.module_utils.trainjob.follow import Follower, with_words
from ansible_collections.conductor.trainer.plugins.module_utils.trainjob.state import JOBSET_LABEL, JOBSET_UID_LABEL
from tests.unit.plugins.helpers.builders import job_event, jobset_crd, obj, train_job
from tests.unit.plugins.helpers.fakes import Clock, FakeCluster, failure

KEY = trainjob_key("team", "mnist")
LIMIT = 30.0


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> Callable[[], float]:
    """A clock that is a second later each time it is read; the waits do not pause."""
    monkeypatch.setattr(follow, "_IDLE", 0.0)
    passed = iter(range(1000))
    return lambda: float(next(passed))


def pod(
    rank: int, phase: str, code: int | None = None, *, restarts: int = 0, job: str = "mnist", second: int = 0
) -> dict[str, Any]:
    time = f"2026-01-01T00:00:{second:02}Z"
    ended = {"terminated": {"exitCode": code, "reason": "Error" if code else "Completed", "finishedAt": time}}
    status = {"name": "node", "restartCount": restarts}
    if code is not None:
        again = {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": ended}
        status.update(again if restarts else {"state": ended})
    return obj(
        "Pod",
        f"{job}-node-0-{rank}",
        namespace="team",
        metadata={"labels": {JOBSET_LABEL: job}},
        spec={"nodeName": "n", "containers": [{"name": "node"}]},
        status={"phase": phase, "containerStatuses": [status]},
    )


def followed(cluster: FakeCluster, condition: str = "", *pods: dict[str, Any], **more: Any) -> Follower:
    """Create the TrainJob with its pods; return a follower."""
    stored = cluster.put(train_job("mnist", "team", condition))
    for item in pods:
        cluster.put(item, "kubelet")
    return Follower(cluster, KEY, stored["metadata"]["uid"], **{"log_lines": 2, **more})


def becoming(cluster: FakeCluster, *conditions: str) -> None:
    """Make the watch send the TrainJob with these conditions, one after the other."""

    def events() -> Iterator[dict[str, Any]]:
        for condition in conditions:
            changed = {**copy.deepcopy(cluster.objects[KEY]), **train_job("mnist", "team", condition)}
            changed["metadata"] = cluster.objects[KEY]["metadata"]
            changed["spec"] = {**changed["spec"], "suspend": condition == "Suspended"}
            cluster.objects[KEY] = changed
            yield {"type": "MODIFIED", "object": changed}

    cluster.streams["trainjobs"] = [events()]


def test_it_is_followed_by_watching(cluster: FakeCluster) -> None:
    becoming(cluster, "Complete")
    follower = followed(cluster, "", pod(0, "Running"), pod(1, "Pending"))
    follower.follow(LIMIT)
    assert (follower.state.phase, follower.state.cause) == ("complete", "Because: it is so")
    assert [entry["phase"] for entry in follower.timeline] == ["running", "complete"]
    assert [row["name"] for row in follower.pods] == ["mnist-node-0-0", "mnist-node-0-1"]
    assert {request.method for request in cluster.requests} == {"GET", "WATCH"}
    # One list for each of the three types before the watches.
    steps = [request.step for request in cluster.requests]
    assert steps[:3] == ["list"] * 3
    assert "watch" in steps[3:]


def test_one_that_has_ended_is_not_watched(cluster: FakeCluster) -> None:
    follower = followed(cluster, "Complete", pod(0, "Succeeded", 0), pod(9, "Running", job="other"))
    follower.follow(0)
    assert not [request for request in cluster.requests if request.method == "WATCH"]
    # Pods of other jobs are ignored.
    assert [row["name"] for row in follower.pods] == ["mnist-node-0-0"]
    assert follower.logs == {}


def test_a_failure_says_why_and_what_the_pods_said_last(cluster: FakeCluster) -> None:
    cluster.logs = {"mnist-node-0-1": ["one", "two", "three"], "mnist-node-0-0": ["fine"]}
    follower = followed(cluster, "Failed", pod(0, "Succeeded", 0), pod(1, "Failed", 3))
    with pytest.raises(NotReadyError) as caught:
        follower.follow(0)
    words = str(caught.value)
    assert words.startswith(
        "follow TrainJob team/mnist: it failed: Because: it is so\n"
        "  pod mnist-node-0-1: Error, exit code 3, on n\n"
        "    two\n"
        "    three\n"
        "  pod mnist-node-0-0: Succeeded, on n\n"
        "Next: fix the cause"
    )
    assert "kubectl describe" in words
    facts = caught.value.facts
    assert (facts["phase"], facts["logs"]) == ("failed", {"mnist-node-0-1": ["two", "three"]})
    assert facts["pods"][0]["exit_code"] == 3


def test_the_pod_that_failed_first_comes_first(cluster: FakeCluster) -> None:
    """After one pod has failed, its Job ends the others with exit code 137 or 143."""
    pods = (pod(0, "Failed", 137, second=9), pod(1, "Failed", 3, second=5), pod(2, "Succeeded", 0, second=1))
    follower = followed(cluster, "Failed", *pods)
    with pytest.raises(NotReadyError, match=r"\n  pod mnist-node-0-1: Error, exit code 3"):
        follower.follow(0)
    assert [row["exit_code"] for row in follower.pods] == [3, 137, 0]


def test_logs_of_all_pods_when_they_are_wanted_and_of_none_when_not(cluster: FakeCluster) -> None:
    cluster.logs = {"mnist-node-0-1": ["bad"], "mnist-node-0-0": ["fine"]}
    pods = (pod(0, "Succeeded", 0), pod(1, "Failed", 3))
    follower = followed(cluster, "Complete", *pods, all_logs=True)
    follower.follow(0)
    assert follower.logs == {"mnist-node-0-0": ["fine"], "mnist-node-0-1": ["bad"]}
    follower = followed(cluster, "Complete", *pods, all_logs=True, log_lines=0)
    follower.follow(0)
    assert follower.logs == {}


def test_the_log_of_a_pod_that_fails_is_read_at_once_and_that_of_its_last_life(cluster: FakeCluster) -> None:
    """Its Job may delete the pod a moment later, and its log is lost then."""
    cluster.logs = {"mnist-node-0-0 before": ["out of luck"]}
    follower = followed(cluster, "", pod(0, "Running", 3, restarts=1))
    follower.look()
    with pytest.raises(NotReadyError, match="it has not ended after 0 s"):
        follower.follow(0)
    cluster.objects = {key: stored for key, stored in cluster.objects.items() if key.kind != "Pod"}
    followed(cluster, "Failed")
    with pytest.raises(NotReadyError, match="out of luck") as caught:
        follower.follow(0)
    assert caught.value.facts["pods"][0]["restarts"] == 1
    # Once per restart.
    assert len([request for request in cluster.requests if request.step == "read log"]) == 1


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_log_that_cannot_be_read_is_told_in_its_place(cluster: FakeCluster, status: int) -> None:
    def denied(*_args: Any, **_more: Any) -> list[str]:
        raise failure(status, message="no right to it")

    cluster.pod_log = denied  # type: ignore[method-assign]
    follower = followed(cluster, "Failed", pod(0, "Failed", 3))
    with pytest.raises(NotReadyError, match=r"\(its log cannot be read: no right to it\)"):
        follower.follow(0)


def test_a_server_that_is_away_is_no_log_that_lacks(cluster: FakeCluster) -> None:
    def away(*_args: Any, **_more: Any) -> list[str]:
        raise UnreachableError("gone")

    cluster.pod_log = away  # type: ignore[method-assign]
    with pytest.raises(UnreachableError):
        followed(cluster, "Failed", pod(0, "Failed", 3)).follow(0)


@pytest.mark.parametrize(
    ("condition", "suspend", "words"),
    [
        (
            "",
            False,
            "it is created: Trainer has not created its JobSet yet\nNext: it continues, .*kubectl describe jobset",
        ),
        (
            "Suspended",
            True,
            "it is suspended: Because: it is so\nNext: .*wait until a queue admits it, .*kubectl get workloads",
        ),
    ],
)
def test_a_timeout_says_what_it_waited_for(cluster: FakeCluster, condition: str, suspend: bool, words: str) -> None:
    follower = followed(cluster, condition)
    cluster.objects[KEY]["spec"]["suspend"] = suspend
    with pytest.raises(NotReadyError, match=f"it has not ended after 0 s; {words}"):
        follower.follow(0)


def test_a_timeout_says_which_pods_are_in_which_state(cluster: FakeCluster) -> None:
    pods = [pod(rank, "Running") for rank in range(6)]
    follower = followed(cluster, "", *pods, stays=False)
    with pytest.raises(NotReadyError) as caught:
        follower.follow(0)
    assert "it is running: pods: 6 Running\n  pod mnist-node-0-0: Running" in str(caught.value)
    assert "\n  and 2 more pods\nNext: fix the cause that the lines above name" in str(caught.value)
    assert len(caught.value.facts["pods"]) == 6


def test_a_timeout_says_what_running_pods_said_last_where_all_logs_are_wanted(cluster: FakeCluster) -> None:
    cluster.logs = {"mnist-node-0-0": ["epoch 1"]}
    follower = followed(cluster, "", pod(0, "Running"), pod(1, "Pending"), all_logs=True)
    with pytest.raises(NotReadyError, match="\n    epoch 1\n") as caught:
        follower.follow(0)
    assert caught.value.facts["logs"] == {"mnist-node-0-0": ["epoch 1"]}


def test_what_changes_is_said_and_the_end(cluster: FakeCluster) -> None:
    seconds = iter(range(1000))
    said: list[str] = []
    becoming(cluster, "Complete")
    follower = followed(cluster, "", pod(0, "Running"), say=said.append, monotonic=lambda: float(next(seconds)))
    follower.follow(100)
    assert [line.partition("s  ")[2] for line in said] == ["running: pods: 1 Running", "complete"]
    assert follower.progress == said


def test_where_nothing_changes_a_line_a_minute_is_enough(cluster: FakeCluster, seconds: Callable[[], float]) -> None:
    said: list[str] = []
    follower = followed(cluster, "", pod(0, "Running"), say=said.append, monotonic=seconds)
    with pytest.raises(NotReadyError) as caught:
        follower.follow(200)
    assert 2 <= len(said) <= 4
    assert caught.value.facts["progress"] == said


def stuck(reason: str, message: str) -> dict[str, Any]:
    """Return a pod whose container does not start."""
    item = pod(0, "Pending")
    item["metadata"]["uid"] = "uid-stuck"
    waiting = {"name": "node", "image": "registry.invalid/x:1", "state": {"waiting": {}}}
    waiting["state"] = {"waiting": {"reason": reason, "message": message}}
    item["status"]["containerStatuses"] = [waiting]
    return item


def test_a_pod_that_cannot_start_ends_it(cluster: FakeCluster) -> None:
    follower = followed(cluster, "", stuck("ErrImagePull", "failed to pull: x:1: not found"))
    with pytest.raises(NotReadyError) as caught:
        follower.follow(LIMIT)
    assert "one of its pods cannot start: its image is not in the registry" in str(caught.value)
    assert "check the name and tag of registry.invalid/x:1" in str(caught.value)
    assert caught.value.facts["phase"] == "created"


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        ("CreateContainerConfigError", "failed to sync secret cache: timed out waiting for the condition"),
        ("CreateContainerConfigError", "services have not yet been read at least once, cannot construct envvars"),
        ("ErrImagePull", "failed to unpack image: unexpected media type text/html for sha256:00: not found"),
        ("ImagePullBackOff", 'Back-off pulling image "registry.invalid/x:1"'),
    ],
)
def test_a_pod_that_may_start_later_is_waited_for(
    cluster: FakeCluster, seconds: Callable[[], float], reason: str, message: str
) -> None:
    follower = followed(cluster, "", stuck(reason, message), monotonic=seconds)
    with pytest.raises(NotReadyError, match="it has not ended after 100 s") as caught:
        follower.follow(100)
    assert f"{reason} {message}" in str(caught.value)


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        ("unable to retrieve auth token: invalid username/password: unauthorized: incorrect", "denies the node access"),
        ("Source image rejected: A signature was required, but no signature exists", "signature policy"),
    ],
)
def test_a_pull_that_is_refused_ends_it_after_its_grace(
    cluster: FakeCluster, seconds: Callable[[], float], message: str, cause: str
) -> None:
    follower = followed(cluster, "", stuck("ErrImagePull", message), monotonic=seconds)
    with pytest.raises(NotReadyError, match=cause):
        follower.follow(100)
    assert 15 <= follower.elapsed <= 60


def test_a_pod_that_its_node_evicted_says_so(cluster: FakeCluster) -> None:
    evicted = pod(0, "Failed", 137)
    evicted["status"] |= {"reason": "Evicted", "message": "The node was low on resource: memory."}
    with pytest.raises(NotReadyError) as caught:
        followed(cluster, "Failed", evicted).follow(0)
    assert "pod mnist-node-0-0: Evicted: The node was low on resource: memory., on n" in str(caught.value)
    (row,) = caught.value.facts["pods"]
    assert (row["message"], row["exit_code"]) == ("Evicted: The node was low on resource: memory.", 137)


def refused(cluster: FakeCluster, message: str) -> None:
    """Create a Job of the TrainJob whose pod is rejected."""
    labels = {JOBSET_LABEL: "mnist"}
    job = cluster.put(
        obj("Job", "mnist-node-0", "batch/v1", "team", metadata={"labels": labels}, spec={"parallelism": 1})
    )
    cluster.put(job_event(job, message))


def test_pods_that_cannot_be_made_end_it(cluster: FakeCluster, seconds: Callable[[], float]) -> None:
    follower = followed(cluster, monotonic=seconds)
    refused(cluster, 'Error creating: pods "x" is forbidden: violates PodSecurity "restricted:latest"')
    with pytest.raises(NotReadyError) as caught:
        follower.follow(100)
    words = str(caught.value)
    assert (
        "its pods cannot be created: Pod Security (restricted:latest) rejects its pods: Job mnist-node-0: Error "
        "creating" in words
    )
    assert "lower the level of the namespace" in words
    assert follower.elapsed < 30


def test_a_job_that_cannot_be_made_ends_it(cluster: FakeCluster, seconds: Callable[[], float]) -> None:
    """Requests above limits: JobSet reports it in an event; nothing else shows it."""
    follower = followed(cluster, monotonic=seconds)
    job_set = cluster.put(obj("JobSet", "mnist", "jobset.x-k8s.io/v1alpha2", "team"))
    about = {"kind": "JobSet", "name": "mnist", "namespace": "team", "uid": job_set["metadata"]["uid"]}
    message = (
        'job "mnist-node-0" creation failed with error: Job.batch "mnist-node-0" is invalid: spec.template.spec.'
        'containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1'
    )
    event = obj("Event", "mnist.1", namespace="team", involvedObject=about, reason="JobCreationFailed", message=message)
    cluster.put(event)
    with pytest.raises(NotReadyError) as caught:
        follower.follow(100)
    assert "its Jobs cannot be created: a container requests more cpu than its limit" in str(caught.value)
    assert "set the request of cpu to at most its limit" in str(caught.value.next_step)
    assert message in str(caught.value)
    assert follower.elapsed < 30


def test_room_that_others_take_is_waited_for_and_told(cluster: FakeCluster, seconds: Callable[[], float]) -> None:
    said: list[str] = []
    follower = followed(cluster, say=said.append, monotonic=seconds)
    refused(cluster, 'Error creating: pods "x" is forbidden: exceeded quota: small')
    with pytest.raises(
        NotReadyError, match="it has not ended after 60 s; it is created: the ResourceQuota small is"
    ) as caught:
        follower.follow(60)
    assert (
        "Next: raise the ResourceQuota small or free some of it: `kubectl -n team describe resourcequota small`"
        in str(caught.value)
    )
    assert any("created: the ResourceQuota small is used up" in line for line in said)


def test_a_job_that_failed_says_why(cluster: FakeCluster) -> None:
    condition = {"type": "Failed", "status": "True", "reason": "DeadlineExceeded", "message": "too slow"}
    labels = {JOBSET_LABEL: "mnist"}
    status = {"conditions": [condition]}
    cluster.put(obj("Job", "mnist-node-0", "batch/v1", "team", metadata={"labels": labels}, status=status))
    with pytest.raises(NotReadyError, match="\n  Job mnist-node-0: DeadlineExceeded: too slow\n  pod ") as caught:
        followed(cluster, "Failed", pod(0, "Failed", 3)).follow(0)
    assert caught.value.facts["failed_jobs"] == ["Job mnist-node-0: DeadlineExceeded: too slow"]


def test_a_sign_must_last_as_long_as_it_says(cluster: FakeCluster, seconds: Callable[[], float]) -> None:
    """The cause may be fixed meanwhile: a ConfigMap is created a moment later."""
    item = stuck("CreateContainerConfigError", 'configmap "c" not found')
    follower = followed(cluster, "", item, monotonic=seconds)
    with pytest.raises(NotReadyError, match="its container cannot be configured"):
        follower.follow(100)
    # The catalogue requires 5 s.
    assert 5 <= follower.elapsed < 30


def test_what_is_only_slow_is_waited_for(cluster: FakeCluster, seconds: Callable[[], float]) -> None:
    item = stuck("ErrImagePull", "connection refused")
    follower = followed(cluster, "", item, monotonic=seconds)
    with pytest.raises(NotReadyError, match="it has not ended after 50 s"):
        follower.follow(50)


def test_suspended_is_waited_for_and_told(cluster: FakeCluster) -> None:
    becoming(cluster, "", "Complete")
    follower = followed(cluster, "Suspended")
    cluster.objects[KEY]["spec"]["suspend"] = True
    follower.follow(LIMIT)
    assert follower.timeline[0]["phase"] == "suspended"
    assert follower.timeline[-1]["phase"] == "complete"


@pytest.mark.parametrize("gone", [True, False])
def test_another_one_of_its_name_is_not_it(cluster: FakeCluster, gone: bool) -> None:
    follower = followed(cluster, "Complete")
    del cluster.objects[KEY]
    if not gone:
        followed(cluster, "Complete")
    with pytest.raises(NotReadyError, match="it was deleted meanwhile"):
        follower.follow(0)


def test_every_right_that_lacks_is_named(cluster: FakeCluster) -> None:
    cluster.fail(403, method="GET", path="/pods")
    with pytest.raises(RightsError, match="list, watch pods in namespace team"):
        followed(cluster).follow(0)


def test_a_right_that_is_lost_ends_it(cluster: FakeCluster) -> None:
    follower = followed(cluster)
    cluster.streams["trainjobs"] = [failure(403, message="no more")]
    with pytest.raises(Exception, match="no more"):
        follower.follow(LIMIT)


def test_looking_once_waits_for_nothing(cluster: FakeCluster) -> None:
    follower = followed(cluster, "Failed", pod(0, "Failed", 3))
    follower.look()
    assert follower.state.phase == "failed"
    assert follower.conditions[0]["type"] == "Failed"


def test_results_stay_small(cluster: FakeCluster) -> None:
    """Hundreds of failed pods, and long lines."""
    pods = [pod(rank, "Failed", 1) for rank in range(300)]
    cluster.logs = {item["metadata"]["name"]: ["x" * 5000] * 50 for item in pods}
    follower = followed(cluster, "Failed", *pods, log_lines=50, all_logs=True)
    with pytest.raises(NotReadyError) as caught:
        follower.follow(0)
    assert len(json.dumps({"msg": str(caught.value), **caught.value.facts})) < 20_000
    assert sum(len(line) for lines in follower.logs.values() for line in lines) <= 8000
    # Each of them still has log lines.
    assert all(follower.logs.values())


def test_one_thing_more_to_say() -> None:
    assert str(with_words(NotReadyError("it failed", step="follow"), "and more")) == "follow: it failed\n  and more"


@pytest.mark.parametrize("condition", ["Failed", ""])
def test_a_job_that_is_deleted_names_no_option_that_would_keep_it(cluster: FakeCluster, condition: str) -> None:
    """The playbook that runs the smoke job has no variable for it."""
    follower = followed(cluster, condition, pod(0, "Failed", 1), stays=False)
    with pytest.raises(NotReadyError) as caught:
        follower.follow(0)
    next_step = str(caught.value.next_step)
    assert "run this again" in next_step
    for option in ("delete_after", "recreate", "kubectl"):
        assert option not in next_step


# -- only what this TrainJob owns -------------------------------------------------------------------------------------


def job_set(cluster: FakeCluster, owner: str | None, **metadata: Any) -> str:
    owners = [{"apiVersion": "trainer.kubeflow.org/v1alpha1", "kind": "TrainJob", "name": "mnist", "uid": owner}]
    extra = {"ownerReferences": owners} if owner else {}
    cluster.put(jobset_crd())
    made = cluster.put(obj("JobSet", "mnist", "jobset.x-k8s.io/v1alpha2", "team", metadata={**extra, **metadata}))
    return str(made["metadata"]["uid"])


def of(found: dict[str, Any], uid: str) -> dict[str, Any]:
    found["metadata"]["labels"][JOBSET_UID_LABEL] = uid
    return found


def test_the_pods_of_a_job_set_of_others_are_not_its_own(cluster: FakeCluster) -> None:
    follower = followed(cluster, "")
    uid = job_set(cluster, None)
    cluster.put(of(pod(0, "Failed", 3), uid), "kubelet")
    cluster.put(pod(1, "Failed", 4), "kubelet")
    cluster.logs = {"mnist-node-0-0": ["secret of others"]}
    with pytest.raises(NotReadyError, match="it has not ended after 0 s") as caught:
        follower.follow(0)
    assert (follower.pods, follower.logs) == ([], {})
    assert "secret of others" not in str(caught.value)
    assert "exit code" not in str(caught.value)


def test_a_name_that_is_taken_ends_the_wait(cluster: FakeCluster) -> None:
    clock = Clock()
    follower = followed(cluster, "", monotonic=clock.monotonic)
    job_set(cluster, None)

    def tick(_request: Any) -> None:
        clock.now += 3

    cluster.hooks.append(tick)
    with pytest.raises(RefusedError, match="the name is taken: JobSet team/mnist exists"):
        follower.follow(LIMIT * 10)


@pytest.mark.parametrize("condition", ["Complete", "Failed"])
def test_pods_of_an_earlier_job_set_of_this_name_do_not_count(cluster: FakeCluster, condition: str) -> None:
    follower = followed(cluster, condition)
    uid = job_set(cluster, follower._uid)
    cluster.put(of(pod(0, "Succeeded", 0), uid), "kubelet")
    cluster.put(of(pod(1, "Failed", 3), "another"), "kubelet")
    # Somebody gave a pod the label, and no Job owns it.
    cluster.put(pod(2, "Failed", 4), "kubelet")
    if condition == "Failed":
        with pytest.raises(NotReadyError):
            follower.follow(0)
    else:
        follower.follow(0)
    assert [row["name"] for row in follower.pods] == ["mnist-node-0-0"]


def test_without_a_job_set_nobodys_pods_count(cluster: FakeCluster) -> None:
    follower = followed(cluster, "Complete", of(pod(0, "Failed", 3), "unknown"))
    follower.follow(0)
    assert follower.pods == []
