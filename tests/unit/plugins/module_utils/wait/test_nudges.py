# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import ApiError
from ansible_collections.conductor.trainer.plugins.module_utils.wait.nudges import RETRY_ANNOTATION, Nudges
from tests.unit.plugins.helpers.builders import DEPLOYMENT, POD, bundle, pod, serving
from tests.unit.plugins.helpers.fakes import Clock, FakeCluster


def stuck(reason: str) -> dict[str, Any]:
    found = pod("manager-1", "manager", ready=False)
    found["status"]["containerStatuses"] = [{"name": "manager", "state": {"waiting": {"reason": reason}}}]
    return found


def refused() -> dict[str, Any]:
    deployment: dict[str, Any] = bundle().objects("Deployment")[0]
    return {**deployment, "status": {"conditions": [{"type": "ReplicaFailure", "status": "True"}]}}


def nudges(cluster: FakeCluster, clock: Clock) -> Nudges:
    return Nudges(cluster, clock.monotonic)


@pytest.mark.parametrize(("reason", "deleted"), [("ImagePullBackOff", True), ("ContainerCreating", False)])
def test_only_a_pod_in_a_back_off_is_replaced(clock: Clock, reason: str, deleted: bool) -> None:
    cluster = serving(bundle())
    sent = nudges(cluster, clock)
    assert sent.retry([], [stuck(reason)]) == (frozenset({"uid-manager-1"}) if deleted else frozenset())
    assert [request.method for request in cluster.writes] == (["DELETE"] if deleted else [])
    assert sent.retried == (["manager-1"] if deleted else [])


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (422, "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: needs a team"),
        (500, 'failed calling webhook "inject.example.io": failed to call webhook: Post "https://a.b.svc:443/x": EOF'),
        (400, 'admission webhook "a.b.c" denied the request: no'),
    ],
)
def test_what_others_reject_does_not_end_the_wait(clock: Clock, status: int, message: str) -> None:
    cluster = serving(bundle())
    cluster.fail(status, method="DELETE", path="/pods/manager-1", message=message)
    sent = nudges(cluster, clock)
    sent.retry([], [stuck("ImagePullBackOff")])
    assert sent.retried == []
    assert sent.warnings == [f"{message}: the kubelet retries later"]


def test_refused_pods_are_asked_for_again_through_the_deployment(clock: Clock) -> None:
    cluster = serving(bundle())
    sent = nudges(cluster, clock)
    assert sent.retry([refused()], []) == frozenset()
    (request,) = cluster.writes
    assert list(request.body["metadata"]["annotations"]) == [RETRY_ANNOTATION]
    assert sent.retried == [DEPLOYMENT.name]


def test_a_right_that_is_missing_is_said_once_and_not_asked_for_again(clock: Clock) -> None:
    cluster = serving(bundle())
    cluster.fail(403, method="DELETE", path="/pods/")
    sent = nudges(cluster, clock)
    for _time in range(2):
        sent.retry([], [stuck("ImagePullBackOff")])
    assert len(sent.warnings) == 1
    assert len(cluster.writes) == 1
    assert sent.retried == []


@pytest.mark.parametrize(("status", "raises"), [(404, False), (409, False), (503, False), (422, True)])
def test_what_is_gone_needs_no_nudge(clock: Clock, status: int, raises: bool) -> None:
    cluster = serving(bundle())
    cluster.fail(status, path="/status")
    sent = nudges(cluster, clock)
    if raises:
        with pytest.raises(ApiError):
            sent.touch([POD])
    else:
        sent.touch([POD])
        assert sent.touched == []
        assert sent.warnings == []
