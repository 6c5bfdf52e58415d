# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make images of one program each with `docker import`."""

from __future__ import annotations

import tarfile
from pathlib import Path

from ..catalogue import RECIPE_LABEL
from ..paths import Paths
from ..process import capture


def owned_by_root(info: tarfile.TarInfo) -> tarfile.TarInfo:
    """Return an entry of a tar without what depends on the user of this machine."""
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    info.mode = 0o755 if info.isdir() or info.mode & 0o100 else 0o644
    return info


def make(
    paths: Paths,
    name: str,
    entrypoint: str,
    program: Path | None = None,
    *,
    files: bytes = b"",
    user: str = "",
    recipe: str = "",
) -> None:
    """Make the image ``name`` in Docker: ``program`` at the path ``entrypoint``, and the files of a tar."""
    tar = paths.work / "image.tar"
    tar.unlink(missing_ok=True)
    if files:
        tar.write_bytes(files)
    if program is not None:
        with tarfile.open(tar, "a") as archive:
            archive.add(program, entrypoint, filter=owned_by_root)
            temporary = tarfile.TarInfo("tmp")
            temporary.type, temporary.mode = tarfile.DIRTYPE, 0o1777
            archive.addfile(temporary)
    changes = [f'ENTRYPOINT ["{entrypoint}"]', "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
    changes += ["WORKDIR /", *([f"USER {user}"] if user else [])]
    changes += [f"LABEL {RECIPE_LABEL}={recipe}"] if recipe else []
    command = ["docker", "import", *(f"--change={change}" for change in changes), str(tar), name]
    capture(f"make the image {name}", command, timeout=600)
    tar.unlink()
