# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which release is on a cluster, from three sources that may disagree: the image, the public ConfigMap, the CRD.

An image override leaves the ConfigMap behind, a mirror may drop the tag, and the CRD tells only the series.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..objects.fields import numbers, part, parts, text

# The pod port of both webhooks; a Service's port does not matter to a NetworkPolicy.
WEBHOOK_PORT = 9443

# Platforms the controllers' images are built for (kubeflow/trainer, build-and-push-images.yaml; the intersection with
# JobSet's, whose images exist for these three as well).
ARCHITECTURES = ("amd64", "arm64", "ppc64le")

TRAINER_IMAGE = "trainer-controller-manager"
JOBSET_IMAGE = "jobset"
PUBLIC_CONFIG_MAP = "kubeflow-trainer-public"
_PUBLIC_KEY = "kubeflow_trainer_version"

# The newest field of the schema tells the series; newest first. Found by comparing the CRDs of the Go modules
# github.com/kubeflow/trainer/v2 2.0.1, 2.1.0, 2.2.1, 2.3.0 and sigs.k8s.io/jobset 0.8.2, 0.10.1, 0.11.1, 0.12.0.
_POD = "template.spec.template.spec"
_TRAINER_SERIES = (
    (
        "2.3",
        f"spec.runtimePatches.trainingRuntimeSpec.template.spec.replicatedJobs.{_POD}.terminationGracePeriodSeconds",
    ),
    ("2.2", "spec.runtimePatches"),
    ("2.1", "spec.podTemplateOverrides"),
    ("2.0", "spec.podSpecOverrides"),
)
_JOBSET_SERIES = (
    ("0.12", "status.replicatedJobsStatus.jobRestarts"),
    ("0.11", "spec.volumeClaimPolicies"),
    ("0.10", "spec.replicatedJobs.groupName"),
    ("0.8", "spec.replicatedJobs.dependsOn"),
)

# Objects that older releases do not have: without them such a release is complete all the same.
SINCE = {"defaulter.trainer.kubeflow.org": (2, 2)}

# Kubernetes minors that the release's own tests run on (kubeflow/trainer, .github/workflows/test-e2e.yaml).
TESTED_KUBERNETES = {"2.3": ((1, 32), (1, 35))}

_TAG = re.compile(r"v?(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)")


def image_name(image: str) -> str:
    """The last part of an image's repository, e.g. C(jobset); mirrors change the parts before it."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0]


def image_version(image: str) -> str:
    """The version in an image's tag; empty where the tag is none, or there is only a digest."""
    tag = image.partition("@")[0].rpartition("/")[2].partition(":")[2]
    found = _TAG.fullmatch(tag)
    return found.group(1) if found else ""


def images(deployment: Mapping[str, Any]) -> list[str]:
    """The images of a Deployment's containers."""
    return [text(container, "image") for container in parts(deployment, "spec", "template", "spec", "containers")]


def version_running(deployments: Sequence[Mapping[str, Any]], name: str) -> str:
    """The version of the first image of that name; empty where none says one."""
    found = [image for deployment in deployments for image in images(deployment) if image_name(image) == name]
    return next((version for image in found if (version := image_version(image))), "")


def trainer_release(
    deployments: Sequence[Mapping[str, Any]], config_map: Mapping[str, Any] | None, crd: Mapping[str, Any] | None
) -> dict[str, Any]:
    """What each source says, and the best of them.

    Args:
        deployments: those of Trainer.
        config_map: the public ConfigMap; empty or None where it is absent or may not be read.
        crd: the CRD of TrainJobs, likewise.

    Returns:
        C(release), C(sources) and C(agree), which is None where fewer than two sources speak.
    """
    sources = {
        "image": version_running(deployments, TRAINER_IMAGE),
        "config_map": text(config_map, "data", _PUBLIC_KEY).lstrip("v"),
        "crd": series(crd, _TRAINER_SERIES),
    }
    # What runs counts, then what was applied; the CRD outlives both.
    best = sources["image"] or sources["config_map"] or sources["crd"]
    spoken = {numbers(value)[:2] for value in sources.values() if value}
    exact = {value for name, value in sources.items() if value and name != "crd"}
    agree = None if sum(bool(value) for value in sources.values()) < 2 else len(spoken) == 1 and len(exact) <= 1
    return {"release": best, "sources": sources, "sources_agree": agree}


def jobset_version(deployments: Sequence[Mapping[str, Any]], crd: Mapping[str, Any] | None) -> str:
    """The version of JobSet: that of its image, or else the series its CRD is of."""
    return version_running(deployments, JOBSET_IMAGE) or series(crd, _JOBSET_SERIES)


def series(crd: Mapping[str, Any] | None, table: tuple[tuple[str, str], ...]) -> str:
    """The newest series of a table whose field a CRD has; empty where it has none of them."""
    schemas = [
        part(version, "schema", "openAPIV3Schema")
        for version in parts(crd, "spec", "versions")
        if version.get("served") is True
    ]
    return next((name for name, path in table if any(_has(schema, path) for schema in schemas)), "")


def served_versions(crd: Mapping[str, Any] | None) -> list[str]:
    """The API versions a CRD serves."""
    return [text(version, "name") for version in parts(crd, "spec", "versions") if version.get("served") is True]


def _has(schema: Mapping[str, Any], path: str) -> bool:
    for name in path.split("."):
        properties = part(schema, "properties") or part(schema, "items", "properties")
        if name not in properties:
            return False
        schema = part(properties, name)
    return True
