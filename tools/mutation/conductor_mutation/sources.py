# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read and copy sources; without cosmic-ray, so that the unit tests can import it."""

from __future__ import annotations

import ast
import shutil
import subprocess
from pathlib import Path

# (line, column): lines from 1, columns from 0.
Position = tuple[int, int]


def annotation_spans(source: str) -> list[tuple[Position, Position]]:
    """Return start and end of the annotations of a module: they are not evaluated, so no test can detect a change."""
    nodes = ast.walk(ast.parse(source))
    # The annotation of a variable or an argument, or that of what a function returns.
    found = [getattr(node, "annotation", None) or getattr(node, "returns", None) for node in nodes]
    return [((one.lineno, one.col_offset), (one.end_lineno, one.end_col_offset)) for one in found if one]


def copy(clone: Path, folder: Path) -> Path:
    """Copy the current content of Git's files into ``folder``, with a collections path that leads there."""
    listing = ["git", "-C", str(clone), "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listing, stdout=subprocess.PIPE, text=True, timeout=60, check=True).stdout
    # Git also lists deleted files until the deletion is committed.
    for name in (name for name in names.split("\0") if (clone / name).is_file()):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(clone / name, folder / name)
    collections = Path(".ansible", "collections", "ansible_collections")
    (folder / collections / "conductor").mkdir(parents=True)
    # Relative, so that a copy of the copy leads into itself.
    (folder / collections / "conductor" / "trainer").symlink_to("../../../..")
    if (clone / collections / "kubernetes").exists():
        (folder / collections / "kubernetes").symlink_to((clone / collections / "kubernetes").resolve())
    return folder
