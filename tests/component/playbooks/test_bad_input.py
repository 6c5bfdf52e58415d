# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks fail with a clear message if a cluster, release or runtime is missing or wrong. No server is needed."""

from __future__ import annotations

import base64
import json
import socket
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.playing import Played, play
from tests.unit.plugins.helpers.certificates import Authority

# Long enough not to occur elsewhere by chance.
SECRET = "c2VjcmV0LXRva2VuLW9mLXRoaXMtdGVzdA"  # noqa: S105 - of nothing


def kubeconfig(port: int, *contexts: str) -> dict[str, Any]:
    """Return a kubeconfig with these contexts, all with the same server on this machine."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": f"https://127.0.0.1:{port}"}}],
        "users": [{"name": "u", "user": {"token": SECRET}}],
        "contexts": [{"name": name, "context": {"cluster": "c", "user": "u"}} for name in contexts],
        "current-context": contexts[0],
    }


@pytest.fixture
def closed_port() -> int:
    """Return a port of this machine on which nothing listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture
def kubeconfig_path(tmp_path: Path, closed_port: int) -> str:
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(kubeconfig(closed_port, "one", "two")))
    return str(path)


def assert_refused(answer: Played, *words: str) -> None:
    """Assert that the run failed with these words and a next step."""
    output = answer.output + answer.errors
    assert answer.code != 0, output
    for word in (*words, "Next:"):
        assert word in output, output
    assert "Traceback" not in output


@pytest.mark.parametrize("playbook", ["preflight", "install", "verify", "status"])
def test_no_cluster_is_named(playbook: str) -> None:
    assert_refused(play(playbook, {}), "no cluster is named", "in_cluster: true")


def test_the_current_context_is_not_good_enough(kubeconfig_path: str) -> None:
    assert_refused(play("install", {"conductor_kubeconfig": kubeconfig_path}), "no context is named", "one, two")


def test_unknown_context(kubeconfig_path: str) -> None:
    answer = play("install", {"conductor_kubeconfig": kubeconfig_path, "conductor_context": "three"})
    assert_refused(answer, "context 'three' not found", "one, two")


def test_missing_kubeconfig(tmp_path: Path) -> None:
    path = str(tmp_path / "nowhere")
    answer = play("install", {"conductor_kubeconfig": path, "conductor_context": "one"})
    assert_refused(answer, f"kubeconfig file not found: {path}")


def test_folder_as_kubeconfig(tmp_path: Path) -> None:
    answer = play("install", {"conductor_kubeconfig": str(tmp_path), "conductor_context": "one"})
    assert_refused(answer, f"{tmp_path} is a folder, not a kubeconfig file")


def test_server_that_does_not_answer(kubeconfig_path: str, closed_port: int) -> None:
    answer = play("install", {"conductor_kubeconfig": kubeconfig_path, "conductor_context": "one"})
    assert_refused(answer, f"https://127.0.0.1:{closed_port} cannot be reached", "refused")


def test_host_without_credentials(closed_port: int) -> None:
    answer = play("install", {"conductor_host": f"https://127.0.0.1:{closed_port}"})
    assert_refused(answer, "no credentials for", "api_key")


def test_unknown_release(kubeconfig_path: str) -> None:
    variables = {"conductor_kubeconfig": kubeconfig_path, "conductor_context": "one", "conductor_release": "9.9.9"}
    assert_refused(play("install", variables), "there is no bundle of release '9.9.9'", "2.3.0")


def test_unknown_runtime(kubeconfig_path: str) -> None:
    variables = {"conductor_kubeconfig": kubeconfig_path, "conductor_context": "one", "conductor_runtimes": ["torch"]}
    assert_refused(play("install", variables), "has no runtime torch", "torch-distributed")


def test_one_cluster_for_two_hosts(tmp_path: Path, kubeconfig_path: str) -> None:
    inventory = tmp_path / "hosts"
    inventory.write_text("first\nsecond\n")
    variables = {"conductor_kubeconfig": kubeconfig_path, "conductor_context": "one"}
    answer = play("install", variables, "--inventory", str(inventory))
    assert_refused(answer, "first and second mean the same cluster")


def test_one_cluster_for_hosts_that_write_its_address_differently(tmp_path: Path, closed_port: int) -> None:
    hosts = {
        "first": f"https://127.0.0.1:{closed_port}",
        "second": f"https://localhost:{closed_port}/",
        "third": f"127.0.0.1:{closed_port}",
        "other": "https://127.0.0.1:1",
    }
    inventory = tmp_path / "hosts.yml"
    variables = {name: {"conductor_host": host, "conductor_api_key": SECRET} for name, host in hosts.items()}
    inventory.write_text(yaml.safe_dump({"all": {"hosts": variables}}))
    answer = play("install", {}, "--inventory", str(inventory))
    assert_refused(answer, "first and second and third mean the same cluster")
    assert {name: counts["failed"] for name, counts in answer.recap.items()} == dict.fromkeys(hosts, 1)
    # The other host is on its own: it fails only because nothing listens there.
    assert "https://127.0.0.1:1 cannot be reached" in answer.output + answer.errors
    assert f":{closed_port} cannot be reached" not in answer.output + answer.errors


@pytest.mark.parametrize("damage", ["null", "type", "key"])
@pytest.mark.parametrize("in_process", [True, False])
def test_secrets_of_a_kubeconfig_file_are_not_shown(
    tmp_path: Path, closed_port: int, damage: str, in_process: bool
) -> None:
    pair, other = (Authority("ours").client(name) for name in ("somebody", "another"))
    key = other.key if damage == "key" else pair.key
    config = kubeconfig(closed_port, "one")
    config["users"][0]["user"] = {
        "client-certificate-data": base64.b64encode(pair.certificate).decode(),
        "client-key-data": base64.b64encode(key).decode(),
        "username": None,
        "password": 7 if damage == "type" else None,
    }
    path, report = tmp_path / "config", tmp_path / "status.json"
    path.write_text(yaml.safe_dump(config))
    variables = {
        "conductor_kubeconfig": str(path),
        "conductor_status_file": str(report),
        "ansible_conductor_in_process": in_process,
    }
    answer = play("status", variables, "-vvvv", "--diff")
    words = {"null": "cannot be reached", "type": "password is a number", "key": "does not belong to the client"}
    assert_refused(answer, words[damage])
    seen = answer.output + answer.errors + (report.read_text() if report.exists() else "")
    for secret in (config["users"][0]["user"]["client-key-data"], key.decode(), *key.decode().splitlines()[1:-1]):
        assert secret not in seen


# JSON on one line must not be taken for a path.
@pytest.mark.parametrize("write", [dict, yaml.safe_dump, json.dumps], ids=["dictionary", "yaml", "json"])
def test_secrets_of_an_inline_kubeconfig_are_not_shown(tmp_path: Path, closed_port: int, write: Any) -> None:
    # With the most output, and from a file, because the command line would be printed unmasked.
    variables = tmp_path / "variables.yml"
    variables.write_text(yaml.safe_dump({"conductor_kubeconfig": write(kubeconfig(closed_port, "one"))}))
    answer = play("install", {}, "--extra-vars", f"@{variables}", "-vvv")
    assert_refused(answer, f"https://127.0.0.1:{closed_port} cannot be reached")
    assert SECRET not in answer.output + answer.errors
