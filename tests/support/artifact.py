# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What belongs into the artifact: what a user or an importer reads, and nothing of what the project is made with."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

# Every path of the artifact matches one of these (``*`` crosses folders).
WANTED = (
    "CHANGELOG.*",
    "CONTRIBUTING.md",
    "LICENSE",
    "LICENSES/*",
    "README.md",
    "REUSE.toml",
    "SECURITY.md",
    "changelogs/changelog.yaml",
    "changelogs/config.yaml",
    "docs/*",
    "examples/*",
    "meta/*",
    "playbooks/*",
    "plugins/*",
    "roles/*",
    # Tells importers' sanity tests which Pythons the modules are written for.
    "tests/config.yml",
)
# Never, wherever it may lie.
UNWANTED = ("*/__pycache__/*", "*.pyc", "*.tar.gz", "*.cdx.json", "*/.*", ".*", "*.log", "*.orig", "*.rej", "*~")
# What every artifact has, besides its plugins, roles and playbooks.
ALWAYS = ("LICENSE", "README.md", "changelogs/changelog.yaml", "meta/runtime.yml", "tests/config.yml")
# Made while building.
MADE = ("FILES.json", "MANIFEST.json")


@dataclass(frozen=True)
class Contents:
    """The files of an artifact, and its two sizes in bytes."""

    files: list[str]
    packed: int
    unpacked: int


def contents_of(tarball: Path) -> Contents:
    """What is in ``tarball``, folders left out.

    Raises:
        OSError: it cannot be read.
        tarfile.TarError: it is no tarball.
    """
    with tarfile.open(tarball, mode="r:gz") as archive:
        entries = [entry for entry in archive.getmembers() if not entry.isdir()]
    files = sorted(entry.name for entry in entries)
    return Contents(files, tarball.stat().st_size, sum(entry.size for entry in entries))


def collection_info(tarball: Path) -> dict[str, object]:
    """The ``collection_info`` of MANIFEST.json: name, version, licences, dependencies, ..."""
    with tarfile.open(tarball, mode="r:gz") as archive:
        stream = archive.extractfile("MANIFEST.json")
        assert stream is not None, "MANIFEST.json is a file"
        info: dict[str, object] = json.load(stream)["collection_info"]
    return info


def complaints(files: Iterable[str], sources: Iterable[str]) -> list[str]:
    """A line for each file that should not be in an artifact, and for each of ``sources`` that should but is not."""
    present = set(files)
    lines = [f"unwanted: {name}" for name in sorted(present.difference(MADE)) if not is_wanted(name)]
    wanted = {name for name in sources if is_wanted(name)} | set(ALWAYS) | set(MADE)
    return lines + [f"missing: {name}" for name in sorted(wanted - present)]


def is_wanted(name: str) -> bool:
    """Whether a path belongs into the artifact."""
    return any(fnmatchcase(name, pattern) for pattern in WANTED) and not any(
        fnmatchcase(name, pattern) for pattern in UNWANTED
    )
