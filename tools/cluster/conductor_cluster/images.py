# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Provide the images of the controllers and of the test workload: in Docker, and in a node."""

from __future__ import annotations

from . import catalogue, docker, kind
from .build import node_image, recipe
from .catalogue import RECIPE_LABEL
from .console import Console
from .paths import Paths
from .process import ClusterError, CommandFailed, capture
from .registry import pull


def wanted(paths: Paths, release: str | None = None) -> list[str]:
    """Return the names of the images that a cluster should have."""
    return [*(controller.image for controller in catalogue.controllers(paths, release)), catalogue.TEST_IMAGE]


def in_node(name: str) -> set[str]:
    """Return the names and IDs (``sha256:…``) of the images in the node of the cluster ``name``."""
    listed = docker.execute(kind.node(name), ["ctr", "--namespace", "k8s.io", "images", "ls", "--quiet"])
    return set(listed.decode().split())


def has(known: set[str], image: str) -> bool:
    """Return whether a node that knows the references ``known`` has exactly Docker's image of this name.

    If Docker does not have the image (it is part of the node image), only the name counts.
    """
    found = docker.image(image)
    return docker.normalized(image) in known and (found is None or found["Id"] in known)


def _ensure_controller(paths: Paths, console: Console, controller: catalogue.Controller, registry: bool) -> None:
    if docker.image(controller.image) is not None:
        label = docker.image_label(controller.image, RECIPE_LABEL)
        # An image without our label was published by the project itself.
        if label is None or label == recipe.controller_recipe(paths, controller):
            return
    if not (registry and pull(paths, console, controller.image)):
        node_image.ensure_controller(paths, console, controller)


def _ensure_test_image(paths: Paths, console: Console, registry: bool) -> None:
    if docker.image(catalogue.TEST_IMAGE) is not None:
        return
    if registry and pull(paths, console, catalogue.TEST_IMAGE_PUBLISHED):
        capture("name the test image", ["docker", "tag", catalogue.TEST_IMAGE_PUBLISHED, catalogue.TEST_IMAGE])
    else:
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
    if container.image == recipe.node_image(paths) and all(docker.normalized(image) in known for image in names):
        return
    for controller in catalogue.controllers(paths, release):
        _ensure_controller(paths, console, controller, registry)
    _ensure_test_image(paths, console, registry)
    load(paths, console, name, names)


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
