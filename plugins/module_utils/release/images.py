# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The container images of a release, wherever its objects refer to them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ..objects.fields import part
from .bundle import Bundle
from .versions import ARCHITECTURES, image_name

# The image of the smoke job, unless the role has another one. A test compares it with the role's argument specs.
SMOKE_IMAGE = "docker.io/library/busybox:1.37"
SMOKE_USER = "smoke job"
# Trainer starts this image in the pods of runtimes with mlPolicy.flux. It is a constant of the controller
# (kubeflow/trainer, pkg/constants), and a variable of the runtime's container replaces it (plugins/flux/flux.go).
FLUX_IMAGE = "ghcr.io/converged-computing/flux-view-ubuntu:tag-jammy"
FLUX_USER = "runtimes with mlPolicy.flux"
FLUX_VARIABLE = "FLUX_VIEW_IMAGE"
# Variables of containers whose value is an image that a program starts (manifests/base/runtimes/data-cache).
_VARIABLES = frozenset({"CACHE_IMAGE", FLUX_VARIABLE})
_CONTAINERS = frozenset({"containers", "initContainers", "ephemeralContainers"})
# They hold no pods: a CRD has schemas of them, the others have text.
_WITHOUT_PODS = frozenset({"CustomResourceDefinition", "ConfigMap", "Secret"})
# The platforms for which upstream builds its images, by the last part of the repository (kubeflow/trainer 2.3,
# build-and-push-images.yaml; kubernetes-sigs/jobset 0.12, Makefile).
_PLATFORMS = {
    "trainer-controller-manager": ARCHITECTURES,
    **dict.fromkeys(
        (
            "dataset-initializer",
            "model-initializer",
            "deepspeed-runtime",
            "xgboost-runtime",
            "torchtune-trainer",
            "data-cache",
        ),
        ("amd64", "arm64"),
    ),
    "mlx-runtime": ("amd64",),
    "jobset": ("amd64", "arm64", "s390x"),
}
_OF_UPSTREAM = ("ghcr.io/kubeflow/trainer/", "registry.k8s.io/jobset/")
_DOCKER_HUB = "docker.io"
_ALSO_DOCKER_HUB = frozenset({"index.docker.io", "registry-1.docker.io"})


class Reference(NamedTuple):
    """A reference to an image.

    Args:
        name: registry and repository, with the registry and the folder that container runtimes add.
        version: tag and digest as they are written, e.g. C(:v1) or C(@sha256:...); empty if there are none.
    """

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name}{self.version}"


def reference_of(image: str) -> Reference:
    """Return the parts of a reference, e.g. docker.io/library/busybox and :1.37 of C(busybox:1.37)."""
    whole, at, digest = image.partition("@")
    folder, slash, last = whole.rpartition("/")
    last, colon, tag = last.partition(":")
    return Reference(full_name(f"{folder}{slash}{last}"), f"{colon}{tag}{at}{digest}")


def full_name(name: str) -> str:
    """Return a repository with its registry, as container runtimes read it."""
    host, slash, path = name.partition("/")
    if not slash or not (set(".:") & set(host) or host == "localhost"):
        host, path = _DOCKER_HUB, name
    if host in _ALSO_DOCKER_HUB:
        host = _DOCKER_HUB
    return f"{host}/library/{path}" if host == _DOCKER_HUB and "/" not in path else f"{host}/{path}"


def image_slots(manifest: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """Return the places of an object that hold a reference: a mapping, and the key in it."""
    if manifest.get("kind") in _WITHOUT_PODS:
        return
    trainer = part(manifest, "spec", "trainer")
    if manifest.get("kind") == "TrainJob" and isinstance(trainer, dict):
        yield from _slot(trainer, "image")
    yield from _slots(manifest)


def _slots(value: Any) -> Iterator[tuple[dict[str, Any], str]]:
    if isinstance(value, Mapping):
        for name, below in value.items():
            for item in below if isinstance(below, list) else ():
                if not isinstance(item, dict):
                    continue
                if name in _CONTAINERS:
                    yield from _slot(item, "image")
                elif name == "volumes" and isinstance(item.get("image"), dict):
                    yield from _slot(item["image"], "reference")
                elif name == "env" and isinstance(item.get("name"), str) and item["name"] in _VARIABLES:
                    yield from _slot(item, "value")
            yield from _slots(below)
    elif isinstance(value, list):
        for item in value:
            yield from _slots(item)


def _slot(where: dict[str, Any], name: str) -> Iterator[tuple[dict[str, Any], str]]:
    if isinstance(where.get(name), str) and where[name].strip():
        yield where, name


def images_in(manifests: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return every reference in these objects, and the names of the objects that hold it."""
    found: dict[str, list[str]] = {}
    for manifest in manifests:
        for where, name in image_slots(manifest):
            users = found.setdefault(where[name], [])
            if manifest["metadata"]["name"] not in users:
                users.append(manifest["metadata"]["name"])
    return found


def images_of(bundle: Bundle, smoke: str = SMOKE_IMAGE) -> dict[str, list[str]]:
    """Return every image of a release and who needs it: also those that no object names.

    Args:
        smoke: the image of the smoke job; empty to leave it out.
    """
    found = images_in(bundle.objects())
    for image, user in ((FLUX_IMAGE, FLUX_USER), (smoke, SMOKE_USER)):
        if image:
            found.setdefault(image, []).append(user)
    return found


def platforms_of(image: str) -> tuple[str, ...]:
    """Return the architectures of an image of a release; empty if they are unknown."""
    return _PLATFORMS.get(image_name(image), ()) if image.startswith(_OF_UPSTREAM) else ()
