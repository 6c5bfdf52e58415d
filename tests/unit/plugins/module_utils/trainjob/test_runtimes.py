# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A TrainJob that is rejected: the next step fits what was denied, and names the runtimes that exist."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.cluster.responses import api_error
from ansible_collections.conductor.trainer.plugins.module_utils.errors import ApiError
from ansible_collections.conductor.trainer.plugins.module_utils.trainjob.definition import submission_of, trainjob_key
from ansible_collections.conductor.trainer.plugins.module_utils.trainjob.run import TrainJobRun, Wishes
from tests.unit.plugins.helpers.builders import bundle, installed, obj, train_job
from tests.unit.plugins.helpers.fakes import Clock, FakeCluster, Request

KEY = trainjob_key("team", "mnist")
DENIED = 'admission webhook "validator.trainjob.trainer.kubeflow.org" denied the request: '
NO_RUNTIME = (
    DENIED + 'spec.RuntimeRef: Invalid value: {"name":"nope"}: ClusterTrainingRuntime.trainer.kubeflow.org "nope" not '
    "found: specified clusterTrainingRuntime must be created before the TrainJob is created"
)
NO_INITIALIZER = (
    DENIED + "spec.runtimeRef: Invalid value: {}: must have dataset-initializer job when trainJob is configured with "
    "input datasetConfig"
)
RESERVED = (
    DENIED + 'spec.trainer.env: Invalid value: [{"name":"PET_NNODES"}]: must not have reserved envs, invalid envs '
    "configured: [PET_NNODES]"
)


def submit(message: str, *, status: int = 403, check: bool = False, runtimes: bool = True, hidden: bool = False) -> str:
    """Submit a TrainJob that the server rejects; return the next step."""
    cluster: FakeCluster = installed(bundle())
    cluster.allows = lambda _attributes: True
    cluster.put(obj("Namespace", "team"))
    for key in [key for key in cluster.objects if key.kind == "ClusterTrainingRuntime"]:
        del cluster.objects[key]
    if runtimes:
        cluster.put(obj("ClusterTrainingRuntime", "torch-distributed", "trainer.kubeflow.org/v1alpha1"))

    def hook(request: Request) -> dict[str, Any] | None:
        if hidden and request.path.endswith("runtimes"):
            raise api_error(403, {}, b"{}", "list", "runtimes")
        if runtimes and request.path.endswith("/namespaces/team/trainingruntimes"):
            return {"items": [obj("TrainingRuntime", "mine", "trainer.kubeflow.org/v1alpha1", "team")]}
        if request.method == "POST" and request.path.endswith("/trainjobs"):
            body = {"kind": "Status", "message": message}
            raise api_error(status, {}, json.dumps(body).encode(), "submit", "TrainJob team/mnist")
        return None

    cluster.hooks.insert(0, hook)
    clock = Clock()
    run = TrainJobRun(cluster, Wishes(check_mode=check), monotonic=clock.monotonic, sleep=clock.sleep)
    with pytest.raises(ApiError) as caught:
        run.present(KEY, submission_of([train_job("mnist", "team", "")]))
    assert caught.value.message == message
    return str(caught.value.next_step)


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize("message", [NO_RUNTIME, NO_INITIALIZER])
def test_existing_runtimes_are_named(message: str, check: bool) -> None:
    said = submit(message, check=check)
    assert said.endswith("; existing: ClusterTrainingRuntime torch-distributed; TrainingRuntime mine")


def test_without_any_runtime_the_install_helps() -> None:
    assert submit(NO_RUNTIME, runtimes=False).endswith(
        "no runtime exists: run the install, which creates those of the release"
    )


def test_runtimes_that_may_not_be_read_are_not_said_to_be_missing() -> None:
    said = submit(NO_RUNTIME, hidden=True)
    assert "existing:" not in said
    assert "no runtime exists" not in said


@pytest.mark.parametrize(
    ("message", "status", "words"),
    [
        (NO_RUNTIME, 403, "set spec.runtimeRef to an existing runtime"),
        (NO_INITIALIZER, 403, "remove this part of spec.initializer"),
        (RESERVED, 403, "remove [PET_NNODES] from spec.trainer.env"),
        (
            'TrainJob in version "v1alpha1" cannot be handled as a TrainJob: strict decoding error: unknown field '
            '"spec.podTemplateOverrides"',
            400,
            "rename the field to spec.runtimePatches",
        ),
        (
            'TrainJob in version "v1alpha1" cannot be handled as a TrainJob: strict decoding error: unknown field '
            '"spec.trainer.numProcsPerNode"',
            400,
            "correct or remove the field spec.trainer.numProcsPerNode",
        ),
        (
            'TrainJob.trainer.kubeflow.org "My_Job" is invalid: metadata.name: Invalid value: "My_Job": a '
            "lowercase RFC "
            "1123 subdomain must consist of lower case alphanumeric characters",
            422,
            "use lower-case letters, digits and hyphens",
        ),
        ('namespaces "team" not found', 404, "create the namespace team first"),
        ("the server could not find the requested resource", 404, "run the install"),
        (
            'trainjobs is forbidden: User "u" cannot create resource "trainjobs" in API group "trainer.kubeflow.org"',
            403,
            "grant this permission",
        ),
        ("Internal error occurred: something new", 500, "search the log of the API server"),
    ],
)
def test_the_next_step_fits_what_was_denied(message: str, status: int, words: str) -> None:
    said = submit(message, status=status)
    assert words in said
    assert ("permission" in said) is ("cannot create resource" in message)
