# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.faults.faults import Faults
from tests.integration.faults.registry import Registry, running_registry
from tests.support.real_cluster import RealCluster, real_cluster

# Test to what a user saw.
NOTES = pytest.StashKey[dict[str, dict[str, Any]]]()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Says what each fault looks like to a user."""
    for test, notes in config.stash.get(NOTES, {}).items():
        terminalreporter.write_line(test)
        for name, value in notes.items():
            terminalreporter.write_line(f"    {name}: {value}")


@pytest.fixture(scope="session")
def cluster() -> Iterator[RealCluster]:
    with real_cluster("faults") as made:
        yield made


@pytest.fixture(scope="session")
def registry(cluster: RealCluster) -> Iterator[Registry]:
    with running_registry(cluster.name) as found:
        yield found


@pytest.fixture
def faults(cluster: RealCluster, request: pytest.FixtureRequest) -> Faults:
    """Whatever state the test before left: to fail and to heal."""
    notes = request.config.stash.setdefault(NOTES, {})
    return Faults(cluster, notes.setdefault(request.node.name, {}))


@pytest.fixture
def empty(faults: Faults) -> Faults:
    """Nothing of ours is there."""
    faults.wipe()
    return faults


@pytest.fixture
def installed(faults: Faults) -> Faults:
    """The operator is there and serves."""
    faults.ensure_installed()
    return faults
