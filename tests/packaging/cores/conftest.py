# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""C(pytest tests/packaging/cores --core 2.16): one release of ansible-core, in the environment that the setup made."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from conductor_setup.setup import CORES, Core
from tests.support import shipped
from tests.support.playing import CLONE
from tests.support.shipped import Shipped


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--core", choices=[core.version for core in CORES], help="the release of ansible-core to test with"
    )


@pytest.fixture(scope="session")
def core(request: pytest.FixtureRequest) -> Core:
    wanted = request.config.getoption("--core")
    if wanted is None:
        raise pytest.UsageError("say which: --core 2.16")
    return next(core for core in CORES if core.version == wanted)


@pytest.fixture(scope="session")
def venv(core: Core) -> Path:
    return CLONE / ".venvs" / core.name


@pytest.fixture(scope="session")
def installed(core: Core, venv: Path, tmp_path_factory: pytest.TempPathFactory) -> Shipped:
    """The artifact; beside the oldest ansible-core with the oldest kubernetes.core, else with the newest."""
    artifact = shipped.tarball(tmp_path_factory.mktemp("built"))
    dependency = shipped.OLDEST_DEPENDENCY if core == CORES[0] else shipped.DEPENDENCY
    return shipped.install(artifact, venv / "bin", tmp_path_factory.mktemp("home"), dependency)


@pytest.fixture(scope="session")
def bare(installed: Shipped, tmp_path_factory: pytest.TempPathFactory) -> Shipped:
    """The same installation without kubernetes.core."""
    alone = Shipped(installed.programs, tmp_path_factory.mktemp("bare"))
    shutil.copytree(installed.root, alone.root)
    return alone
