# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import (
    ApiError,
    NotReadyError,
    UnreachableError,
)
from ansible_collections.conductor.trainer.plugins.module_utils.probes.runtimes import (
    FRAMEWORK_LABEL,
    probe_trainjob,
    require_runtimes,
    runtime_info,
)
from tests.unit.plugins.helpers.builders import bundle, installed, obj
from tests.unit.plugins.helpers.fakes import Clock, FakeCluster, Request, failure

NOT_SEEN = 'denied the request: "torch" must be created before the TrainJob is created'


AWAY = 'failed calling webhook "defaulter": tls: failed to verify certificate: x509: certificate is valid for another'


def refusing(cluster: FakeCluster, name: str, message: str, times: int = 1000, status: int = 400) -> None:
    left = [message] * times

    def hook(request: Request) -> None:
        if request.method == "POST" and request.body["spec"]["runtimeRef"]["name"] == name and left:
            raise failure(status, message=left.pop())

    cluster.hooks.append(hook)


def info(cluster: FakeCluster, clock: Clock, **more: Any) -> dict[str, Any]:
    return runtime_info(cluster, bundle(), monotonic=clock.monotonic, sleep=clock.sleep, **more)


def test_what_is_there_what_is_missing_what_works(clock: Clock) -> None:
    cluster = installed(bundle().with_runtimes(["torch"]))
    own = obj("ClusterTrainingRuntime", "own", "trainer.kubeflow.org/v1alpha1")
    cluster.put({**own, "metadata": {"name": "own", "labels": {FRAMEWORK_LABEL: "torch"}}})
    assert info(cluster, clock) == {
        "runtimes": [
            {"name": "own", "framework": "torch", "expected": False, "proven": None, "message": ""},
            {"name": "torch", "framework": "", "expected": True, "proven": True, "message": ""},
        ],
        "missing": ["jax"],
        "unproven": [],
        "elapsed": 0.0,
    }
    assert cluster.writes == []


def test_without_proof_no_train_job_is_sent(clock: Clock) -> None:
    cluster = installed(bundle())
    rows = info(cluster, clock, prove=False)["runtimes"]
    assert [row["proven"] for row in rows] == [None, None]
    assert {request.method for request in cluster.requests} == {"GET"}


def test_a_refused_runtime_is_unproven_and_says_why(clock: Clock) -> None:
    cluster = installed(bundle())
    refusing(cluster, "torch", "spec.template is bad")
    result = info(cluster, clock)
    assert result["unproven"] == ["torch"]
    assert result["runtimes"][1]["message"] == "spec.template is bad"
    assert clock.pauses == []


# A manager that does not know the runtime yet, and an unreachable webhook.
PASSING = pytest.mark.parametrize(("message", "status"), [(NOT_SEEN, 403), (AWAY, 500)])


@PASSING
def test_what_passes_is_given_a_moment(clock: Clock, message: str, status: int) -> None:
    cluster = installed(bundle())
    refusing(cluster, "torch", message, times=3, status=status)
    assert info(cluster, clock)["unproven"] == []
    assert len(clock.pauses) == 3


@PASSING
def test_that_moment_ends(clock: Clock, message: str, status: int) -> None:
    cluster = installed(bundle())
    refusing(cluster, "torch", message, status=status)
    result = info(cluster, clock)
    assert result["unproven"] == ["torch"]
    assert message in result["runtimes"][1]["message"]
    assert 9.9 < sum(clock.pauses) < 10.2


def test_no_runtimes_at_all(clock: Clock) -> None:
    cluster = installed(bundle().with_runtimes([]))
    assert info(cluster, clock)["missing"] == ["jax", "torch"]


def test_what_cannot_be_told_is_an_error(clock: Clock) -> None:
    with pytest.raises(ApiError, match="could not find"):
        info(FakeCluster(), clock)
    cluster = installed(bundle())
    away = UnreachableError("gone")

    def hook(request: Request) -> None:
        if request.method == "POST":
            raise away

    cluster.hooks.append(hook)
    with pytest.raises(UnreachableError):
        info(cluster, clock)


def test_the_probe_is_one_small_train_job_outside_of_the_operators_namespace() -> None:
    manifest = probe_trainjob("torch", "probe")
    assert manifest["metadata"]["namespace"] == "probe"
    assert manifest["spec"]["runtimeRef"]["name"] == "torch"


def test_where_all_can_be_used_what_is_there_is_told() -> None:
    cluster = installed(bundle())
    cluster.put(obj("ClusterTrainingRuntime", "own", "trainer.kubeflow.org/v1alpha1"))
    rows = require_runtimes(cluster, bundle())
    assert {row["name"]: row["proven"] for row in rows} == {"jax": True, "own": None, "torch": True}


def test_each_that_cannot_be_used_is_named_with_the_servers_words() -> None:
    cluster = installed(bundle().with_runtimes(["torch"]))
    refusing(cluster, "torch", "spec.template is bad")
    with pytest.raises(NotReadyError) as caught:
        require_runtimes(cluster, bundle())
    assert str(caught.value) == (
        "prove runtimes: ClusterTrainingRuntimes cannot be used:\n"
        "  jax is missing\n"
        "  torch rejects a TrainJob: spec.template is bad\n"
        "Next: run the install again"
    )
    assert [row["name"] for row in caught.value.facts["runtimes"]] == ["torch"]
