# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of images needs no cluster, and is one for all hosts of an inventory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.playing import one_by_one, play

MIRRORS = {"*": "harbor.corp/all"}
FLEET: dict[str, Any] = {
    "berlin": {"conductor_registries": MIRRORS, "conductor_runtimes": ["torch-distributed"]},
    "tokyo": {"conductor_registries": MIRRORS, "conductor_runtimes": ["jax-distributed"]},
    "lima": {"conductor_registries": MIRRORS, "conductor_runtimes": [], "conductor_jobset": "external"},
}


def inventory(folder: Path, hosts: dict[str, Any]) -> tuple[str, str]:
    path = folder / "clusters.yml"
    path.write_text(yaml.safe_dump({"all": {"hosts": hosts}}))
    return "--inventory", str(path)


@pytest.mark.parametrize("serial", [False, True])
def test_the_list_of_all_hosts_is_shown_and_written(tmp_path: Path, serial: bool) -> None:
    file = tmp_path / "images.json"
    variables = {"conductor_images_format": "json", "conductor_images_file": str(file)}
    playbook = one_by_one(tmp_path / "serial.yml", "images") if serial else "images"
    done = play(playbook, variables, "--check", *inventory(tmp_path, FLEET))
    assert done.code == 0, done.text
    rows = {row["source"].rpartition("/")[2].partition(":")[0]: row for row in json.loads(file.read_text())}
    assert sorted(rows) == ["busybox", "flux-view-ubuntu", "jax", "jobset", "pytorch", "trainer-controller-manager"]
    assert all(row["copied"] and row["image"].startswith("harbor.corp/all/") for row in rows.values())
    assert sum(counts["changed"] for counts in done.recap.values()) == 0


def test_a_script_to_run(tmp_path: Path) -> None:
    file = tmp_path / "images.sh"
    variables = {"conductor_images_format": "crane", "conductor_images_file": str(file)}
    assert play("images", variables, *inventory(tmp_path, FLEET)).code == 0
    lines = file.read_text().splitlines()
    assert lines[0] == "#!/bin/sh"
    assert "crane copy nvcr.io/nvidia/jax:25.10-py3 harbor.corp/all/nvidia/jax:25.10-py3" in lines


def test_images_of_objects_in_files_beside_the_inventory_are_in_the_list(tmp_path: Path) -> None:
    pod = {"containers": [{"name": "quota", "image": "ghcr.io/company/quota:1"}]}
    agent = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "agent"},
        "spec": {
            "selector": {"matchLabels": {"app": "agent"}},
            "template": {"metadata": {"labels": {"app": "agent"}}, "spec": pod},
        },
    }
    (tmp_path / "objects").mkdir()
    (tmp_path / "objects" / "agent.yml").write_text(yaml.safe_dump(agent))
    (tmp_path / "inventory").mkdir()
    host = {"conductor_registries": MIRRORS, "conductor_extra_objects": ["{{ inventory_dir }}/../objects"]}
    done = play("images", {}, *inventory(tmp_path / "inventory", {"berlin": host}))
    assert done.code == 0, done.text
    assert "harbor.corp/all/company/quota:1" in done.text


def test_without_an_inventory_it_is_the_list_of_the_release() -> None:
    done = play("images")
    assert done.code == 0, done.text
    assert "smoke job" in done.text


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"conductor_registries": {"ghcr.io": "https://m.io"}}, "https://m.io is no registry"),
        ({"conductor_images": {"jobset": "harbor.corp/jobset:1"}}, "did you mean registry.k8s.io/jobset/jobset?"),
        ({"conductor_images_fromat": "json"}, "did you mean conductor_images_format?"),
        ({"conductor_images_format": "csv"}, "value of conductor_images_format must be one of"),
        ({"conductor_image_pull_credentials": {"m.io": "swordfish-7"}}, "m.io has no username and password"),
        ({"conductor_image_pull_credentials": {"m.io": {"pasword": "swordfish-7"}}}, "m.io has no username"),
    ],
)
def test_what_cannot_be_used_is_named_and_no_secret_is(variables: dict[str, Any], words: str) -> None:
    done = play("images", variables, "-vvv")
    assert done.code != 0
    assert words in done.text
    assert "swordfish" not in done.text


@pytest.mark.parametrize(
    "credentials", [{"m.io": "swordfish-7"}, "swordfish-7", ["swordfish-7"], {"m.io": ["swordfish-7"]}]
)
def test_credentials_that_cannot_be_used_are_not_shown(credentials: Any) -> None:
    host = {"conductor_host": "https://127.0.0.1:1", "conductor_api_key": "a-token-of-nothing"}
    done = play("preflight", {**host, "conductor_image_pull_credentials": credentials}, "-vvv")
    assert done.code != 0
    assert "swordfish" not in done.text
