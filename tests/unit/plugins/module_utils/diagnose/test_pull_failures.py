# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Failed pulls in the words of containerd, CRI-O and cri-dockerd, and of the registries behind them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.failure_sign import FailureSign
from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.failure_tracker import FailureTracker
from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.failures import failure_signs, start_failures
from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.signature import SLOW
from tests.unit.plugins.helpers.builders import ROOT
from tests.unit.plugins.helpers.fakes import FakeCluster

IMAGE = "registry.example.com/team/trainer:v2"
RESOLVE = f'failed to pull and unpack image "{IMAGE}": failed to resolve reference "{IMAGE}": '
DENIED = "denies the node access"
ABSENT = "its image is not in the registry"
SLOWLY = "its image has not been pulled yet"

# The words after "Failed to pull image", the cause, and the seconds that it must last; null for SLOW. Of containers
# that are not started: the kubelet's reason, its message, the cause and the seconds.
TABLES: dict[str, list[list[Any]]] = json.loads(
    (ROOT / "tests" / "unit" / "plugins" / "recorded" / "pulls.json").read_text(encoding="utf-8")
)
PULLS, STARTS = (
    [(*row[:-1], SLOW if row[-1] is None else row[-1]) for row in TABLES[name]] for name in ("pulls", "starts")
)


def waiting(message: str, reason: str = "ErrImagePull", image: str = IMAGE, **more: Any) -> dict[str, Any]:
    status = {"name": "m", "image": image, "state": {"waiting": {"reason": reason, "message": message}}, **more}
    return {"metadata": {"name": "p", "uid": "u", "namespace": "ops"}, "status": {"containerStatuses": [status]}}


def only(pod: dict[str, Any]) -> FailureSign:
    (sign,) = start_failures([pod], "ops")
    return sign


@pytest.mark.parametrize(("message", "cause", "grace"), PULLS)
def test_the_words_of_a_runtime_have_a_cause(message: str, cause: str, grace: float) -> None:
    sign = only(waiting(message))
    assert cause in sign.signature.cause
    assert sign.signature.grace == grace
    assert "{" not in sign.next_step


@pytest.mark.parametrize(("message", "cause", "grace"), PULLS)
def test_a_back_off_repeats_them_from_kubernetes_1_32_on(message: str, cause: str, grace: float) -> None:
    sign = only(waiting(f'Back-off pulling image "{IMAGE}": ErrImagePull: {message}', "ImagePullBackOff"))
    assert cause in sign.signature.cause
    assert sign.signature.grace == grace
    assert not sign.is_back_off


# Repositories may have any words in their names.
ODD_NAMES = [
    "registry.example.com/unauthorized/denied:v1",
    "registry.example.com/x509/certificate-has-expired:403",
    "registry.example.com/text/html:429",
    "registry.example.com/no-space-left-on-device/snapshot:v1-SNAPSHOT",
    "denied:5000/forbidden",
    "registry.example.com:5000/toomanyrequests@sha256:" + "0" * 64,
]


@pytest.mark.parametrize("image", ODD_NAMES)
def test_the_name_of_an_image_is_no_cause(image: str) -> None:
    message = f'failed to pull and unpack image "{image}": failed to resolve reference "{image}": {image}: not found'
    assert only(waiting(message, image=image)).signature.cause == ABSENT
    slow = f'failed to resolve reference "{image}": failed to do request: Head "https://{image}": EOF'
    assert only(waiting(slow, image=image)).signature.cause == SLOWLY


@pytest.mark.parametrize("reason", ["SignatureValidationFailed", "ImagePullBackOff"])
@pytest.mark.parametrize("words", ["", "image pull failed for x because the signature validation failed: no such key"])
def test_a_signature_policy_is_named_by_its_reason(reason: str, words: str) -> None:
    message = f'Back-off pulling image "x": SignatureValidationFailed: {words}' if reason.startswith("Image") else words
    assert "signature policy" in only(waiting(message, reason)).signature.cause


def test_an_unavailable_registry_is_slow() -> None:
    message = "image pull failed for x because the registry is unavailable: connection refused"
    assert only(waiting(message, "RegistryUnavailable")).signature.cause == SLOWLY


def test_the_raw_words_decide_and_no_secret_is_shown() -> None:
    message = "unable to retrieve auth token: invalid username/password: unauthorized: incorrect; token=hunter22"
    sign = only(waiting(message))
    assert DENIED in sign.signature.cause
    assert "hunter22" not in str(sign)


# -- Kubernetes up to 1.31 leaves out the error between two attempts -------------------------------------------------

REFUSED = RESOLVE + "pull access denied, repository does not exist or may require authorization"
BARE = f'Back-off pulling image "{IMAGE}"'


def test_the_last_real_error_counts_between_two_attempts() -> None:
    tracker = FailureTracker(FakeCluster(), [])
    refused, bare = waiting(REFUSED), waiting(BARE, "ImagePullBackOff")
    assert only(bare).is_back_off
    assert tracker.certain([only(bare)], 0.0) == []
    found = []
    for second, pod in enumerate([refused, bare, bare, refused, *[bare] * 20]):
        found.append(tracker.certain([only(pod)], float(second)))
    assert [bool(signs) for signs in found].index(True) == 15
    assert DENIED in found[-1][0].signature.cause


def test_another_error_replaces_it() -> None:
    tracker = FailureTracker(FakeCluster(), [])
    tracker.certain([only(waiting(REFUSED))], 0.0)
    tracker.certain([only(waiting("connection refused"))], 10.0)
    assert tracker.certain([only(waiting(BARE, "ImagePullBackOff"))], 20.0) == []


def test_a_back_off_of_another_container_or_pod_is_not_explained_by_it() -> None:
    tracker = FailureTracker(FakeCluster(), [])
    tracker.certain([only(waiting(REFUSED))], 0.0)
    other = waiting(BARE, "ImagePullBackOff")
    other["metadata"]["uid"] = "other"
    assert tracker.certain([only(other)], 99.0) == []
    named = waiting(BARE, "ImagePullBackOff", name="sidecar")
    assert tracker.certain([only(named)], 199.0) == []


# -- other steps of a start -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("reason", "message", "cause", "grace"), STARTS)
def test_a_container_that_is_not_started(reason: str, message: str, cause: str, grace: float) -> None:
    sign = only(waiting(message, reason))
    assert cause in sign.signature.cause
    assert sign.signature.grace == grace


@pytest.mark.parametrize("reason", ["ContainerCreating", "PodInitializing", "", "CrashLoopBackOff", "Unheard"])
def test_other_reasons_are_no_sign(reason: str) -> None:
    assert start_failures([waiting("x", reason)], "ops") == []


ROLLING = {"metadata": {"generation": 1}, "status": {"observedGeneration": 1, "updatedReplicas": 1}}
KILLED = "failed to create containerd task: runc create failed: container init was OOM-killed (memory limit too low?)"


@pytest.mark.parametrize(
    ("reason", "last", "cause"),
    [
        ("RunContainerError", {"reason": "StartError", "exitCode": 128, "message": KILLED}, "out of memory"),
        ("CrashLoopBackOff", {"reason": "StartError", "exitCode": 128, "message": KILLED}, "out of memory"),
        ("CrashLoopBackOff", {"reason": "OOMKilled", "exitCode": 137}, "out of memory"),
        ("CrashLoopBackOff", {"reason": "OOMKilled", "exitCode": 0}, "out of memory"),
        ("CrashLoopBackOff", {"reason": "Error", "exitCode": 137}, "exits again"),
        ("CrashLoopBackOff", {"reason": "ContainerStatusUnknown", "exitCode": 137}, "exits again"),
        ("CrashLoopBackOff", {"reason": "Error", "exitCode": 1}, "exits again"),
    ],
)
def test_the_reason_of_an_exit_explains_its_code(reason: str, last: dict[str, Any], cause: str) -> None:
    pod = waiting("back-off", reason, restartCount=3, lastState={"terminated": last})
    (sign,) = failure_signs(ROLLING, [pod])
    assert cause in sign.signature.cause
    assert sign.exit_code == last["exitCode"]
    assert " -c " not in sign.next_step


@pytest.mark.parametrize("kind", ["initContainerStatuses", "containerStatuses"])
def test_the_log_of_the_container_that_exits_is_named(kind: str) -> None:
    pod = waiting("", "PodInitializing")
    last = {"terminated": {"reason": "Error", "exitCode": 1}}
    prep = {"name": "prep", "restartCount": 3, "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": last}
    pod["status"].setdefault(kind, []).append(prep)
    (sign,) = failure_signs(ROLLING, [pod])
    assert "`kubectl -n  logs p -c prep --previous`" in sign.next_step
    assert str(sign).endswith("pod p: prep: CrashLoopBackOff Error, exit code 1")


@pytest.mark.parametrize("change", [{"phase": "Failed", "reason": "Evicted"}, {"phase": "Succeeded"}])
def test_a_pod_that_has_ended_waits_for_nothing(change: dict[str, Any]) -> None:
    pod = waiting(f"{IMAGE}: not found")
    assert start_failures([pod], "ops")
    pod["status"] |= change
    assert start_failures([pod], "ops") == []


def test_a_terminating_pod_waits_for_nothing() -> None:
    pod = waiting(f"{IMAGE}: not found")
    pod["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert start_failures([pod], "ops") == []


def test_a_slow_container_does_not_hide_one_that_cannot_start() -> None:
    pod = waiting("context deadline exceeded")
    absent = waiting(f"{IMAGE}: not found", name="sidecar")["status"]["containerStatuses"][0]
    pod["status"]["containerStatuses"].append(absent)
    assert only(pod).signature.cause == ABSENT
    assert "sidecar: ErrImagePull" in str(only(pod))
    pod["status"]["containerStatuses"].reverse()
    assert only(pod).signature.cause == ABSENT
