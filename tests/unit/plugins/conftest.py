# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.certificates import rotation
from ansible_collections.conductor.trainer.plugins.module_utils.wait import readiness
from tests.unit.plugins.helpers.fakes import Clock
from tests.unit.plugins.helpers.server import Server
from tests.unit.plugins.helpers.stepping import Script, SteppingWatcher


@pytest.fixture(autouse=True)
def _no_cluster_by_accident(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the machine's own clusters may reach a test, and a test must not touch one."""
    for name in list(os.environ):
        if name.startswith("K8S_AUTH_") or name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", "/nonexistent")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture
def script(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Script]:
    """What becomes of the cluster of a wait; all of it must have happened when the test ends."""
    steps: Script = []
    kind = type("Stepping", (SteppingWatcher,), {"clock": clock, "script": steps})
    for module in (readiness, rotation):
        monkeypatch.setattr(module, "Watcher", kind)
    yield steps
    assert steps == []
