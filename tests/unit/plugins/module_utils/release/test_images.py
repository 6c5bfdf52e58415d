# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle, Phase
from ansible_collections.conductor.trainer.plugins.module_utils.release.images import (
    FLUX_IMAGE,
    SMOKE_IMAGE,
    image_slots,
    images_in,
    images_of,
    platforms_of,
    reference_of,
)
from tests.unit.plugins.helpers.states import release

DIGEST = f"@sha256:{'0' * 64}"


@pytest.mark.parametrize(
    ("image", "name", "version"),
    [
        ("busybox", "docker.io/library/busybox", ""),
        ("busybox:1.37", "docker.io/library/busybox", ":1.37"),
        ("pytorch/pytorch:2", "docker.io/pytorch/pytorch", ":2"),
        ("docker.io/busybox", "docker.io/library/busybox", ""),
        ("index.docker.io/library/busybox:1", "docker.io/library/busybox", ":1"),
        ("registry-1.docker.io/a/b", "docker.io/a/b", ""),
        ("ghcr.io/a/b:v1", "ghcr.io/a/b", ":v1"),
        (f"ghcr.io/a/b{DIGEST}", "ghcr.io/a/b", DIGEST),
        (f"ghcr.io/a/b:v1{DIGEST}", "ghcr.io/a/b", f":v1{DIGEST}"),
        (f"busybox{DIGEST}", "docker.io/library/busybox", DIGEST),
        ("localhost/a", "localhost/a", ""),
        ("mirror:5000/a", "mirror:5000/a", ""),
        ("mirror:5000/a:v1", "mirror:5000/a", ":v1"),
        # A name without a dot or a port is no registry.
        ("mirror/a/b:v1", "docker.io/mirror/a/b", ":v1"),
        ("ghcr.io", "docker.io/library/ghcr.io", ""),
    ],
)
def test_a_reference_is_read_as_container_runtimes_read_it(image: str, name: str, version: str) -> None:
    assert reference_of(image) == (name, version)
    assert str(reference_of(image)) == f"{name}{version}"


def test_every_place_that_holds_a_reference() -> None:
    pod: dict[str, Any] = {
        "containers": [{"name": "a", "image": "containers"}, {"name": "without"}, {"name": "b", "image": ""}],
        "initContainers": [{"image": "init", "env": [{"name": "CACHE_IMAGE", "value": "cache"}]}],
        "ephemeralContainers": [{"image": "ephemeral", "env": [{"name": "FLUX_VIEW_IMAGE", "value": "flux"}]}],
        "volumes": [{"name": "v", "image": {"reference": "volume"}}, {"name": "w", "emptyDir": {}}],
        "image": "of nothing",
    }
    pod["containers"][0]["env"] = [
        {"name": "CACHE_IMAGE", "valueFrom": {"fieldRef": {}}},
        {"name": "OTHER", "value": "no image"},
    ]
    deep = {"kind": "Anything", "metadata": {"name": "x"}, "spec": {"jobs": [[{"template": {"spec": pod}}]]}}
    found = images_in([deep, deep])
    assert sorted(found) == ["cache", "containers", "ephemeral", "flux", "init", "volume"]
    assert found["init"] == ["x"]
    assert [name for _where, name in image_slots(deep)].count("image") == 3


@pytest.mark.parametrize("kind", ["CustomResourceDefinition", "ConfigMap", "Secret"])
def test_what_holds_no_pods_has_no_images(kind: str) -> None:
    assert list(image_slots({"kind": kind, "data": {"containers": [{"image": "a"}]}})) == []


def test_a_trainjob_has_an_image_of_its_own() -> None:
    trainer = {"image": "a", "env": [{"name": "FLUX_VIEW_IMAGE", "value": "b"}]}
    job: dict[str, Any] = {"kind": "TrainJob", "metadata": {"name": "j"}, "spec": {"trainer": trainer}}
    assert sorted(images_in([job])) == ["a", "b"]
    assert sorted(images_in([{**job, "kind": "Other"}])) == ["b"]


def test_the_release_and_what_no_object_names() -> None:
    found = images_of(release())
    assert len(found) == 13
    assert found["mpioperator/mpi-pi:openmpi"] == ["mpi-distributed"]
    assert found[FLUX_IMAGE] == ["runtimes with mlPolicy.flux"]
    assert found[SMOKE_IMAGE] == ["smoke job"]
    assert SMOKE_IMAGE not in images_of(release(), "")


def test_a_hidden_image_that_an_object_names_is_one_image() -> None:
    pod = {"kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"image": SMOKE_IMAGE}]}}
    one: Bundle = replace(release(), phases=(Phase("runtimes", (pod,)),))
    assert images_of(one)[SMOKE_IMAGE] == ["p", "smoke job"]


@pytest.mark.parametrize(
    ("image", "platforms"),
    [
        ("ghcr.io/kubeflow/trainer/trainer-controller-manager:v2.3.0", ("amd64", "arm64", "ppc64le")),
        ("registry.k8s.io/jobset/jobset:v0.12.0", ("amd64", "arm64", "s390x")),
        ("ghcr.io/kubeflow/trainer/mlx-runtime:v2.3.0", ("amd64",)),
        ("ghcr.io/kubeflow/trainer/other:v2.3.0", ()),
        # Another image of that name.
        ("quay.io/somebody/jobset:v0.12.0", ()),
        ("pytorch/pytorch:2", ()),
    ],
)
def test_platforms(image: str, platforms: tuple[str, ...]) -> None:
    assert platforms_of(image) == platforms
