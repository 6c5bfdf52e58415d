# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Python that has imported nothing yet, for what only the first one to ask can see."""

from __future__ import annotations

import os
import subprocess
import sys


def environment() -> dict[str, str]:
    """The variables of a process that finds modules where this one does."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def told_by(program: str) -> list[str]:
    """The lines that C(program) prints; it finds modules where this process does.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    command = [sys.executable, "-c", program]
    answer = subprocess.run(command, env=environment(), stdout=subprocess.PIPE, text=True, timeout=60, check=True)
    return answer.stdout.splitlines()
