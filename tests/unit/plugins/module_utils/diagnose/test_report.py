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
        event("another", "of somebody else", 31),
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
