# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signs of failure, recorded on a real cluster (Kubernetes 1.35.8, containerd 1.6.20) of Deployments that failed.

recorded/failures.json has their status as it was, and their pods'.
"""

from __future__ import annotations

import copy
import dataclasses
import json
import random
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.failure_catalogue import SIGNATURES
from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.failure_sign import FailureSign
from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.failures import (
    failure_signs,
    newest_pods,
    start_failures,
)
from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.signature import SLOW, Signature
from ansible_collections.conductor.trainer.plugins.module_utils.verdicts.pods import (
    in_back_off,
    is_being_made,
    restarts_of,
)
from ansible_collections.conductor.trainer.plugins.module_utils.verdicts.workloads import is_refused
from tests.unit.plugins.helpers.builders import ROOT
from tests.unit.plugins.module_utils.verdicts.test_verdicts import ODD, damaged, places

RECORDED: dict[str, dict[str, Any]] = json.loads(
    (ROOT / "tests" / "unit" / "plugins" / "recorded" / "failures.json").read_text(encoding="utf-8")
)


def recorded(name: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    entry = copy.deepcopy(RECORDED[name])
    return entry["deployment"], entry["pods"]


def only(name: str) -> FailureSign:
    (sign,) = failure_signs(*recorded(name))
    return sign


@pytest.mark.parametrize(
    ("name", "cause", "words", "next_step"),
    [
        (
            "absent",
            "not in the registry",
            "nothing:v1: not found",
            "check the name and tag of 127.0.0.1:5000/nothing:v1",
        ),
        ("absent at first", "not in the registry", "nothing:v1: not found", "check the name and tag"),
        (
            "silent",
            "not been pulled yet",
            "connection refused",
            "the nodes can reach the registry of 172.20.0.1:1/nothing:v1",
        ),
        ("nohost", "not been pulled yet", "no such host", "can reach the registry of registry.invalid/nothing:v1"),
        ("https", "speaks plain HTTP", "server gave HTTP response", "container runtime"),
        ("badname", "image name is invalid", "must be lowercase", "correct the image name UPPER/Nothing:v1"),
        ("never", "forbids pulling it", "pull policy of Never", "load registry.invalid/never:v1"),
        (
            "config",
            "cannot be configured",
            'configmap "nothing" not found',
            "correct the problem that the message names",
        ),
        ("nonroot", "cannot be configured", "non-root policy", "correct the problem that the message names"),
        ("crash", "exits again and again", "CrashLoopBackOff Error, exit code 3", "-n rec logs crash-"),
        ("nocommand", "exits again and again", "/nothing: no such file or directory", "--previous"),
        ("oom", "out of memory", "OOMKilled, exit code 137", "memory limit"),
        ("cpu", "no node has enough capacity", "1 Insufficient cpu", "free capacity"),
        ("selector", "no node has enough capacity", "didn't match Pod's node affinity/selector", "free capacity"),
        ("quota", "ResourceQuota", "exceeded quota: none", "-n rec-quota describe resourcequota"),
        ("must", "must set limits.cpu", "must specify limits.cpu for: manager", "create a LimitRange with default"),
        ("psa", "Pod Security", "violates PodSecurity", "pod-security.kubernetes.io/enforce"),
        ("vap", "ValidatingAdmissionPolicy", "images must come from registry.example.com", "the namespace rec-vap"),
        ("limit", "more cpu than its limit", "or equal to cpu limit of 100m", "raise the default limit of cpu"),
        ("sa", "the ServiceAccount rec/nothing", 'serviceaccount "nothing" not found', "run the install"),
    ],
)
def test_signs_recorded_on_a_real_cluster(name: str, cause: str, words: str, next_step: str) -> None:
    sign = only(name)
    assert cause in sign.signature.cause
    assert words in str(sign)
    assert next_step in sign.next_step
    assert sign.deployment == RECORDED[name]["deployment"]["metadata"]["name"]


# Seconds that a sign must last, and why.
@pytest.mark.parametrize(
    ("name", "grace"),
    [
        # The registry has answered.
        ("absent", 0.0),
        # It may answer later.
        ("silent", SLOW),
        ("nohost", SLOW),
        # Capacity may be freed soon.
        ("cpu", 6.0),
        # An old rejection may stay in the status until the next attempt.
        ("quota", 3.0),
        ("sa", 10.0),
    ],
)
def test_slow_is_not_failed(name: str, grace: float) -> None:
    assert only(name).signature.grace == grace


def test_two_exits_count_only_by_their_own_fault() -> None:
    assert [sign.signature.own_fault for sign in failure_signs(*recorded("crashed twice"))] == [True]
    assert [sign.signature.own_fault for sign in failure_signs(*recorded("crash"))] == [False]


@pytest.mark.parametrize(("code", "found"), [(0, 0), (1, 1), (128, 1), (129, 0), (137, 0), (None, 0)])
def test_an_exit_by_a_signal_or_with_success_is_no_own_fault(code: int | None, found: int) -> None:
    """SIGTERM ends a controller with code 0, SIGKILL with 137: the cause is a probe, a node, or a person."""
    item = crashing(1)
    item["status"]["containerStatuses"][1]["lastState"]["terminated"]["exitCode"] = code
    failures = failure_signs(rolling(), [item])
    assert len(failures) == found
    assert all(sign.run == ("", "p", "m", 1) for sign in failures)


@pytest.mark.parametrize(("restarts", "found"), [(0, 0), (1, 1)])
def test_two_exits_by_a_memory_limit_count(restarts: int, found: int) -> None:
    deployment, pods = recorded("oom")
    pods[0]["status"]["containerStatuses"][0]["restartCount"] = restarts
    assert len(failure_signs(deployment, pods)) == found


def test_exits_before_the_wait_do_not_count() -> None:
    deployment, pods = recorded("crash")
    uid = pods[0]["metadata"]["uid"]
    assert restarts_of(pods[0]) == 2
    assert restarts_of({}) == 0
    assert failure_signs(deployment, pods, {uid: 2}) == []
    assert len(failure_signs(deployment, pods, {uid: 1, "other": 9})) == 1


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        # The words of registries and container runtimes that could not be recorded.
        ("failed to resolve reference: unexpected status: 401 Unauthorized", "denies the node access"),
        (
            "pull access denied, repository does not exist or may require authorization: insufficient_scope",
            "denies the node access",
        ),
        ("failed to fetch anonymous token: unexpected status: 403 Forbidden", "denies the node access"),
        ("failed to do request: tls: failed to verify certificate: x509: certificate signed by unknown", "not trust"),
        ("no match for platform in manifest: not found", "platform"),
        ("manifest for a/b:c not found: manifest unknown: manifest unknown", "not in the registry"),
        # Temporary failures.
        (
            "unexpected status: 429 Too Many Requests: toomanyrequests: You have reached your pull rate limit",
            "not been pulled",
        ),
        ("unexpected status: 503 Service Unavailable", "not been pulled"),
        ("net/http: TLS handshake timeout", "not been pulled"),
        ("context deadline exceeded", "not been pulled"),
        ("lookup registry on 10.96.0.10:53: no such host", "not been pulled"),
        ("", "not been pulled"),
    ],
)
def test_failed_pulls(message: str, cause: str) -> None:
    deployment, pods = recorded("absent")
    pods[0]["status"]["containerStatuses"][0]["state"]["waiting"]["message"] = message
    (sign,) = failure_signs(deployment, pods)
    assert cause in sign.signature.cause
    assert (sign.signature.grace == SLOW) is (cause == "not been pulled")


@pytest.mark.parametrize(
    "message",
    [
        "0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }.",
        "1 node(s) had untolerated taint {node.kubernetes.io/unreachable: }, 2 Insufficient cpu.",
        "1 node(s) had untolerated taint {node.cloudprovider.kubernetes.io/uninitialized: true}.",
        "no nodes available to schedule pods",
    ],
)
def test_a_starting_cluster_is_not_a_failure(message: str) -> None:
    deployment, pods = recorded("cpu")
    for condition in pods[0]["status"]["conditions"]:
        condition["message"] = message
    assert failure_signs(deployment, pods) == []


@pytest.mark.parametrize(
    ("change", "next_step"),
    [
        ({"replicas": 0}, "run `kubectl -n rec scale deployment/cpu --replicas=1`"),
        ({"replicas": 1, "paused": True}, "run `kubectl -n rec rollout resume deployment/cpu`"),
    ],
)
def test_a_stopped_deployment(change: dict[str, Any], next_step: str) -> None:
    deployment, _pods = recorded("cpu")
    (sign,) = failure_signs({**deployment, "spec": change}, [])
    assert sign.next_step == next_step
    assert str(sign) == sign.signature.cause


# -- the pods of the current template ---------------------------------------------------------------------------------


def pod(name: str, template: str, created: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": {"pod-template-hash": template}, "creationTimestamp": created}}


def names(deployment: dict[str, Any], *pods: dict[str, Any]) -> list[str]:
    return [found["metadata"]["name"] for found in newest_pods(deployment, pods)]


def rolling(**status: Any) -> dict[str, Any]:
    return {"metadata": {"generation": 2}, "status": {"observedGeneration": 2, "updatedReplicas": 1, **status}}


def test_pods_of_an_older_template_do_not_count() -> None:
    old, new, third = pod("old", "a", "1"), pod("new", "b", "2"), pod("third", "b", "3")
    assert names(rolling(), new, old, third) == ["new", "third"]
    assert names(rolling()) == []
    # The Deployment controller has not processed the newest template yet, or has created no pod from it.
    assert names(rolling(observedGeneration=1), old) == []
    assert names(rolling(updatedReplicas=0), old) == []
    assert names(rolling(updatedReplicas=None), old) == []


def test_pods_in_back_off() -> None:
    assert [name for name in RECORDED if any(in_back_off(found) for found in RECORDED[name]["pods"])] == [
        "absent",
        "absent at first",
        "crash",
        "crashed twice",
        "https",
        "nocommand",
        "nohost",
        "oom",
        "silent",
    ]
    refused = {"limit", "must", "psa", "quota", "sa", "vap"}
    assert {name for name in RECORDED if is_refused(RECORDED[name]["deployment"])} == refused


def test_a_pod_that_is_being_created() -> None:
    waiting = {"status": {"containerStatuses": [{"state": {"waiting": {"reason": "ContainerCreating"}}}]}}
    assert is_being_made(waiting)
    assert not any(is_being_made(found) for entry in RECORDED.values() for found in entry["pods"])


# -- the catalogue ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("signature", SIGNATURES, ids=lambda signature: signature.cause)
def test_every_next_step_can_be_formatted(signature: Signature) -> None:
    said = signature.next_step.format(namespace="n", deployment="d", pod="p", image="i", timeout="t")
    assert said
    assert not said.endswith(".")
    assert signature.reasons


@pytest.mark.parametrize("name", RECORDED)
def test_odd_fields_never_raise(name: str) -> None:
    luck = random.Random(20260101)  # noqa: S311
    for _time in range(200):
        worse: list[Any] = list(recorded(name))
        for _damage in range(luck.randint(1, 3)):
            worse = damaged(worse, luck.choice([place for place in places(worse) if len(place) > 2]), luck.choice(ODD))
        failure_signs(worse[0], worse[1])
        for found in worse[1]:
            in_back_off(found)
            is_being_made(found)
        is_refused(worse[0])


@pytest.mark.parametrize(
    ("name", "cause"),
    [("absent", "its image is not in the registry"), ("silent", "its image has not been pulled yet")],
)
def test_start_failures_of_pods_without_a_deployment(name: str, cause: str) -> None:
    (sign,) = start_failures(recorded(name)[1], "team")
    assert (sign.signature.cause, sign.deployment) == (cause, "")
    assert "{" not in sign.next_step


def test_start_failures_leave_out_repeated_exits_and_missing_capacity() -> None:
    names = [name for name in RECORDED if start_failures(recorded(name)[1], "team")]
    causes = {sign.signature.cause for name in names for sign in start_failures(recorded(name)[1], "team")}
    assert causes
    assert all(signature.source == "container" for signature in SIGNATURES if signature.cause in causes)
    assert not any(signature.restarts for signature in SIGNATURES if signature.cause in causes)
    loops = {name for name in RECORDED if any(sign.signature.restarts for sign in failure_signs(*recorded(name)))}
    assert loops
    assert loops.isdisjoint(names)


def crashing(restarts: int) -> dict[str, Any]:
    ended = {"terminated": {"reason": "Error", "exitCode": 1}}
    status = {"name": "m", "restartCount": restarts, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}
    item = pod("p", "a", "2026")
    return {**item, "status": {"containerStatuses": [{"name": "other", "state": {}}, {**status, "lastState": ended}]}}


@pytest.mark.parametrize(
    ("restarts", "before", "certain"),
    [
        (2, {}, True),
        (2, {"uid-p": 1}, True),
        (2, {"uid-p": 2}, False),
        (1, {}, False),
        # A later pod has no recorded restarts; its first start is not a restart.
        (0, {}, False),
    ],
)
def test_exits_count_from_the_beginning_of_the_wait(restarts: int, before: dict[str, int], certain: bool) -> None:
    """Also those of a container that is not the first."""
    item = crashing(restarts)
    item["metadata"]["uid"] = "uid-p"
    found = [sign for sign in failure_signs(rolling(), [item], before) if not sign.signature.own_fault]
    assert bool(found) is certain


def test_only_the_condition_of_the_scheduler_reports_missing_capacity() -> None:
    said = {"reason": "Unschedulable", "message": "Insufficient cpu"}
    for kind, status, found in (
        ("PodScheduled", "False", 1),
        ("PodScheduled", "True", 0),
        ("Ready", "False", 0),
    ):
        item = {**pod("p", "a", "2026"), "status": {"conditions": [{"type": kind, "status": status, **said}]}}
        assert len(failure_signs(rolling(), [item])) == found, (kind, status)


def test_a_sign_is_immutable() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        only("absent").words = "x"  # type: ignore[misc]
