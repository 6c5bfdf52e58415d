# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle
from tests.support.control_plane import ControlPlane, control_plane
from tests.support.removal_states import ALL
from tests.support.states import States, our_bundle

FOLDER = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests of one state one after the other, whatever file they are in, and after all others.

    From state to state the API server takes whole CRDs in and out, which is most of its work.
    """
    order = {state.name: number for number, state in enumerate(ALL, 1)}

    def rank(item: pytest.Item) -> int:
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        state = str(parameters.get("state", parameters.get("name")))
        return order.get(state, 0) if FOLDER in item.path.parents else 0

    items.sort(key=rank)


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """The one control plane of a test run."""
    with control_plane(tmp_path_factory.mktemp("control-plane")) as plane:
        yield plane


@pytest.fixture(scope="session")
def states(running: ControlPlane) -> States:
    """Brings the control plane into any of the known states."""
    return States(running, ALL, running.snapshot())


@pytest.fixture
def plane(states: States) -> ControlPlane:
    """The control plane as if it had just come up."""
    return states.enter(None)


@pytest.fixture
def installed(states: States) -> ControlPlane:
    """The control plane with our bundle applied a while ago; its controllers' pods find no node."""
    return states.enter("ours")


@pytest.fixture(scope="session")
def bundle() -> Bundle:
    """The bundle of the collection."""
    return our_bundle()
