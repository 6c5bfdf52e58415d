# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import shlex
from typing import Any

import pytest
import yaml

from ansible_collections.conductor.trainer.plugins.module_utils.options import layers
from ansible_collections.conductor.trainer.plugins.module_utils.options.draft import Draft
from ansible_collections.conductor.trainer.plugins.module_utils.options.pulls.image_list import (
    FORMATS,
    image_rows,
    merged_rows,
    rendered,
)
from tests.unit.plugins.helpers.states import release

TRAINER = "ghcr.io/kubeflow/trainer/trainer-controller-manager:v2.3.0"
TORCH = "docker.io/pytorch/pytorch:2.13.0-cuda13.0-cudnn9-runtime"
FLUX = "ghcr.io/converged-computing/flux-view-ubuntu:tag-jammy"
SMOKE = "docker.io/library/busybox:1.37"
DIGEST = f"@sha256:{'a' * 64}"
OPTIONS: dict[str, Any] = {"registries": {"*": "m.io/x"}, "images": {"pytorch/pytorch": "m.io/torch:1"}}
NARROW = release().with_runtimes(["torch-distributed"])


def row(source: str, image: str, *, copied: bool = True, users: list[str] | None = None) -> dict[str, Any]:
    return {"source": source, "image": image, "copied": copied, "platforms": None, "users": users or ["u"]}


def test_the_release_as_it_is() -> None:
    rows = image_rows(release(), {})
    assert len(rows) == 13
    assert all(row["source"] == row["image"] and not row["copied"] for row in rows)
    assert {row["source"] for row in rows} >= {TRAINER, TORCH, FLUX, SMOKE, "docker.io/mpioperator/mpi-pi:openmpi"}


def test_the_images_of_an_installation_and_where_they_come_from() -> None:
    rows = {row["source"]: row for row in image_rows(NARROW, OPTIONS, "busybox:1", "external")}
    assert {source: (row["image"], row["copied"]) for source, row in rows.items()} == {
        TRAINER: (f"m.io/x/{TRAINER.partition('/')[2]}", True),
        TORCH: ("m.io/torch:1", False),
        FLUX: (f"m.io/x/{FLUX.partition('/')[2]}", True),
        "docker.io/library/busybox:1": ("m.io/x/library/busybox:1", True),
    }
    assert rows[TRAINER]["platforms"] == ["amd64", "arm64", "ppc64le"]
    assert rows[TORCH]["platforms"] is None
    assert rows[TRAINER]["users"] == ["kubeflow-trainer-controller-manager"]


def test_later_options_do_not_hide_where_an_image_comes_from() -> None:
    patch = {"target": {"kind": "Deployment"}, "merge": {"spec": {"revisionHistoryLimit": 3}}}
    extra = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "ours"}}
    options = {**OPTIONS, "extra_objects": [extra], "patches": [patch]}
    assert image_rows(NARROW, options) == image_rows(NARROW, OPTIONS)


def test_where_the_images_of_other_objects_come_from(monkeypatch: pytest.MonkeyPatch) -> None:
    pod = {"containers": [{"name": "a", "image": "quay.io/a/b:1"}, {"name": "b", "image": "docker.io/busybox:1.37"}]}
    jobs = [{"name": "a", "template": {"spec": {"template": {"spec": pod}}}}]
    runtime = {
        "apiVersion": "trainer.kubeflow.org/v1alpha1",
        "kind": "ClusterTrainingRuntime",
        "metadata": {"name": "mine"},
        "spec": {"template": {"spec": {"replicatedJobs": jobs}}},
    }

    def add(draft: Draft, options: Any) -> None:
        with draft.because("extra_objects"):
            draft.add("runtimes", runtime)

    monkeypatch.setattr(layers, "LAYERS", (add, *layers.LAYERS))
    rows = {row["source"]: row for row in image_rows(NARROW, {"registries": {"*": "m.io/x"}})}
    assert (rows["quay.io/a/b:1"]["image"], rows["quay.io/a/b:1"]["users"]) == ("m.io/x/a/b:1", ["mine"])
    assert rows[SMOKE]["users"] == ["mine", "smoke job"]


def test_the_images_of_several_installations() -> None:
    both = merged_rows([image_rows(NARROW, OPTIONS), image_rows(NARROW, OPTIONS), image_rows(NARROW, {})])
    assert len(both) == 10
    assert [row["users"] for row in both if row["source"] == TRAINER] == [["kubeflow-trainer-controller-manager"]] * 2
    assert merged_rows([[row("a", "b", users=["x"])], [row("a", "b", users=["y", "x"])]]) == [
        row("a", "b", users=["x", "y"])
    ]


def test_a_table() -> None:
    lines = rendered([row("a.io/a:1", "b.io/a:1", users=["x", "y"]), row("c:1", "c:1")], "table").splitlines()
    assert [line.split() for line in lines[1:]] == [
        ["a.io/a:1", "b.io/a:1", "unknown", "x,", "y"],
        ["c:1", "the", "same", "unknown", "u"],
    ]


def test_json() -> None:
    rows = image_rows(NARROW, OPTIONS)
    assert json.loads(rendered(rows, "json")) == rows
    assert rendered(rows, "json").startswith('[\n  {\n    "source"')


ROWS = [
    row(f"a.io/a:1{DIGEST}", f"b.io/a:1{DIGEST}"),
    row(f"a.io/b{DIGEST}", f"b.io/b{DIGEST}"),
    row("a.io/c:1", "m.io/c:2", copied=False),
    row("a.io/d", "a.io/d", copied=False),
    row("a.io/e:1; reboot", "b.io/e:1\nreboot", copied=True),
    row("a.io/f", "a.io/f\nreboot", copied=False),
]


@pytest.mark.parametrize(
    ("form", "command", "transport"),
    [("skopeo", ["skopeo", "copy", "--all", "--preserve-digests"], "docker://"), ("crane", ["crane", "copy"], "")],
)
def test_a_script_copies_what_has_a_mirror(form: str, command: list[str], transport: str) -> None:
    lines = rendered(ROWS, form).splitlines()
    assert lines[:2] == ["#!/bin/sh", "set -e"]
    copies = [shlex.split(line) for line in lines[2:] if not line.startswith("#")]
    # A tag and a digest together cannot be read or written by these programs.
    assert copies[:2] == [
        [*command, f"{transport}a.io/a{DIGEST}", f"{transport}b.io/a:1"],
        [*command, f"{transport}a.io/b{DIGEST}", f"{transport}b.io/b{DIGEST}"],
    ]
    # Words of an image are no commands.
    assert len(copies) == 3
    assert copies[2] == [*command, f"{transport}a.io/e:1; reboot", f"{transport}b.io/e:1 reboot"]
    assert [line for line in lines[2:] if line.startswith("#")] == [
        "# conductor_images: m.io/c:2 is used instead of a.io/c:1",
        "# no mirror in conductor_registries: a.io/d",
        "# conductor_images: a.io/f reboot is used instead of a.io/f",
    ]


def test_the_source_of_skopeo_sync() -> None:
    assert yaml.safe_load(rendered(ROWS[:4], "skopeo_sync")) == {
        "a.io": {"images": {"a": [DIGEST[1:]], "b": [DIGEST[1:]], "d": ["latest"]}},
        "m.io": {"images": {"c": ["2"]}},
    }


def test_an_image_set_of_oc_mirror() -> None:
    found = yaml.safe_load(rendered([*ROWS[:4], ROWS[3]], "oc_mirror"))
    assert (found["apiVersion"], found["kind"]) == ("mirror.openshift.io/v2alpha1", "ImageSetConfiguration")
    names = [image["name"] for image in found["mirror"]["additionalImages"]]
    assert names == [f"a.io/a{DIGEST}", f"a.io/b{DIGEST}", "m.io/c:2", "a.io/d"]


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_ends_with_one_line_break(form: str) -> None:
    text = rendered(image_rows(NARROW, OPTIONS), form)
    assert text == f"{text.rstrip()}\n"
