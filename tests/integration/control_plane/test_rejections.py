# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a real API server rejects, in its own words: webhooks, policies, limits, quotas, names, fields."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.failures import failure_signs
from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.limit_ranges import with_limit_range
from ansible_collections.conductor.trainer.plugins.module_utils.errors import ApiError, RefusedError
from ansible_collections.conductor.trainer.plugins.module_utils.inspection.inspect import inspect
from ansible_collections.conductor.trainer.plugins.module_utils.rejections.rejection import Rejection, rejection_of
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle
from ansible_collections.conductor.trainer.plugins.module_utils.remove.absent import ensure_absent
from tests.integration.control_plane.test_control_plane import make
from tests.support.control_plane import ControlPlane
from tests.unit.plugins.helpers.installing import ensure_present

TEAM = "team"
ADMISSION = "admissionregistration.k8s.io/v1"
Change = Callable[[dict[str, Any]], None]


def pod(**spec: Any) -> dict[str, Any]:
    container = {"name": "node", "image": "registry.invalid/x", **spec.pop("container", {})}
    metadata = {"name": "x", "namespace": TEAM}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container], **spec}}


def job(name: str = "x", **spec: Any) -> dict[str, Any]:
    template = {"spec": {**pod(**spec)["spec"], "restartPolicy": "Never"}}
    metadata = {"name": name, "namespace": TEAM}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {"template": template}}


def in_team(kind: str, api_version: str = "v1", **spec: Any) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "tight", "namespace": TEAM}, "spec": spec}


def policy(expression: str, **more: Any) -> list[dict[str, Any]]:
    rule = {"apiGroups": [""], "apiVersions": ["*"], "operations": ["CREATE"], "resources": ["pods"]}
    return [
        {
            "apiVersion": ADMISSION,
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": "labels"},
            "spec": {
                "failurePolicy": "Fail",
                "matchConstraints": {"resourceRules": [rule]},
                "validations": [{"expression": expression, "message": "needs a team"}],
                **more,
            },
        },
        {
            "apiVersion": ADMISSION,
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": "everything"},
            "spec": {"policyName": "labels", "validationActions": ["Deny"]},
        },
    ]


def webhook(resources: list[str], **client: Any) -> dict[str, Any]:
    """A webhook on everything, or on some resources, whose Service does not exist."""
    service = {"namespace": "mesh", "name": "mesh", "path": "/inject"}
    rule = {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": resources}
    return {
        "apiVersion": ADMISSION,
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": "mesh-injector", "annotations": {"meta.helm.sh/release-name": "mesh"}},
        "webhooks": [
            {
                "name": "inject.example.io",
                "clientConfig": client or {"service": service},
                "rules": [rule],
                "sideEffects": "None",
                "admissionReviewVersions": ["v1"],
                "failurePolicy": "Fail",
                "timeoutSeconds": 1,
            }
        ],
    }


@pytest.fixture
def team(plane: ControlPlane) -> ControlPlane:
    """The control plane with a namespace that has its default ServiceAccount."""
    make(plane, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": TEAM}})
    plane.kubectl("wait", "--for=create", "serviceaccount/default", f"--namespace={TEAM}", "--timeout=30s")
    return plane


def rejected(
    plane: ControlPlane, manifest: dict[str, Any], *, by: str = "", kind: str = ""
) -> tuple[Rejection, ApiError]:
    """Send a dry run until it is rejected: the server learns of policies and limits a moment later.

    Args:
        by: words that the message must have.
        kind: what it must be; a rejection by a policy that was just deleted is another one.
    """
    deadline = time.monotonic() + 30
    while True:
        try:
            plane.client().dry_run_create(manifest, step="submit")
        except ApiError as error:
            found = rejection_of(error.message, error.status, error.reason)
            is_late = time.monotonic() > deadline
            if is_late or (by in error.message and kind in ("", found.kind)):
                return found, error
        assert time.monotonic() < deadline, "it is not rejected"


# What is applied before, what is sent then, the words that show that the server knows it, the kind and the next step.
@pytest.mark.parametrize(
    ("before", "manifest", "by", "kind", "next_step"),
    [
        ([webhook(["pods"])], pod(), "inject", "webhook_unanswered", "repair Service mesh/mesh"),
        (
            [webhook(["pods"], url="https://127.0.0.1:1/inject")],
            pod(),
            "inject",
            "webhook_unanswered",
            "repair the server https://127.0.0.1:1",
        ),
        (policy("false"), pod(), "labels", "validating_policy", "ValidatingAdmissionPolicyBinding everything"),
        (
            policy("object.metadata.labels.team == 'x'"),
            pod(),
            "labels",
            "validating_policy_broken",
            "correct the ValidatingAdmissionPolicy labels",
        ),
        (
            policy("true", paramKind={"apiVersion": "example.io/v1", "kind": "Missing"}),
            pod(),
            "labels",
            "validating_policy_broken",
            "correct the ValidatingAdmissionPolicy labels",
        ),
        (
            [in_team("LimitRange", limits=[{"type": "Container", "max": {"cpu": "100m"}}])],
            pod(container={"resources": {"limits": {"cpu": "1"}}}),
            "cpu",
            "limit_range",
            "set cpu within the maximum of 100m",
        ),
        (
            [in_team("LimitRange", limits=[{"type": "Pod", "min": {"memory": "1Gi"}}])],
            pod(container={"resources": {"requests": {"memory": "64Mi"}}}),
            "memory",
            "limit_range",
            "set memory within the minimum of 1Gi",
        ),
        (
            [in_team("LimitRange", limits=[{"type": "Container", "maxLimitRequestRatio": {"cpu": "2"}}])],
            pod(container={"resources": {"limits": {"cpu": "1"}, "requests": {"cpu": "100m"}}}),
            "ratio",
            "limit_range_ratio",
            "ratio of at most 2",
        ),
        (
            [in_team("ResourceQuota", hard={"pods": "0"})],
            pod(),
            "exceeded",
            "quota_exceeded",
            "-n team describe resourcequota tight",
        ),
        (
            [in_team("ResourceQuota", hard={"limits.cpu": "1"})],
            pod(),
            "must specify",
            "quota_unspecified",
            "set limits.cpu on every container, or create a LimitRange with default values in the namespace team",
        ),
        ([], pod(serviceAccountName="nobody"), "", "service_account_missing", "create the ServiceAccount nobody"),
        ([], pod(priorityClassName="nothing"), "", "priority_class_missing", "create the PriorityClass nothing"),
        ([], pod(runtimeClassName="nothing"), "", "runtime_class_missing", "create the RuntimeClass nothing"),
        ([], {**pod(), "spec": {"containers": [], "nope": 1}}, "", "field_unknown", "the field spec.nope"),
        ([], pod(restartPolicy="Sometimes"), "", "value_unsupported", "set spec.restartPolicy to one of"),
        ([], {**pod(), "metadata": {"name": "No_Name", "namespace": TEAM}}, "", "name_invalid", "lower-case letters"),
        (
            [],
            {**pod(), "metadata": {"name": "x", "namespace": "nowhere"}},
            "",
            "namespace_missing",
            "namespace nowhere",
        ),
        ([], pod(hostNetwork="yes"), "", "undecodable", "correct the type"),
        (
            [],
            job(container={"resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}}),
            "",
            "requests_above_limits",
            "set the request of cpu to at most its limit",
        ),
        (
            [],
            {**job(), "metadata": {"name": "x", "namespace": TEAM, "annotations": {"a": "x" * 300_000}}},
            "",
            "value_too_long",
            "shorten metadata.annotations",
        ),
        (
            [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": TEAM}}],
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": TEAM}},
            "",
            "already_exists",
            "use another name",
        ),
    ],
)
def test_what_is_rejected(
    team: ControlPlane,
    before: list[dict[str, Any]],
    manifest: dict[str, Any],
    by: str,
    kind: str,
    next_step: str,
) -> None:
    if before:
        make(team, *before)
    try:
        found, error = rejected(team, manifest, by=by, kind=kind)
    finally:
        # What comes next must not be rejected by it.
        team.kubectl("delete", "validatingadmissionpolicies,mutatingwebhookconfigurations", "--all")
    assert (found.kind, next_step in str(error.next_step)) == (kind, True), f"{error.message}\n{error.next_step}"


def test_pod_security(plane: ControlPlane) -> None:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    make(plane, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": TEAM, "labels": labels}})
    plane.kubectl("wait", "--for=create", "serviceaccount/default", f"--namespace={TEAM}", "--timeout=30s")
    found, error = rejected(plane, pod(), by="PodSecurity")
    assert (found.kind, found.words["level"]) == ("pod_security", "restricted:latest")
    assert "lower the level of the namespace team" in str(error.next_step)


def test_a_missing_permission_is_no_rejection_by_admission(team: ControlPlane) -> None:
    nobody = team.service_account(TEAM, "default")
    with pytest.raises(ApiError) as caught:
        nobody.client().dry_run_create(pod())
    found = rejection_of(caught.value.message, 403, caught.value.reason)
    assert (found.kind, found.words["verb"], found.words["resource"]) == ("permission", "create", "pods")
    assert "grant this permission" in str(caught.value.next_step)


def test_a_deployment_whose_pods_a_limit_range_rejects(team: ControlPlane) -> None:
    limit = in_team("LimitRange", limits=[{"type": "Container", "max": {"cpu": "100m"}}])
    limited = pod(container={"resources": {"limits": {"cpu": "1"}}})["spec"]
    labels = {"app": "x"}
    template = {"metadata": {"labels": labels}, "spec": limited}
    deployment = in_team("Deployment", "apps/v1", selector={"matchLabels": labels}, template=template)
    make(team, limit)
    rejected(team, {**pod(), "spec": limited}, by="maximum cpu")
    make(team, deployment)
    arguments = ("wait", "--for=condition=ReplicaFailure", "deployment/tight", f"--namespace={TEAM}", "--timeout=30s")
    team.kubectl(*arguments)
    live = team.client().get(f"/apis/apps/v1/namespaces/{TEAM}/deployments/tight")
    (sign,) = failure_signs(live, [])
    named = with_limit_range(team.client(), sign)
    assert named.signature.cause == "the LimitRange tight rejects its pods: maximum cpu per Container is 100m"
    assert "describe limitrange tight" in named.next_step


def test_a_webhook_of_others_on_everything(plane: ControlPlane, bundle: Bundle) -> None:
    """Nothing can be written, and no review of permissions is answered; everything is read, and the webhook named."""
    make(plane, webhook(["*/*"]))
    try:
        rejected(plane, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": "default"}})
        found = inspect(plane.client(), bundle)
        (finding,) = [entry for entry in found["blockers"] if entry["code"] == "admission_unanswered"]
        assert finding["object"] == "webhook configuration mesh-injector of Helm release mesh"
        assert "repair Service mesh/mesh" in finding["next_step"]
        mark = plane.now()
        with pytest.raises(RefusedError, match="admission_unanswered") as caught:
            ensure_present(plane.client(), bundle)
        assert "repair Service mesh/mesh" in str(caught.value.next_step)
        assert plane.writes_since(mark, plane.user) == []
    finally:
        plane.kubectl("delete", "mutatingwebhookconfigurations", "mesh-injector")


def test_an_uninstall_under_a_webhook_of_others(installed: ControlPlane, bundle: Bundle) -> None:
    make(installed, webhook(["*/*"]))
    try:
        rejected(
            installed, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": "default"}}
        )
        with pytest.raises(RefusedError, match="nothing was deleted") as caught:
            ensure_absent(installed.client(), bundle, timeout=5)
        assert "the webhook inject.example.io does not answer" in caught.value.message
        assert "repair Service mesh/mesh" in str(caught.value.next_step)
    finally:
        installed.kubectl("delete", "mutatingwebhookconfigurations", "mesh-injector")
