# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The releases of ansible-core that the artifact is tested with, each in an environment of its own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Core:
    """One release of ansible-core (``requirements/core-VERSION.txt``) and the Python it is tested with."""

    version: str
    python: str

    @property
    def name(self) -> str:
        """The name of its lock file, its environment and its suite."""
        return f"core-{self.version}"


# The first is the oldest that meta/runtime.yml allows, the last the newest there is; each Python has its turn.
CORES = (
    Core("2.16", "3.10"),
    Core("2.17", "3.12"),
    Core("2.18", "3.13"),
    Core("2.19", "3.11"),
    Core("2.20", "3.12"),
    Core("2.21", "3.13"),
)
# What `make test` runs; the whole matrix takes too long for every change.
EVERY_TIME = (CORES[0], CORES[-1])


def interpreter(version: str, environ: Mapping[str, str] = os.environ) -> Path | None:
    """A Python of this version (e.g. 3.12) that runs and can make environments; None: there is none."""
    return next((path for path in _candidates(version, environ) if _is(path, version)), None)


def _candidates(version: str, environ: Mapping[str, str]) -> Iterator[Path]:
    """Programs of this name on the PATH, then what pyenv keeps: its own programs on the PATH may lead nowhere."""
    for folder in environ.get("PATH", os.defpath).split(os.pathsep):
        yield Path(folder, f"python{version}")
    home = Path(environ.get("PYENV_ROOT") or Path(environ.get("HOME", "/")) / ".pyenv")
    yield from sorted(home.glob(f"versions/{version}.*/bin/python{version}"), reverse=True)


def _is(path: Path, version: str) -> bool:
    """Whether ``path`` runs, is of this version and has what an environment is made with."""
    if not path.is_file():
        return False
    question = "import ensurepip, sys, venv; print('{}.{}'.format(*sys.version_info))"
    try:
        answer = subprocess.run([path, "-c", question], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0 and answer.stdout.strip() == version
