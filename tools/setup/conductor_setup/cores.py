# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The releases of ansible-core with which the artifact is tested, each in a separate environment."""

import os
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple


class Core(NamedTuple):
    """One release of ansible-core (``requirements/core-VERSION.txt``) and the Python it is tested with."""

    version: str
    python: str

    @property
    def name(self) -> str:
        """The name of its lock file, its environment and its suite."""
        return f"core-{self.version}"


# The first is the oldest that meta/runtime.yml allows, the last is the newest; every supported Python occurs.
_TESTED = {"2.16": "3.10", "2.17": "3.12", "2.18": "3.13", "2.19": "3.11", "2.20": "3.12", "2.21": "3.13"}
CORES = tuple(Core(*tested) for tested in _TESTED.items())
# The releases of `make test`; the whole matrix takes too long for every change.
EVERY_TIME = (CORES[0], CORES[-1])


def interpreter(version: str, environ: Mapping[str, str] = os.environ) -> Path | None:
    """Return a Python of this version (e.g. 3.12) that runs and can create environments, or None.

    Search PATH, then pyenv's versions: its shims on PATH may have no interpreter.
    """
    name = f"python{version}"
    home = Path(environ.get("PYENV_ROOT") or Path(environ.get("HOME", "/")) / ".pyenv")
    candidates = [Path(folder, name) for folder in environ.get("PATH", os.defpath).split(os.pathsep)]
    candidates += sorted(home.glob(f"versions/{version}.*/bin/{name}"), reverse=True)
    question = f"import ensurepip, sys, venv; raise SystemExit('{version}' != '{{}}.{{}}'.format(*sys.version_info))"
    for path in filter(Path.is_file, candidates):
        with suppress(OSError, subprocess.SubprocessError):
            subprocess.run([path, "-c", question], capture_output=True, timeout=30, check=True)
            return path
    return None
