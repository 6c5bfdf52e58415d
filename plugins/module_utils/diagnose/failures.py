# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find signs of failure in a Deployment and its pods: C(failure_catalogue.py), and rejected pods. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..objects.fields import part, parts
from ..redaction import redact
from ..rejections.rejection import REQUEST, Rejection, Scene, rejection_of
from ..verdicts.verdict import count
from ..verdicts.workloads import containers_of
from .failure_catalogue import SIGNATURES, SLOW, Signature, SignatureSource


@dataclass(frozen=True)
class FailureSign:
    """A sign that was found. C(uid) is the uid of the object that has it, C(words) are the server's.

    Args:
        run: for a container that exited: its namespace, pod, name, and number of restarts.
        rejection: what an API server rejected, if this is a rejected pod.
        scene: where it was rejected.
    """

    signature: Signature
    deployment: str
    uid: str
    words: str
    next_step: str
    run: tuple[str, str, str, int] = ("", "", "", 0)
    rejection: Rejection | None = None
    scene: Scene = REQUEST

    @property
    def passes(self) -> bool:
        """Return whether the sign may disappear although nobody changes anything in the namespace."""
        return self.rejection is not None and not self.rejection.is_lasting

    def __str__(self) -> str:
        return f"{self.signature.cause}: {self.words}" if self.words else self.signature.cause


# The kubelet's reasons for containers that it is creating, and for those that it retries at growing intervals.
_BEING_MADE = frozenset({"ContainerCreating", "PodInitializing"})
_BACK_OFF = frozenset({"ImagePullBackOff", "CrashLoopBackOff", "ErrImagePull", "RunContainerError"})
# Seconds that a rejection must last: after its cause is removed, it stays in the status until the next attempt, and an
# object that is missing may be created a moment later.
_REJECTED, _MISSING = 3.0, 10.0
_MAY_COME = frozenset(
    {"service_account_missing", "priority_class_missing", "runtime_class_missing", "permission", "object_missing"}
)
# Higher exit codes belong to processes that were ended by a signal from outside (POSIX shells: 128 + signal number).
_LAST_OWN_CODE = 128


@dataclass(frozen=True)
class _Sign:
    """A reason and a message about a Deployment, in the terms of a Signature."""

    source: SignatureSource
    uid: str
    reason: str
    message: str
    words: str
    pod: str = ""
    container: str = ""
    image: str = ""
    restarts: int = 0
    restarts_before: int = 0
    exit_code: int = 0


def failure_signs(
    deployment: Mapping[str, Any], pods: Iterable[Mapping[str, Any]], before: Mapping[str, int] | None = None
) -> list[FailureSign]:
    """Return the signs of failure of a Deployment that is not rolled out, the first sign of each object.

    Args:
        deployment: from the server.
        pods: the pods that its selector matches.
        before: uid of a pod to its C(restarts_of) when the wait began; the cause of these may be repaired by now.
    """
    metadata = part(deployment, "metadata")
    name, namespace = str(metadata.get("name", "")), str(metadata.get("namespace", ""))
    return _recognised(_signs(deployment, pods, before or {}), namespace, name)


def start_failures(pods: Iterable[Mapping[str, Any]], namespace: str) -> list[FailureSign]:
    """Return the signs that containers of any pods cannot start, the first sign of each pod.

    Leaves out repeated exits, which the owner of the pod handles, and missing capacity, which the scheduler or a queue
    handles.
    """
    signs = (replace(sign, restarts=0) for pod in pods for sign in _container_signs(pod, {}))
    return _recognised(signs, namespace, "")


def rejected_objects(owner: Mapping[str, Any], message: str, what: str = "its pods") -> FailureSign:
    """Return the sign that an API server rejects what the controller of an object creates.

    Args:
        owner: the object that is to have them, e.g. a Job.
        message: the message of the controller's event, not redacted.
        what: the rejected objects.
    """
    metadata = part(owner, "metadata")
    words = f"{owner.get('kind') or 'Job'} {metadata.get('name', '')}: {redact(message).strip()}"
    scene = Scene(what, str(metadata.get("namespace", "")), given=True)
    return rejection_sign(rejection_of(message), scene, str(metadata.get("uid")), words)


def rejection_sign(rejection: Rejection, scene: Scene, uid: str, words: str, deployment: str = "") -> FailureSign:
    """Return the sign for a rejection: certain after a grace period if time does not help, otherwise never."""
    grace = _MISSING if rejection.kind in _MAY_COME else _REJECTED
    known = rejection.kind != "unknown"
    signature = Signature(
        redact(rejection.cause(scene)) if known else f"{scene.what} cannot be created",
        "creation",
        frozenset({"FailedCreate"}),
        redact(rejection.next_step(scene)) if known else "read the controller's message and correct what it names",
        grace=grace if rejection.is_lasting else SLOW,
    )
    return FailureSign(signature, deployment, uid, words, signature.next_step, rejection=rejection, scene=scene)


def _recognised(signs: Iterable[_Sign], namespace: str, deployment: str) -> list[FailureSign]:
    found: dict[str, FailureSign] = {}
    for sign in signs:
        if sign.source == "creation":
            scene = Scene("its pods", namespace, given=True, install=True)
            failure = rejection_sign(rejection_of(sign.message), scene, sign.uid, sign.words, deployment)
            found.setdefault(sign.uid, failure)
            continue
        signature = next((signature for signature in SIGNATURES if _fits(signature, sign)), None)
        if signature is not None:
            next_step = signature.next_step.format(
                namespace=namespace, deployment=deployment, pod=sign.pod, image=sign.image
            )
            run = (namespace, sign.pod, sign.container, sign.restarts)
            found.setdefault(sign.uid, FailureSign(signature, deployment, sign.uid, sign.words, next_step, run))
    return list(found.values())


def in_back_off(pod: Mapping[str, Any]) -> bool:
    """Return whether a container of this pod is in back-off: the kubelet retries it at growing intervals."""
    return any(str(_waiting(status).get("reason")) in _BACK_OFF for status in containers_of(pod))


def restarts_of(pod: Mapping[str, Any]) -> int:
    """Return the highest restart count among the containers of this pod."""
    return max((count(status.get("restartCount")) for status in containers_of(pod)), default=0)


def is_being_made(pod: Mapping[str, Any]) -> bool:
    """Return whether the kubelet is creating the containers; the pod's status does not show any details then."""
    return any(str(_waiting(status).get("reason")) in _BEING_MADE for status in containers_of(pod))


def is_refused(deployment: Mapping[str, Any]) -> bool:
    """Return whether the last attempt to create pods of this Deployment was rejected."""
    return any(True for _sign in _creation_signs(deployment))


def newest_pods(deployment: Mapping[str, Any], pods: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the pods of the Deployment's current template; none if it has not created any yet.

    The current template may repair the very problem that the pods of an older one have.
    """
    generation = part(deployment, "metadata").get("generation")
    status = part(deployment, "status")
    if count(status.get("observedGeneration")) < count(generation) or count(status.get("updatedReplicas")) < 1:
        return []
    ordered = sorted(pods, key=lambda pod: str(part(pod, "metadata").get("creationTimestamp")))
    if not ordered:
        return []
    newest = _template(ordered[-1])
    return [pod for pod in ordered if _template(pod) == newest]


def _template(pod: Mapping[str, Any]) -> Any:
    return part(part(pod, "metadata"), "labels").get("pod-template-hash")


def _fits(signature: Signature, sign: _Sign) -> bool:
    return (
        signature.source == sign.source
        and sign.reason in signature.reasons
        and sign.restarts >= signature.restarts
        # One run must have started and ended since the wait began: the cause of earlier exits may be repaired.
        and (not signature.restarts or sign.restarts > sign.restarts_before)
        and (not signature.own_fault or 0 < sign.exit_code <= _LAST_OWN_CODE)
        and re.search(signature.words, sign.message, re.IGNORECASE) is not None
        and not (signature.but_not and re.search(signature.but_not, sign.message, re.IGNORECASE))
    )


def _signs(
    deployment: Mapping[str, Any], pods: Iterable[Mapping[str, Any]], before: Mapping[str, int]
) -> Iterator[_Sign]:
    yield from _deployment_signs(deployment)
    yield from _creation_signs(deployment)
    for pod in newest_pods(deployment, pods):
        yield from _scheduler_signs(pod)
        yield from _container_signs(pod, before)


def _deployment_signs(deployment: Mapping[str, Any]) -> Iterator[_Sign]:
    uid, spec = str(part(deployment, "metadata").get("uid")), part(deployment, "spec")
    if spec.get("replicas") == 0:
        yield _Sign("deployment", uid, "ScaledToZero", "", "")
    if spec.get("paused") is True:
        yield _Sign("deployment", uid, "DeploymentPaused", "", "")


def _creation_signs(deployment: Mapping[str, Any]) -> Iterator[_Sign]:
    uid = str(part(deployment, "metadata").get("uid"))
    for condition in parts(part(deployment, "status"), "conditions"):
        if condition.get("type") == "ReplicaFailure" and condition.get("status") == "True":
            reason, message = str(condition.get("reason", "")), str(condition.get("message", ""))
            yield _Sign("creation", uid, reason, message, redact(message))


def _scheduler_signs(pod: Mapping[str, Any]) -> Iterator[_Sign]:
    metadata = part(pod, "metadata")
    name, uid = str(metadata.get("name", "")), str(metadata.get("uid"))
    for condition in parts(part(pod, "status"), "conditions"):
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            reason, message = str(condition.get("reason", "")), str(condition.get("message", ""))
            yield _Sign("scheduler", uid, reason, message, f"pod {name}: {message}", pod=name)


def _container_signs(pod: Mapping[str, Any], before: Mapping[str, int]) -> Iterator[_Sign]:
    metadata = part(pod, "metadata")
    name, uid = str(metadata.get("name", "")), str(metadata.get("uid"))
    for status in containers_of(pod):
        waiting = _waiting(status)
        if not waiting:
            continue
        reason, message = str(waiting.get("reason", "")), redact(str(waiting.get("message", "")))
        last = part(part(status, "lastState"), "terminated")
        ended = ""
        if last:
            ended = f"{last.get('reason', 'ended')}, exit code {last.get('exitCode')}"
            if last.get("message"):
                ended += f": {redact(str(last['message'])).strip()}"
        said = f"{reason} {ended or message}".rstrip()
        yield _Sign(
            "container",
            uid,
            reason,
            f"{message} {ended}",
            f"pod {name}: {said}",
            pod=name,
            container=str(status.get("name", "")),
            image=str(status.get("image", "")),
            restarts=count(status.get("restartCount")),
            restarts_before=before.get(uid, 0),
            exit_code=count(last.get("exitCode")),
        )


def _waiting(status: Mapping[str, Any]) -> Mapping[str, Any]:
    return part(part(status, "state"), "waiting")
