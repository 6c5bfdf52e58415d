# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recognise the controllers of Trainer and JobSet, and their webhooks, whoever installed them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ..objects.fields import is_terminating, name_of, namespace_of, part, parts, text
from ..verdicts.webhooks import endpoints_verdict
from ..verdicts.workloads import deployment_verdict
from .versions import JOBSET_IMAGE, TRAINER_IMAGE, image_name, images

TRAINER_GROUP = "trainer.kubeflow.org"
JOBSET_GROUP = "jobset.x-k8s.io"
JOBSET_CRD = f"jobsets.{JOBSET_GROUP}"
# The CRDs whose schemas identify a release. Schemas are large, so only the metadata of other CRDs is read.
TELLING_CRDS = (JOBSET_CRD, f"trainjobs.{TRAINER_GROUP}")
# Label selectors: the controllers match one of these in every release and chart (JobSet before 0.11 only the second).
CONTROLLER_LABELS = (
    "app.kubernetes.io/name in (trainer,kubeflow-trainer,jobset,kueue,lws,cert-manager)",
    "control-plane=controller-manager",
)
# The names that kustomize sets. Charts use the name of the Helm release, so the image counts as well.
_TRAINER_NAMES = frozenset({"kubeflow-trainer-controller-manager"})
_JOBSET_NAMES = frozenset({"jobset-controller-manager", "jobset-controller"})


class Place(NamedTuple):
    """The target of a webhook's calls. C(namespace) is empty for a URL."""

    namespace: str
    service: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.service}" if self.namespace else self.service


def is_trainer(deployment: Mapping[str, Any]) -> bool:
    """Return whether a Deployment runs Trainer's controller."""
    return _is(deployment, _TRAINER_NAMES, TRAINER_IMAGE)


def is_jobset(deployment: Mapping[str, Any]) -> bool:
    """Return whether a Deployment runs JobSet's controller."""
    return _is(deployment, _JOBSET_NAMES, JOBSET_IMAGE)


def _is(deployment: Mapping[str, Any], names: frozenset[str], image: str) -> bool:
    return name_of(deployment) in names or any(image_name(used) == image for used in images(deployment))


def is_webhook_of(configuration: Mapping[str, Any], group: str) -> bool:
    """Return whether a webhook configuration belongs to the controller of an API group.

    A configuration that has rules for other groups as well belongs to a neighbour (Kueue, a policy engine). The core
    group is allowed, because JobSet also handles pods.
    """
    spoken = {
        str(name)
        for webhook in parts(configuration, "webhooks")
        for rule in parts(webhook, "rules")
        for name in _list(rule.get("apiGroups"))
    }
    return group in spoken and not spoken - {group, ""}


def places(configurations: Iterable[Mapping[str, Any]]) -> set[Place]:
    """Return the targets of the webhooks of these configurations."""
    found = set()
    for configuration in configurations:
        for webhook in parts(configuration, "webhooks"):
            client = part(webhook, "clientConfig")
            service = part(client, "service")
            if service:
                found.add(Place(text(service, "namespace"), text(service, "name")))
            elif text(client, "url"):
                found.add(Place("", text(client, "url")))
    return found


def namespaces(deployments: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return the namespaces of these Deployments."""
    return {namespace_of(deployment) for deployment in deployments}


def serving_problems(
    deployments: Iterable[Mapping[str, Any]],
    configurations: Iterable[Mapping[str, Any]],
    slices: Mapping[str, Sequence[Mapping[str, Any]] | None],
) -> list[str]:
    """Return why a controller is not ready: its rollout, a missing caBundle, a Service without endpoints.

    Args:
        slices: namespace to its EndpointSlices; None or missing if they were not read, and then not judged.
    """
    found = []
    for deployment in deployments:
        verdict = deployment_verdict(f"{namespace_of(deployment)}/{name_of(deployment)}", deployment, ())
        if not verdict.ready:
            found.append(str(verdict))
    configurations = list(configurations)
    for configuration in configurations:
        bare = [
            text(webhook, "name")
            for webhook in parts(configuration, "webhooks")
            if not text(webhook, "clientConfig", "caBundle")
        ]
        if bare:
            found.append(f"webhook configuration {name_of(configuration)}: no caBundle on {', '.join(bare)}")
        if is_terminating(configuration):
            found.append(f"webhook configuration {name_of(configuration)} is Terminating")
    for place in sorted(places(configurations)):
        there = slices.get(place.namespace)
        if there is None:
            continue
        own = [
            piece for piece in there if text(piece, "metadata", "labels", "kubernetes.io/service-name") == place.service
        ]
        if not _serves(str(place), own):
            found.append(f"Service {place}: no ready endpoint")
    return found


def _serves(service: str, slices: list[Mapping[str, Any]]) -> bool:
    # wait_for_controllers judges whose pods answer; here every target counts as a pod of the controller.
    targets = {
        text(endpoint, "targetRef", "uid"): endpoint for piece in slices for endpoint in parts(piece, "endpoints")
    }
    return endpoints_verdict(service, slices, targets).ready


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
