# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import io
import os
import time
from pathlib import Path

import pytest

from conductor_cluster import registry
from conductor_cluster.console import Console
from conductor_cluster.errors import ClusterError
from conductor_cluster.paths import Paths


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("kindest/node:v1.35.8", "docker.io"),
        ("busybox:1.35.0", "docker.io"),
        ("docker.io/library/busybox:1.35.0", "docker.io"),
        ("registry.k8s.io/jobset/jobset:v0.12.0", "registry.k8s.io"),
        ("localhost:5000/x", "localhost:5000"),
        ("localhost/x", "localhost"),
    ],
)
def test_the_registry_of_an_image(image: str, expected: str) -> None:
    assert registry.registry_of(image) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("v1.35.8: Pulling from kindest/node", True),
        ('Error response from daemon: Get "https://r.example/v2/": dial tcp: lookup r.example: no such host', False),
        ("Using default tag: latest", False),
        ("Error response from daemon: pull access denied for x, repository does not exist", False),
        ("", False),
    ],
)
def test_a_pull_that_has_begun_is_recognized(line: str, expected: bool) -> None:
    assert registry.has_begun(line) is expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Error response from daemon: manifest for kindest/node:v9 not found: manifest unknown: unknown", True),
        ("Error response from daemon: pull access denied for x, repository does not exist", True),
        ("Error response from daemon: toomanyrequests: You have reached your pull rate limit", True),
        ('Error response from daemon: Get "https://r.example/v2/": dial tcp: lookup r.example: no such host', False),
        ('Get "https://r.example/v2/": net/http: request canceled while waiting for connection', False),
        ("", False),
    ],
)
def test_a_refusal_is_told_from_silence(said: str, expected: bool) -> None:
    assert registry.is_refusal(said) is expected


def test_a_silent_registry_is_remembered_for_a_while(tmp_path: Path) -> None:
    folder = tmp_path / "cache" / "silent"
    memory = registry.Memory(folder)
    assert not memory.is_silent("a.example:5000", 1000.0)
    for host, when in (("a.example:5000", 1000.0), ("b.example", 1200.0)):
        memory.remember(host)
        os.utime(folder / host, (when, when))
    assert memory.is_silent("a.example:5000", 1000.0 + registry.REMEMBERED_SECONDS - 1)
    assert not memory.is_silent("a.example:5000", 1000.0 + registry.REMEMBERED_SECONDS)
    assert memory.is_silent("b.example", 1000.0 + registry.REMEMBERED_SECONDS)
    assert not memory.is_silent("c.example", 1100.0)


def test_a_registry_that_is_silent_again_is_remembered_from_now_on(tmp_path: Path) -> None:
    memory = registry.Memory(tmp_path)
    memory.remember("a.example")
    os.utime(tmp_path / "a.example", (1.0, 1.0))
    memory.remember("a.example")
    assert memory.is_silent("a.example", time.time())


def test_a_clock_that_was_set_back_forgets(tmp_path: Path) -> None:
    registry.Memory(tmp_path).remember("a.example")
    assert not registry.Memory(tmp_path).is_silent("a.example", 10.0)


def _docker(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put a C(docker) on PATH that does what the shell script says."""
    program = folder / "bin" / "docker"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.parametrize(
    ("script", "expected", "remembered"),
    [
        ("echo 'v1: Pulling from library/x'; read line < /dev/null; echo done", registry.Answer.PULLED, False),
        ("echo 'pull access denied for x' >&2; exit 1", registry.Answer.REFUSED, False),
        ("echo 'dial tcp: lookup r.example: no such host' >&2; exit 1", registry.Answer.NONE, True),
        ("exec cat /dev/zero > /dev/null", registry.Answer.NONE, True),
    ],
    ids=["pulled", "refused", "no such host", "silent"],
)
def test_a_pull(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, expected: registry.Answer, remembered: bool
) -> None:
    _docker(tmp_path, monkeypatch, script)
    monkeypatch.setattr(registry, "ANSWER_SECONDS", 0.2 if "zero" in script else 60)
    paths = Paths(tmp_path, tmp_path / "cache")
    assert registry.pull(paths, Console(io.StringIO()), "r.example/x:v1") is expected
    silent = registry.Memory(paths.work / "silent-registries").is_silent("r.example", time.time())
    assert silent is remembered


def test_a_pull_that_fails_after_it_has_begun_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # It goes on until the test, seeing that the pull has begun, creates the file.
    _docker(tmp_path, monkeypatch, f"echo 'v1: Pulling from x'; until [ -e {tmp_path}/go ]; do :; done; exit 1")
    monkeypatch.setattr(registry, "ANSWER_SECONDS", 60)

    class Seeing(Console):
        def step(self, text: str) -> None:
            assert text == "pulling r.example/x:v1"
            (tmp_path / "go").touch()

    with pytest.raises(ClusterError, match=r"pull r\.example/x:v1: v1: Pulling from x"):
        registry.pull(Paths(tmp_path, tmp_path / "cache"), Seeing(io.StringIO()), "r.example/x:v1")
