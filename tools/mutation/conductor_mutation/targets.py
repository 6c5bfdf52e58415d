# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be broken, and which tests have to notice: targets.yml, read and checked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import yaml

DATA = Path(__file__).with_name("targets.yml")


class TargetError(Exception):
    """The data does not fit to the clone; the text says what to change."""


class Equivalent(NamedTuple):
    """A change that makes no difference.

    Args:
        file: the path in the clone.
        before, after: the changed line, every gap in it as one space.
        reason: why nobody can notice.
    """

    file: str
    before: str
    after: str
    reason: str


@dataclass(frozen=True)
class Target:
    """One group of modules.

    Args:
        least: the lowest score, in per cent.
        modules, tests: paths in the clone.
        operators: the kinds of changes, as cosmic-ray names them.
        equivalent: the changes to these modules that do not count.
    """

    name: str
    least: float
    modules: tuple[str, ...]
    tests: tuple[str, ...]
    operators: tuple[str, ...]
    equivalent: tuple[Equivalent, ...]

    def tests_of(self, module: str) -> list[str]:
        """All tests; those that bear the module's name first, because most likely they notice."""
        own = f"test_{PurePosixPath(module).stem.removeprefix('_')}.py"
        return sorted(self.tests, key=lambda test: PurePosixPath(test).name != own)


def read_target(name: str, clone: Path, data: Path = DATA) -> Target:
    """The target of this name.

    Raises:
        TargetError: there is none, or it names files that are not there.
    """
    content: dict[str, Any] = yaml.safe_load(data.read_text(encoding="utf-8"))
    if name not in content["targets"]:
        raise TargetError(f"no target {name}; there are {', '.join(sorted(content['targets']))}")
    entry = content["targets"][name]
    modules = _files(clone, entry["modules"])
    equivalent = tuple(Equivalent(**found) for found in content["equivalent"])
    return Target(
        name,
        entry["least"],
        modules,
        _files(clone, entry["tests"]),
        tuple(content["operators"]),
        tuple(found for found in equivalent if found.file in modules),
    )


def _files(clone: Path, patterns: list[str]) -> tuple[str, ...]:
    """The files behind patterns, each once, in the order of the patterns."""
    found: dict[str, None] = {}
    for pattern in patterns:
        paths = sorted(path.relative_to(clone).as_posix() for path in clone.glob(pattern))
        if not paths:
            raise TargetError(f"{pattern} in {DATA.name} is no file of the clone")
        found.update(dict.fromkeys(paths))
    return tuple(found)
