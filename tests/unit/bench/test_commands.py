# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""C(make bench) is too long for the tests: whether its programs start at all is not."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

CLONE = Path(__file__).parents[3]


@pytest.mark.parametrize("program", ["side_by_side", "fresh_install"])
def test_the_programs_start_as_make_starts_them(program: str) -> None:
    found = re.search(r"^bench := PYTHONPATH=(\S+) \S+ -m (\S+)$", (CLONE / "Makefile").read_text(), re.MULTILINE)
    assert found
    done = subprocess.run(
        [sys.executable, "-m", f"{found[2]}.{program}", "--help"],
        env={**os.environ, "PYTHONPATH": found[1]},
        cwd=CLONE,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "--rounds" in done.stdout
