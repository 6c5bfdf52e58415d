# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conductor_cluster import docker, images
from conductor_cluster.build.node_image import control_plane_images
from conductor_cluster.console import Console
from conductor_cluster.paths import Paths
from conductor_cluster.process import ClusterError


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("busybox", "docker.io/library/busybox:latest"),
        ("conductor/busybox:1.35.0", "docker.io/conductor/busybox:1.35.0"),
        ("registry.k8s.io/jobset/jobset:v0.12.0", "registry.k8s.io/jobset/jobset:v0.12.0"),
        ("localhost:5000/x", "localhost:5000/x:latest"),
        ("x@sha256:00", "docker.io/library/x@sha256:00"),
    ],
)
def test_names_are_written_as_containerd_writes_them(image: str, expected: str) -> None:
    assert docker.normalized(image) == expected


@pytest.mark.parametrize(
    ("in_docker", "known", "expected"),
    [
        ({"Id": "sha256:1"}, {"docker.io/conductor/x:1", "sha256:1"}, True),
        ({"Id": "sha256:2"}, {"docker.io/conductor/x:1", "sha256:1"}, False),
        ({"Id": "sha256:1"}, {"docker.io/conductor/y:1", "sha256:1"}, False),
        (None, {"docker.io/conductor/x:1", "sha256:1"}, True),
        (None, set(), False),
    ],
    ids=["the same", "another of that name", "without that name", "baked in", "nothing"],
)
def test_an_image_is_there_only_as_the_very_same(
    monkeypatch: pytest.MonkeyPatch, in_docker: dict[str, Any] | None, known: set[str], expected: bool
) -> None:
    monkeypatch.setattr(docker, "image", lambda _: in_docker)
    assert images.has(known, "conductor/x:1") is expected


def test_kubeadm_s_images_are_known_by_their_last_part() -> None:
    programs = dict.fromkeys(["coredns", "etcd", "pause"], Path("x"))
    names = ["registry.k8s.io/coredns/coredns:v1.13.1", "r.example:5000/etcd:3.6.6-0", "registry.k8s.io/pause:3.10.1"]
    assert control_plane_images(names, programs) == dict(zip(programs, names, strict=True))
    with pytest.raises(ClusterError, match="none of pause"):
        control_plane_images(names[:2], programs)
    with pytest.raises(ClusterError, match="not built here"):
        control_plane_images([*names, "registry.k8s.io/kine:1"], programs)


@pytest.mark.parametrize(
    ("label", "registry", "delivers", "expected"),
    [
        ("current", True, True, []),
        ("", True, True, []),
        ("older", True, True, ["pull r.example/p:1", "docker tag r.example/p:1 conductor/x:1"]),
        (None, True, True, ["pull r.example/p:1", "docker tag r.example/p:1 conductor/x:1"]),
        (None, True, False, ["pull r.example/p:1", "build"]),
        (None, False, True, ["build"]),
        ("older", False, True, ["build"]),
    ],
    ids=["built", "pulled", "outdated", "missing", "no registry", "registry not wanted", "outdated, not wanted"],
)
def test_an_image_is_kept_or_pulled_or_built(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    label: str | None,
    registry: bool,
    delivers: bool,
    expected: list[str],
) -> None:
    done: list[str] = []

    def pull(_paths: Paths, _console: Console, name: str) -> bool:
        done.append(f"pull {name}")
        return delivers

    monkeypatch.setattr(docker, "image", lambda _: None if label is None else {})
    monkeypatch.setattr(docker, "image_label", lambda *_: label or None)
    monkeypatch.setattr(images, "pull", pull)
    monkeypatch.setattr(images, "capture", lambda _, command: done.append(" ".join(command)))
    paths = Paths(tmp_path, tmp_path)
    published = "r.example/p:1" if registry else ""
    images._ensure(paths, Console(), "conductor/x:1", published, "current", lambda: done.append("build"))
    assert done == expected
