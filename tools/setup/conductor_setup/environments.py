# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Python environments, made from lock files."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from conductor_setup import stamps
from conductor_setup.layout import Layout
from conductor_setup.steps import run, step


def pip_environment(layout: Layout, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables for pip: its cache and its temporary files go below the clone's cache, questions are not asked."""
    scratch = layout.cache / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    return {
        **environ,
        "PIP_CACHE_DIR": str(layout.cache / "pip"),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INPUT": "1",
        "TMPDIR": str(scratch),
    }


def ensure(layout: Layout, venv: Path, *locks: str, python: Path | None = None) -> None:
    """Make ``venv`` hold exactly what the lock files ``requirements/LOCK.txt`` name, one after the other.

    ``python`` is the interpreter of the environment, by default the one that runs this.

    A changed lock file, another Python or a moved clone makes it anew, because pip does not remove what is no longer
    named; a lock that is merely missing is added.

    Raises:
        SetupError: the environment cannot be made or the packages cannot be had.
    """
    interpreter = python or Path(sys.executable)
    version, prefix = _identity(python) if python else (sys.version, sys.base_prefix)
    basis = stamps.digest([version, prefix, str(venv)])
    keys = {lock: stamps.digest([basis, layout.requirements / f"{lock}.txt"]) for lock in locks}
    present = {lock: venv / f".conductor-{lock}" for lock in locks}
    stale = [lock for lock in locks if present[lock].exists() and not stamps.is_current(present[lock], keys[lock])]
    name = venv.relative_to(layout.clone)
    if stale or not present[locks[0]].exists():
        with step(f"{name}: an environment of Python {version.split()[0]}"):
            shutil.rmtree(venv, ignore_errors=True)
            run(
                [interpreter, "-m", "venv", venv],
                "On Debian the package python3-venv brings what is needed; PYTHON=... selects another Python.",
                os.environ,
            )
    for lock in locks:
        if stamps.is_current(present[lock], keys[lock]):
            continue
        with step(f"{name}: the packages of requirements/{lock}.txt"):
            run(
                [venv / "bin" / "pip", "install", "--quiet", "-r", layout.requirements / f"{lock}.txt"],
                "Is a Python package index reachable? pip's own settings (PIP_INDEX_URL, proxies) are honoured.",
                pip_environment(layout),
            )
            stamps.write(present[lock], keys[lock])


def _identity(python: Path) -> tuple[str, str]:
    """What tells one interpreter from another: its version and where it comes from."""
    question = "import json, sys; print(json.dumps([sys.version, sys.base_prefix]))"
    answer = subprocess.run([python, "-c", question], stdout=subprocess.PIPE, text=True, timeout=60, check=True).stdout
    version, prefix = json.loads(answer)
    return version, prefix
