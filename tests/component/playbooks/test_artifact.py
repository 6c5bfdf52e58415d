# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run sets a summary for AWX with one entry for each host, also for failed hosts. No server is needed."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
import yaml

from tests.support.fleet import CLI_SHOWS_ALL, shown_reports
from tests.support.playing import play


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    """Return an inventory of two hosts, with two addresses of this machine on which nothing listens."""
    with socket.socket() as first, socket.socket() as second:
        for listener in (first, second):
            listener.bind(("127.0.0.1", 0))
        hosts = {
            name: {
                "conductor_host": f"https://127.0.0.1:{listener.getsockname()[1]}",
                "conductor_api_key": f"token-of-{name}",
            }
            for name, listener in (("first", first), ("second", second))
        }
    path = tmp_path / "hosts.yml"
    path.write_text(yaml.safe_dump({"all": {"hosts": hosts}}))
    return path


@pytest.mark.parametrize(
    ("playbook", "forks"), [("install", "5"), ("verify", "1"), ("preflight", "5"), ("status", "1")]
)
def test_every_failed_host_has_its_error_in_the_summary(inventory: Path, playbook: str, forks: str) -> None:
    # AWX passes the artifacts of a workflow node to the next one as extra variables. They are not input.
    left = {"conductor_report": {"first": {"verified": True}, "third": {"verified": True}}}
    played = play(playbook, left, "--inventory", str(inventory), "--forks", forks, environment=CLI_SHOWS_ALL)
    assert played.code == 2
    found = shown_reports(played)
    hosts = yaml.safe_load(inventory.read_text())["all"]["hosts"]
    assert list(found) == list(hosts)
    for name, host in hosts.items():
        # The host has failed, and is not counted as rescued.
        assert (played.recap[name]["failed"], played.recap[name]["rescued"]) == (1, 0)
        assert found[name]["error"]["step"] == ("apply" if playbook in ("install", "verify") else "inspect")
        assert f"{host['conductor_host']} cannot be reached" in found[name]["error"]["message"]
        assert "Next:" in found[name]["error"]["message"]
        assert host["conductor_api_key"] not in played.output + played.errors
        assert (found[name]["verified"], found[name]["changed"], found[name]["check_mode"]) == (
            *(False, False),
            playbook != "install",
        )


def test_two_hosts_of_one_cluster_are_reported(inventory: Path) -> None:
    variables = {"conductor_host": "https://127.0.0.1:1", "conductor_api_key": "token"}
    found = shown_reports(play("install", variables, "--inventory", str(inventory), environment=CLI_SHOWS_ALL))
    assert {name: entry["error"]["step"] for name, entry in found.items()} == {
        "first": "distinct targets",
        "second": "distinct targets",
    }


def test_the_summary_is_not_printed_by_default() -> None:
    played = play("install")
    assert "CUSTOM STATS" not in played.output
    assert "conductor_report" not in played.text
    # The reason is printed once, at the task that failed.
    assert played.output.count("fatal: ") == 1
