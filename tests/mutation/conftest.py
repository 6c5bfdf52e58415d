# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""C(pytest tests/mutation --target planner): one target of tools/mutation, broken on purpose again and again."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.playing import CLONE

# Seconds for a whole target on a busy machine.
LIMIT = 2600


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--target", help="one of tools/mutation/conductor_mutation/targets.yml")


@pytest.fixture(scope="session")
def target(request: pytest.FixtureRequest) -> str:
    wanted: str | None = request.config.getoption("--target")
    if wanted is None:
        raise pytest.UsageError("say which: --target planner")
    return wanted


@dataclass(frozen=True)
class Tried:
    """The end of a run, and every change with its result.

    Args:
        changes: file, line, added lines of the difference, and C(killed), C(timeout) or C(survived).
    """

    code: int
    errors: str
    changes: list[tuple[str, int, str, str]]

    def sentence(self, file: str = "") -> str:
        """The score in one line, of all files or of one."""
        results = [result for name, _line, _added, result in self.changes if file in ("", name)]
        survived, timeouts = results.count("survived"), results.count("timeout")
        percent = 100 * (1 - survived / len(results)) if results else 0
        text = f"{percent:.1f} % of {len(results)} mutants: {len(results) - survived} killed, {survived} survived"
        return text + (f", {timeouts} of the killed by timeout" if timeouts else "")


def tried(target: str, session: Path, clone: Path = CLONE, *options: str | Path) -> Tried:
    """Runs the tool in a clone, in the environment that C(setup evidence) makes for it, and reads its session."""
    programs = CLONE / ".venvs" / "mutation" / "bin"
    variables = {**os.environ, "PYTHONPATH": str(CLONE / "tools" / "mutation")}
    command = [programs / "python", "-m", "conductor_mutation", target, session, *options]
    done = subprocess.run(command, cwd=clone, env=variables, capture_output=True, text=True, timeout=LIMIT, check=False)
    dump = subprocess.run([programs / "cosmic-ray", "dump", session], capture_output=True, text=True, check=True)
    changes = []
    for item, result in map(json.loads, dump.stdout.splitlines()):
        [mutation] = item["mutations"]
        word = "untried" if not result else "timeout" if result["output"] == "timeout" else result["test_outcome"]
        # After the headings; cosmic-ray writes one more than usual.
        rows = result["diff"].splitlines()[3:] if result else []
        added = " ".join(" ".join(row[1:] for row in rows if row.startswith("+")).split())
        changes.append((mutation["module_path"], mutation["start_pos"][0], added, word))
    return Tried(done.returncode, done.stdout + done.stderr, changes)
