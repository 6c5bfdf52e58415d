# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of built images: a hash over everything that decides what is in them, so that Docker itself is the cache."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from .. import catalogue
from ..paths import Paths

HASH_LENGTH = 12
NODE_FAMILIES = ("kube", "etcd", "coredns", "kind", "pause")
IGNORED = ("__pycache__",)


def hash_files(root: Path, files: Iterable[Path]) -> str:
    """Hash over the names (below ``root``), modes and contents of ``files``, in an order of its own."""
    total = hashlib.sha256()
    for file in sorted(files):
        executable = "x" if file.stat().st_mode & 0o100 else "-"
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        total.update(f"{file.relative_to(root)} {executable} {content}\n".encode())
    return total.hexdigest()[:HASH_LENGTH]


def _files(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file() and not set(file.parts) & set(IGNORED)]


def _tool_files(paths: Paths, families: Iterable[str]) -> str:
    root = paths.go_modules.parent
    files = [*_files(Path(__file__).parent), *_files(paths.node), root / "releases.json"]
    for name in families:
        files += _files(paths.go_modules / name)
    return hash_files(root, files)


def node_recipe(paths: Paths) -> str:
    """Hash of all that goes into the node image: pins, files, packages, and the code that builds it."""
    return _tool_files(paths, [*NODE_FAMILIES, *(entry.family for entry in catalogue.controllers(paths))])


def controller_recipe(paths: Paths, controller: catalogue.Controller) -> str:
    """Hash of all that goes into the image of one controller."""
    root = paths.go_modules.parent
    code = [Path(__file__).parent / name for name in ("go_programs.py", "archive.py", "contents.py")]
    return hash_files(root, [*code, *_files(paths.go_modules / controller.family)])


def root_recipe(paths: Paths) -> str:
    """Hash of what decides the root file system."""
    root = paths.go_modules.parent
    return hash_files(root, [Path(__file__).parent / "root_file_system.py", paths.node / "packages.txt"])


def node_image(paths: Paths) -> str:
    """Name of the node image that today's recipe makes."""
    return f"conductor/node:v{catalogue.kubernetes_version(paths)}-{node_recipe(paths)}"
