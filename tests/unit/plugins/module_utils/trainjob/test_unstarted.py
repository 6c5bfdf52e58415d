# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a pod of a TrainJob has not started at the deadline."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import NotReadyError
from ansible_collections.conductor.trainer.plugins.module_utils.trainjob.definition import trainjob_key
from ansible_collections.conductor.trainer.plugins.module_utils.trainjob.follow import Follower
from ansible_collections.conductor.trainer.plugins.module_utils.trainjob.state import JOBSET_LABEL
from ansible_collections.conductor.trainer.plugins.module_utils.trainjob.unstarted import why_not_started
from tests.unit.plugins.helpers.builders import obj, train_job
from tests.unit.plugins.helpers.fakes import FakeCluster

KEY = trainjob_key("team", "mnist")


def followed(cluster: FakeCluster, item: dict[str, Any]) -> Follower:
    stored = cluster.put(train_job("mnist", "team", ""))
    cluster.put(item, "kubelet")
    return Follower(cluster, KEY, stored["metadata"]["uid"], log_lines=2)


def unstarted(reason: str, message: str = "") -> dict[str, Any]:
    waiting = {"reason": reason, "message": message}
    status = {"name": "node", "image": "registry.example.com/train:1", "state": {"waiting": waiting}}
    return obj(
        "Pod",
        "mnist-node-0-0",
        namespace="team",
        metadata={"labels": {JOBSET_LABEL: "mnist"}},
        spec={"nodeName": "n", "containers": [{"name": "node"}]},
        status={"phase": "Pending", "containerStatuses": [status]},
    )


def warning(item: dict[str, Any], reason: str, message: str, second: int) -> dict[str, Any]:
    about = {"kind": "Pod", "name": item["metadata"]["name"], "uid": item["metadata"].get("uid", "")}
    return obj(
        "Event",
        f"mnist.{second}",
        namespace="team",
        involvedObject=about,
        reason=reason,
        message=message,
        lastTimestamp=f"2026-01-01T00:00:{second:02}Z",
    )


@pytest.mark.parametrize(
    ("reason", "message", "cause", "step"),
    [
        (
            "FailedCreatePodSandBox",
            'Failed to create pod sandbox: rpc error: desc = no runtime for "kata" is configured',
            "does not have the container runtime of its RuntimeClass: kata",
            "remove runtimeClassName",
        ),
        (
            "FailedMount",
            'MountVolume.SetUp failed for volume "data" : secret "s3" not found',
            "the source of its volume data is missing",
            "create what the message names",
        ),
    ],
)
def test_the_newest_warning_of_a_kubelet_explains_a_pod_that_is_being_created(
    cluster: FakeCluster, reason: str, message: str, cause: str, step: str
) -> None:
    follower = followed(cluster, unstarted("ContainerCreating"))
    (item,) = [value for key, value in cluster.objects.items() if key.kind == "Pod" and key.namespace == "team"]
    cluster.put(warning(item, "FailedMount", "an older one", 1))
    cluster.put(warning(item, reason, message, 2))
    with pytest.raises(NotReadyError) as caught:
        follower.follow(0)
    assert cause in str(caught.value)
    assert message in str(caught.value)
    assert step in (caught.value.next_step or "")


def test_a_slow_pull_has_its_next_step_at_the_deadline(cluster: FakeCluster) -> None:
    follower = followed(cluster, unstarted("ErrImagePull", "toomanyrequests: You have reached your limit"))
    with pytest.raises(NotReadyError, match="the registry limits how many images") as caught:
        follower.follow(0)
    assert "imagePullSecrets" in (caught.value.next_step or "")


def test_without_a_sign_or_an_event_nothing_is_known() -> None:
    cluster = FakeCluster()
    assert why_not_started(cluster, [unstarted("ContainerCreating")], "team") == ("", "")
    assert why_not_started(cluster, [], "team") == ("", "")
    cluster.fail(403, method="GET", path="/events")
    assert why_not_started(cluster, [unstarted("ContainerCreating")], "team") == ("", "")
