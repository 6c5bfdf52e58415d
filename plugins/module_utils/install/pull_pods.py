# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide which images a run has to prove, by which pods, and what they need. Pure.

A pod is as similar to the pods that will use its image as a pull can tell: where it may run, as which ServiceAccount,
with which credentials. It has neither their volumes nor their environment, and its command exists in no image.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..inspection.placement import ARCHITECTURE, architectures
from ..objects.fields import name_of, part, parts, text
from ..objects.resources import Key
from ..plan.plan import Action
from ..release.bundle import PHASES, Bundle
from ..release.images import image_slots
from .dry_run import Prediction
from .options import NO_PULL_PROOF, OF_ALL, OF_CONTROLLERS

# The label of the pods; an ended pod of a killed run is found by it.
LABEL = "conductor.trainer/pull-proof"
# The kubelet creates the container only when the image is there, and the container runtime cannot start this.
COMMAND = "/conductor.trainer/pull-proof/exists-in-no-image"
CONTAINER = "pull"
_OF_VARIABLE = "value"
_NAME = "conductor-pull-proof"
_RUNTIME = "ClusterTrainingRuntime"
_COPIED = ("imagePullSecrets", "nodeSelector", "tolerations", "runtimeClassName", "os")
_COPIED_OF_CONTROLLERS = (*_COPIED, "serviceAccountName", "priorityClassName", "schedulerName", "securityContext")
_TINY = {"cpu": "1m", "memory": "16Mi"}
# Accepted by each level of Pod Security. That a container may not run as root is checked after the pull.
_RESTRICTED_POD = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
_RESTRICTED = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


@dataclass(frozen=True)
class PullPod:
    """A pod that shows whether nodes can pull an image.

    Args:
        needed_by: the objects whose pods use the image.
        is_choice: whether those pods may be kept off an architecture: a TrainJob chooses its nodes.
        architecture: of the node; empty for any.
        group: a number that the pods for the architectures of one image have in common.
        spec: of the pod, with small requests.
        resources: those of the container that uses the image, in case that a LimitRange demands more.
    """

    image: str
    needed_by: tuple[str, ...]
    is_choice: bool
    spec: dict[str, Any]
    resources: dict[str, Any] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    architecture: str = ""
    group: int = 0

    @property
    def place(self) -> str:
        """Return image and architecture, for messages."""
        return f"{self.image} ({self.architecture})" if self.architecture else self.image

    def manifest(
        self, namespace: str, suffix: str, seconds: int, owner: Mapping[str, Any] | None, *, own: bool = False
    ) -> dict[str, Any]:
        """Return the manifest of the pod.

        Args:
            suffix: makes its name unique.
            seconds: the pod ends by itself after this time.
            owner: with which the pod is deleted at the latest.
            own: request the resources of the container that uses the image.
        """
        spec = {**self.spec, "activeDeadlineSeconds": seconds}
        if own:
            spec["containers"] = [{**spec["containers"][0], "resources": self.resources}]
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": f"{_NAME}-{suffix}",
                "namespace": namespace,
                "labels": {**self.labels, LABEL: "true"},
                "annotations": {
                    **self.annotations,
                    "conductor.trainer/purpose": "shows that the image can be pulled; runs nothing",
                },
                **({"ownerReferences": [dict(owner)]} if owner else {}),
            },
            "spec": spec,
        }


def pull_pods(
    bundle: Bundle, predictions: Iterable[Prediction], mode: str, nodes: Sequence[Mapping[str, Any]]
) -> list[PullPod]:
    """Return a pod for each image and architecture that a run needs, images of unchanged pods left out.

    Args:
        mode: one of C(PULL_PROOFS).
        nodes: the nodes; without any that accepts a pod, one pod stands for every architecture.
    """
    found: dict[str, PullPod] = {}
    for pod in _of_templates(bundle, predictions, mode):
        alike = json.dumps(vars(replace(pod, needed_by=())), sort_keys=True)
        known = found.get(alike)
        found[alike] = replace(known, needed_by=(*known.needed_by, *pod.needed_by)) if known else pod
    return [
        replace(_on(pod, name), group=group, needed_by=tuple(dict.fromkeys(pod.needed_by)))
        for group, pod in enumerate(found.values())
        for name in architectures(nodes, pod.spec) or [""]
    ]


def changes_images(action: Action, mode: str) -> bool:
    """Return whether an action may change what is pulled."""
    kinds = {NO_PULL_PROOF: (), OF_CONTROLLERS: ("Deployment",), OF_ALL: ("Deployment", _RUNTIME)}[mode]
    return action.verb in ("create", "adopt", "update") and action.key.kind in kinds


def prerequisites(bundle: Bundle, actions: Iterable[Action], pods: Iterable[PullPod]) -> list[Action]:
    """Return those of the actions without which the pods cannot be created as the controllers' pods will be.

    These are the operator's Namespace, what the pods name, and the user's own objects, which may be what admission
    needs. Nothing of them changes what a running controller does.
    """
    specs = [pod.spec for pod in pods]
    accounts = {text(spec, "serviceAccountName") for spec in specs}
    naming = [*specs, *(one for one in bundle.objects("ServiceAccount") if name_of(one) in accounts)]
    secrets = {text(entry, "name") for one in naming for entry in parts(one, "imagePullSecrets")}
    wanted = {
        Key("v1", "Namespace", "", bundle.namespace),
        *(Key("v1", "ServiceAccount", bundle.namespace, name) for name in accounts),
        *(Key("v1", "Secret", bundle.namespace, name) for name in secrets),
    }
    return [
        action
        for action in actions
        if action.verb != "prune"
        and (action.key in wanted or (action.key in bundle.extras and action.phase in PHASES[:2]))
    ]


def _of_templates(bundle: Bundle, predictions: Iterable[Prediction], mode: str) -> Iterator[PullPod]:
    selecting = {name for service in bundle.objects("Service") for name in part(service, "spec", "selector")}
    for found in predictions:
        manifest = found.action.manifest
        if not changes_images(found.action, mode) or found.action.key in bundle.extras or not _is_rolled_out(found):
            continue
        who = (f"{manifest['kind']} {name_of(manifest)}",)
        if manifest["kind"] == _RUNTIME:
            for job in parts(manifest, "spec", "template", "spec", "replicatedJobs"):
                yield from _of_runtime(part(job, "template", "spec", "template"), who)
        else:
            dropped = selecting | set(part(manifest, "spec", "selector", "matchLabels"))
            yield from _of_controller(part(manifest, "spec", "template"), who, dropped)


def _is_rolled_out(found: Prediction) -> bool:
    """Return whether a change concerns the template of pods."""
    changes = found.changes
    return bool(changes) and (
        isinstance(changes, str) or any(f"{path}.".startswith(("spec.template.", "spec.template[")) for path in changes)
    )


def _of_controller(template: Mapping[str, Any], who: tuple[str, ...], dropped: set[str]) -> Iterator[PullPod]:
    pod = part(template, "spec")
    # By these labels Services and Deployments would take the pod for one of theirs. A policy may demand the others.
    labels = {name: value for name, value in part(template, "metadata", "labels").items() if name not in dropped}
    annotations = dict(part(template, "metadata", "annotations"))
    for where, slot in image_slots(template):
        # What is in the environment is started in other pods.
        if slot != _OF_VARIABLE:
            spec = _spec(pod, where, slot, _COPIED_OF_CONTROLLERS, part(where, "securityContext"))
            yield PullPod(where[slot], who, False, spec, _resources(where), labels, annotations)


def _of_runtime(template: Mapping[str, Any], who: tuple[str, ...]) -> Iterator[PullPod]:
    # A container without an image gets that of a TrainJob.
    for where, slot in image_slots(template):
        spec = _spec(part(template, "spec"), where, slot, _COPIED, _RESTRICTED)
        yield PullPod(where[slot], who, True, {**spec, "securityContext": _RESTRICTED_POD})


def _resources(where: Mapping[str, Any]) -> dict[str, Any]:
    return dict(part(where, "resources"))


def _spec(
    pod: Mapping[str, Any], where: Mapping[str, Any], slot: str, copied: Iterable[str], security: Mapping[str, Any]
) -> dict[str, Any]:
    # Where other pods run must not keep this one away: the controllers' own may still be there.
    near = part(pod, "affinity", "nodeAffinity")
    policy = text(where, "imagePullPolicy") or text(where, "pullPolicy")
    return {
        **{name: pod[name] for name in copied if name in pod},
        **({"affinity": {"nodeAffinity": dict(near)}} if near else {}),
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 1,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "containers": [
            {
                "name": CONTAINER,
                "image": where[slot],
                "command": [COMMAND],
                # The same as requests and limits: a quota may demand both, and a LimitRange may limit their ratio.
                "resources": {"requests": _TINY, "limits": _TINY},
                **({"imagePullPolicy": policy} if policy else {}),
                **({"securityContext": dict(security)} if security else {}),
            }
        ],
    }


def _on(pod: PullPod, architecture: str) -> PullPod:
    if not architecture:
        return pod
    selector = {**part(pod.spec, "nodeSelector"), ARCHITECTURE: architecture}
    return replace(pod, architecture=architecture, spec={**pod.spec, "nodeSelector": selector})
