# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Iterator

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils._bundle import Bundle, load_bundle
from ansible_collections.conductor.trainer.plugins.module_utils._install import ensure_present
from tests.support.control_plane import ControlPlane, control_plane
from tests.support.etcd import Snapshot
from tests.support.playing import CLONE


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """The one control plane of a test run."""
    with control_plane(tmp_path_factory.mktemp("control-plane")) as plane:
        yield plane


@pytest.fixture(scope="session")
def empty(running: ControlPlane) -> Snapshot:
    """What a control plane holds on which nobody has done anything."""
    return running.snapshot()


@pytest.fixture
def plane(running: ControlPlane, empty: Snapshot) -> ControlPlane:
    """The control plane as if it had just come up."""
    running.check()
    running.restore(empty)
    return running


@pytest.fixture(scope="session")
def bundle() -> Bundle:
    """The bundle of the collection."""
    return load_bundle(str(CLONE / "roles" / "conductor" / "files" / "bundles" / "2.3.0.json"))


@pytest.fixture(scope="session")
def _installed(running: ControlPlane, empty: Snapshot, bundle: Bundle) -> Snapshot:
    running.restore(empty)
    ensure_present(running.client(), bundle)
    running.settle()
    return running.snapshot()


@pytest.fixture
def installed(running: ControlPlane, _installed: Snapshot) -> ControlPlane:
    """The control plane with our bundle applied a while ago; its controllers' pods find no node."""
    running.check()
    running.restore(_installed)
    return running
