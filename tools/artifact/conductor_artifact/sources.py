# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Git says about a clone: which files are part of it, and how old it is."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from conductor_artifact.errors import ArtifactError


def tracked_files(clone: Path) -> list[str]:
    """The paths, relative to ``clone``, of the files Git keeps and that are still there; sorted.

    Raises:
        ArtifactError: Git does not know the folder.
    """
    listed = _git(clone, "ls-files", "-z").split("\0")
    return sorted(name for name in listed if name and (clone / name).is_file())


def uncommitted(clone: Path) -> list[str]:
    """The tracked files that are not what was committed.

    Raises:
        ArtifactError: Git does not know the folder.
    """
    return sorted(_git(clone, "diff", "--name-only", "HEAD").splitlines())


def timestamp(clone: Path, environ: Mapping[str, str] = os.environ) -> int:
    """The time that every file of the artifact gets: ``SOURCE_DATE_EPOCH``, else that of the last commit.

    Raises:
        ArtifactError: the variable is no number, or Git does not know the folder.
    """
    wanted = environ.get("SOURCE_DATE_EPOCH") or _git(clone, "log", "-1", "--format=%ct").strip()
    try:
        return int(wanted)
    except ValueError:
        raise ArtifactError(
            f"SOURCE_DATE_EPOCH is {wanted!r}\nNext: give seconds since 1970, or unset it for the time of the commit"
        ) from None


def copy_tracked(clone: Path, folder: Path) -> None:
    """Copy the tracked files of ``clone``, as they are now, into ``folder``.

    Raises:
        ArtifactError: Git does not know the clone.
    """
    for name in tracked_files(clone):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(clone / name, target, follow_symlinks=False)


def _git(clone: Path, *words: str) -> str:
    command = ["git", "-C", str(clone), *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except OSError as error:
        raise ArtifactError(
            f"cannot start git: {error}\nNext: install git; it tells what belongs to the clone"
        ) from error
    if done.returncode:
        raise ArtifactError(f"`{' '.join(command)}` failed: {done.stderr.strip()}\nNext: build in a Git clone")
    return done.stdout
