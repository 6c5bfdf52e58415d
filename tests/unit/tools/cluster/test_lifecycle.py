# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import io
from pathlib import Path

import pytest

from conductor_cluster import catalogue, docker, health, kind, lifecycle
from conductor_cluster.build import node_image
from conductor_cluster.console import Console
from conductor_cluster.docker import Container
from conductor_cluster.lifecycle import repair
from conductor_cluster.paths import Paths, find_paths
from conductor_cluster.process import ClusterError, CommandFailed

HERE, ELSEWHERE = "172.18.0.2", "172.18.0.3"
RUNNING = Container(running=True, image="i", address=HERE, mounts={})
STOPPED = Container(running=False, image="i", address="", mounts={})


@pytest.mark.parametrize(
    ("container", "record", "comes_back_at", "healthy", "expected"),
    [
        (RUNNING, HERE, None, True, ""),
        (RUNNING, None, None, True, ""),
        (RUNNING, "", None, True, "an earlier `up` was interrupted"),
        (STOPPED, "", HERE, True, "an earlier `up` was interrupted"),
        (RUNNING, HERE, None, False, "its node does not become healthy"),
        (STOPPED, HERE, HERE, True, ""),
        (STOPPED, HERE, HERE, False, "its node does not become healthy"),
        (STOPPED, HERE, ELSEWHERE, True, f"with the address {ELSEWHERE} instead of {HERE}"),
        (STOPPED, None, ELSEWHERE, True, ""),
        (STOPPED, HERE, "", True, ""),
        (STOPPED, HERE, None, True, "cannot be started (no space left)"),
    ],
)
def test_what_is_done_about_a_cluster(
    monkeypatch: pytest.MonkeyPatch,
    container: Container,
    record: str | None,
    comes_back_at: str | None,
    healthy: bool,
    expected: str,
) -> None:
    started: list[list[str]] = []

    def start(step: str, command: list[str]) -> None:
        if comes_back_at is None:
            raise CommandFailed(step, "no space left\n")
        started.append(command)

    def inspect(_name: str) -> Container:
        return Container(running=True, image="i", address=comes_back_at or "", mounts={})

    monkeypatch.setattr(lifecycle, "capture", start)
    monkeypatch.setattr(docker, "container", inspect)
    monkeypatch.setattr(health, "becomes_well", lambda *_: healthy)
    why = repair(Console(io.StringIO()), "a", container, record)
    assert (expected in why) if expected else why == ""
    if container.running or record == "":
        assert not started
    elif comes_back_at is not None:
        assert started == [["docker", "start", "a-control-plane"]]


def test_a_cluster_has_a_record_that_is_empty_until_it_is_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = Paths(tmp_path, tmp_path)
    record = paths.cluster("a") / lifecycle.RECORD
    record.parent.mkdir(parents=True)
    seen: list[str] = []
    monkeypatch.setattr(docker, "image_label", lambda *_: None)
    monkeypatch.setattr(kind, "create", lambda *_, **__: seen.append(record.read_text()))
    monkeypatch.setattr(health, "wait", lambda *_: seen.append(record.read_text()))
    monkeypatch.setattr(docker, "address", lambda _: HERE)
    lifecycle._create(paths, Console(io.StringIO()), "a", "image")
    assert seen == ["", ""]
    assert record.read_text() == HERE
    assert lifecycle.own_names(paths) == ["a"]


@pytest.mark.parametrize(
    ("choice", "kubernetes", "there", "delivers", "expected"),
    [
        ("auto", None, {"stock", "built"}, True, "stock"),
        ("auto", None, {"built"}, True, "built"),
        ("auto", None, set(), True, "stock"),
        ("auto", None, set(), False, "made"),
        ("stock", None, {"built"}, True, "stock"),
        ("stock", None, {"built"}, False, "cannot be pulled; name another version"),
        ("built", None, {"stock"}, True, "made"),
        ("built", "v1.34.2", set(), True, "cannot be built here"),
        ("auto", "1.34.2", {"built"}, False, "cannot be built here"),
        ("x/y:1", None, {"x/y:1"}, False, "x/y:1"),
        ("x/y:1", None, set(), True, "x/y:1"),
        ("x/y:1", None, set(), False, "cannot pull it"),
    ],
)
def test_which_node_image_is_taken(
    monkeypatch: pytest.MonkeyPatch,
    choice: str,
    kubernetes: str | None,
    there: set[str],
    delivers: bool,
    expected: str,
) -> None:
    paths = find_paths()
    version = (kubernetes or catalogue.kubernetes_version(paths)).lstrip("v")
    names = {"stock": f"kindest/node:v{version}", "built": catalogue.node_image(paths), "made": "made here"}
    monkeypatch.setattr(docker, "image", lambda name: name in {names.get(word, word) for word in there} or None)
    monkeypatch.setattr(lifecycle, "pull", lambda *_, **__: delivers)
    monkeypatch.setattr(node_image, "ensure", lambda *_: "made here")
    if " " in expected:
        with pytest.raises(ClusterError, match=expected):
            lifecycle.choose_node_image(paths, Console(io.StringIO()), choice, kubernetes)
    else:
        found = lifecycle.choose_node_image(paths, Console(io.StringIO()), choice, kubernetes)
        assert found == names.get(expected, expected)
