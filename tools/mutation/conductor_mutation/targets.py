# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules to change and the tests that must detect the changes (targets.yml), and the score of a run."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any, Literal, NamedTuple

import yaml

DATA = Path(__file__).with_name("targets.yml")
Fate = Literal["killed", "timeout", "survived"]


class TargetError(Exception):
    """The data does not match the clone; the message says what to change."""


class Target(NamedTuple):
    """One group of modules.

    Args:
        least: the lowest score, in per cent.
        modules, tests: paths in the clone.
        operators: cosmic-ray's names of the changes.
    """

    name: str
    least: float
    modules: tuple[str, ...]
    tests: tuple[str, ...]
    operators: tuple[str, ...]

    def tests_of(self, module: str) -> list[str]:
        """Return all tests; first those with the module's name, which most likely detect a change."""
        own = f"test_{PurePosixPath(module).stem.removeprefix('_')}.py"
        return sorted(self.tests, key=lambda test: PurePosixPath(test).name != own)


def read_target(name: str, clone: Path, data: Path = DATA) -> Target:
    """Return the target of this name.

    Raises:
        TargetError: the target or one of its files does not exist.
    """
    content: dict[str, Any] = yaml.safe_load(data.read_text(encoding="utf-8"))
    if name not in content["targets"]:
        raise TargetError(f"no target {name}; available: {', '.join(sorted(content['targets']))}")
    entry = content["targets"][name]
    files = (_files(clone, entry[part]) for part in ("modules", "tests"))
    return Target(name, entry["least"], *files, operators=tuple(content["operators"]))


def _files(clone: Path, patterns: list[str]) -> tuple[str, ...]:
    """Return the files that match the patterns, each once, in the order of the patterns."""
    found = {
        pattern: sorted(path.relative_to(clone).as_posix() for path in clone.glob(pattern)) for pattern in patterns
    }
    if missing := [pattern for pattern, paths in found.items() if not paths]:
        raise TargetError(f"{missing[0]} in {DATA.name} does not match any file of the clone")
    return tuple(dict.fromkeys(path for paths in found.values() for path in paths))


class Change(NamedTuple):
    """A change: the path in the clone, the line (from 1), and the changed line with every gap as one space."""

    file: str
    line: int
    before: str
    after: str


class Score(NamedTuple):
    """The score of a target, or of one of its modules; a change whose tests ran out of time counts as killed."""

    mutants: int
    killed: int
    timeouts: int
    survivors: tuple[Change, ...]

    @property
    def percent(self) -> float:
        """Per cent of the changes that a test detected."""
        return 100 * self.killed / self.mutants if self.mutants else 0.0

    def sentence(self) -> str:
        """Return the score in one line."""
        text = f"{self.percent:.1f} % of {self.mutants} mutants: {self.killed} killed, {len(self.survivors)} survived"
        return text + (f", {self.timeouts} of the killed by timeout" if self.timeouts else "")

    def facts(self) -> dict[str, Any]:
        """Return the score for a file of results."""
        survivors = [change._asdict() for change in self.survivors]
        return {**self._asdict(), "percent": self.percent, "sentence": self.sentence(), "survivors": survivors}


def score(results: Iterable[tuple[Change, Fate]], file: str = "") -> Score:
    """Return the score of all changes, or of those to one file."""
    counted = [(change, fate) for change, fate in results if file in ("", change.file)]
    survivors = tuple(sorted(change for change, fate in counted if fate == "survived"))
    timeouts = sum(fate == "timeout" for _change, fate in counted)
    return Score(len(counted), len(counted) - len(survivors), timeouts, survivors)
