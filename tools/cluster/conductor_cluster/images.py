# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Provide the images of the controllers and of the test workload: in Docker, and in a node."""

from __future__ import annotations

import re

from . import catalogue, docker, kind
from .build import node_image, recipe
from .catalogue import RECIPE_LABEL
from .console import Console
from .errors import ClusterError, CommandFailed
from .paths import Paths
from .process import capture
from .registry import Answer, pull


def wanted(paths: Paths, release: str | None = None) -> list[str]:
    """Return the names of the images that a cluster should have."""
    return [*(controller.image for controller in catalogue.controllers(paths, release)), catalogue.TEST_IMAGE]


def normalized(image: str) -> str:
    """Return an image name in containerd's form: with its registry and tag."""
    if "/" not in image:
        image = f"library/{image}"
    first = image.split("/")[0]
    if not ("." in first or ":" in first or first == "localhost"):
        image = f"docker.io/{image}"
    return image if re.search(r"[:@][^/]*$", image) else f"{image}:latest"


def in_node(name: str) -> set[str]:
    """Return the names and IDs (``sha256:…``) of the images in the node of the cluster ``name``."""
    listed = docker.execute(kind.node(name), ["ctr", "--namespace", "k8s.io", "images", "ls", "--quiet"])
    return set(listed.decode().split())


def has(known: set[str], image: str) -> bool:
    """Return whether a node that knows the references ``known`` has exactly Docker's image of this name.

    If Docker does not have the image (it is part of the node image), only the name counts.
    """
    found = docker.image(image)
    return normalized(image) in known and (found is None or found["Id"] in known)


def _ensure_controller(paths: Paths, console: Console, controller: catalogue.Controller, registry: bool) -> None:
    if docker.image(controller.image) is not None:
        label = docker.image_label(controller.image, RECIPE_LABEL)
        # An image without our label was published by the project itself.
        if label is None or label == recipe.controller_recipe(paths, controller):
            return
    if registry and pull(paths, console, controller.image) is Answer.PULLED:
        return
    node_image.ensure_controller(paths, console, controller)


def _ensure_test_image(paths: Paths, console: Console, registry: bool) -> None:
    if docker.image(catalogue.TEST_IMAGE) is not None:
        return
    if registry and pull(paths, console, catalogue.TEST_IMAGE_PUBLISHED) is Answer.PULLED:
        capture("name the test image", ["docker", "tag", catalogue.TEST_IMAGE_PUBLISHED, catalogue.TEST_IMAGE])
        return
    node_image.ensure_test_image(paths, console)


def ensure_in_node(
    paths: Paths, console: Console, name: str, *, registry: bool = True, release: str | None = None
) -> None:
    """Return when the node has the images of the controllers and of the test workload; pull or build missing ones.

    ``registry``: try to pull an image before building it.
    """
    container = docker.container(kind.node(name))
    if container is None:
        raise ClusterError(f"the cluster {name} does not exist: create it with `cluster up {name}`")
    known = in_node(name)
    names = wanted(paths, release)
    if container.image == recipe.node_image(paths) and all(normalized(image) in known for image in names):
        return
    for controller in catalogue.controllers(paths, release):
        _ensure_controller(paths, console, controller, registry)
    _ensure_test_image(paths, console, registry)
    missing = [image for image in names if not has(known, image)]
    if missing:
        kind.load(paths, console, name, missing)
        console.step(f"loaded into {name}: {', '.join(missing)}")


def load(paths: Paths, console: Console, name: str, names: list[str]) -> None:
    """Load those of the images ``names`` from Docker into the node that it does not have.

    Raise ClusterError if Docker does not have one of them, before any is loaded.
    """
    missing = [image for image in names if docker.image(image) is None]
    if missing:
        raise ClusterError(f"Docker does not have the image {', '.join(missing)}: build or pull it first")
    try:
        known = in_node(name)
    except CommandFailed as error:
        raise ClusterError(f"the cluster {name} is missing or not running: see `cluster status {name}`") from error
    absent = [image for image in names if not has(known, image)]
    if absent:
        kind.load(paths, console, name, absent)
    for image in names:
        console.step(f"{image}: {'loaded' if image in absent else 'already present'}")
