# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read targets.yml and the clone; without cosmic-ray, so that the unit tests can import it."""

import ast
import shutil
import subprocess
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import yaml

DATA = Path(__file__).with_name("targets.yml")


class TargetError(Exception):
    """The changes of a target cannot be tried; the message contains the cause."""


class Target(NamedTuple):
    """One group of modules: its lowest score in per cent, paths in the clone, cosmic-ray's names of the changes."""

    least: float
    modules: tuple[str, ...]
    tests: tuple[str, ...]
    operators: tuple[str, ...]

    def tests_of(self, module: str) -> list[str]:
        """Return all tests; first those with the module's name, which most likely detect a change."""
        own = f"test_{PurePosixPath(module).stem.removeprefix('_')}.py"
        return sorted(self.tests, key=lambda test: PurePosixPath(test).name != own)


def read_target(name: str, clone: Path, data: Path = DATA) -> Target:
    """Return the target of this name. Raise TargetError if it or one of its files does not exist."""
    content: dict[str, Any] = yaml.safe_load(data.read_text(encoding="utf-8"))
    if name not in content["targets"]:
        raise TargetError(f"no target {name}; available: {', '.join(sorted(content['targets']))}")
    entry = content["targets"][name]
    modules, tests = _files(clone, entry["modules"]), _files(clone, entry["tests"])
    return Target(entry["least"], modules, tests, tuple(content["operators"]))


def _files(clone: Path, patterns: list[str]) -> tuple[str, ...]:
    """Return the files that match the patterns, each once, in the order of the patterns."""
    found: dict[str, None] = {}
    for pattern in patterns:
        paths = sorted(path.relative_to(clone).as_posix() for path in clone.glob(pattern))
        if not paths:
            raise TargetError(f"{pattern} in {DATA.name} does not match any file of the clone")
        found.update(dict.fromkeys(paths))
    return tuple(found)


# (line, column): lines from 1, columns from 0.
Span = tuple[tuple[int, int], tuple[int, int]]


def annotation_spans(source: str) -> list[Span]:
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
