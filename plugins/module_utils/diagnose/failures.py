# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find signs of failure in a Deployment and its pods: C(failure_catalogue.py), and rejected pods. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..objects.fields import conditions_of, has_ended, is_terminating, name_of, namespace_of, part, text
from ..redaction import redact
from ..rejections.rejection import Scene, rejection_of
from ..verdicts.nodes import is_temporary_taint, named_taints
from ..verdicts.pods import by_age, containers_of, exit_code_of, has_several_containers
from ..verdicts.verdict import count
from ..verdicts.workloads import has_all_replicas
from .failure_catalogue import SIGNATURES
from .failure_sign import FailureSign, rejection_sign
from .pull_failures import PULL_REASONS
from .signature import Signature, SignatureSource

# Higher exit codes belong to processes that were ended by a signal from outside (POSIX shells: 128 + signal number).
_LAST_OWN_CODE = 128
# Up to Kubernetes 1.31 the kubelet does not repeat the error of a pull while it waits for the next attempt.
_BARE_BACK_OFF = re.compile(r'\s*(?:ImagePullBackOff\s*)?(?:back-off pulling image\s*(?:"[^"]*")?)?\s*', re.IGNORECASE)
_URL = re.compile(r"\b\w{1,30}://[^\s\"']+")
# How much of a message is searched for the names of images, in characters.
_SEARCHED = 16_000
# CRI-O adds the errors of mirrors. The error of the registry itself counts.
_OF_MIRRORS = re.compile(r"\(Mirrors also failed: .*\]\): ", re.DOTALL)
# Signs of the scheduler that the state of nodes decides about: a taint without its key, and a cordoned node, which may
# be restarting.
_ABOUT_NODES = re.compile(r"untolerated taint(?! \{)|had taints|unknown conditions|were unschedulable", re.IGNORECASE)


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
    exit_code: int | None = None
    needs_nodes: bool = False
    several: bool = False


def failure_signs(
    deployment: Mapping[str, Any], pods: Iterable[Mapping[str, Any]], before: Mapping[str, int] | None = None
) -> list[FailureSign]:
    """Return the signs of failure of a Deployment that is not rolled out, one sign of each object at most.

    Args:
        deployment: from the server.
        pods: the pods that its selector matches.
        before: uid of a pod to its C(restarts_of) when the wait began; the cause of these may be repaired by now.
    """
    signs = _signs(deployment, pods, before or {})
    return _recognised(signs, namespace_of(deployment), name_of(deployment), installed=True)


def start_failures(pods: Iterable[Mapping[str, Any]], namespace: str) -> list[FailureSign]:
    """Return the signs that containers of any pods cannot start, one sign of each pod at most.

    Leaves out repeated exits, which the owner of the pod handles, and missing capacity, which the scheduler or a queue
    handles.
    """
    signs = (replace(sign, restarts=0) for pod in pods for sign in _container_signs(pod, {}))
    return _recognised(signs, namespace, "", installed=False)


def pod_failures(pods: Iterable[Mapping[str, Any]], namespace: str, timeout: str) -> list[FailureSign]:
    """Return the signs that single pods cannot be scheduled or started, one sign of each pod at most.

    Args:
        timeout: the variable for the duration of the wait.
    """
    signs = (replace(sign, restarts=0) for pod in pods for sign in (*_scheduler_signs(pod), *_container_signs(pod, {})))
    return _recognised(signs, namespace, "", timeout, installed=True)


def pull_failure(message: str, image: str, namespace: str, pod: str) -> tuple[str, str] | None:
    """Return cause and next step of a controller's failed pull, e.g. from an event; None if the message tells nothing.

    Args:
        message: the unchanged message of the kubelet.
    """
    sign = _Sign("container", "", "ErrImagePull", message, "", pod=pod, image=image)
    found = _recognised([sign], namespace, "", installed=True)
    if _is_bare(message) or not found:
        return None
    return found[0].signature.cause, found[0].next_step


def _recognised(
    signs: Iterable[_Sign],
    namespace: str,
    deployment: str,
    timeout: str = "conductor_wait_timeout",
    *,
    installed: bool,
) -> list[FailureSign]:
    """Return the signs that the catalogue has.

    Args:
        timeout: the variable for the duration of the wait.
        installed: whether these are pods of the controllers, which an install applies.
    """
    found: dict[str, FailureSign] = {}
    for sign in signs:
        if sign.source == "creation":
            scene = Scene("its pods", namespace, given=True, install=True)
            failure = rejection_sign(rejection_of(sign.message), scene, sign.uid, sign.words, deployment)
            found.setdefault(sign.uid, failure)
            continue
        signature = next((signature for signature in SIGNATURES if _fits(signature, sign)), None)
        if signature is not None:
            option = f" -c {sign.container}" if signature.restarts and sign.several and sign.container else ""
            next_step = ((signature.if_installed if installed else "") or signature.next_step).format(
                namespace=namespace,
                deployment=deployment,
                pod=f"{sign.pod}{option}",
                image=sign.image or "the image",
                timeout=f"`{timeout}`",
            )
            # Of several containers, the one that is certain first counts: another one may only be slow.
            known = found.get(sign.uid)
            if known is None or signature.grace < known.signature.grace:
                found[sign.uid] = FailureSign(
                    signature,
                    deployment,
                    sign.uid,
                    sign.words,
                    next_step,
                    (namespace, sign.pod, sign.container, sign.restarts),
                    sign.exit_code,
                    sign.needs_nodes,
                    sign.reason in PULL_REASONS and _is_bare(sign.message),
                )
    return list(found.values())


def _is_bare(message: str) -> bool:
    return _BARE_BACK_OFF.fullmatch(message) is not None


def newest_pods(deployment: Mapping[str, Any], pods: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the pods of the Deployment's current template; none if it has not created any yet.

    The current template may repair the very problem that the pods of an older one have.
    """
    generation = part(deployment, "metadata").get("generation")
    status = part(deployment, "status")
    if count(status.get("observedGeneration")) < count(generation) or count(status.get("updatedReplicas")) < 1:
        return []
    ordered = by_age(pods)
    if not ordered:
        return []
    newest = _template(max(ordered, key=lambda pod: text(pod, "metadata", "creationTimestamp")))
    return [pod for pod in ordered if _template(pod) == newest]


def _template(pod: Mapping[str, Any]) -> str:
    return text(pod, "metadata", "labels", "pod-template-hash")


def _fits(signature: Signature, sign: _Sign) -> bool:
    message = _without_names(sign)
    return (
        signature.source == sign.source
        and sign.reason in signature.reasons
        and sign.restarts >= signature.restarts
        # One run must have started and ended since the wait began: the cause of earlier exits may be repaired.
        and (not signature.restarts or sign.restarts > sign.restarts_before)
        and (not signature.own_fault or is_own_exit(sign.exit_code))
        and re.search(signature.words, message, re.IGNORECASE) is not None
        and not (signature.but_not and re.search(signature.but_not, message, re.IGNORECASE))
    )


def is_own_exit(code: int | None) -> bool:
    """Return whether a process that ended with this exit code failed by itself; False if the code is None."""
    return 0 < (code or 0) <= _LAST_OWN_CODE


def _without_names(sign: _Sign) -> str:
    """Return the message of a sign; for a failed pull its reason as well, and without the names of images and URLs."""
    if sign.reason not in PULL_REASONS:
        return sign.message
    said = _URL.sub("", _OF_MIRRORS.sub("", f"{sign.reason}: {sign.message[:_SEARCHED]}"))
    bare = sign.image.partition("@")[0]
    repository = bare.rpartition(":")[0] if ":" in bare.rpartition("/")[2] else bare
    for name in (sign.image, bare, repository, *re.findall(r'image "([^"]+)"', said)):
        if len(name) > 1:
            said = said.replace(name, "")
    return said


def _signs(
    deployment: Mapping[str, Any], pods: Iterable[Mapping[str, Any]], before: Mapping[str, int]
) -> Iterator[_Sign]:
    if not has_all_replicas(deployment):
        # With all pods, only an outdated condition is left.
        yield from _deployment_signs(deployment)
        yield from _creation_signs(deployment)
    for pod in newest_pods(deployment, pods):
        yield from _scheduler_signs(pod)
        yield from _container_signs(pod, before)


def _deployment_signs(deployment: Mapping[str, Any]) -> Iterator[_Sign]:
    uid, spec = text(deployment, "metadata", "uid"), part(deployment, "spec")
    replicas = spec.get("replicas")
    if isinstance(replicas, int) and not isinstance(replicas, bool) and replicas == 0:
        yield _Sign("deployment", uid, "ScaledToZero", "", "")
    if spec.get("paused") is True:
        yield _Sign("deployment", uid, "DeploymentPaused", "", "")


def _creation_signs(deployment: Mapping[str, Any]) -> Iterator[_Sign]:
    uid = text(deployment, "metadata", "uid")
    for condition in conditions_of(deployment, "ReplicaFailure"):
        if condition.get("status") == "True":
            message = text(condition, "message")
            yield _Sign("creation", uid, text(condition, "reason"), message, redact(message))


def _scheduler_signs(pod: Mapping[str, Any]) -> Iterator[_Sign]:
    # A nominated pod waits for the end of the pods that the scheduler has preempted for it.
    if text(pod, "spec", "nodeName") or text(pod, "status", "nominatedNodeName") or _is_over(pod):
        return
    for condition in conditions_of(pod, "PodScheduled"):
        message = text(condition, "message")
        named = named_taints(message)
        if condition.get("status") == "False" and not any(is_temporary_taint(key) for key in named):
            yield _Sign(
                "scheduler",
                text(pod, "metadata", "uid"),
                text(condition, "reason"),
                message,
                f"pod {name_of(pod)}: {redact(message)}",
                pod=name_of(pod),
                needs_nodes=_ABOUT_NODES.search(message) is not None,
            )


def _container_signs(pod: Mapping[str, Any], before: Mapping[str, int]) -> Iterator[_Sign]:
    if _is_over(pod):
        return
    name, uid, several = name_of(pod), text(pod, "metadata", "uid"), has_several_containers(pod)
    for status in containers_of(pod):
        waiting = part(status, "state", "waiting")
        if not waiting:
            continue
        reason, message = text(waiting, "reason"), text(waiting, "message")
        last = part(status, "lastState", "terminated")
        ended = ""
        if last:
            ended = f"{text(last, 'reason') or 'ended'}, exit code {last.get('exitCode')}"
            if text(last, "message"):
                ended += f": {text(last, 'message').strip()}"
        container = text(status, "name")
        where = f"{container}: " if several and container else ""
        yield _Sign(
            "container",
            uid,
            reason,
            # The kubelet keeps the end of an earlier run while it pulls the image again.
            message if reason in PULL_REASONS else f"{message} {ended}",
            redact(
                f"pod {name}: {where}{reason} {(message or ended) if reason in PULL_REASONS else (ended or message)}"
            ).rstrip(),
            pod=name,
            container=container,
            image=text(status, "image"),
            restarts=count(status.get("restartCount")),
            restarts_before=before.get(uid, 0),
            exit_code=exit_code_of(last),
            several=several,
        )


def _is_over(pod: Mapping[str, Any]) -> bool:
    return has_ended(pod) or is_terminating(pod)
