# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.failure_sign import FailureSign
from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.failure_tracker import FailureTracker
from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.signature import SLOW, Signature
from tests.unit.plugins.helpers.builders import READY_STATUS, deployment, obj, pod
from tests.unit.plugins.helpers.fakes import FakeCluster, Request, failure


def sign(grace: float = 0.0, cause: str = "it is so", uid: str = "u", *, nodes_help: bool = False) -> FailureSign:
    signature = Signature(cause, "container", frozenset(), "", grace=grace, nodes_help=nodes_help)
    return FailureSign(signature, "manager", uid, "words", "next_step")


def test_a_sign_is_certain_after_its_grace_period() -> None:
    fate = FailureTracker(FakeCluster(), [])
    assert fate.certain([sign()], 100.0) == [sign()]
    assert fate.certain([sign(5.0)], 100.0) == []
    assert fate.certain([sign(5.0)], 104.9) == []
    assert fate.certain([sign(5.0)], 105.0) == [sign(5.0)]


def test_a_sign_that_disappeared_starts_again() -> None:
    fate = FailureTracker(FakeCluster(), [])
    fate.certain([sign(5.0)], 100.0)
    fate.certain([], 103.0)
    assert fate.certain([sign(5.0)], 106.0) == []
    assert fate.certain([sign(5.0, uid="other")], 111.0) == []
    assert fate.certain([sign(5.0, "another cause")], 116.0) == []


def ended(restarts: int = 1) -> FailureSign:
    signature = Signature("it ends", "container", frozenset(), "", restarts=1, own_fault=True)
    return FailureSign(signature, "manager", "u", "words", "next_step", ("ops", "manager-1", "m", restarts))


@pytest.mark.parametrize(
    ("log", "certain"),
    [
        (["panic: a nil map"], True),
        (["panic: a nil map", "dial tcp: connection refused"], False),
        # A hundred lines are read.
        (["dial tcp: connection refused", *["said"] * 99], False),
        ([], False),
        (failure(403), False),
        (failure(400), False),
    ],
)
def test_the_log_decides_whether_two_exits_are_certain(log: Any, certain: bool) -> None:
    cluster = FakeCluster()

    def refuses(_request: Request) -> None:
        if isinstance(log, Exception):
            raise log

    cluster.hooks.append(refuses)
    cluster.logs["manager-1 before"] = log
    fate = FailureTracker(cluster, [])
    for _look in range(3):
        assert bool(fate.certain([ended()], 100.0)) is certain
    # One read for each run of the container.
    asked = {"container": "m", "previous": "True"}
    assert [(one.path, one.query) for one in cluster.requests] == [("/api/v1/namespaces/ops/pods/manager-1/log", asked)]
    fate.certain([ended(2)], 101.0)
    assert len(cluster.requests) == 2


def test_a_slow_sign_is_never_certain() -> None:
    fate = FailureTracker(FakeCluster(), [])
    fate.certain([sign(SLOW)], 0.0)
    assert fate.certain([sign(SLOW)], 1e9) == []


def groups(*names: str) -> dict[str, Any]:
    return {"groups": [{"name": name} for name in names]}


def asked(cluster: FakeCluster, answer: dict[str, Any]) -> FailureTracker:
    cluster.hooks.append(lambda request: answer if request.path == "/apis" else None)
    return FailureTracker(cluster, [])


def test_a_missing_node_is_not_certain_if_nodes_may_be_added() -> None:
    status = obj("ConfigMap", "cluster-autoscaler-status", namespace="kube-system")
    for api, objects, certain in (
        (groups("apps"), [], True),
        (groups("apps"), [status], False),
        (groups("apps", "karpenter.sh"), [], False),
        (groups("autoscaling.openshift.io"), [], False),
        ({}, [], True),
    ):
        cluster = FakeCluster()
        for manifest in objects:
            cluster.put(manifest)
        fate = asked(cluster, api)
        assert bool(fate.certain([sign(nodes_help=True)], 0.0)) is certain, api
        assert fate.certain([sign()], 0.0) == [sign()]


def test_autoscalers_are_read_once_and_only_for_a_missing_node() -> None:
    cluster = FakeCluster()
    fate = asked(cluster, groups())
    fate.certain([sign(), sign(5.0, nodes_help=True, cause="b")], 0.0)
    assert cluster.requests == []
    for now in (5.0, 6.0):
        assert len(fate.certain([sign(5.0, nodes_help=True, cause="b")], now)) == 1
    assert [request.path for request in cluster.requests] == [
        "/apis",
        "/api/v1/namespaces/kube-system/configmaps/cluster-autoscaler-status",
    ]


@pytest.mark.parametrize("path", ["/apis", "cluster-autoscaler-status"])
def test_nodes_may_be_added_if_unknown(path: str) -> None:
    cluster = FakeCluster()

    def refuses(request: Any) -> dict[str, Any] | None:
        if request.path.endswith(path):
            raise failure(403)
        return groups() if request.path == "/apis" else None

    cluster.hooks.append(refuses)
    assert FailureTracker(cluster, []).certain([sign(nodes_help=True)], 0.0) == []


def failing() -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Return a Deployment of the bundle, the same from the server, and its pod that cannot start."""
    live = {**deployment(), "status": {**READY_STATUS, "availableReplicas": 0}}
    live["metadata"] = {**live["metadata"], "generation": 1, "uid": "uid-manager"}
    waiting = {"name": "manager", "state": {"waiting": {"reason": "InvalidImageName"}}}
    stuck = pod("manager-1", "manager", ready=False)
    return deployment(), live, {**stuck, "status": {"phase": "Pending", "containerStatuses": [waiting]}}


def test_only_existing_controllers_that_are_not_rolled_out_have_signs() -> None:
    wanted, live, stuck = failing()
    fate = FailureTracker(FakeCluster(), [wanted])
    assert [sign.uid for sign in fate.signs({"manager": live}, [stuck])] == ["uid-manager-1"]
    assert fate.signs({}, [stuck]) == []
    assert fate.signs({"other": live}, [stuck]) == []
    assert fate.signs({"manager": {**live, "status": READY_STATUS}}, [stuck]) == []


def test_stale_pods_do_not_count() -> None:
    wanted, live, stuck = failing()
    fate = FailureTracker(FakeCluster(), [wanted])
    fate.begin([stuck], frozenset({"uid-manager-1"}))
    assert fate.signs({"manager": live}, [stuck]) == []
    fate.begin([stuck], frozenset({"uid-other"}))
    assert len(fate.signs({"manager": live}, [stuck])) == 1
