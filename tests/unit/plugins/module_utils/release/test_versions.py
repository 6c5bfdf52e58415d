# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.release.versions import (
    image_name,
    image_version,
    jobset_version,
    served_versions,
    trainer_release,
)
from tests.unit.plugins.helpers.states import crds

DIGEST = "@sha256:" + "a" * 64
TRAINJOBS = "trainjobs.trainer.kubeflow.org"


def schema(*paths: str, served: bool = True) -> dict[str, Any]:
    """Return a CRD whose schema has these fields."""
    root: dict[str, Any] = {}
    for path in paths:
        place = root
        for name in path.split("."):
            place = place.setdefault("properties", {}).setdefault(name, {})
    return {"spec": {"versions": [{"name": "v1", "served": served, "schema": {"openAPIV3Schema": root}}]}}


def running(image: str) -> list[dict[str, Any]]:
    return [{"spec": {"template": {"spec": {"containers": [{"image": image}]}}}}]


@pytest.mark.parametrize(
    ("image", "name", "version"),
    [
        ("ghcr.io/kubeflow/trainer/trainer-controller-manager:v2.3.0", "trainer-controller-manager", "2.3.0"),
        ("registry.k8s.io/jobset/jobset:v0.12.0" + DIGEST, "jobset", "0.12.0"),
        ("mirror.example:5000/a/jobset", "jobset", ""),
        ("mirror.example:5000/jobset" + DIGEST, "jobset", ""),
        ("jobset:2.3.0-rc.1", "jobset", "2.3.0-rc.1"),
        ("jobset:main", "jobset", ""),
        ("jobset:v20260101-abc", "jobset", ""),
        ("", "", ""),
    ],
)
def test_images(image: str, name: str, version: str) -> None:
    assert (image_name(image), image_version(image)) == (name, version)


@pytest.mark.parametrize(
    ("paths", "series"),
    [
        (["spec.podSpecOverrides"], "2.0"),
        (["spec.podTemplateOverrides"], "2.1"),
        (["spec.runtimePatches"], "2.2"),
        (["spec.other"], ""),
        ([], ""),
    ],
)
def test_the_series_of_a_trainer_by_its_crd(paths: list[str], series: str) -> None:
    assert trainer_release([], {}, schema(*paths))["sources"]["crd"] == series


@pytest.mark.parametrize(
    ("paths", "series"),
    [
        (["spec.replicatedJobs.dependsOn"], "0.8"),
        (["spec.replicatedJobs.groupName", "spec.replicatedJobs.dependsOn"], "0.10"),
        (["spec.volumeClaimPolicies"], "0.11"),
        (["status.replicatedJobsStatus.jobRestarts"], "0.12"),
        ([], ""),
    ],
)
def test_the_series_of_a_jobset_by_its_crd(paths: list[str], series: str) -> None:
    assert jobset_version([], schema(*paths)) == series


def test_the_series_of_the_crds_of_this_release() -> None:
    assert trainer_release([], {}, crds()[TRAINJOBS])["sources"]["crd"] == "2.3"
    assert jobset_version([], crds()["jobsets.jobset.x-k8s.io"]) == "0.12"


def test_a_version_that_is_not_served_does_not_count() -> None:
    crd = schema("spec.runtimePatches", served=False)
    assert trainer_release([], {}, crd)["release"] == ""
    assert served_versions(crd) == []


@pytest.mark.parametrize(
    ("tag", "said", "crd", "release", "agree"),
    [
        ("v2.3.0", "v2.3.0", "spec.runtimePatches", "2.3.0", False),  # the CRD is of 2.2
        ("v2.2.1", "v2.2.1", "spec.runtimePatches", "2.2.1", True),
        ("v2.2.1", "v2.2.0", "spec.runtimePatches", "2.2.1", False),
        ("v2.1.0", "", "spec.podTemplateOverrides", "2.1.0", True),
        ("latest", "v2.2.1", "spec.runtimePatches", "2.2.1", True),
        ("latest", "", "spec.runtimePatches", "2.2", None),
        ("latest", "", "", "", None),
        ("v2.3.0", "", "", "2.3.0", None),
    ],
)
def test_sources_may_disagree(tag: str, said: str, crd: str, release: str, agree: bool | None) -> None:
    config = {"data": {"kubeflow_trainer_version": said}} if said else {}
    found = trainer_release(running(f"x/trainer-controller-manager:{tag}"), config, schema(crd) if crd else {})
    assert (found["release"], found["sources_agree"]) == (release, agree)


def test_an_image_that_an_option_sets_says_nothing_about_the_release() -> None:
    image = "m.io/trainer-controller-manager:v9.9.9"
    running = [{"spec": {"template": {"spec": {"containers": [{"image": image}]}}}}]
    said = {"data": {"kubeflow_trainer_version": "v2.3.0"}}
    assert trainer_release(running, said, None)["release"] == "9.9.9"
    assert trainer_release(running, said, None, {image})["release"] == "2.3.0"
    other = [{"spec": {"template": {"spec": {"containers": [{"image": "m.io/jobset:v1.2.3"}]}}}}]
    assert (jobset_version(other, None), jobset_version(other, None, {"m.io/jobset:v1.2.3"})) == ("1.2.3", "")
