# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import io
import os
import time
from pathlib import Path

import pytest

from conductor_cluster import images
from conductor_cluster.console import Console
from conductor_cluster.paths import Paths
from conductor_cluster.process import ClusterError


def _docker(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put a C(docker) on PATH that does what the shell script says."""
    program = folder / "bin" / "docker"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")


PULLED = "echo 'v1: Pulling from library/x'; read line < /dev/null; echo done"
NO_HOST = "echo 'dial tcp: lookup r.example: no such host' >&2; exit 1"


@pytest.mark.parametrize(
    ("script", "expected", "said"),
    [
        (PULLED, True, "pulled r.example/x:v1"),
        ("echo 'pull access denied for x' >&2; exit 1", False, "r.example/x:v1 cannot be pulled: pull access denied"),
        (NO_HOST, False, "no such host"),
        ("exec cat /dev/zero > /dev/null", False, "its registry did not answer within"),
    ],
    ids=["pulled", "refused", "no such host", "silent"],
)
def test_a_pull(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, expected: bool, said: str) -> None:
    _docker(tmp_path, monkeypatch, script)
    monkeypatch.setattr(images, "ANSWER_SECONDS", 0.2 if "zero" in script else 60)
    stream = io.StringIO()
    assert images.pull(Paths(tmp_path, tmp_path / "cache"), Console(stream), "r.example/x:v1") is expected
    assert said in stream.getvalue()


@pytest.mark.parametrize(
    ("age", "image", "ask_again", "asked"),
    [
        (0, "r.example:5000/x:v1", False, False),
        (images.REMEMBERED_SECONDS - 60, "r.example:5000/x:v1", False, False),
        (images.REMEMBERED_SECONDS + 1, "r.example:5000/x:v1", False, True),
        (-1000, "r.example:5000/x:v1", False, True),
        (0, "r.example:5000/x:v1", True, True),
        (0, "r.example:5000/x:v2", False, True),
    ],
    ids=["at once", "soon", "later", "the clock was set back", "on request", "another image"],
)
def test_an_image_that_was_not_delivered_is_not_asked_for_again_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, age: float, image: str, ask_again: bool, asked: bool
) -> None:
    _docker(tmp_path, monkeypatch, NO_HOST)
    paths = Paths(tmp_path, tmp_path / "cache")
    assert not images.pull(paths, Console(io.StringIO()), "r.example:5000/x:v1")
    (remembered,) = (paths.work / "not-delivered").iterdir()
    os.utime(remembered, (time.time() - age,) * 2)
    (tmp_path / "bin" / "docker").write_text(f"#!/bin/sh\n{PULLED}\n")
    assert images.pull(paths, Console(io.StringIO()), image, ask_again=ask_again) is asked


def test_a_pull_that_fails_after_it_has_begun_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # It goes on until the test, seeing that the pull has begun, creates the file.
    _docker(tmp_path, monkeypatch, f"echo 'v1: Pulling from x'; until [ -e {tmp_path}/go ]; do :; done; exit 1")
    monkeypatch.setattr(images, "ANSWER_SECONDS", 60)

    class Seeing(Console):
        def step(self, text: str) -> None:
            assert text == "pulling r.example/x:v1"
            (tmp_path / "go").touch()

    with pytest.raises(ClusterError, match=r"pull r\.example/x:v1: v1: Pulling from x"):
        images.pull(Paths(tmp_path, tmp_path / "cache"), Seeing(io.StringIO()), "r.example/x:v1")
