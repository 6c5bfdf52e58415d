# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the node's root file system: a small Debian 12, by mmdebstrap from this machine's own apt sources."""

from __future__ import annotations

import os
import shutil

from .. import catalogue, debian, docker
from ..console import Console
from ..paths import Paths
from ..process import ClusterError, capture, logged

# systemd 252 is the newest that still boots on cgroup v1; Debian 13's does not.
RELEASE = "bookworm"
# Documentation and translations, which nobody reads in a node.
LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*", "/usr/share/lintian/*")


def check() -> str:
    """Return Debian's code name here. Raise ClusterError if this machine cannot make a root file system."""
    codename = debian.this_codename()
    if codename is None or os.geteuid() != 0:
        raise ClusterError(
            "a node image can be built on Debian and as root only: run this there, or give Docker access to a "
            "container registry, or name an image that Docker already has with --node-image"
        )
    return codename


def image_name(paths: Paths) -> str:
    """Return the name of the image with the root file system of the current recipe."""
    return f"conductor/node-root:{catalogue.root_recipe(paths)}"


def ensure(paths: Paths, console: Console) -> str:
    """Return the name of the root file system as an image; make it if Docker does not have it.

    Raise ClusterError if this machine cannot make it, and CommandFailed with mmdebstrap's message.
    """
    image = image_name(paths)
    if docker.image(image) is not None:
        return image
    codename = check()
    sources = debian.find_sources(paths, codename, "mmdebstrap")
    if shutil.which("mmdebstrap") is None:
        debian.install(paths, console, ["mmdebstrap"])
    console.step(f"making the node's root file system from Debian {RELEASE} (about a minute)")
    paths.work.mkdir(parents=True, exist_ok=True)
    tar, mirrors = paths.work / "root.tar", paths.work / "root.sources"
    mirrors.write_text(debian.stanzas(sources, RELEASE))
    lines = (line.strip() for line in (paths.node / "packages.txt").read_text().splitlines())
    packages = ",".join(line for line in lines if line and not line.startswith("#"))
    left_out = [f"--dpkgopt=path-exclude={pattern}" for pattern in LEFT_OUT]
    command = ["mmdebstrap", "--variant=minbase", f"--include={packages}", *left_out, RELEASE, str(tar), str(mirrors)]
    try:
        logged("make the node's root file system", command, paths.work / "logs" / "root-file-system.log", paths)
        capture("import the root file system", ["docker", "import", str(tar), image], timeout=600)
    finally:
        tar.unlink(missing_ok=True)
    console.step("made the node's root file system")
    return image


def read(paths: Paths, console: Console, script: str) -> bytes:
    """Return the tar that a script of node/stage writes in a container of the root file system."""
    command = ["docker", "run", "--rm", "--interactive", "--network", "none", ensure(paths, console), "bash", "-s"]
    return capture(script, command, stdin=(paths.node / "stage" / script).read_bytes(), timeout=120).stdout
