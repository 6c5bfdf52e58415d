# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies of the clone, because what is broken on purpose must not break what runs beside it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path


def copy(clone: Path, folder: Path) -> Path:
    """Copies what git knows of, changes included, and gives it a collections path that leads into the copy.

    Returns:
        The folder.
    """
    listing = ["git", "-C", str(clone), "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listing, stdout=subprocess.PIPE, text=True, timeout=60, check=True).stdout
    for name in filter(None, names.split("\0")):
        source, to = clone / name, folder / name
        # One that is deleted, but not for git yet.
        if source.is_file():
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, to)
    collections = Path(".ansible", "collections", "ansible_collections")
    (folder / collections / "conductor").mkdir(parents=True)
    (folder / collections / "conductor" / "trainer").symlink_to(folder)
    others = clone / collections / "kubernetes"
    if others.exists():
        (folder / collections / "kubernetes").symlink_to(others.resolve())
    return folder
