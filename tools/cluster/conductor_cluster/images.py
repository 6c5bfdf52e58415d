# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pull images if a registry answers, and provide those of the controllers and of the test workload to a node."""

from __future__ import annotations

import functools
import subprocess
import threading
import time
from typing import Callable

from . import catalogue, docker, kind
from .build import node_image
from .catalogue import RECIPE_LABEL
from .console import Console, locked
from .paths import Paths
from .process import ClusterError, capture

ANSWER_SECONDS = 5
"""Time for a registry to begin its answer. The pull itself may then take as long as it needs."""
REMEMBERED_SECONDS = 600
"""How long an image that its registry did not deliver is not asked for again."""
DELIVERS = ": Pulling from "
"""In the line of `docker pull` that shows that the registry has delivered the image's manifest."""


def pull(paths: Paths, console: Console, image: str, *, ask_again: bool = False) -> bool:
    """Pull ``image`` with `docker pull` if its registry begins to deliver it within ANSWER_SECONDS; return whether.

    Docker sends the requests, so its mirrors and proxies apply. A failure is remembered as an empty file, whose time is
    the attempt's; ``ask_again`` ignores it. Raise ClusterError if a pull fails after it has begun.
    """
    failed = paths.work / "not-delivered" / image.replace("/", "_")
    if not ask_again and failed.exists() and 0 <= time.time() - failed.stat().st_mtime < REMEMBERED_SECONDS:
        return False
    command, begun, output = ["docker", "pull", image], False, ""
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        assert process.stdout is not None
        limit = threading.Timer(ANSWER_SECONDS, process.kill)
        limit.start()
        for line in process.stdout:
            output += line
            if not begun and DELIVERS in line:
                begun = True
                limit.cancel()
                console.step(f"pulling {image}")
        limit.cancel()
    output = output.strip()
    if begun and process.returncode != 0:
        raise ClusterError(f"pull {image}: {output}")
    if begun:
        console.step(f"pulled {image}")
        return True
    failed.parent.mkdir(parents=True, exist_ok=True)
    failed.touch()
    why = output.splitlines()[-1] if output else f"its registry did not answer within {ANSWER_SECONDS} s"
    console.step(f"{image} cannot be pulled: {why}")
    return False


def wanted(paths: Paths, release: str | None = None) -> list[str]:
    """Return the names of the images that a cluster should have."""
    return [*(controller.image for controller in catalogue.controllers(paths, release)), catalogue.TEST_IMAGE]


def in_node(name: str) -> set[str]:
    """Return the names and IDs (``sha256:…``) of the images in the node of the cluster ``name``."""
    listed = docker.execute(kind.node(name), ["ctr", "--namespace", "k8s.io", "images", "ls", "--quiet"])
    return set(listed.decode().split())


def has(known: set[str], image: str) -> bool:
    """Return whether a node that knows ``known`` has Docker's image of this name, or any if Docker has none."""
    found = docker.image(image)
    return docker.normalized(image) in known and (found is None or found["Id"] in known)


def _ensure(paths: Paths, console: Console, image: str, published: str, recipe: str, build: Callable[[], None]) -> None:
    """Return when Docker has ``image``, pulled by its ``published`` name (if any) or built by this ``recipe``."""
    if docker.image(image) is not None and docker.image_label(image, RECIPE_LABEL) in (None, recipe):
        return
    if published and pull(paths, console, published):
        capture(f"name the image {image}", ["docker", "tag", published, image])
        return
    with locked(paths.work / "build.lock", image, console):
        if docker.image_label(image, RECIPE_LABEL) != recipe:
            build()
            console.step(f"image {image} built")


def ensure_in_node(
    paths: Paths, console: Console, name: str, *, registry: bool = True, release: str | None = None
) -> None:
    """Return when the node has the images of controllers and test workload: pulled (``registry``) or built."""
    container = docker.container(kind.node(name))
    if container is None:
        raise ClusterError(f"the cluster {name} does not exist: create it with `cluster up {name}`")
    known = in_node(name)
    names = wanted(paths, release)
    if container.image == catalogue.node_image(paths) and all(docker.normalized(image) in known for image in names):
        return
    for controller in catalogue.controllers(paths, release):
        image, recipe = controller.image, catalogue.controller_recipe(paths, controller)
        build = functools.partial(node_image.make_controller, paths, console, image, controller)
        _ensure(paths, console, image, image if registry else "", recipe, build)
    published = catalogue.TEST_IMAGE_PUBLISHED if registry else ""
    build = functools.partial(node_image.make_test_image, paths, console, catalogue.TEST_IMAGE)
    _ensure(paths, console, catalogue.TEST_IMAGE, published, catalogue.root_recipe(paths), build)
    missing = [image for image in names if not has(known, image)]
    if missing:
        kind.load(paths, console, name, missing)
        console.step(f"loaded into {name}: {', '.join(missing)}")
