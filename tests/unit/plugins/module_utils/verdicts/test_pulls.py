# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.verdicts.pulls import how_pulled, is_pulled


def waiting(reason: str) -> dict[str, Any]:
    return {"state": {"waiting": {"reason": reason}}}


@pytest.mark.parametrize(
    ("status", "there"),
    [
        ({"imageID": "sha256:1"}, True),
        ({"imageID": "", "containerID": "cri-o://1"}, True),
        ({"state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}}, True),
        # The container runtime creates the container only from an image that it has.
        (waiting("CreateContainerConfigError"), True),
        (waiting("CreateContainerError"), True),
        (waiting("PreCreateHookError"), True),
        (waiting("PreStartHookError"), True),
        (waiting("RunContainerError"), True),
        (waiting("PostStartHookError"), True),
        (waiting("ContainerCreating"), False),
        (waiting("PodInitializing"), False),
        (waiting("ErrImagePull"), False),
        (waiting("ImagePullBackOff"), False),
        (waiting("ErrImageNeverPull"), False),
        (waiting("InvalidImageName"), False),
        (waiting("ImageInspectError"), False),
        (waiting("RegistryUnavailable"), False),
        (waiting("SignatureValidationFailed"), False),
        # The kubelet writes this for a container that it never created.
        ({"imageID": "", "state": {"terminated": {"reason": "ContainerStatusUnknown", "exitCode": 137}}}, False),
        ({}, False),
    ],
)
def test_what_shows_that_an_image_is_there(status: dict[str, Any], there: bool) -> None:
    pod = {"status": {"containerStatuses": [{"name": "pull", **status}]}}
    assert is_pulled(pod, "pull") is there
    assert not is_pulled(pod, "another")


def test_a_pod_without_a_status_shows_nothing() -> None:
    assert not is_pulled({}, "pull")


@pytest.mark.parametrize(
    ("reasons", "how"),
    [
        (["Scheduled", "Pulling", "Pulled", "Created"], "pulled"),
        (["Pulling"], "pulled"),
        (["Pulled", "Created"], "present"),
        (["Scheduled"], "available"),
        ([], "available"),
    ],
)
def test_how_it_came_there(reasons: list[str], how: str) -> None:
    assert how_pulled(reasons) == how
