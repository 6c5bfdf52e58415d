# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs, versions and images that are pinned here (go/*/go.mod and releases.json).

Built images are named after a hash of everything that decides their content, so that Docker itself is the cache.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .paths import Paths
from .process import ClusterError

# Debian 12's busybox; if a registry answers, its image of the same version is used instead.
TEST_IMAGE = "conductor/busybox:1.35.0"
TEST_IMAGE_PUBLISHED = "docker.io/library/busybox:1.35.0"
RECIPE_LABEL = "conductor.recipe"
HASH_LENGTH = 12
NODE_FAMILIES = ("kube", "etcd", "coredns", "kind", "pause")
BUILD = "conductor_cluster/build"


@dataclass(frozen=True)
class Controller:
    """A controller of an operator release: its published image, and the Go family and program of its build."""

    image: str
    family: str
    program: str
    version_variable: str = ""
    """Go variable that holds the program's version; empty if it has none."""


@dataclass(frozen=True)
class Family:
    """A Go module of ours: pins whose `tool` lines name the programs, or the source of one program."""

    folder: Path
    module: str
    """Go module of the programs; empty if the program is our own."""
    version: str
    """Version of that module in Go's form (``v1.35.8``)."""
    programs: tuple[str, ...]


def parse_go_mod(text: str) -> tuple[str, str, tuple[str, ...]]:
    """Return the module and version of the tools in a go.mod, and the names that Go gives to the built programs."""
    # One a line, after the word or in its block; requirements and replacements have a version in the line.
    tools = re.findall(r"^(?:tool |\t)([a-z0-9.-]+/\S+)$", text, re.MULTILINE)
    # Without tools it is a program of our own, named by the last part of its path.
    if not tools:
        return "", "", (text.split(maxsplit=2)[1].rsplit("/", 1)[-1],)
    required = dict(re.findall(r"^(?:require |\t)(\S+) (v\S+)", text, re.MULTILINE))
    of_tools = [[module for module in required if f"{tool}/".startswith(f"{module}/")] for tool in tools]
    module = max(of_tools[0], key=len, default="")
    if not module or any(max(found, key=len, default="") != module for found in of_tools):
        raise ClusterError(f"go.mod: the tools {tools} must be from exactly one required module")
    programs = tuple(re.sub(r"/v\d+$", "", tool).rsplit("/", 1)[-1] for tool in tools)
    return module, required[module], programs


def family(paths: Paths, name: str) -> Family:
    """Return the family in go/``name``. Raise ClusterError if it does not exist."""
    folder = paths.go_modules / name
    if not (folder / "go.mod").is_file():
        known = ", ".join(sorted(entry.name for entry in paths.go_modules.iterdir()))
        raise ClusterError(f"no Go family {name!r} in {paths.shown(paths.go_modules)}; available: {known}")
    module, version, programs = parse_go_mod((folder / "go.mod").read_text())
    return Family(folder, module, version, programs)


def kubernetes_version(paths: Paths) -> str:
    """Return the Kubernetes version that can be built here, e.g. ``1.35.8``."""
    return family(paths, "kube").version[1:]


def controllers(paths: Paths, release: str | None = None) -> list[Controller]:
    """Return the controllers of an operator release (default: the newest). Raise ClusterError for an unknown one."""
    data = json.loads((paths.go_modules.parent / "releases.json").read_text())
    found = data["releases"].get(release or data["default"])
    if found is None:
        raise ClusterError(f"no operator release {release!r} here; available: {', '.join(sorted(data['releases']))}")
    return [Controller(**entry) for entry in found]


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
    families = [*NODE_FAMILIES, *(controller.family for controller in controllers(paths))]
    return _recipe(paths, BUILD, "node", "releases.json", *(f"go/{family}" for family in families))


def controller_recipe(paths: Paths, controller: Controller) -> str:
    """Return the hash over all that goes into the image of one controller."""
    return _recipe(paths, f"{BUILD}/go_programs.py", f"{BUILD}/node_image.py", f"go/{controller.family}")


def root_recipe(paths: Paths) -> str:
    """Return the hash over what decides the root file system, and the test workload's image, which is made of it."""
    return _recipe(paths, f"{BUILD}/root_file_system.py", "node/packages.txt", "node/stage/busybox-files")


def node_image(paths: Paths) -> str:
    """Return the name of the node image of the current recipe."""
    return f"conductor/node:v{kubernetes_version(paths)}-{node_recipe(paths)}"
