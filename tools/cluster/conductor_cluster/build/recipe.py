# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Name built images after a hash of everything that decides their content, so that Docker itself is the cache."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from .. import catalogue
from ..paths import Paths

HASH_LENGTH = 12
NODE_FAMILIES = ("kube", "etcd", "coredns", "kind", "pause")
BUILD = "conductor_cluster/build"


def hash_files(root: Path, files: Iterable[Path]) -> str:
    """Return a hash over the names (below ``root``), modes and contents of ``files``, in an order of its own."""
    total = hashlib.sha256()
    for file in sorted(files):
        executable = "x" if file.stat().st_mode & 0o100 else "-"
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        total.update(f"{file.relative_to(root)} {executable} {content}\n".encode())
    return total.hexdigest()[:HASH_LENGTH]


def _recipe(paths: Paths, *parts: str) -> str:
    """Return the hash over files and folders of this tool."""
    root = paths.go_modules.parent
    found = [file for part in parts for file in (root / part, *(root / part).rglob("*"))]
    return hash_files(root, (file for file in found if file.is_file() and "__pycache__" not in file.parts))


def node_recipe(paths: Paths) -> str:
    """Return the hash over all that goes into the node image: pins, files, packages, and the code that builds it."""
    families = [*NODE_FAMILIES, *(controller.family for controller in catalogue.controllers(paths))]
    return _recipe(paths, BUILD, "node", "releases.json", *(f"go/{family}" for family in families))


def controller_recipe(paths: Paths, controller: catalogue.Controller) -> str:
    """Return the hash over all that goes into the image of one controller."""
    return _recipe(paths, f"{BUILD}/go_programs.py", f"{BUILD}/program_image.py", f"go/{controller.family}")


def root_recipe(paths: Paths) -> str:
    """Return the hash over what decides the root file system, and the test workload's image, which is made of it."""
    return _recipe(paths, f"{BUILD}/root_file_system.py", "node/packages.txt", "node/stage/busybox-files")


def node_image(paths: Paths) -> str:
    """Return the name of the node image of the current recipe."""
    return f"conductor/node:v{catalogue.kubernetes_version(paths)}-{node_recipe(paths)}"
