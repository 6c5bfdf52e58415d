# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report about a controller that is not ready."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.failures import failure_signs
from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.report import (
    EVENTS,
    LOG_LINES,
    MOST,
    SCREEN,
    bounded_message,
    diagnose,
    diagnosis_lines,
)
from tests.unit.plugins.helpers.fakes import FakeCluster
from tests.unit.plugins.module_utils.diagnose.test_failures import RECORDED
from tests.unit.plugins.module_utils.verdicts.test_replicaset import replica_set

LOST = (
    '{"level":"error","msg":"Unable to load configuration","error":"unknown field \\"noSuchKey\\"","stacktrace":"main"}'
)


def recorded(name: str) -> tuple[FakeCluster, dict[str, Any], list[dict[str, Any]]]:
    entry = copy.deepcopy(RECORDED[name])
    return FakeCluster(), entry["deployment"], entry["pods"]


def event(about: str, message: str, second: int = 0) -> dict[str, Any]:
    return {
        "metadata": {"name": f"{about}-{second}", "namespace": "ops"},
        "involvedObject": {"name": about},
        "reason": "Failed",
        "message": message,
        "lastTimestamp": f"2026-01-01T00:00:{second:02}Z",
    }


def warn(cluster: FakeCluster, *events: dict[str, Any]) -> None:
    cluster.hooks.append(lambda request: {"items": list(events)} if request.path.endswith("/events") else None)


def look(
    cluster: FakeCluster, deployment: dict[str, Any], pods: list[dict[str, Any]], *, failing: bool = True
) -> dict[str, Any]:
    failures = failure_signs(deployment, pods) if failing else []
    return diagnose(cluster, deployment, pods, failures[0] if failures else None)


def test_between_two_runs_the_log_of_the_previous_run_is_read() -> None:
    cluster, deployment, pods = recorded("crash")
    name = pods[0]["metadata"]["name"]
    cluster.logs = {f"{name} before": [*(f"line {number}" for number in range(20)), LOST], name: ["of now"]}
    row = look(cluster, deployment, pods)
    assert (row["pod"], row["exit_code"], row["restarts"]) == (name, 3, 2)
    assert row["container"].endswith(": CrashLoopBackOff")
    assert len(row["log"]) == LOG_LINES
    assert row["log"][-1] == 'error: Unable to load configuration: unknown field "noSuchKey"'
    assert row["cause"] == "its configuration has the field noSuchKey, which this release does not support"
    assert row["command"].endswith(f"logs {name} --previous")
    assert row["unreadable"] == []
    (asked,) = [request for request in cluster.requests if request.path.endswith("/log")]
    assert asked.query["previous"] == "True"


def test_of_several_pods_the_one_that_failed_is_reported() -> None:
    cluster, deployment, pods = recorded("crash")
    name = pods[0]["metadata"]["name"]
    serving = copy.deepcopy(pods[0])
    serving["metadata"] |= {"name": "serving", "uid": "u-2", "creationTimestamp": "2099-01-01T00:00:00Z"}
    serving["status"] = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    deployment["spec"]["replicas"] = 2
    assert look(cluster, deployment, [pods[0], serving])["pod"] == name
    assert look(cluster, deployment, [pods[0], serving], failing=False)["pod"] == name
    assert look(cluster, deployment, [serving], failing=False)["pod"] == "serving"
    starting = {**serving, "metadata": {**serving["metadata"], "name": "starting"}, "status": {"phase": "Running"}}
    assert look(cluster, deployment, [pods[0], starting])["pod"] == name
    assert look(cluster, deployment, [pods[0], starting], failing=False)["pod"] == "starting"


def test_the_cause_may_be_further_up() -> None:
    cluster, deployment, pods = recorded("crash")
    usage = [f"  -flag{number} value" for number in range(40)]
    cluster.logs = {f"{pods[0]['metadata']['name']} before": ["flag provided but not defined: -nothing", *usage]}
    row = look(cluster, deployment, pods)
    assert row["cause"] == "it is started with the flag -nothing, which this release does not support"
    assert row["log"] == usage[-LOG_LINES:]


def test_without_a_cause_in_the_log_the_sign_of_failure_is_the_cause() -> None:
    cluster, deployment, pods = recorded("quota")
    warn(cluster, event(deployment["metadata"]["name"], "exceeded quota"))
    row = look(cluster, deployment, pods)
    assert row["cause"] == "the ResourceQuota none is used up and rejects its pods"
    assert (row["pod"], row["log"]) == ("", [])
    assert row["events"] == ["Failed: exceeded quota"]
    assert "describe deployment" in row["command"]


def test_a_container_that_has_not_run_has_no_log() -> None:
    cluster, deployment, pods = recorded("absent")
    row = look(cluster, deployment, pods)
    assert (row["log"], row["unreadable"], row["exit_code"]) == ([], [], None)
    assert "not found" in row["container"] or "Back-off" in row["container"]


def test_only_the_newest_warnings_about_existing_objects() -> None:
    cluster, deployment, pods = recorded("crash")
    pods[0]["metadata"]["labels"]["pod-template-hash"] = "new"
    name = deployment["metadata"]["name"]
    warn(
        cluster,
        *(event(f"{name}-new-abcde", f"number {second}", second) for second in range(9, 0, -1)),
        event(f"{name}-old-abcde", "of an older template", 30),
        event("another", "of another object", 31),
        event(f"{name}-new", "said twice", 40),
        event(f"{name}-new", "said twice", 41),
    )
    row = look(cluster, deployment, pods)
    assert row["events"] == [*(f"Failed: number {second}" for second in (6, 7, 8, 9)), "Failed: said twice"]
    assert len(row["events"]) == EVENTS


def sets(cluster: FakeCluster, *found: dict[str, Any]) -> None:
    cluster.hooks.append(lambda request: {"items": list(found)} if request.path.endswith("/replicasets") else None)


def test_without_a_pod_the_replicaset_is_reported() -> None:
    cluster, deployment, pods = recorded("quota")
    assert pods == []
    failure = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "no such priority"}
    deployment["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": "2"}
    one = replica_set("one", deployment["metadata"]["uid"], "1")
    two = replica_set("two", deployment["metadata"]["uid"], "2", conditions=[failure])
    sets(cluster, one, two)

    row = look(cluster, deployment, pods)

    assert row["replica_set"] == "ReplicaSet two: 0 of 1 pods exist, 0 available; FailedCreate: no such priority"
    assert row["replica_set"] in "\n".join(diagnosis_lines([row]))


def test_with_a_pod_no_replicaset_is_read() -> None:
    cluster, deployment, pods = recorded("crash")
    assert look(cluster, deployment, pods)["replica_set"] == ""
    assert not [request for request in cluster.requests if request.path.endswith("/replicasets")]


def test_a_deployment_without_a_replicaset() -> None:
    cluster, deployment, _pods = recorded("quota")
    assert look(cluster, deployment, [])["replica_set"] == "ReplicaSet of the newest revision: missing"


def test_the_replicaset_gives_the_cause_without_events() -> None:
    cluster, deployment, _pods = recorded("quota")
    deployment["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": "1"}
    said = {"type": "ReplicaFailure", "status": "True", "message": "exec format error"}
    sets(cluster, replica_set("one", deployment["metadata"]["uid"], "1", conditions=[said]))
    assert "architecture" in look(cluster, deployment, [], failing=False)["cause"]


def test_an_unreadable_replicaset_is_reported() -> None:
    cluster, deployment, _pods = recorded("quota")
    cluster.fail(403, method="GET", path="/replicasets", message="may not")
    row = look(cluster, deployment, [])
    assert row["replica_set"] == ""
    assert [what.partition(":")[0] for what in row["unreadable"]] == ["ReplicaSets"]


@pytest.mark.parametrize("path", ["/log", "/events"])
def test_unreadable_facts_are_reported_and_hide_nothing(path: str) -> None:
    cluster, deployment, pods = recorded("crash")
    cluster.logs = {f"{pods[0]['metadata']['name']} before": ["flag provided but not defined: -x"]}
    cluster.fail(403, method="GET", path=path, message="may not")
    row = look(cluster, deployment, pods)
    assert len(row["unreadable"]) == 1
    assert "may not" in row["unreadable"][0]
    assert row["cause"]


def test_no_secret_of_a_log_or_an_event_is_shown() -> None:
    cluster, deployment, pods = recorded("crash")
    name = pods[0]["metadata"]["name"]
    key = ["-----BEGIN RSA PRIVATE KEY-----", "MIIEowIBAAKC", "-----END RSA PRIVATE KEY-----"]
    cluster.logs = {f"{name} before": [*key, "token=hunter22"]}
    warn(cluster, event(name, "pull with password=hunter22 failed"))
    shown = str(look(cluster, deployment, pods))
    assert "MIIEowIBAAKC" not in shown
    assert "hunter22" not in shown


def test_odd_objects_are_reported_as_well() -> None:
    odd: dict[str, Any]
    for odd in ({}, {"metadata": {}, "status": []}, {"status": {"containerStatuses": [{"name": 1}]}}):
        row = diagnose(FakeCluster(), odd, [odd], None)
        assert row["cause"] == ""


# -- whose events count -----------------------------------------------------------------------------------------------


def about(item: dict[str, Any], reason: str, message: str, when: str = "2026-01-01T00:00:09Z") -> dict[str, Any]:
    """An event as the server stores it: with the uid of its object."""
    object_ = {"kind": "Pod", "name": item["metadata"]["name"], "uid": item["metadata"]["uid"]}
    metadata = {"name": f"{object_['name']}.{when}", "namespace": "ops"}
    return {
        "metadata": metadata,
        "involvedObject": object_,
        "reason": reason,
        "message": message,
        "lastTimestamp": when,
    }


READINESS = (
    'Readiness probe failed: Get "http://10.1.1.1:8081/readyz": dial tcp 10.1.1.1:8081: connect: connection refused'
)


def being_made() -> tuple[FakeCluster, dict[str, Any], dict[str, Any]]:
    cluster, deployment, pods = recorded("crash")
    pod = pods[0]
    owner = {"kind": "ReplicaSet", "name": f"{deployment['metadata']['name']}-123", "uid": "uid-set"}
    pod["metadata"]["ownerReferences"] = [owner]
    pod["status"] = {
        "phase": "Pending",
        "containerStatuses": [{"name": "manager", "state": {"waiting": {"reason": "ContainerCreating"}}}],
    }
    return cluster, deployment, pod


def test_events_of_an_earlier_pod_or_replicaset_of_the_name_do_not_count() -> None:
    cluster, deployment, pod = being_made()
    earlier = {"metadata": {"name": pod["metadata"]["name"], "uid": "earlier"}}
    set_name = pod["metadata"]["ownerReferences"][0]["name"]
    sibling = {"metadata": {"name": f"{set_name}-zzzzz", "uid": "sibling"}}
    old_set = {"metadata": {"name": set_name, "uid": "old set"}}
    warn(
        cluster,
        about(earlier, "Unhealthy", "Liveness probe failed: of an earlier pod"),
        about(sibling, "FailedMount", "MountVolume.SetUp failed: of another pod"),
        about(old_set, "FailedCreate", "exec format error"),
        about(pod, "FailedCreatePodSandBox", 'no runtime for "kata" is configured', "2026-01-01T00:00:01Z"),
    )
    row = look(cluster, deployment, [pod])
    assert row["events"] == ['FailedCreatePodSandBox: no runtime for "kata" is configured']
    assert "RuntimeClass: kata" in row["cause"]
    assert row["command"].endswith(f"describe pod {pod['metadata']['name']}")


def test_the_events_of_the_deployment_and_its_replicaset_count_by_uid() -> None:
    cluster, deployment, pod = being_made()
    owner = pod["metadata"]["ownerReferences"][0]
    warn(
        cluster,
        about({"metadata": {"name": "renamed", "uid": owner["uid"]}}, "FailedCreate", "of the set"),
        about(deployment, "Failed", "of the deployment"),
    )
    assert look(cluster, deployment, [pod])["events"] == ["FailedCreate: of the set", "Failed: of the deployment"]


def test_a_kubelet_that_cannot_connect_to_the_pod_is_not_the_pod() -> None:
    cluster, deployment, pod = being_made()
    pod["status"]["containerStatuses"][0] = {
        "name": "manager",
        "ready": False,
        "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}},
    }
    warn(cluster, about(pod, "Unhealthy", READINESS))
    row = look(cluster, deployment, [pod])
    assert "API server" not in row["cause"]
    assert "not ready yet" in row["cause"]
    assert "NetworkPolicy" not in row["next_step"]


def test_what_has_succeeded_since_explains_nothing() -> None:
    """A volume is often missing at first."""
    cluster, deployment, pod = being_made()
    pod["status"]["containerStatuses"][0]["state"] = {"running": {"startedAt": "2026-01-01T00:00:05Z"}}
    early = about(
        pod, "FailedMount", 'MountVolume.SetUp failed for volume "cert": secret "x" not found', "2026-01-01T00:00:03Z"
    )
    late = about(
        pod, "FailedMount", 'MountVolume.SetUp failed for volume "cert": secret "x" not found', "2026-01-01T00:00:07Z"
    )
    warn(cluster, early)
    row = look(cluster, deployment, [pod])
    assert (row["events"], row["cause"]) == ([], "")
    cluster.hooks.clear()
    warn(cluster, late)
    assert "is missing" in look(cluster, deployment, [pod])["cause"]


def test_the_newest_event_counts() -> None:
    cluster, deployment, pod = being_made()
    network = 'Failed to create pod sandbox: plugin type="calico" failed (add)'
    disk = "Failed to create pod sandbox: mkdir /x: no space left on device"
    warn(
        cluster,
        about(pod, "FailedCreatePodSandBox", disk, "2026-01-01T00:00:03Z"),
        about(pod, "FailedCreatePodSandBox", network, "2026-01-01T00:00:09Z"),
    )
    assert "network" in look(cluster, deployment, [pod])["cause"]


def test_an_event_that_hides_its_secret_is_matched_before() -> None:
    cluster, deployment, pod = being_made()
    said = (
        'Failed to pull image "registry.example.com/x:1": rpc error: code = Unknown desc = unable to retrieve auth '
        "token: invalid username/password: unauthorized: token=hunter22"
    )
    warn(cluster, about(pod, "Failed", said))
    row = look(cluster, deployment, [pod])
    assert "denies the node access" in row["cause"]
    assert "registry.example.com/x:1" in row["next_step"]
    assert "hunter22" not in str(row)


# -- an event tells more than a restart count -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "reason", "events", "cause"),
    [
        (137, "Error", ["Liveness probe failed: context deadline exceeded"], "liveness probe"),
        (0, "Completed", ["Liveness probe failed: context deadline exceeded"], "liveness probe"),
        (143, "Error", ["Liveness probe failed: EOF"], "liveness probe"),
        # It ended by itself; a probe failed as well.
        (1, "Error", ["Liveness probe failed: connection refused"], "exits again and again"),
        (137, "Error", ["Readiness probe failed: connection refused"], "exits again and again"),
        (137, "Error", [], "exits again and again"),
        (137, "OOMKilled", ["Liveness probe failed: EOF"], "out of memory"),
        (128, "StartError", ["Error: container init was OOM-killed (memory limit too low?)"], "out of memory"),
        (128, "StartError", ["Error: exec format error"], "another architecture"),
    ],
)
def test_why_a_container_was_ended(code: int, reason: str, events: list[str], cause: str) -> None:
    cluster, deployment, pods = recorded("crash")
    for status in pods[0]["status"]["containerStatuses"]:
        status["lastState"]["terminated"] |= {"exitCode": code, "reason": reason}
    warn(cluster, *(about(pods[0], "Unhealthy" if "probe" in said else "Failed", said) for said in events))
    cluster.logs = {f"{pods[0]['metadata']['name']} before": ["starting manager"]}
    row = look(cluster, deployment, pods)
    assert cause in row["cause"]
    name = pods[0]["metadata"]["name"]
    exits = cause == "exits again and again"
    assert row["command"].endswith(f"logs {name} --previous" if exits else f"describe pod {name}")


def test_memory_counts_more_than_a_log_that_mentions_the_api_server_once() -> None:
    cluster, deployment, pods = recorded("oom")
    cluster.logs = {f"{pods[0]['metadata']['name']} before": ["dial tcp 10.96.0.1:443: connect: connection refused"]}
    assert "memory" in look(cluster, deployment, pods)["cause"]


def test_a_back_off_without_its_error_is_explained_by_the_event() -> None:
    cluster, deployment, pods = recorded("absent")
    pods[0]["status"]["containerStatuses"][0]["state"]["waiting"] = {
        "reason": "ImagePullBackOff",
        "message": 'Back-off pulling image "127.0.0.1:5000/nothing:v1"',
    }
    assert "not been pulled yet" in look(cluster, deployment, pods)["cause"]
    said = 'Failed to pull image "127.0.0.1:5000/nothing:v1": unexpected status: 403 Forbidden'
    warn(cluster, about(pods[0], "Failed", said), about(pods[0], "Failed", "Error: ImagePullBackOff"))
    row = look(cluster, deployment, pods)
    assert "denies the node access" in row["cause"]
    assert "127.0.0.1:5000/nothing:v1" in row["next_step"]


# -- a pod that is rejected as a whole, and the right container -------------------------------------------------------


def test_a_pod_that_was_evicted_says_so() -> None:
    cluster, deployment, pods = recorded("crash")
    pods[0]["status"] |= {
        "phase": "Failed",
        "reason": "Evicted",
        "message": "The node was low on resource: memory. ",
        "containerStatuses": [{"name": "m", "state": {"terminated": {"exitCode": 137, "reason": "Error"}}}],
    }
    row = look(cluster, deployment, pods)
    assert row["container"] == "m: Evicted: The node was low on resource: memory. "
    assert "evicted" in row["cause"]
    assert row["command"].endswith(f"describe pod {pods[0]['metadata']['name']}")


def test_a_pod_that_has_not_ended_counts_more_than_a_newer_one_that_has() -> None:
    cluster, deployment, pods = recorded("crash")
    evicted = copy.deepcopy(pods[0])
    evicted["metadata"] |= {"name": "evicted", "uid": "evicted", "creationTimestamp": "2036-01-01T00:00:00Z"}
    evicted["status"] = {"phase": "Failed", "reason": "OutOfcpu"}
    assert look(cluster, deployment, [pods[0], evicted])["pod"] == pods[0]["metadata"]["name"]
    assert look(cluster, deployment, [evicted])["cause"] == "its node does not have enough cpu left for it"


@pytest.mark.parametrize("sidecar", [True, False])
def test_the_container_that_fails_is_read(sidecar: bool) -> None:
    cluster, deployment, pods = recorded("crash")
    name = pods[0]["metadata"]["name"]
    prep = {**pods[0]["status"]["containerStatuses"][0], "name": "prep"}
    pods[0]["status"]["initContainerStatuses"] = [prep]
    pods[0]["status"]["containerStatuses"] = [
        {"name": "manager", "state": {"running": {}} if sidecar else {"waiting": {"reason": "PodInitializing"}}}
    ]
    cluster.logs = {f"{name} before": ["panic: of prep"]}
    row = look(cluster, deployment, pods)
    assert row["container"] == "prep: CrashLoopBackOff"
    assert row["command"].endswith(f"logs {name} -c prep --previous")
    assert f"logs {name} -c prep --previous" in row["next_step"]
    (asked,) = [request for request in cluster.requests if request.path.endswith("/log")]
    assert asked.query["container"] == "prep"


def test_the_log_of_a_container_that_runs_again_is_not_the_previous_one() -> None:
    cluster, deployment, pods = recorded("crash")
    name = pods[0]["metadata"]["name"]
    pods[0]["status"]["containerStatuses"][0]["state"] = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
    cluster.logs = {name: ["no matches for kind JobSet"]}
    assert look(cluster, deployment, pods)["command"].endswith(f"logs {name}")


@pytest.mark.parametrize("said", ["connection refused", "i/o timeout", "no route to host"])
def test_a_rejection_is_no_pod_that_fails_to_reach_the_api_server(said: str) -> None:
    cluster, deployment, _pods = recorded("quota")
    deployment["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": "1"}
    message = (
        'Internal error occurred: failed calling webhook "inject.example.io": failed to call webhook: Post '
        f'"https://mesh.mesh.svc:443/inject": dial tcp 10.96.3.4:443: connect: {said}'
    )
    failure = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message}
    one = replica_set("one", deployment["metadata"]["uid"], "1", conditions=[failure])
    one["metadata"]["uid"] = "uid-one"
    sets(cluster, one)
    warn(cluster, about(one, "FailedCreate", f"Error creating: {message}"))
    row = look(cluster, deployment, [], failing=False)
    assert row["cause"] == "the webhook inject.example.io does not answer, so the API server rejects its pods"
    assert row["next_step"].startswith("repair Service mesh/mesh")
    assert "NetworkPolicy" not in row["next_step"]
    assert "inject.example.io" in row["replica_set"]


def test_rejected_pods_are_shown_by_the_replicaset() -> None:
    cluster, deployment, _pods = recorded("quota")
    deployment["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": "1"}
    failure = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota: x"}
    one = replica_set("one", deployment["metadata"]["uid"], "1", conditions=[failure])
    one["metadata"]["uid"] = "uid-one"
    sets(cluster, one)
    warn(cluster, about(one, "FailedCreate", "exceeded quota: x"))
    row = look(cluster, deployment, [])
    assert row["command"].endswith("describe replicaset one")
    assert row["events"] == ["FailedCreate: exceeded quota: x"]


# -- on the screen -------------------------------------------------------------------------------------------------


def row(**more: Any) -> dict[str, Any]:
    return {
        "object": "Deployment ops/manager",
        "pod": "",
        "container": "",
        "exit_code": None,
        "restarts": 0,
        "replica_set": "",
        "log": [],
        "events": [],
        "cause": "",
        "next_step": "",
        "command": "kubectl -n ops describe deployment manager",
        "unreadable": [],
        **more,
    }


def test_a_paragraph_for_each() -> None:
    whole = row(
        pod="p",
        container="manager: Error",
        exit_code=3,
        restarts=2,
        log=["l"],
        events=["e"],
        cause="c",
        unreadable=["u"],
    )
    assert diagnosis_lines([whole, row()]) == [
        "Deployment ops/manager, pod p, manager: Error, exit code 3, 2 restarts",
        "  cause: c",
        "  event: e",
        "  log: l",
        "  unreadable: u",
        "  more: kubectl -n ops describe deployment manager",
        "Deployment ops/manager",
        "  more: kubectl -n ops describe deployment manager",
    ]


def test_the_report_is_bounded() -> None:
    noisy = row(log=["x" * 10_000] * 40, events=["y\n" * 9_000] * 40)
    lines = diagnosis_lines([noisy] * 3)
    assert len("\n".join(lines)) <= MOST
    assert lines[-1].startswith("...")
    assert max(map(len, lines)) <= 160
    assert not any("\n" in line for line in lines)


def test_a_whole_message_is_bounded_in_bytes() -> None:
    message = "\n".join(f"line {number} " + "\u00e4" * 9000 for number in range(40))
    short = bounded_message(message)
    assert len(short.encode()) <= SCREEN
    assert short.startswith("line 0 ")
    assert short.endswith("(the rest is in the result)")
    assert bounded_message("short\n  lines") == "short\n  lines"


def test_the_words_of_a_container_that_ended_show_no_secret() -> None:
    _cluster, deployment, pods = recorded("crash")
    for status in pods[0]["status"]["containerStatuses"]:
        status["lastState"]["terminated"]["message"] = "password=hunter2"
    assert "password=(hidden)" in str(failure_signs(deployment, pods)[0])


def test_a_refusal_is_reported_once() -> None:
    refusal = 'pods "manager-7d9c-{}" is forbidden: maximum cpu usage per Container is 100m, but limit is 500m'
    found = row(
        pod="",
        container="",
        replica_set=f"ReplicaSet manager: 0 of 1 pods exist; FailedCreate: {refusal.format('a')}",
        events=[f"FailedCreate: Error creating: {refusal.format(name)}" for name in "bcd"],
        cause=refusal.format("a"),
    )
    said = f"Deployment manager: 0 of 1 replicas available; {refusal.format('a')}"
    assert "forbidden" not in "\n".join(diagnosis_lines([found], said))
    assert "\n".join(diagnosis_lines([found])).count("forbidden") == 1
    # Other words are others, also at the same place.
    others = [f'FailedMount: MountVolume.SetUp failed for volume "{name}" : secret "{name}" not found' for name in "ab"]
    assert "\n".join(diagnosis_lines([row(events=others)])).count("FailedMount") == 2
