# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts of one play that mean the same cluster by different names, and a pin that each task checks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.control_plane import ControlPlane
from tests.support.playing import Played, play


def run(playbook: str, folder: Path, hosts: dict[str, dict[str, Any]], *arguments: str) -> Played:
    """Run a playbook on an inventory of these hosts."""
    inventory = folder / "hosts.yml"
    inventory.write_text(yaml.safe_dump({"all": {"hosts": hosts}}))
    return play(playbook, {"conductor_wait_timeout": 1}, "--inventory", str(inventory), *arguments)


@pytest.fixture
def users(plane: ControlPlane) -> dict[str, ControlPlane]:
    """A user for each of three hosts, with a kubeconfig of its own."""
    return {name: plane.identity(f"admin-of-{name}", "system:masters") for name in ("berlin", "tokyo", "lima")}


@pytest.mark.parametrize("playbook", ["install", "uninstall"])
def test_only_one_of_them_writes(
    plane: ControlPlane, users: dict[str, ControlPlane], tmp_path: Path, playbook: str
) -> None:
    mark = plane.now()
    played = run(playbook, tmp_path, {name: dict(user.variables) for name, user in users.items()})
    assert played.text.count("mean the same cluster, with the uid") >= 2, played.text
    assert "nothing was written for this host" in played.text
    writers = [name for name, user in users.items() if user.writes_since(mark)]
    assert len(writers) == (1 if playbook == "install" else 0)


def test_hosts_of_their_own_clusters_are_not_stopped(users: dict[str, ControlPlane], tmp_path: Path) -> None:
    # Nothing listens for the other host: it fails, and the first one does not.
    there = {"conductor_host": "https://127.0.0.1:1", "conductor_api_key": "t"}
    played = run("uninstall", tmp_path, {"berlin": dict(users["berlin"].variables), "tokyo": there})
    assert played.recap["berlin"]["failed"] == 0, played.text
    assert played.recap["tokyo"]["failed"] == 1, played.text
