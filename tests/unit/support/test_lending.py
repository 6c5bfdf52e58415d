# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support import lending
from tests.support.inventory import Inventory


class Clusters:
    """What was done: calls of the cluster tool, and resets."""

    def __init__(self, clone: Path) -> None:
        self.clone = clone
        self.done: list[str] = []
        self.broken = False

    def tool(self, verb: str, name: str) -> str:
        self.done.append(f"{verb} {name}")
        if verb == "up":
            (self.clone / ".cluster" / name).mkdir(parents=True)
        elif (folder := self.clone / ".cluster" / name).is_dir():
            for file in folder.iterdir():
                file.unlink()
            folder.rmdir()
        return ""

    def reset(self, request: Path, fresh: Inventory) -> None:
        self.done.append(f"reset {request.parent.name} to {dict(fresh)}")
        if self.broken:
            raise TimeoutError("a CRD stays")


@pytest.fixture
def clusters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clusters:
    found = Clusters(tmp_path)

    @contextmanager
    def connected(kubeconfig: Path) -> Iterator[Path]:
        yield kubeconfig

    monkeypatch.setattr(lending, "CLONE", tmp_path)
    monkeypatch.setattr(lending, "tool", found.tool)
    monkeypatch.setattr(lending, "connected", connected)
    monkeypatch.setattr(lending, "at_rest", lambda _request: {"node": "1"})
    monkeypatch.setattr(lending, "reset", found.reset)
    monkeypatch.delenv(lending.SHARED, raising=False)
    return found


@pytest.fixture
def shared(clusters: Clusters, monkeypatch: pytest.MonkeyPatch) -> Clusters:
    monkeypatch.setenv(lending.SHARED, "test-1")
    return clusters


def test_a_suite_alone_creates_a_cluster_of_its_own_and_deletes_it(clusters: Clusters) -> None:
    assert lending.take("stories") == "stories"
    lending.give_back("stories")
    assert clusters.done == ["down stories", "up stories", "down stories"]


def test_so_does_one_that_needs_another_beside_the_shared_one(shared: Clusters) -> None:
    assert lending.take("fleet-bad", shared=False) == "fleet-bad"
    lending.give_back("fleet-bad", shared=False)
    assert shared.done == ["down fleet-bad", "up fleet-bad", "down fleet-bad"]


def test_a_shared_cluster_is_created_once_and_reset_to_what_it_had_then(shared: Clusters) -> None:
    assert lending.take("stories") == "test-1"
    lending.give_back("stories")
    assert lending.take("faults") == "test-1"
    assert shared.done == ["down test-1", "up test-1", "reset test-1 to {'node': '1'}"]
    assert json.loads((shared.clone / ".cluster" / "test-1" / "fresh.json").read_text()) == {"node": "1"}


def test_one_that_cannot_be_reset_is_created_again(shared: Clusters, capsys: pytest.CaptureFixture[str]) -> None:
    lending.take("stories")
    shared.broken = True
    assert lending.take("faults") == "test-1"
    assert shared.done[-2:] == ["down test-1", "up test-1"]
    assert "test-1 is created again: a CRD stays" in capsys.readouterr().err
