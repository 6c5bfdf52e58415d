# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from conductor_cluster import docker, images
from conductor_cluster.build.node_image import find_image
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


def test_kubeadm_s_image_is_found_by_its_last_part() -> None:
    names = ["registry.k8s.io/coredns/coredns:v1.13.1", "registry.k8s.io/etcd:3.6.6-0"]
    assert find_image(names, "coredns") == names[0]
    assert find_image(names, "etcd") == names[1]
    with pytest.raises(ClusterError, match="one image of pause"):
        find_image(names, "pause")
