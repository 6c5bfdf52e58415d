# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A webhook or policy that rejects the reviews of permissions: they only help, so everything else is still read."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import ApiError, RefusedError
from ansible_collections.conductor.trainer.plugins.module_utils.inspection.inspect import inspect
from ansible_collections.conductor.trainer.plugins.module_utils.remove.absent import ensure_absent
from tests.unit.plugins.helpers.builders import bundle, installed, obj, serving
from tests.unit.plugins.helpers.fakes import FakeCluster
from tests.unit.plugins.helpers.installing import ensure_present
from tests.unit.plugins.helpers.removals import cluster as installation
from tests.unit.plugins.helpers.states import release

GONE = (
    'Internal error occurred: failed calling webhook "inject.example.io": failed to call webhook: Post '
    '"https://mesh.mesh.svc:443/x?timeout=10s": service "mesh" not found'
)
POLICY = (
    "selfsubjectrulesreviews.authorization.k8s.io is forbidden: ValidatingAdmissionPolicy 'labels' with binding "
    "'all' denied request: needs a team"
)
MUTATING = "policy 'm' with binding 'b' denied request: no such key"


def rejecting(cluster: FakeCluster, message: str, status: int) -> FakeCluster:
    client = {"service": {"namespace": "mesh", "name": "mesh"}}
    metadata = {"annotations": {"meta.helm.sh/release-name": "mesh"}}
    cluster.put(
        obj(
            "MutatingWebhookConfiguration",
            "mesh-injector",
            "admissionregistration.k8s.io/v1",
            metadata=metadata,
            webhooks=[{"name": "inject.example.io", "clientConfig": client}],
        )
    )
    cluster.fail(status, method="POST", path="reviews", message=message)
    return cluster


@pytest.mark.parametrize(
    ("message", "status", "severity", "subject", "words"),
    [
        (
            GONE,
            500,
            "blockers",
            "webhook configuration mesh-injector of Helm release mesh",
            "repair what the webhook calls, or restrict its rules: repair Service mesh/mesh",
        ),
        (POLICY, 403, "warnings_found", "ValidatingAdmissionPolicy labels", "ValidatingAdmissionPolicy labels"),
        (POLICY, 422, "warnings_found", "ValidatingAdmissionPolicy labels", "ValidatingAdmissionPolicy labels"),
        (MUTATING, 422, "warnings_found", "MutatingAdmissionPolicy m", "correct the MutatingAdmissionPolicy m"),
    ],
)
def test_an_inspection_ends_and_names_it(message: str, status: int, severity: str, subject: str, words: str) -> None:
    found = inspect(rejecting(serving(bundle()), message, status), bundle())
    assert found["trainer"]["state"] == "complete"
    assert found["permissions"]["known"] is False
    (finding,) = [entry for entry in found[severity] if entry["code"].startswith("admission_")]
    assert finding["object"] == subject
    assert message in finding["cause"]
    assert words in finding["next_step"]
    # Admission is no missing permission.
    assert found["permissions"]["unreadable"] == []


@pytest.mark.parametrize(("status", "message"), [(500, "something new"), (504, "Timeout: x"), (404, "not found")])
def test_a_review_that_fails_does_not_stop_reading(status: int, message: str) -> None:
    found = inspect(rejecting(serving(bundle()), message, status), bundle())
    assert found["permissions"]["rejections"] == []
    assert found["blockers"] == []


def test_credentials_that_are_not_accepted_stop_it() -> None:
    with pytest.raises(ApiError):
        inspect(rejecting(serving(bundle()), "Unauthorized", 401), bundle())


def test_an_install_is_blocked_before_it_writes() -> None:
    cluster = rejecting(installed(bundle()), GONE, 500)
    for key in [key for key in cluster.objects if key.kind == "Deployment"]:
        del cluster.objects[key]
    cluster.requests.clear()
    with pytest.raises(RefusedError) as caught:
        ensure_present(cluster, bundle())
    assert "admission_unanswered" in caught.value.message
    assert "repair Service mesh/mesh" in str(caught.value.next_step)
    assert cluster.writes == []


def test_an_uninstall_is_blocked_before_it_deletes() -> None:
    cluster = rejecting(installation(), GONE, 500)
    cluster.requests.clear()
    with pytest.raises(RefusedError) as caught:
        ensure_absent(cluster, release(), timeout=0)
    assert "the webhook inject.example.io does not answer" in caught.value.message
    assert "repair Service mesh/mesh" in str(caught.value.next_step)
    assert caught.value.facts["plan_blockers"]
    assert cluster.writes == []


def test_a_policy_that_rejects_only_reviews_stops_no_uninstall() -> None:
    cluster = rejecting(installation(), POLICY, 422)
    result: dict[str, Any] = ensure_absent(cluster, release(), timeout=0)
    assert result["changed"]


def test_an_uninstall_that_a_policy_holds_up_names_it() -> None:
    cluster = installation()
    key = next(key for key in cluster.objects if key.kind == "Deployment")
    cluster.objects[key]["metadata"]["finalizers"] = ["foregroundDeletion"]
    cluster.fail(422, method="PATCH", path=f"/deployments/{key.name}", message=POLICY)
    with pytest.raises(Exception, match="not gone after 0 s") as caught:
        ensure_absent(cluster, release(), timeout=0)
    assert "the ValidatingAdmissionPolicy labels" in str(caught.value)
    assert "exempt the namespace" in str(caught.value.next_step)  # type: ignore[attr-defined]


def on_everything(cluster: FakeCluster) -> FakeCluster:
    """A webhook on everything; this API server does not send reviews to it."""
    rule = {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*/*"]}
    client = {"service": {"namespace": "mesh", "name": "mesh"}}
    hook = {"name": "inject.example.io", "clientConfig": client, "rules": [rule]}
    cluster.put(
        obj("ValidatingWebhookConfiguration", "all", "admissionregistration.k8s.io/v1", webhooks=[hook]), "kubectl"
    )
    return cluster


def test_a_webhook_on_everything_without_an_endpoint_is_a_blocker() -> None:
    found = inspect(on_everything(serving(bundle())), bundle())
    (finding,) = found["blockers"]
    assert (finding["code"], finding["object"]) == (
        "admission_unanswered",
        "webhook configuration all of field manager kubectl",
    )
    assert "repair Service mesh/mesh" in finding["next_step"]
    assert found["permissions"]["known"] is True


def test_a_webhook_on_everything_that_answers_is_none() -> None:
    cluster = on_everything(serving(bundle()))
    labels = {"kubernetes.io/service-name": "mesh"}
    endpoints = [{"addresses": ["10.0.0.1"], "conditions": {"ready": True}}]
    cluster.put(
        obj("EndpointSlice", "mesh-1", "discovery.k8s.io/v1", "mesh", metadata={"labels": labels}, endpoints=endpoints)
    )
    assert inspect(cluster, bundle())["blockers"] == []


def test_endpoints_that_may_not_be_read_are_no_finding() -> None:
    cluster = on_everything(serving(bundle()))
    cluster.fail(403, method="GET", path="/namespaces/mesh/endpointslices")
    found = inspect(cluster, bundle())
    assert found["blockers"] == []
    assert found["permissions"]["unreadable"] == []


def test_a_webhook_that_also_rejects_reviews_is_reported_once() -> None:
    cluster = rejecting(on_everything(serving(bundle())), GONE, 500)
    found = inspect(cluster, bundle())
    assert [finding["code"] for finding in found["blockers"]] == ["admission_unanswered"]
