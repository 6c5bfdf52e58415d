# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds signs of failure (C(diagnose/failure_catalogue.py)) in a Deployment and its pods. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..objects.fields import part, parts
from ..redaction import redact
from ..verdicts.verdict import count
from ..verdicts.workloads import containers_of
from .failure_catalogue import SIGNATURES, Signature, SignatureSource


@dataclass(frozen=True)
class FailureSign:
    """A sign that was seen. C(uid) is that of the object it was seen on, C(words) are the server's.

    Args:
        run: of a container that ended: its namespace, pod, own name, and how often it was started again.
    """

    signature: Signature
    deployment: str
    uid: str
    words: str
    next_step: str
    run: tuple[str, str, str, int] = ("", "", "", 0)

    def __str__(self) -> str:
        return f"{self.signature.cause}: {self.words}" if self.words else self.signature.cause


# What the kubelet says of containers that it is making, and of those that it tries to start again at growing intervals,
_BEING_MADE = frozenset({"ContainerCreating", "PodInitializing"})
_BACK_OFF = frozenset({"ImagePullBackOff", "CrashLoopBackOff", "ErrImagePull", "RunContainerError"})
# Above are those of processes that a signal ended, which somebody else sent (POSIX shells: 128 and its number).
_LAST_OWN_CODE = 128


@dataclass(frozen=True)
class _Sign:
    """What somebody says of a Deployment: a reason and a message, in the terms of a Signature."""

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
    """The signs of failure in a Deployment that is not rolled out; the first of each object.

    Args:
        deployment: as the server has it.
        pods: those that its selector matches.
        before: uid of a pod to C(restarts_of) it when the wait began; those tell of a past that may be repaired.
    """
    metadata = part(deployment, "metadata")
    name, namespace = str(metadata.get("name", "")), str(metadata.get("namespace", ""))
    return _recognised(_signs(deployment, pods, before or {}), namespace, name)


def stillborn(pods: Iterable[Mapping[str, Any]], namespace: str) -> list[FailureSign]:
    """The signs that containers of pods cannot start, whoever made these; the first of each pod.

    That one ends again and again is its owner's affair, and room the scheduler's or a queue's.
    """
    signs = (replace(sign, restarts=0) for pod in pods for sign in _container_signs(pod, {}))
    return _recognised(signs, namespace, "")


def refused(job: Mapping[str, Any], message: str) -> list[FailureSign]:
    """The sign that nobody may create a Job's pods.

    Args:
        message: of the event by which the job controller says so.
    """
    metadata, said = part(job, "metadata"), redact(message).strip()
    words = f"Job {metadata.get('name', '')}: {said}"
    sign = _Sign("creation", str(metadata.get("uid")), "FailedCreate", said, words)
    return _recognised([sign], str(metadata.get("namespace", "")), "")


def _recognised(signs: Iterable[_Sign], namespace: str, deployment: str) -> list[FailureSign]:
    found: dict[str, FailureSign] = {}
    for sign in signs:
        signature = next((signature for signature in SIGNATURES if _fits(signature, sign)), None)
        if signature is not None:
            next_step = signature.next_step.format(
                namespace=namespace, deployment=deployment, pod=sign.pod, image=sign.image
            )
            run = (namespace, sign.pod, sign.container, sign.restarts)
            found.setdefault(sign.uid, FailureSign(signature, deployment, sign.uid, sign.words, next_step, run))
    return list(found.values())


def in_back_off(pod: Mapping[str, Any]) -> bool:
    """Whether the kubelet tries to start a container of this pod at growing intervals."""
    return any(str(_waiting(status).get("reason")) in _BACK_OFF for status in containers_of(pod))


def restarts_of(pod: Mapping[str, Any]) -> int:
    """How often the kubelet has started a container of this pod again, the most often started one."""
    return max((count(status.get("restartCount")) for status in containers_of(pod)), default=0)


def is_being_made(pod: Mapping[str, Any]) -> bool:
    """Whether the kubelet has the pod and no container runs yet; it does not tell in the pod what it is about then."""
    return any(str(_waiting(status).get("reason")) in _BEING_MADE for status in containers_of(pod))


def is_refused(deployment: Mapping[str, Any]) -> bool:
    """Whether pods of this Deployment could not be created when it was last tried."""
    return any(True for _sign in _creation_signs(deployment))


def newest_pods(deployment: Mapping[str, Any], pods: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The pods of the Deployment's present template; none where it has not made any yet.

    What an older template's pods suffer from may be the very thing that the present one repairs.
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
        # One run must have begun and ended since the wait began: what ended before may be repaired.
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
            yield _Sign("creation", uid, reason, message, message)


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
