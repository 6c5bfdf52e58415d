# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A misspelled variable is rejected wherever it is set, before any request is sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.playing import Played, play

MEANT = "unknown variable conductor_contxt; did you mean conductor_context?"
# Nothing listens there: a run that passes the check fails with another message.
HOST = {"conductor_host": "https://127.0.0.1:1", "conductor_api_key": "a-token-of-nothing"}
WRONG = {"conductor_contxt": "production"}


def playbook(folder: Path, *, entry_point: str = "main", before: Any = (), **play_keywords: Any) -> Path:
    """Write a playbook that imports the role, and return its path."""
    role = {"name": "conductor.trainer.conductor", "tasks_from": entry_point}
    content = {
        "name": "Mine",
        "hosts": "all",
        "connection": "local",
        "gather_facts": False,
        **play_keywords,
        "tasks": [*before, {"name": "Role", "ansible.builtin.import_role": role}],
    }
    path = folder / "play.yml"
    path.write_text(yaml.safe_dump([content]))
    return path


def inventory(folder: Path, group: dict[str, Any], host: dict[str, Any]) -> tuple[str, str]:
    """Write an inventory with one host, and return the arguments that select it."""
    path = folder / "clusters.yml"
    path.write_text(yaml.safe_dump({"all": {"vars": group, "hosts": {"tokyo": host}}}))
    return "--inventory", str(path)


def assert_refused(answer: Played) -> None:
    assert answer.code != 0
    assert MEANT in answer.text
    assert f"{MEANT} Next: correct or remove the name" in answer.text
    assert "cannot be reached" not in answer.text


@pytest.mark.parametrize("name", ["install", "verify"])
def test_among_the_extra_variables(name: str) -> None:
    assert_refused(play(name, {**HOST, **WRONG}))


@pytest.mark.parametrize("place", ["group", "host"])
def test_in_the_inventory(tmp_path: Path, place: str) -> None:
    variables = {"group": HOST, "host": {}, place: {**HOST, **WRONG}}
    answer = play("install", {}, *inventory(tmp_path, **variables))
    assert_refused(answer)
    assert "`ansible-inventory --host tokyo`" in answer.text


@pytest.mark.parametrize("entry_point", ["main", "verify"])
def test_in_the_play(tmp_path: Path, entry_point: str) -> None:
    file = playbook(tmp_path, entry_point=entry_point, vars=WRONG)
    assert_refused(play(file, {}, *inventory(tmp_path, {}, HOST)))


def test_in_a_task_before(tmp_path: Path) -> None:
    file = playbook(tmp_path, before=[{"name": "Set", "ansible.builtin.set_fact": WRONG}])
    assert_refused(play(file, {}, *inventory(tmp_path, {}, HOST)))


def test_each_host_is_judged_by_its_own_variables(tmp_path: Path) -> None:
    path = tmp_path / "clusters.yml"
    berlin, tokyo = ({**HOST, "conductor_host": f"https://127.0.0.1:{port}"} for port in (1, 2))
    path.write_text(yaml.safe_dump({"all": {"hosts": {"berlin": berlin, "tokyo": {**tokyo, **WRONG}}}}))
    answer = play("install", {}, "--inventory", str(path))
    assert answer.output.count("fatal: [tokyo]") == answer.output.count("fatal: [berlin]") == 1
    assert MEANT in answer.text
    assert "https://127.0.0.1:1 cannot be reached" in answer.text
    assert "https://127.0.0.1:2" not in answer.text


def test_variables_that_are_no_mistake_pass(tmp_path: Path) -> None:
    mine = {"contxt": 1, "my_conductor_contxt": 1, "conductor_report": {}, "conductor_targets": "tokyo"}
    answer = play("install", mine, *inventory(tmp_path, {}, HOST))
    assert "unknown variable" not in answer.text
    assert "https://127.0.0.1:1 cannot be reached" in answer.text
