# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module as Ansible runs it, against a real API server."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.support.control_plane import ControlPlane
from tests.support.playing import play


@pytest.fixture
def playbook(tmp_path: Path) -> Path:
    task = {
        "name": "Install Trainer",
        "conductor.trainer.trainer_operator": {
            "kubeconfig": "{{ conductor_kubeconfig }}",
            "context": "{{ conductor_context }}",
        },
    }
    path = tmp_path / "play.yml"
    path.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]))
    return path


def changed(output: dict[str, dict[str, int]]) -> int:
    return output["localhost"]["changed"]


def test_check_then_install_then_nothing(plane: ControlPlane, playbook: Path) -> None:
    mark = plane.now()
    foretold = play(playbook, plane.variables, "--check")
    assert foretold.code == 0, foretold.text
    assert changed(foretold.recap) == 1
    assert plane.writes_since(mark) == []

    done = play(playbook, plane.variables)
    assert done.code == 0, done.text
    assert changed(done.recap) == 1

    mark = plane.now()
    again = play(playbook, plane.variables)
    assert again.code == 0, again.text
    assert changed(again.recap) == 0
    assert plane.writes_since(mark) == []


def test_a_user_without_rights_reads_what_is_missing(plane: ControlPlane, playbook: Path) -> None:
    nobody = plane.identity("nobody")
    refused = play(playbook, nobody.variables)
    assert refused.code != 0
    for word in ("missing permissions:", "list customresourcedefinitions.apiextensions.k8s.io", "Next:"):
        assert word in refused.text
