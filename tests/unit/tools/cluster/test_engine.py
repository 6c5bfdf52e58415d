# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import io
import os
import signal
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from conductor_cluster import docker, engine
from conductor_cluster.console import Console
from conductor_cluster.engine import CAP_SYS_RESOURCE, Action, Host, decide, has_capability
from conductor_cluster.paths import Paths
from conductor_cluster.process import ClusterError

BARE = Host(answers=None, installed=None, codename="bookworm", root=True, may_exceed_limits=False, docker_host="")


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        (replace(BARE, answers="26.1.5+dfsg1"), Action.NOTHING),
        (replace(BARE, answers="26.1.5", root=False, codename=None), Action.NOTHING),
        (replace(BARE, answers="20.10.24+dfsg1"), Action.REFUSE),
        (replace(BARE, answers="20.10.24", may_exceed_limits=True), Action.NOTHING),
        (replace(BARE, installed="26.1.5"), Action.START),
        (replace(BARE, installed="26.1.5", codename=None), Action.START),
        (replace(BARE, installed="26.1.5", docker_host="unix:///var/run/docker.sock"), Action.START),
        (replace(BARE, installed="26.1.5", docker_host="tcp://10.0.0.1:2375"), Action.REFUSE),
        (replace(BARE, installed="26.1.5", root=False), Action.REFUSE),
        (replace(BARE, installed="20.10.24"), Action.INSTALL),
        (replace(BARE, installed="20.10.24", may_exceed_limits=True), Action.START),
        (replace(BARE, installed="20.10.24", codename=None), Action.REFUSE),
        (BARE, Action.INSTALL),
        (replace(BARE, codename=None), Action.REFUSE),
        (replace(BARE, root=False), Action.REFUSE),
    ],
)
def test_what_is_done_so_that_docker_answers(host: Host, expected: Action) -> None:
    action, why = decide(host)
    assert action is expected
    assert why


def test_a_refusal_names_the_docker_that_does_not_answer() -> None:
    assert "tcp://10.0.0.1:2375" in decide(replace(BARE, docker_host="tcp://10.0.0.1:2375"))[1]


@pytest.mark.parametrize(
    ("host", "asked"),
    [(BARE, False), (replace(BARE, installed="20.10.24"), False), (replace(BARE, installed="26.1.5"), True)],
)
def test_to_remove_a_cluster_docker_is_started_but_never_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: Host, asked: bool
) -> None:
    started: list[bool] = []
    monkeypatch.setattr(engine, "look", lambda: host)
    monkeypatch.setattr(engine, "ensure_docker", lambda *_: started.append(True))
    assert engine.wake_docker(Paths(clone=tmp_path, cache=tmp_path), Console()) is asked
    assert bool(started) is asked


@pytest.mark.parametrize(("version", "expected"), [("26.1.5+dfsg1", 26), ("20.10.24", 20), ("v28.2.2", 28), ("dev", 0)])
def test_major_version(version: str, expected: int) -> None:
    assert docker.major_version(version) == expected


def test_a_capability_is_read_from_the_bounding_set() -> None:
    all_but_one = f"CapEff:\t000001ffffffffff\nCapBnd:\t{0x1FFFFFFFFFF & ~(1 << CAP_SYS_RESOURCE):016x}\n"
    assert not has_capability(all_but_one, CAP_SYS_RESOURCE)
    assert has_capability(all_but_one, CAP_SYS_RESOURCE + 1)
    assert not has_capability("", CAP_SYS_RESOURCE)


@pytest.mark.parametrize(
    ("running", "answers", "expected"),
    [
        ([True], ["26.1.5"], "26.1.5"),
        ([True, True], [None, "26.1.5"], "26.1.5"),
        ([False], ["26.1.5"], None),
        ([True, False], [None, "26.1.5"], None),
    ],
    ids=["at once", "later", "ended", "ended before it answered"],
)
def test_docker_is_waited_for_while_it_runs(
    monkeypatch: pytest.MonkeyPatch, running: list[bool], answers: list[str | None], expected: str | None
) -> None:
    monkeypatch.setattr(docker, "server_version", lambda timeout: answers.pop(0))
    monkeypatch.setattr(engine, "time", SimpleNamespace(monotonic=lambda: 0.0, sleep=lambda seconds: None))
    assert engine._wait_for_answer(lambda: running.pop(0)) == expected


def test_docker_is_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([0.0, 1.0, engine.START_SECONDS + 1.0])
    monkeypatch.setattr(docker, "server_version", lambda timeout: None)
    clock = SimpleNamespace(monotonic=lambda: next(now), sleep=lambda seconds: None)
    monkeypatch.setattr(engine, "time", clock)
    assert engine._wait_for_answer(lambda: True) is None


@pytest.fixture
def leftovers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    files = tmp_path / "docker.pid", tmp_path / "containerd.pid"
    monkeypatch.setattr(engine, "PID_FILES", files)
    return files


@pytest.mark.parametrize("content", ["999999999", "", "no number"])
def test_a_pid_file_without_a_process_is_removed(leftovers: tuple[Path, Path], content: str) -> None:
    for file in leftovers:
        file.write_text(content)
    engine._clear_leftovers(Console(io.StringIO()))
    assert not [file for file in leftovers if file.exists()]


def test_missing_pid_files_are_no_leftovers(leftovers: tuple[Path, Path]) -> None:
    said = io.StringIO()
    engine._clear_leftovers(Console(said))
    assert said.getvalue() == ""


def test_an_orphaned_containerd_is_ended_and_nothing_else(
    tmp_path: Path, leftovers: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The kernel takes a process's name from its program's file.
    program = tmp_path / "containerd"
    program.symlink_to("/bin/cat")
    with (
        subprocess.Popen([program], stdin=subprocess.PIPE) as containerd,
        subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE) as other,
    ):
        leftovers[0].write_text(str(other.pid))
        leftovers[1].write_text(str(containerd.pid))
        killed: list[int] = []
        kill: Callable[[int, int], None] = os.kill

        def end(pid: int, number: int) -> None:
            kill(pid, number)
            killed.append(pid)
            # Its parent, this test, has to take note before it is gone.
            assert containerd.wait() == -signal.SIGTERM

        monkeypatch.setattr(os, "kill", end)
        engine._clear_leftovers(Console(io.StringIO()))
        assert killed == [containerd.pid]
        assert other.poll() is None
        assert not [file for file in leftovers if file.exists()]


@pytest.mark.parametrize("answers", ["26.1.5", None])
def test_dockerd_is_started_in_a_session_of_its_own(
    tmp_path: Path, leftovers: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, answers: str | None
) -> None:
    dockerd = tmp_path / "bin" / "dockerd"
    dockerd.parent.mkdir()
    # The sixth field is the session, which its first process names.
    session = 'cut -d" " -f6 < /proc/self/stat'
    dockerd.write_text(f'#!/bin/sh\necho "no space left, TMPDIR=$TMPDIR, $PWD, $({session})" >&2\nexit 3\n')
    dockerd.chmod(0o755)
    monkeypatch.setenv("PATH", f"{dockerd.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(engine, "SYSTEMD", tmp_path / "none")
    started: list[subprocess.Popen[bytes]] = []

    class Recorded(subprocess.Popen[bytes]):
        def __init__(self, *arguments: Any, **more: Any) -> None:
            super().__init__(*arguments, **more)
            started.append(self)
            assert self.wait(60) == 3

    monkeypatch.setattr(subprocess, "Popen", Recorded)
    monkeypatch.setattr(engine, "_wait_for_answer", lambda _: answers)
    paths, said = Paths(clone=tmp_path, cache=tmp_path), io.StringIO()
    paths.clusters.mkdir()
    if answers is None:
        with pytest.raises(ClusterError, match=r"(?s)ended with exit code 3; .*\.cluster/dockerd\.log.*no space left"):
            engine._start(paths, Console(said))
    else:
        engine._start(paths, Console(said))
        assert "Docker 26.1.5 answers" in said.getvalue()
    log = (paths.clusters / "dockerd.log").read_text()
    assert f"no space left, TMPDIR=, /, {started[0].pid}\n" in log
