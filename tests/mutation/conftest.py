# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""C(pytest tests/mutation --target planner): one target of tools/mutation, broken on purpose again and again."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.playing import CLONE

# Seconds for a whole target on a busy machine.
LIMIT = 2600

Run = Callable[..., subprocess.CompletedProcess[str]]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--target", help="one of tools/mutation/conductor_mutation/targets.yml")


@pytest.fixture(scope="session")
def target(request: pytest.FixtureRequest) -> str:
    wanted: str | None = request.config.getoption("--target")
    if wanted is None:
        raise pytest.UsageError("say which: --target planner")
    return wanted


@pytest.fixture(scope="session")
def run() -> Run:
    """Runs the tool in the environment that C(setup evidence) makes for it."""

    def mutation(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        command = [CLONE / ".venvs" / "mutation" / "bin" / "python", "-m", "conductor_mutation", *arguments]
        variables = {**os.environ, "PYTHONPATH": str(CLONE / "tools" / "mutation")}
        return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=LIMIT, check=False)

    return mutation
