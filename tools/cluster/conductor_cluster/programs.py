# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Provide kind, kubectl and the control plane's programs: copied out of an image if Docker has it, else built."""

from __future__ import annotations

import shutil
from pathlib import Path

from . import catalogue, docker
from .build import go_programs
from .console import Console, locked
from .paths import Paths
from .process import capture

# Program -> its path in a node image that was built here.
IN_NODE_IMAGE = {
    "kind": "/usr/local/lib/conductor/kind",
    "kubectl": "/usr/bin/kubectl",
    "kubeadm": "/usr/bin/kubeadm",
    "kube-apiserver": "/usr/local/lib/conductor/kube-apiserver",
    "kube-controller-manager": "/usr/local/lib/conductor/kube-controller-manager",
    "etcd": "/usr/local/lib/conductor/etcd",
}
FAMILIES = {"kind": "kind", "etcd": "etcd"}
OTHER_FAMILY = "kube"


def kind_on_path(wanted: str) -> Path | None:
    """Return `kind` on PATH if it has the same minor version as ``wanted`` (``v0.32.0``), else None."""
    found = shutil.which("kind")
    answer = capture("kind version", [found, "version"], check=False).stdout.decode() if found else ""
    return Path(found) if found and f" {wanted.rpartition('.')[0]}." in answer else None


def program(paths: Paths, console: Console, name: str) -> Path:
    """Return the path of a program of IN_NODE_IMAGE on this machine.

    Take it from the cache, else out of the node image in Docker, else (kind) from PATH, else build it. Raise
    ClusterError if a build is necessary but impossible.
    """
    family = catalogue.family(paths, FAMILIES.get(name, OTHER_FAMILY))
    with locked(paths.work / "programs.lock", "programs", console):
        built = go_programs.folder(paths, family) / name
        if built.is_file():
            return built
        cached = paths.work / "copied" / catalogue.node_recipe(paths) / name
        if cached.is_file():
            return cached
        image = catalogue.node_image(paths)
        if docker.server_version() is not None and docker.image(image) is not None:
            docker.copy_from_image(image, IN_NODE_IMAGE[name], cached)
            console.step(f"copied {name} out of {image}")
            return cached
        found = kind_on_path(family.version) if name == "kind" else None
        return found or go_programs.build(paths, console, family) / name
