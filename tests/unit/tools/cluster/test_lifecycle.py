# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import io
from pathlib import Path

import pytest

from conductor_cluster import catalogue, docker, kind, lifecycle
from conductor_cluster.build import node_image
from conductor_cluster.console import Console
from conductor_cluster.docker import Container
from conductor_cluster.lifecycle import repair
from conductor_cluster.paths import Paths, find_paths
from conductor_cluster.process import ClusterError, CommandFailed

HERE, ELSEWHERE = "172.18.0.2", "172.18.0.3"
RUNNING = Container(running=True, image="i", address=HERE)
STOPPED = Container(running=False, image="i", address="")


@pytest.mark.parametrize(
    ("container", "record", "comes_back_at", "healthy", "expected"),
    [
        (RUNNING, HERE, None, True, ""),
        (RUNNING, None, None, True, ""),
        (RUNNING, "", None, True, "an earlier `up` was interrupted"),
        (STOPPED, "", HERE, True, "an earlier `up` was interrupted"),
        (RUNNING, HERE, None, False, "it does not become healthy (node: n: not Ready)"),
        (STOPPED, HERE, HERE, True, ""),
        (STOPPED, HERE, HERE, False, "it does not become healthy (node: n: not Ready)"),
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
        return Container(running=True, image="i", address=comes_back_at or "")

    monkeypatch.setattr(lifecycle, "capture", start)
    monkeypatch.setattr(docker, "container", inspect)
    monkeypatch.setattr(lifecycle, "wait_until_healthy", lambda *_: "" if healthy else "node: n: not Ready")
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
    problems = ["", "CoreDNS: does not answer"]

    def wait(_name: str, _seconds: float) -> str:
        seen.append(record.read_text())
        return problems.pop()

    monkeypatch.setattr(docker, "image_label", lambda *_: None)
    monkeypatch.setattr(kind, "create", lambda *_, **__: seen.append(record.read_text()))
    monkeypatch.setattr(lifecycle, "wait_until_healthy", wait)
    monkeypatch.setattr(docker, "container", lambda _: RUNNING)
    with pytest.raises(ClusterError, match="a did not become healthy within 180 s: CoreDNS: does not answer"):
        lifecycle._create(paths, Console(io.StringIO()), "a", "image")
    assert record.read_text() == ""
    lifecycle._create(paths, Console(io.StringIO()), "a", "image")
    assert seen == ["", "", "", ""]
    assert record.read_text() == HERE


@pytest.mark.parametrize(
    ("choice", "there", "delivers", "expected"),
    [
        ("auto", {"stock", "built"}, True, "stock"),
        ("auto", {"built"}, True, "built"),
        ("auto", set(), True, "stock"),
        ("auto", set(), False, "made"),
        ("stock", {"stock"}, False, "stock"),
        ("stock", {"built"}, True, "stock"),
        ("stock", {"built"}, False, "cannot pull it: name another one"),
        ("built", {"stock"}, True, "made"),
        ("x/y:1", {"x/y:1"}, False, "x/y:1"),
        ("x/y:1", set(), True, "x/y:1"),
        ("x/y:1", set(), False, "image x/y:1 and cannot pull it"),
    ],
)
def test_which_node_image_is_taken(
    monkeypatch: pytest.MonkeyPatch, choice: str, there: set[str], delivers: bool, expected: str
) -> None:
    paths = find_paths()
    stock = f"kindest/node:v{catalogue.kubernetes_version(paths)}"
    names = {"stock": stock, "built": catalogue.node_image(paths), "made": "made here"}
    monkeypatch.setattr(docker, "image", lambda name: name in {names.get(word, word) for word in there} or None)
    monkeypatch.setattr(lifecycle, "pull", lambda *_, **__: delivers)
    monkeypatch.setattr(node_image, "ensure", lambda *_: "made here")
    if " " in expected:
        with pytest.raises(ClusterError, match=expected):
            lifecycle.choose_node_image(paths, Console(io.StringIO()), choice)
    else:
        assert lifecycle.choose_node_image(paths, Console(io.StringIO()), choice) == names.get(expected, expected)
