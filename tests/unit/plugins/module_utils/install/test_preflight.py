# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import (
    ConductorError,
    InputError,
    RefusedError,
    RightsError,
)
from ansible_collections.conductor.trainer.plugins.module_utils.findings.catalogue import BY_CODE
from ansible_collections.conductor.trainer.plugins.module_utils.install.preflight import merged
from ansible_collections.conductor.trainer.plugins.module_utils.objects.line import Line, about_object
from ansible_collections.conductor.trainer.plugins.module_utils.plan.plan import Blocker
from tests.unit.plugins.helpers.builders import (
    CONFIG,
    DEPLOYMENT,
    NAMESPACE,
    RECORD,
    VALIDATOR,
    bundle,
    crd,
    obj,
    webhooks,
)
from tests.unit.plugins.helpers.fakes import FakeCluster
from tests.unit.plugins.helpers.installing import ensure_present

QUOTA = obj("ResourceQuota", "none", namespace=NAMESPACE, spec={"hard": {"pods": "0"}}, status={"used": {"pods": "0"}})
DENIED = obj("NetworkPolicy", "deny", "networking.k8s.io/v1", NAMESPACE, spec={"podSelector": {}})
ALL_BUT_GRANTING = [
    {"verbs": ["get", "list", "create", "patch"], "apiGroups": ["*"], "resources": ["*"]},
    {"verbs": ["watch"], "apiGroups": ["coordination.k8s.io"], "resources": ["leases"]},
]


def refused(cluster: FakeCluster, **options: Any) -> ConductorError:
    """Return the error of an install that must not write."""
    with pytest.raises(ConductorError) as caught:
        ensure_present(cluster, bundle(), **options)
    assert cluster.writes == []
    return caught.value


def codes(error: ConductorError) -> list[str]:
    return [finding["code"] for finding in error.facts["blockers"]]


def asked(cluster: FakeCluster) -> bool:
    """Return whether the cluster was inspected, in addition to the reads of the plan."""
    return any("/nodes" in request.path for request in cluster.requests)


def test_all_blockers_are_reported_at_once() -> None:
    cluster = FakeCluster(version="v1.30.4")
    cluster.put(obj("Namespace", NAMESPACE), "kubectl")
    cluster.put(QUOTA, "kubectl")
    cluster.put(obj("ConfigMap", "config", namespace=NAMESPACE), "kubectl", "Update")
    cluster.rules = [{"verbs": ["get", "list", "create"], "apiGroups": ["*"], "resources": ["*"]}]
    error = refused(cluster)
    assert isinstance(error, RefusedError)
    assert sorted(set(codes(error))) == [
        "kubernetes_too_old",
        "permissions_missing",
        "quota_exceeded",
        "trainer_other_owner",
    ]
    lines = str(error).split("\n  ")
    assert lines[0] == "preflight: install blocked, nothing was written:"
    assert lines[1].startswith("kubernetes_too_old, API server: Kubernetes is 1.30.4, and Trainer 9.9.9 requires ")
    assert lines[2].startswith("quota_exceeded, ResourceQuota none: ")
    next_steps = str(error).partition("\nNext: ")[2].split("; ")
    assert len(set(next_steps)) == len(next_steps)
    assert any(step.startswith("raise the quota") for step in next_steps)
    assert len(error.facts["plan_blockers"]) == 2
    lines = error.facts["missing_permissions"]
    assert all("patch" in right or "leases" in right for right in lines)


@pytest.mark.parametrize("check", [True, False])
def test_check_mode_stops_where_the_run_would(check: bool) -> None:
    cluster = FakeCluster()
    cluster.put(obj("Namespace", NAMESPACE), "kubectl")
    cluster.put(QUOTA, "kubectl")
    error = refused(cluster, check=check)
    assert codes(error) == ["quota_exceeded"]
    assert "create" in error.facts["actions"]
    assert "plan_blockers" not in error.facts


def test_a_second_run_does_not_look() -> None:
    cluster = FakeCluster()
    ensure_present(cluster, bundle())
    cluster.put(obj("Namespace", NAMESPACE), "kubectl")
    cluster.put(QUOTA, "kubectl")
    cluster.requests.clear()
    result = ensure_present(cluster, bundle())
    assert (result["changed"], result["warnings_found"]) == (False, [])
    assert not asked(cluster)
    # The real release has 16 resource types; version and record come on top.
    assert len(cluster.requests) <= 18


def test_warnings_do_not_stop_and_may_be_accepted() -> None:
    for accept, told in ([], ["default_deny"]), (["default_deny"], []):
        cluster = FakeCluster()
        cluster.put(obj("Namespace", NAMESPACE), "kubectl")
        cluster.put(DENIED, "kubectl")
        result = ensure_present(cluster, bundle(), accept=accept)
        assert result["changed"] is True
        assert [finding["code"] for finding in result["warnings_found"]] == told


def test_what_may_be_accepted_is_judged_before_anything_is_asked() -> None:
    cluster = FakeCluster()
    with pytest.raises(InputError):
        ensure_present(cluster, bundle(), accept=["quota_exceeded"])
    assert cluster.requests == []


def test_an_install_that_was_cut_off_is_completed_without_a_word() -> None:
    cluster = FakeCluster()
    ensure_present(cluster, bundle(), phases=["foundation", "access"])
    result = ensure_present(cluster, bundle())
    assert (result["changed"], result["warnings_found"]) == (True, [])


def test_only_the_permissions_for_the_planned_writes_are_checked() -> None:
    cluster = FakeCluster()
    ensure_present(cluster, bundle())
    del cluster.objects[DEPLOYMENT]
    write = {"verbs": ["create", "patch"], "apiGroups": ["", "apps"], "resources": ["configmaps", "deployments"]}
    hold = {"verbs": ["create", "patch", "watch"], "apiGroups": ["coordination.k8s.io"], "resources": ["leases"]}
    cluster.rules = [{"verbs": ["get", "list"], "apiGroups": ["*"], "resources": ["*"]}, write, hold]
    assert ensure_present(cluster, bundle())["actions"] == {"create": ["Deployment ops/manager"]}


def test_only_rights_that_are_missing_are_an_error_of_rights() -> None:
    cluster = FakeCluster()
    cluster.rules = [{"verbs": ["get", "list"], "apiGroups": ["*"], "resources": ["*"]}]
    error = refused(cluster)
    assert isinstance(error, RightsError)
    assert set(codes(error)) == {"permissions_missing"}
    assert len(codes(error)) == len(error.facts["missing_permissions"])
    assert str(error).startswith("check permissions before the first write: missing permissions:")


ROLE = obj(
    "ClusterRole",
    "manager",
    "rbac.authorization.k8s.io/v1",
    rules=[{"apiGroups": [""], "resources": ["secrets"], "verbs": ["watch"]}],
)


def with_role() -> Any:
    phases = bundle().phases
    objects = {phase.name: list(phase.objects) for phase in phases}
    objects["access"].append(ROLE)
    return bundle(phases=[{"name": name, "objects": items} for name, items in objects.items()])


def test_a_role_that_may_not_be_granted_stops_only_who_writes_it() -> None:
    cluster, release = FakeCluster(), with_role()
    cluster.rules = ALL_BUT_GRANTING
    with pytest.raises(RightsError) as caught:
        ensure_present(cluster, release)
    assert [line for line in caught.value.facts["missing_permissions"] if "clusterroles" in line]
    assert cluster.writes == []
    cluster.rules = [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]
    ensure_present(cluster, release)
    cluster.rules = ALL_BUT_GRANTING
    del cluster.objects[CONFIG], cluster.objects[VALIDATOR]
    assert ensure_present(cluster, release)["actions"] == {
        "create": ["ConfigMap ops/config", "ValidatingWebhookConfiguration validator"]
    }


def test_a_failure_to_look_is_a_failure() -> None:
    cluster = FakeCluster()
    cluster.fail(500, method="GET", path="/nodes", message="etcd is away")
    assert "etcd is away" in str(refused(cluster))


def test_blockers_of_the_plan_are_reported_even_then() -> None:
    cluster = FakeCluster(version="v1.30.4")
    cluster.fail(500, method="GET", path="/nodes", message="etcd is away")
    assert codes(refused(cluster)) == ["kubernetes_too_old"]


def test_a_terminating_object_is_said_once_with_the_servers_words() -> None:
    cluster = FakeCluster()
    ensure_present(cluster, bundle())
    held = cluster.objects[next(key for key in cluster.objects if key.name.startswith("trainjobs."))]
    held["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    held["status"] = {"conditions": [{"type": "Terminating", "status": "True", "message": "a/b is held"}]}
    cluster.requests.clear()
    error = refused(cluster)
    assert codes(error) == ["terminating"]
    assert str(error).count("Terminating") == 2  # in the line, and in what to do
    assert "a/b is held" in str(error)


def test_webhooks_of_other_owners_are_reported_with_their_owner() -> None:
    cluster = FakeCluster()
    cluster.put(crd("jobsets", "JobSet", group="jobset.x-k8s.io"), "helm", "Update")
    cluster.put(webhooks("jobset-validating", "hook", ["jobset.x-k8s.io"], namespace="jobset-system"), "helm", "Update")
    release = bundle()
    error = refused(cluster)
    assert release.names("CustomResourceDefinition")
    assert codes(error) == ["jobset_split"]


HELM, ARGO = frozenset({("owner", "helm", "x")}), frozenset({("owner", "argocd", "x")})
FOREIGN = {
    "code": "trainer_other_owner",
    "object": "Trainer",
    "cause": Line("managed by Helm release x", about=HELM),
    "next_step": "r",
}
GONE = {
    "code": "terminating",
    "object": "Deployment manager",
    "cause": Line("is being deleted", about=about_object("manager")),
    "next_step": "wait",
}


@pytest.mark.parametrize(
    ("blockers", "reason", "expected"),
    [
        (
            [FOREIGN],
            Blocker("", "l", "trainer_other_owner", "Service ops/a", "installed by ...", HELM),
            [("trainer_other_owner", "Trainer (Service ops/a)", FOREIGN["cause"])],
        ),
        (
            [FOREIGN],
            Blocker("", "l", "trainer_other_owner", "Service ops/a", "installed by Argo CD", ARGO),
            [
                ("trainer_other_owner", "Trainer", FOREIGN["cause"]),
                ("trainer_other_owner", "Service ops/a", "installed by Argo CD"),
            ],
        ),
        (
            [GONE],
            Blocker("", "l", "terminating", "Deployment ops/manager", "it is Terminating", about_object("manager")),
            [("terminating", "Deployment ops/manager", "it is Terminating")],
        ),
        (
            [GONE],
            Blocker("", "l", "terminating", "Secret ops/x", "it is Terminating", about_object("x")),
            [
                ("terminating", "Deployment manager", "is being deleted"),
                ("terminating", "Secret ops/x", "it is Terminating"),
            ],
        ),
    ],
)
def test_what_both_say_is_said_once(
    blockers: list[dict[str, str]], reason: Blocker, expected: list[tuple[str, str, str]]
) -> None:
    before = [dict(finding) for finding in blockers]
    found = merged(blockers, [reason])
    assert [(finding["code"], finding["object"], finding["cause"]) for finding in found] == expected
    assert all(finding["code"] in BY_CODE and finding["next_step"] for finding in found)
    assert blockers == before


def test_whether_both_say_the_same_does_not_hang_on_their_words() -> None:
    reworded = {**FOREIGN, "cause": Line("Someone else runs it.", about=HELM)}
    reason = Blocker("", "l", "trainer_other_owner", "Service ops/a", "Another tool owns it.", HELM)
    assert [finding["object"] for finding in merged([reworded], [reason])] == ["Trainer (Service ops/a)"]
    # Plain words, without the typed facts for the comparison.
    assert len(merged([{**FOREIGN, "cause": str(FOREIGN["cause"])}], [reason._replace(cause="Helm release x")])) == 2


def test_the_record_is_no_reason_to_look() -> None:
    cluster = FakeCluster()
    ensure_present(cluster, bundle())
    del cluster.objects[RECORD]
    cluster.put(DENIED, "kubectl")
    # Objects that are applied again because no record knows them count as writes.
    assert [finding["code"] for finding in ensure_present(cluster, bundle())["warnings_found"]] == ["default_deny"]
