# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import pytest

from conductor_cluster import registry


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
    file = tmp_path / "cache" / "silent.json"
    assert not registry.Memory(file, 1000.0).is_silent("a.example")
    registry.Memory(file, 1000.0).remember("a.example")
    registry.Memory(file, 1200.0).remember("b.example")
    assert registry.Memory(file, 1000.0 + registry.REMEMBERED_SECONDS - 1).is_silent("a.example")
    assert not registry.Memory(file, 1000.0 + registry.REMEMBERED_SECONDS).is_silent("a.example")
    assert registry.Memory(file, 1000.0 + registry.REMEMBERED_SECONDS).is_silent("b.example")
    assert not registry.Memory(file, 1100.0).is_silent("c.example")


@pytest.mark.parametrize("text", ["", "{", "[]"])
def test_a_broken_memory_remembers_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "silent.json").write_text(text)
    assert not registry.Memory(tmp_path / "silent.json", 1.0).is_silent("a.example")


def test_a_clock_that_was_set_back_forgets(tmp_path: Path) -> None:
    registry.Memory(tmp_path / "silent.json", 1000.0).remember("a.example")
    assert not registry.Memory(tmp_path / "silent.json", 10.0).is_silent("a.example")
