# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The status playbook writes a file with every host, also with failed hosts. No server is needed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.playing import Played, one_by_one, play


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    """Return an inventory of two hosts: one names an API server that does not answer, the other names none."""
    hosts = {
        "silent": {"conductor_host": "https://127.0.0.1:1", "conductor_api_key": "token"},
        "nameless": {"conductor_context": ""},
    }
    path = tmp_path / "hosts.yml"
    path.write_text(yaml.safe_dump({"all": {"hosts": hosts}}))
    return path


def status(inventory: Path, kept: str, *arguments: str) -> Played:
    return play("status", {"conductor_status_file": kept}, "--inventory", str(inventory), *arguments)


def assert_unknown(found: dict[str, Any], words: str) -> None:
    assert (found["health"], found["trainer"]) == ("unknown", None)
    assert words in found["error"]


@pytest.mark.parametrize("arguments", [(), pytest.param(("--check",), marks=pytest.mark.evidence), ("--forks", "1")])
def test_hosts_that_name_one_file_share_it(inventory: Path, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    kept = tmp_path / "status.json"
    played = status(inventory, str(kept), *arguments)
    assert played.code == 2
    found = json.loads(kept.read_text())
    assert sorted(found) == ["nameless", "silent"]
    assert_unknown(found["silent"], "cannot be reached")
    assert_unknown(found["nameless"], "no cluster is named")
    assert {counts["failed"] for counts in played.recap.values()} == {1}
    assert {counts["changed"] for counts in played.recap.values()} == {0}


def test_each_host_may_have_its_own(inventory: Path, tmp_path: Path) -> None:
    status(inventory, f"{tmp_path}/{{{{ inventory_hostname }}}}.json")
    for name in ("silent", "nameless"):
        assert list(json.loads((tmp_path / f"{name}.json").read_text())) == [name]


def test_batches_add_up(inventory: Path, tmp_path: Path) -> None:
    kept = tmp_path / "status.json"
    # Only this task file: without a cluster the role fails, and a play ends when all hosts of a batch have failed.
    playbook = one_by_one(tmp_path / "batches.yml", "write_status_file")
    played = play(playbook, {"conductor_status_file": str(kept)}, "--inventory", str(inventory))
    assert played.code == 0, played.output
    assert sorted(json.loads(kept.read_text())) == ["nameless", "silent"]


def test_without_a_path_there_is_no_file(inventory: Path, tmp_path: Path) -> None:
    status(inventory, "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hosts.yml"]
