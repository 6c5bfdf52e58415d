# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The node's root file system: a small Debian 12, made by mmdebstrap from this machine's own apt source."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from .. import debian, docker
from ..console import Console
from ..errors import ClusterError
from ..paths import Paths
from ..process import logged
from . import recipe

# systemd 252 is the newest that still boots on cgroup v1; Debian 13's does not.
RELEASE = "bookworm"
# Documentation and translations, which nobody reads in a node.
LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*", "/usr/share/lintian/*")


def packages(paths: Paths) -> list[str]:
    """The packages that node/packages.txt lists."""
    lines = (paths.node / "packages.txt").read_text().splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def check() -> str:
    """Returns Debian's code name here. Raises ClusterError where this machine cannot make a root file system."""
    codename = debian.this_codename()
    if codename is None or os.geteuid() != 0:
        raise ClusterError(
            "a node image can be built on Debian and as root only: run this there, or give Docker access to a "
            "container registry, or name an image that Docker already has with --node-image"
        )
    return codename


def image_name(paths: Paths) -> str:
    """Name of the image with the root file system of today's recipe."""
    return f"conductor/node-root:{recipe.root_recipe(paths)}"


def ensure(paths: Paths, console: Console) -> str:
    """Returns the name of the root file system as an image, made where Docker does not have it.

    Raises ClusterError where this machine cannot make it, and CommandFailed with mmdebstrap's words.
    """
    image = image_name(paths)
    if docker.image(image) is not None:
        return image
    codename = check()
    if shutil.which("mmdebstrap") is None:
        debian.install(paths, console, codename, ["mmdebstrap"])
    source = debian.find_source(codename)
    signed = f"[signed-by={source.signed_by}] " if source.signed_by else ""
    console.step(f"making the node's root file system from Debian {RELEASE} (about a minute)")
    tar = paths.work / "root.tar"
    tar.parent.mkdir(parents=True, exist_ok=True)
    tar.unlink(missing_ok=True)
    log = paths.work / "logs" / "root-file-system.log"
    try:
        logged(
            "make the node's root file system",
            [
                "mmdebstrap",
                "--variant=minbase",
                f"--include={','.join(packages(paths))}",
                *(f"--dpkgopt=path-exclude={pattern}" for pattern in LEFT_OUT),
                RELEASE,
                str(tar),
                f"deb {signed}{source.uri} {RELEASE} main",
            ],
            log,
            paths,
        )
        logged("import the root file system", ["docker", "import", str(tar), image], log, paths)
    finally:
        tar.unlink(missing_ok=True)
    console.step("made the node's root file system")
    return image


def busybox(paths: Paths, console: Console) -> Path:
    """Returns Debian's static busybox, copied out of the root file system."""
    image = ensure(paths, console)
    target = paths.work / f"busybox-{recipe.root_recipe(paths)}"
    if not target.is_file():
        docker.copy_from_image(image, {"/usr/bin/busybox": target})
    return target
