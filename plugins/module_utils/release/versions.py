# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the installed release from three sources that may disagree: the image, the public ConfigMap, the CRD. Pure.

An image override does not update the ConfigMap, a mirror may drop the tag, and the CRD identifies only the series.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ..objects.fields import numbers, part, parts, text

# The pod port of both webhooks. NetworkPolicies apply to the pod port, not to the port of the Service.
WEBHOOK_PORT = 9443

# The release that is installed unless another one is requested. tools/docs/generate writes it into the documentation
# and the role.
DEFAULT_RELEASE = "2.3.0"

# Architectures of the controllers' images (kubeflow/trainer, build-and-push-images.yaml). JobSet's images exist for
# these three as well.
ARCHITECTURES = ("amd64", "arm64", "ppc64le")

TRAINER_IMAGE = "trainer-controller-manager"
JOBSET_IMAGE = "jobset"
PUBLIC_CONFIG_MAP = "kubeflow-trainer-public"
_PUBLIC_KEY = "kubeflow_trainer_version"

# The newest field of the schema identifies the series; newest first. Found by comparing the CRDs of the Go modules
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

# Objects that older releases do not have: such a release is complete without them.
SINCE = {"defaulter.trainer.kubeflow.org": (2, 2)}

# Kubernetes minor versions on which upstream tests the release (kubeflow/trainer, .github/workflows/test-e2e.yaml).
TESTED_KUBERNETES = {"2.3": ((1, 32), (1, 35))}

_TAG = re.compile(r"v?(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)")


def image_name(image: str) -> str:
    """Return the last part of an image's repository, e.g. C(jobset); mirrors change the parts before it."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0]


def image_version(image: str) -> str:
    """Return the version in an image's tag; empty if the tag is not a version, or if there is only a digest."""
    tag = image.partition("@")[0].rpartition("/")[2].partition(":")[2]
    found = _TAG.fullmatch(tag)
    return found.group(1) if found else ""


def images(deployment: Mapping[str, Any]) -> list[str]:
    """Return the images of a Deployment's containers."""
    return [text(container, "image") for container in parts(deployment, "spec", "template", "spec", "containers")]


def version_running(deployments: Sequence[Mapping[str, Any]], name: str, replaced: Collection[str] = ()) -> str:
    """Return the version of the first image with that name; empty if no tag contains a version.

    Args:
        replaced: images that options set: their tags are anybody's.
    """
    found = [image for deployment in deployments for image in images(deployment) if image_name(image) == name]
    return next((version for image in found if image not in replaced and (version := image_version(image))), "")


def trainer_release(
    deployments: Sequence[Mapping[str, Any]],
    config_map: Mapping[str, Any] | None,
    crd: Mapping[str, Any] | None,
    replaced: Collection[str] = (),
) -> dict[str, Any]:
    """Return the release that each source names, and the most reliable one.

    Args:
        deployments: the Deployments of Trainer.
        config_map: the public ConfigMap; empty or None if it is missing or cannot be read.
        crd: the CRD of TrainJobs, likewise.
        replaced: images that options set.

    Returns:
        C(release), C(sources) and C(sources_agree), which is None if fewer than two sources name a release.
    """
    sources = {
        "image": version_running(deployments, TRAINER_IMAGE, replaced),
        "config_map": text(config_map, "data", _PUBLIC_KEY).lstrip("v"),
        "crd": series(crd, _TRAINER_SERIES),
    }
    # The running image counts first, then the applied ConfigMap; the CRD may outlive both.
    best = sources["image"] or sources["config_map"] or sources["crd"]
    spoken = {numbers(value)[:2] for value in sources.values() if value}
    exact = {value for name, value in sources.items() if value and name != "crd"}
    agree = None if sum(bool(value) for value in sources.values()) < 2 else len(spoken) == 1 and len(exact) <= 1
    return {"release": best, "sources": sources, "sources_agree": agree}


def jobset_version(
    deployments: Sequence[Mapping[str, Any]], crd: Mapping[str, Any] | None, replaced: Collection[str] = ()
) -> str:
    """Return the version of JobSet's image, else the series of its CRD. See C(version_running)."""
    return version_running(deployments, JOBSET_IMAGE, replaced) or series(crd, _JOBSET_SERIES)


def series(crd: Mapping[str, Any] | None, table: tuple[tuple[str, str], ...]) -> str:
    """Return the newest series of a table whose field exists in a CRD; empty if none does."""
    schemas = [
        part(version, "schema", "openAPIV3Schema")
        for version in parts(crd, "spec", "versions")
        if version.get("served") is True
    ]
    return next((name for name, path in table if any(_has(schema, path) for schema in schemas)), "")


def served_versions(crd: Mapping[str, Any] | None) -> list[str]:
    """Return the API versions that a CRD serves."""
    return [text(version, "name") for version in parts(crd, "spec", "versions") if version.get("served") is True]


def _has(schema: Mapping[str, Any], path: str) -> bool:
    for name in path.split("."):
        properties = part(schema, "properties") or part(schema, "items", "properties")
        if name not in properties:
            return False
        schema = part(properties, name)
    return True
