# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pods that an API server rejects: who does it, whether time helps, and the name of a LimitRange."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.failure_sign import (
    FailureSign,
    rejected_objects,
)
from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.failures import failure_signs
from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.limit_ranges import (
    limit_range_of,
    with_limit_range,
)
from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.log_causes import is_own_fault, log_cause
from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.signature import SLOW
from tests.unit.plugins.helpers.builders import obj
from tests.unit.plugins.helpers.fakes import FakeCluster

POD = 'pods "manager-1" is forbidden: '
MESH = (
    'Internal error occurred: failed calling webhook "inject.example.io": failed to call webhook: Post '
    '"https://mesh.mesh.svc:443/inject?timeout=10s": '
)
OUT_OF_REACH = (
    "dial tcp 10.96.0.1:443: connect: connection refused",
    'no endpoints available for service "mesh"',
    "context deadline exceeded",
    "tls: failed to verify certificate: x509: certificate signed by unknown authority",
    'service "mesh" not found',
    "EOF",
)
LIMITED = POD + "maximum cpu usage per Container is 100m, but limit is 500m"


def sign(message: str, reason: str = "FailedCreate") -> FailureSign:
    """Return the sign of a Deployment whose pods are rejected with this message."""
    condition = {"type": "ReplicaFailure", "status": "True", "reason": reason, "message": message}
    (found,) = failure_signs(obj("Deployment", "manager", "apps/v1", "ops", status={"conditions": [condition]}), [])
    return found


@pytest.mark.parametrize("how", OUT_OF_REACH)
def test_a_webhook_of_others_that_does_not_answer(how: str) -> None:
    found = sign(MESH + how)
    assert found.signature.cause == "the webhook inject.example.io does not answer, so the API server rejects its pods"
    assert found.next_step.startswith("repair Service mesh/mesh")
    assert "exempt the namespace ops" in found.next_step
    # It may answer again by itself.
    assert found.signature.grace == SLOW


@pytest.mark.parametrize("how", OUT_OF_REACH)
@pytest.mark.parametrize("before", ["FailedCreate: Error creating: ", "error: Reconciler error: "])
def test_what_a_webhook_says_is_not_taken_for_the_controller(how: str, before: str) -> None:
    cause, next_step = log_cause([before + MESH + how]) or ("", "")
    assert "the webhook inject.example.io does not answer" in cause
    assert "NetworkPolicy" not in next_step


def test_an_error_of_the_controller_itself_counts_first() -> None:
    lines = [f"FailedCreate: {MESH}EOF", "dial tcp 10.96.0.1:443: connect: connection refused"]
    assert (log_cause(lines) or ("",))[0] == "it cannot reach the API server"


def test_a_rejected_request_is_no_fault_of_the_program() -> None:
    assert not is_own_fault(['admission webhook "a.example.io" denied the request: no'])


@pytest.mark.parametrize(
    ("message", "cause", "next_step"),
    [
        (
            POD + 'error looking up service account ops/manager: serviceaccount "manager" not found',
            "the ServiceAccount ops/manager does not exist",
            "run the install, which restores",
        ),
        (LIMITED, "maximum cpu per Container is 100m", "change the maximum of 100m cpu per Container"),
        (
            POD + "failed quota: small: must specify limits.cpu for: manager",
            "the ResourceQuota small rejects its pods, which must set limits.cpu",
            "create a LimitRange with default values for limits.cpu in the namespace ops",
        ),
        (POD + "exceeded quota: small, requested: pods=1", "the ResourceQuota small is used up", "raise"),
        (POD + 'violates PodSecurity "restricted:latest": x', "Pod Security (restricted:latest)", "lower the level"),
        ('admission webhook "a.b.c" denied the request: x', "the webhook a.b.c rejects its pods", "exempt"),
        ("policy 'm' with binding 'b' denied request: x", "the MutatingAdmissionPolicy m (", "correct the Mutating"),
    ],
)
def test_who_rejects_the_pods_of_a_controller(message: str, cause: str, next_step: str) -> None:
    found = sign(message)
    assert cause in found.signature.cause
    assert found.next_step.startswith(next_step)
    assert 0 < found.signature.grace < SLOW


def test_secrets_are_hidden_after_matching() -> None:
    found = sign('admission webhook "a.b.c" denied the request: token: abcdefghij is wrong')
    assert "a.b.c" in found.signature.cause
    assert "abcdefghij" not in str(found)


def test_an_unknown_reason_never_ends_a_wait() -> None:
    found = sign("something new")
    assert found.signature.grace == SLOW
    assert found.next_step


def limit_range(name: str, **limit: Any) -> dict[str, Any]:
    return obj("LimitRange", name, "v1", "ops", spec={"limits": [{"type": "Container", **limit}]})


RANGES = [
    limit_range("other", max={"cpu": "200m"}),
    limit_range("pods", max={"cpu": "100m"}) | {"spec": {"limits": [{"type": "Pod", "max": {"cpu": "100m"}}]}},
    limit_range("floor", min={"cpu": "100m"}),
    limit_range("tight", max={"cpu": "100m", "memory": "64Mi"}, maxLimitRequestRatio={"cpu": "2"}),
]


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ({"bound": "maximum", "resource": "cpu", "type": "Container", "value": "100m"}, "tight"),
        ({"bound": "minimum", "resource": "cpu", "type": "Container", "value": "100m"}, "floor"),
        ({"bound": "maximum", "resource": "cpu", "type": "Pod", "value": "100m"}, "pods"),
        ({"resource": "cpu", "type": "Container", "value": "2"}, "tight"),
        ({"bound": "maximum", "resource": "cpu", "type": "Container", "value": "1"}, ""),
    ],
)
def test_the_limit_range_with_this_limit(words: dict[str, str], name: str) -> None:
    broken: list[Any] = [{}, {"spec": {"limits": [None, {"type": "Container", "max": None}]}}]
    assert limit_range_of(words, [*broken, *RANGES]) == name


def test_a_limit_range_is_named() -> None:
    cluster = FakeCluster()
    cluster.hooks.append(lambda request: {"items": RANGES} if request.path.endswith("/limitranges") else None)
    named = with_limit_range(cluster, sign(LIMITED))
    assert named.signature.cause == "the LimitRange tight rejects its pods: maximum cpu per Container is 100m"
    assert "`kubectl -n ops describe limitrange tight`" in named.next_step
    assert named.deployment == "manager"
    assert with_limit_range(cluster, sign("x")) == sign("x")


def test_a_limit_range_that_may_not_be_read_has_no_name() -> None:
    cluster = FakeCluster()
    cluster.fail(403, method="GET", path="/limitranges")
    assert with_limit_range(cluster, sign(LIMITED)) == sign(LIMITED)


@pytest.mark.parametrize("how", OUT_OF_REACH)
def test_a_job_whose_pods_are_rejected(how: str) -> None:
    found = rejected_objects(obj("Job", "mnist", "batch/v1", "team"), f"Error creating: {MESH}{how}")
    assert "Job mnist: Error creating: Internal error" in str(found)
    assert found.passes
    assert "repair Service mesh/mesh" in found.next_step
