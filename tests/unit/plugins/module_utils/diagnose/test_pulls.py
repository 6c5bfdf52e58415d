# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Failed pulls in the words of containerd, CRI-O and cri-dockerd, and of the registries behind them."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.failure_catalogue import SLOW
from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.failure_tracker import FailureTracker
from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.failures import (
    FailureSign,
    failure_signs,
    start_failures,
)
from tests.unit.plugins.helpers.fakes import FakeCluster

IMAGE = "registry.example.com/team/trainer:v2"
C = f'failed to pull and unpack image "{IMAGE}": '
RESOLVE = C + f'failed to resolve reference "{IMAGE}": '
CRIO = f"rpc error: code = Unknown desc = initializing source docker://{IMAGE}: "
READING = CRIO + "reading manifest v2 in registry.example.com/team/trainer: "

DENIED = "denies the node access"
ABSENT = "its image is not in the registry"
SLOWLY = "its image has not been pulled yet"

# The words after "code = ... desc =", the cause, and the seconds that it must last.
PULLS: list[tuple[str, str, float]] = [
    # -- containerd
    (f"rpc error: code = NotFound desc = {RESOLVE}{IMAGE}: not found", ABSENT, 0),
    (RESOLVE + "unexpected status from HEAD request to https://registry.example.com/v2/x/manifests/v2: 403 Forbidden", DENIED, 15),
    (RESOLVE + "unexpected status from HEAD request to https://r/v2/x/manifests/v2?ns=docker.io: 401 Unauthorized", DENIED, 15),
    (RESOLVE + "pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed", DENIED, 15),
    (RESOLVE + "failed to authorize: failed to fetch oauth token: unexpected status from POST request to https://auth/token: 401 Unauthorized", DENIED, 15),
    (RESOLVE + "failed to authorize: failed to fetch anonymous token: unexpected status from GET request to https://ghcr.io/token?scope=repository%3Ax%3Apull&service=ghcr.io: 403 Forbidden", DENIED, 15),
    (RESOLVE + "failed to do request: Head \"https://r/v2/\": tls: failed to verify certificate: x509: certificate signed by unknown authority", "does not trust", 15),
    (RESOLVE + "failed to do request: Head \"https://r/v2/\": x509: certificate has expired or is not yet valid: current time 2026-01-01T00:00:00Z is after 2025-12-31T00:00:00Z", "has expired", 15),
    (RESOLVE + "failed to do request: Head \"https://r/v2/\": tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time 1970-01-01T00:00:09Z is before 2025-12-31T00:00:00Z", "not valid yet", 60),
    (RESOLVE + "failed to do request: Head \"https://r/v2/\": x509: certificate is valid for other.example.com, not registry.example.com", "another name", 15),
    (RESOLVE + "failed to do request: Head \"https://10.0.0.1/v2/\": x509: cannot validate certificate for 10.0.0.1 because it doesn't contain any IP SANs", "another name", 15),
    (RESOLVE + "failed to do request: Head \"https://r/v2/\": x509: certificate relies on legacy Common Name field, use SANs instead", "another name", 15),
    (RESOLVE + "failed to do request: Head \"https://r:5000/v2/\": http: server gave HTTP response to HTTPS client", "plain HTTP, but the node uses HTTPS", 0),
    (RESOLVE + "failed to do request: Head \"https://r/v2/\": dial tcp: lookup r on 10.96.0.10:53: no such host", SLOWLY, SLOW),
    (RESOLVE + "failed to do request: Head \"https://r/v2/\": dial tcp 10.0.0.1:403: connect: connection refused", SLOWLY, SLOW),
    (RESOLVE + "failed to do request: Head \"https://r/v2/\": net/http: TLS handshake timeout", SLOWLY, SLOW),
    (RESOLVE + "failed to do request: Head \"https://r/v2/\": proxyconnect tcp: dial tcp 10.0.0.9:3128: i/o timeout", "proxy between", SLOW),
    (RESOLVE + "failed to do request: Head \"https://r/v2/\": Proxy Authentication Required", "proxy between", SLOW),
    (RESOLVE + "unexpected status from HEAD request to https://r/v2/x: 429 Too Many Requests", "limits how many", SLOW),
    ("rpc error: code = Unknown desc = " + C + "failed to copy: httpReadSeeker: failed open: unexpected status code https://registry-1.docker.io/v2/library/x/manifests/sha256:aa: 429 Too Many Requests - Server message: toomanyrequests: You have reached your unauthenticated pull rate limit. https://www.docker.com/increase-rate-limit", "limits how many", SLOW),
    (RESOLVE + "unexpected status from HEAD request to https://r/v2/x: 503 Service Unavailable", SLOWLY, SLOW),
    (RESOLVE + "unexpected status from HEAD request to https://r/v2/x: 500 Internal Server Error", SLOWLY, SLOW),
    ("rpc error: code = NotFound desc = " + C + "failed to unpack image on snapshotter overlayfs: unexpected media type text/html for sha256:04a732b9876d77c18601b92f91bb05d4: not found", "a web page arrives", SLOW),
    ("rpc error: code = NotFound desc = " + C + "failed to unpack image on snapshotter overlayfs: content digest sha256:00aa: not found", "cannot store it", SLOW),
    ("rpc error: code = NotFound desc = content digest sha256:00: not found", "cannot store it", SLOW),
    (C + "failed to extract layer sha256:aa: failed to get stream processor for application/x: not found", "cannot store it", SLOW),
    ("rpc error: code = NotFound desc = " + C + "failed to prepare extraction snapshot \"extract-1 sha256:aa\": parent snapshot sha256:bb does not exist: not found", "cannot store it", SLOW),
    (C + "failed to extract layer sha256:aa: write /var/lib/containerd/tmpmounts/containerd-mount1/usr/lib/libx.so: no space left on device: unknown", "disk of its node is full", 60),
    ("rpc error: code = NotFound desc = " + C + "no match for platform in manifest: not found", "platform", 0),
    ("rpc error: code = NotFound desc = " + C + "failed to copy: httpReadSeeker: failed open: could not fetch content descriptor sha256:aa (application/x) from remote: not found", "part of its image is missing", 15),
    ("rpc error: code = Unavailable desc = connection error: desc = \"transport: Error while dialing: dial unix /run/containerd/containerd.sock: connect: connection refused\"", "container runtime of its node does not answer", SLOW),
    ("rpc error: code = Unavailable desc = connection error: desc = \"transport: Error while dialing: dial unix /run/containerd/containerd.sock: connect: permission denied\"", "container runtime of its node does not answer", SLOW),
    ("rpc error: code = DeadlineExceeded desc = context deadline exceeded", SLOWLY, SLOW),
    ("rpc error: code = Canceled desc = " + C + "context canceled", SLOWLY, SLOW),
    # -- CRI-O
    (READING + "manifest unknown: manifest unknown", ABSENT, 0),
    (READING + "name unknown: repository not found", ABSENT, 0),
    (READING + "StatusCode: 404, \"not here\"", ABSENT, 0),
    (READING + "unauthorized: access to the requested resource is not authorized", DENIED, 15),
    (READING + "denied: requested access to the resource is denied", DENIED, 15),
    (READING + "denied: Permission \"artifactregistry.repositories.downloadArtifacts\" denied on resource \"projects/x\" (or it may not exist)", DENIED, 15),
    (READING + "denied: Permission denied for \"v2\" from request \"/v2/x/manifests/v2\".", DENIED, 15),
    (CRIO + "Requesting bearer token: invalid status code from registry 403 (Forbidden)", DENIED, 15),
    (CRIO + "unable to retrieve auth token: invalid username/password: unauthorized: incorrect username or password", DENIED, 15),
    (CRIO + "unable to retrieve auth token: invalid username/password: unauthorized", DENIED, 15),
    (CRIO + "pinging container registry registry.example.com: StatusCode: 403, \"<html><head><title>403</title>\"", "a web page arrives", SLOW),
    (CRIO + "pinging container registry registry.example.com: Get \"https://r/v2/\": dial tcp 10.0.0.1:443: connect: no route to host", SLOWLY, SLOW),
    (CRIO + "pinging container registry registry.example.com: Get \"https://r/v2/\": tls: failed to verify certificate: x509: certificate signed by unknown authority", "does not trust", 15),
    (CRIO + "pinging container registry r: Get \"http://r/v2/\": Client sent an HTTP request to an HTTPS server", "speaks HTTPS, but", 0),
    (READING + "toomanyrequests: You have reached your pull rate limit", "limits how many", SLOW),
    ("rpc error: code = Unknown desc = choosing image instance: no image found in image index for architecture \"arm64\", variant \"v8\", OS \"linux\"", "platform", 0),
    ("rpc error: code = Unknown desc = choosing image instance: no image found in manifest list for architecture arm64, variant , OS linux", "platform", 0),
    ("Source image rejected: Running image docker://registry.example.com/x is rejected by policy.", "signature policy", 15),
    ("copying system image from manifest list: Source image rejected: A signature was required, but no signature exists", "signature policy", 15),
    ("committing the finished image: creating layer: open /var/lib/containers/storage/x: input/output error", "cannot store it", SLOW),
    ("copying system image: writing blob: storing blob to file \"/var/tmp/storage1/1\": write /var/tmp/storage1/1: no space left on device", "disk of its node is full", 60),
    ("copying system image: writing blob: happened during read: unexpected EOF", SLOWLY, SLOW),
    ("Unimplemented: unsupported manifest MIME type \"text/html\"", "a web page arrives", SLOW),
    # -- cri-dockerd
    ("Error response from daemon: manifest for registry.example.com/team/trainer:v2 not found: manifest unknown: manifest unknown", ABSENT, 0),
    ("Error response from daemon: pull access denied for team/trainer, repository does not exist or may require 'docker login': denied: requested access to the resource is denied", DENIED, 15),
    ("Error response from daemon: Head \"https://r/v2/x/manifests/v2\": no basic auth credentials", DENIED, 15),
    ("Error response from daemon: Head \"https://r/v2/x/manifests/v2\": unauthorized: authentication required", DENIED, 15),
    ("Error response from daemon: Get \"https://r/v2/\": unauthorized: incorrect username or password", DENIED, 15),
    ("Error response from daemon: Head \"https://europe-west3-docker.pkg.dev/v2/x/manifests/v4.0.0\": Forbidden", DENIED, 15),
    ("Error response from daemon: error parsing HTTP 403 response body: invalid character '<' looking for beginning of value: \"\\n<html>...\"", "a web page arrives", SLOW),
    ("Error response from daemon: no matching manifest for linux/arm64/v8 in the manifest list entries", "platform", 0),
    ("Error response from daemon: image with reference x was found but does not match the specified platform: wanted linux/arm64, actual: linux/amd64", "platform", 0),
    ("Error response from daemon: Get \"https://r/v2/\": net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)", SLOWLY, SLOW),
    ("failed to register layer: Error processing tar file(exit status 1): write /x: no space left on device", "disk of its node is full", 60),
    ("Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?", "container runtime of its node does not answer", SLOW),
    # -- registries
    (RESOLVE + "unexpected status: 403 Forbidden: denied: User: arn:aws:sts::1:assumed-role/x is not authorized to perform: ecr:BatchGetImage because no identity-based policy allows", DENIED, 15),
    (READING + "name unknown: The repository with name 'team/trainer' does not exist in the registry with id '1'", ABSENT, 0),
    (READING + "manifest tagged by \"v2\" is not found", ABSENT, 0),
    (READING + "unauthorized: unauthorized to access repository: team/trainer, action: pull", DENIED, 15),
    (READING + "authentication required", DENIED, 15),
    ("pull QPS exceeded", "limits how many", SLOW),
    ("", SLOWLY, SLOW),
]  # fmt: skip


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
    "denied: 5000/forbidden".replace(" ", ""),
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
    message = CRIO + "unable to retrieve auth token: invalid username/password: unauthorized: incorrect; token=hunter22"
    sign = only(waiting(message))
    assert DENIED in sign.signature.cause
    assert "hunter22" not in str(sign)
    assert "unauthorized" not in str(sign)


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

STARTS: list[tuple[str, str, str, float]] = [
    ("CreateContainerConfigError", "failed to sync secret cache: timed out waiting for the condition", "does not know yet", SLOW),
    ("CreateContainerConfigError", "failed to sync configmap cache: timed out waiting for the condition", "does not know yet", SLOW),
    ("CreateContainerConfigError", "services have not yet been read at least once, cannot construct envvars", "does not know yet", SLOW),
    ("CreateContainerConfigError", 'object "ops"/"config" not registered', "does not know yet", SLOW),
    ("CreateContainerConfigError", 'Get "https://10.96.0.1/api": dial tcp 10.96.0.1:443: connect: connection refused', "does not know yet", SLOW),
    ("CreateContainerConfigError", 'secret "x" not found', "cannot be configured", 5),
    ("CreateContainerConfigError", "couldn't find key a in ConfigMap ops/config", "cannot be configured", 5),
    ("CreateContainerConfigError", "container has runAsNonRoot and image will run as root", "cannot be configured", 5),
    ("CreateContainerError", 'Error response from daemon: No command specified', "cannot be created", 5),
    ("CreateContainerError", 'failed to reserve container name "m_p_ops_1": name "x" is reserved for "y"', "cannot be created", SLOW),
    ("CreateContainerError", "context deadline exceeded", "cannot be created", SLOW),
    ("CreateContainerError", "failed to mkdir /var/lib/x: no space left on device", "disk of its node is full", 60),
    ("InvalidImageName", "couldn't parse image name", "invalid", 0),
    ("ErrImageNeverPull", "Container image is not present with pull policy of Never", "forbids pulling", 0),
    ("ImageInspectError", "failed to inspect image: rpc error: desc = connection error: dial unix /run/crio/crio.sock: no such file", "does not answer", SLOW),
]  # fmt: skip


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
