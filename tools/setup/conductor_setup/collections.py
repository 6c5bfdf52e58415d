# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The repo-local collections path: kubernetes.core, and this checkout under its own name."""

from __future__ import annotations

import json
import os
import re
import shutil
import zipfile
from pathlib import Path

from conductor_setup import environments, stamps
from conductor_setup.layout import Layout
from conductor_setup.steps import SetupError, run, step

# Seconds: a Galaxy server that is there answers in one; one that is not must not hold up an offline machine.
GALAXY_ANSWERS_WITHIN = 5
GALAXY_INSTALLS_WITHIN = 60


def wanted_version(requirements: str) -> str:
    """The release of kubernetes.core that the text of ``requirements/collections.yml`` pins.

    Raises:
        SetupError: the text pins none.
    """
    found = re.search(r'name: kubernetes\.core\n\s+version: "(\d+\.\d+\.\d+)"', requirements)
    if not found:
        raise SetupError("requirements/collections.yml pins no release of kubernetes.core")
    return found[1]


def link_checkout(layout: Layout) -> None:
    """Let the checkout appear as the collection ``conductor.trainer``.

    Raises:
        SetupError: something that is not our link stands in its place.
    """
    link = layout.collections / "conductor" / "trainer"
    link.parent.mkdir(parents=True, exist_ok=True)
    if link.is_symlink():
        if link.resolve() == layout.clone:
            return
        link.unlink()
    elif link.exists():
        raise SetupError(f"{link} is in the way of the link to the checkout: remove it")
    # Relative, so that the clone may be moved.
    link.symlink_to(os.path.relpath(layout.clone, link.parent))


def ensure_kubernetes_core(layout: Layout) -> None:
    """Install the pinned kubernetes.core from Galaxy, else out of the Python package that carries it.

    Raises:
        SetupError: neither source has it.
    """
    listed = layout.requirements / "collections.yml"
    version = wanted_version(listed.read_text(encoding="utf-8"))
    folder = layout.collections / "kubernetes" / "core"
    stamp = layout.collections / ".conductor-kubernetes-core"
    key = stamps.digest([listed, layout.requirements / "kubernetes-core.txt"])
    if folder.is_dir() and stamps.is_current(stamp, key):
        return
    shutil.rmtree(folder, ignore_errors=True)
    with step(f"kubernetes.core {version}"):
        try:
            _from_galaxy(layout, listed)
            print("setup: kubernetes.core comes from Galaxy")
        except SetupError as refusal:
            print(f"setup: no Galaxy server answers ({_reason(refusal)}); taking it out of a Python package")
            shutil.rmtree(folder, ignore_errors=True)
            _from_package(layout, folder)
        found = json.loads((folder / "MANIFEST.json").read_text(encoding="utf-8"))["collection_info"]["version"]
        if found != version:
            raise SetupError(f"got kubernetes.core {found} instead of {version}: do the files in requirements/ agree?")
        stamps.write(stamp, key)


def _reason(refusal: SetupError) -> str:
    """The line of ansible-galaxy's output that says what went wrong."""
    lines = [line.strip() for line in str(refusal).splitlines() if line.startswith(("ERROR", "[ERROR]"))]
    return lines[0] if lines else str(refusal).splitlines()[0]


def _from_galaxy(layout: Layout, listed: Path) -> None:
    """Ask the configured Galaxy servers."""
    run(
        [
            layout.venv / "bin" / "ansible-galaxy",
            *("collection", "install", "--no-deps", "--timeout", str(GALAXY_ANSWERS_WITHIN)),
            *("-r", listed, "-p", layout.collections.parent),
        ],
        "",
        {**os.environ, "ANSIBLE_CONFIG": str(layout.clone / "ansible.cfg")},
        timeout=GALAXY_INSTALLS_WITHIN,
    )


def _from_package(layout: Layout, folder: Path) -> None:
    """Unpack ``ansible_collections/kubernetes/core`` from the pure-Python ``ansible`` wheel, which is not installed."""
    downloads = layout.cache / "downloads"
    downloads.mkdir(parents=True, exist_ok=True)
    locked = layout.requirements / "kubernetes-core.txt"
    run(
        [
            *(layout.venv / "bin" / "pip", "download", "--quiet", "--no-deps", "--dest", downloads, "-r", locked),
            # The wheel asks for a newer Python than ours may be; nothing of it but one collection is used.
            *("--only-binary=:all:", "--python-version", "3.13"),
        ],
        "Neither Galaxy nor a Python package index gives kubernetes.core: check the network or PIP_INDEX_URL.",
        environments.pip_environment(layout),
    )
    pinned = re.search(r"^ansible==(\S+)", locked.read_text(encoding="utf-8"), re.MULTILINE)
    if not pinned:
        raise SetupError(f"{locked} pins no release of ansible")
    prefix = "ansible_collections/kubernetes/core/"
    with zipfile.ZipFile(downloads / f"ansible-{pinned[1]}-py3-none-any.whl") as wheel:
        wheel.extractall(folder.parents[2], members=[name for name in wheel.namelist() if name.startswith(prefix)])
