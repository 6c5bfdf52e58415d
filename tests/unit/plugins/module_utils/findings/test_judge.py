# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import re
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.cluster.access_reviews import Right
from ansible_collections.conductor.trainer.plugins.module_utils.findings.catalogue import CATALOGUE
from ansible_collections.conductor.trainer.plugins.module_utils.findings.cluster_rules import RULES as OF_CLUSTER
from ansible_collections.conductor.trainer.plugins.module_utils.findings.entry import CatalogueEntry
from ansible_collections.conductor.trainer.plugins.module_utils.findings.jobset_rules import RULES as OF_JOBSET
from ansible_collections.conductor.trainer.plugins.module_utils.findings.judge import judge
from ansible_collections.conductor.trainer.plugins.module_utils.findings.rules import Rules
from ansible_collections.conductor.trainer.plugins.module_utils.findings.trainer_rules import RULES as OF_INSTALLED
from ansible_collections.conductor.trainer.plugins.module_utils.inspection.inspect import facts_of
from ansible_collections.conductor.trainer.plugins.module_utils.inspection.reads import Readings
from ansible_collections.conductor.trainer.plugins.module_utils.objects.line import Line
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import RESOURCES
from ansible_collections.conductor.trainer.plugins.module_utils.options.layers import with_options
from ansible_collections.conductor.trainer.plugins.module_utils.ownership.record import Record, record_manifest
from ansible_collections.conductor.trainer.plugins.module_utils.rejections.rejection import rejection_of
from tests.unit.plugins.helpers.states import (
    EVERYTHING,
    HOME,
    NODE,
    crds,
    deployments,
    empty,
    installed,
    jobset_controller,
    page,
    release,
    webhooks,
)

HELM: dict[str, Any] = {"annotations": {"meta.helm.sh/release-name": "trainer"}}
UPSTREAM: dict[str, Any] = {"labels": {}}
OURS: dict[str, Any] = {"labels": {"conductor.trainer/managed": "true"}}
GONE = (
    'Internal error occurred: failed calling webhook "inject.example.io": failed to call webhook: Post '
    '"https://mesh.mesh.svc:443/x?timeout=10s": service "mesh" not found'
)
POLICY = "ValidatingAdmissionPolicy 'labels' with binding 'all' denied request: needs a team"
DYING = {"deletionTimestamp": "2026-01-01T00:00:00Z"}
RECORD = record_manifest(Record(release="2.3.0", profile="default", bundle=release().sha256), HOME)
READ_ONLY = {"resourceRules": [{"verbs": ["get", "list"], "apiGroups": ["*"], "resources": ["*"]}]}
# Everything except granting: the permissions of an administrator without escalate and bind.
NO_GRANTS = {
    "resourceRules": [{"verbs": ["get", "list", "watch", "create", "patch"], "apiGroups": ["*"], "resources": ["*"]}]
}

# Sufficient for an install, without optional permissions: no subresources, no deletions.
NO_HELP: dict[str, Any] = {
    "resourceRules": [
        {
            "verbs": ["get", "list", "watch", "create", "patch", "escalate", "bind"],
            "apiGroups": [group],
            "resources": sorted({resource.plural for resource in RESOURCES.values() if resource.group == group}),
        }
        for group in sorted({resource.group for resource in RESOURCES.values()})
    ]
}


def image(items: list[dict[str, Any]], which: int, value: str) -> list[dict[str, Any]]:
    """Return the Deployments, one of them with another image."""
    items[which]["spec"]["template"]["spec"]["containers"][0]["image"] = value
    return items


def index(name: str) -> int:
    return next(number for number, item in enumerate(deployments()) if name in item["metadata"]["name"])


def machine(status: Any = None, **changes: Any) -> dict[str, Any]:
    return {**NODE, "status": {**NODE["status"], **(status or {})}, **changes}


def external(version: str = "v0.12.0", *, serving: bool = True) -> dict[str, Any]:
    """Return readings with JobSet in another namespace and without Trainer."""
    controller = image([jobset_controller("jobset-system", **HELM)], 0, f"x/jobset:{version}")
    if not serving:
        controller[0]["status"] = {}

    def hooks(kind: str) -> Any:
        return page(
            item for item in webhooks(kind, home="jobset-system") if item["metadata"]["name"].startswith("jobset")
        )

    nothing: dict[str, Any] = {name: {} for name in crds()}
    return {
        "crds": {**nothing, **{name: crd for name, crd in crds("helm", **HELM).items() if name.startswith("jobsets")}},
        "deployments": page(controller),
        "mutating": hooks("Mutating"),
        "validating": hooks("Validating"),
    }


def jobset_crd_only() -> dict[str, Any]:
    return {**external(), "deployments": page(), "mutating": page(), "validating": page()}


def runtime(name: str, **metadata: Any) -> Any:
    return page([{"metadata": {"name": name, "managedFields": [{"manager": "kubectl"}], **metadata}}])


def pod(cpu: str, **container: Any) -> dict[str, Any]:
    return {
        "spec": {"containers": [{"resources": {"requests": {"cpu": cpu}}, **container}]},
        "status": {"phase": "Running"},
    }


def quota(**hard: str) -> Any:
    names = {name.replace("__", "."): value for name, value in hard.items()}
    return page([{"metadata": {"name": "q"}, "spec": {"hard": names}}])


def by_chart(name: str = "") -> list[dict[str, Any]]:
    """Return the Deployments as a chart makes them: with selectors and perhaps a name of its own."""
    items = deployments("helm", **HELM)
    for item in items:
        item["spec"]["selector"] = {"matchLabels": {"app.kubernetes.io/instance": "trainer"}}
        if name and "jobset" in item["metadata"]["name"]:
            item["metadata"]["name"] = name
    return items


TIGHT = {"metadata": {"name": "tight"}, "spec": {"limits": [{"type": "Container", "max": {"cpu": "100m"}}]}}
STORED = {"metadata": {"name": "sh.helm.release.v1.trainer.v1", "labels": {"owner": "helm", "status": "deployed"}}}
STARTING = {"key": "node.cloudprovider.kubernetes.io/uninitialized", "effect": "NoSchedule"}
JOB = {"metadata": {"name": "a", "namespace": "n"}}
NO_CRDS: dict[str, Any] = {name: {} for name in crds()}
HALF = {name: item for name, item in crds().items() if name.startswith("trainjobs")}
ELSEWHERE: dict[str, Any] = {"home": "ml", "metadata": HELM, "manager": "helm"}

# Code to the readings, the requested JobSet, and the words that must occur in cause or next step.
CASES: dict[str, tuple[Any, str, str]] = {
    "kubernetes_too_old": (
        empty(version="1.31.14"),
        "bundled",
        "Kubernetes is 1.31.14, and Trainer 2.3.0 requires 1.32",
    ),
    "admission_unanswered": (
        empty(rejections=(rejection_of(GONE),)),
        "bundled",
        "repair Service mesh/mesh, which the webhook inject.example.io calls",
    ),
    "admission_rejects": (empty(rejections=(rejection_of(POLICY),)), "bundled", "the ValidatingAdmissionPolicy labels"),
    "kubernetes_untested": (empty(version="1.36.0"), "bundled", "tests Trainer 2.3.0 on 1.32 to 1.35 only"),
    "no_schedulable_node": (empty(nodes=page([machine(spec={"unschedulable": True})])), "bundled", "cordoned"),
    "no_supported_node": (
        empty(nodes=page([machine(status={"nodeInfo": {"architecture": "s390x"}})])),
        "bundled",
        "the nodes are s390x",
    ),
    "insufficient_capacity": (
        empty(pods={"node": page([pod("1900m")])}),
        "bundled",
        "request 0.6 CPU and 256Mi of memory, and no node has more than 0.1 CPU free",
    ),
    "host_ports_taken": (
        empty(pods={"node": page([pod("1m", ports=[{"hostPort": 9443}])])}),
        "bundled",
        "not enough nodes have the ports 10443/TCP, 8081/TCP,",
    ),
    "priority_class_missing": (empty(priority_classes={"gold": {}}), "bundled", "no PriorityClass gold"),
    "host_network_forbidden": (
        empty(namespace={"metadata": {"name": HOME, "labels": {"pod-security.kubernetes.io/enforce": "baseline"}}}),
        "bundled",
        "the Pod Security level baseline of the namespace forbids the host network",
    ),
    "trainer_other_owner": (
        installed("helm", metadata=HELM),
        "bundled",
        "Trainer 2.3.0 (complete) is managed by Helm release trainer",
    ),
    "trainer_other_namespace": (installed(**ELSEWHERE), "bundled", "runs in namespace ml"),
    "trainer_duplicate": (
        installed(deployments=page([*deployments(), *deployments(home="ml")])),
        "bundled",
        "namespaces kubeflow-system, ml",
    ),
    "trainer_newer": (
        installed(
            deployments=page(image(deployments(), index("trainer"), "x/trainer-controller-manager:v2.4.0")),
            public_config={},
        ),
        "bundled",
        "Trainer 2.4.0 is installed, which is newer than 2.3.0",
    ),
    "trainer_unknown": (
        empty(deployments=None, everywhere=False),
        "bundled",
        "it is unknown whether Trainer is installed",
    ),
    "trainer_takeover": (installed("kubectl", metadata=OURS), "bundled", "takes it over"),
    "trainer_other_release": (
        installed(
            "kubectl",
            metadata=UPSTREAM,
            deployments=page(image(deployments("kubectl"), index("trainer"), "x/trainer-controller-manager:v2.2.1")),
            public_config={},
        ),
        "bundled",
        "2.2.1 is managed by field manager kubectl; only release 2.3.0",
    ),
    "adopted_from_tool": (installed("helm", metadata=HELM), "bundled", "adopts it from Helm release trainer"),
    "helm_release_stored": (
        installed("helm", metadata=HELM, helm_releases={("ml", "trainer"): page([STORED])}),
        "bundled",
        "kubectl delete secrets,configmaps --namespace ml --selector owner=helm,name=trainer",
    ),
    "helm_release_unknown": (
        installed("helm", metadata=HELM, helm_releases={("ml", "trainer"): None}),
        "bundled",
        "grant the permission to list Secrets and ConfigMaps in this namespace",
    ),
    "immutable_field": (
        installed("helm", metadata=HELM, deployments=page(by_chart())),
        "bundled",
        "spec.selector is app.kubernetes.io/instance=trainer, the release has",
    ),
    "second_controller": (
        installed("helm", metadata=HELM, deployments=page(by_chart(name="jobset-controller"))),
        "bundled",
        "Deployment kubeflow-system/jobset-controller has another name",
    ),
    "trainer_incomplete": (empty(crds={**NO_CRDS, **HALF}), "bundled", "Deployment kubeflow-trainer"),
    "release_inconsistent": (
        installed(public_config={"data": {"kubeflow_trainer_version": "v2.2.0"}}),
        "bundled",
        "image: 2.3.0, public ConfigMap: 2.2.0",
    ),
    "terminating": (empty(namespace={"metadata": {"name": HOME, **DYING}}), "bundled", f"Namespace {HOME} is being"),
    "jobset_external": (
        empty(**external()),
        "bundled",
        "runs in namespace jobset-system and is managed by Helm release trainer",
    ),
    "jobset_other_owner": (
        installed("helm", metadata=HELM),
        "bundled",
        "namespace kubeflow-system is managed by Helm release trainer",
    ),
    "jobset_bundled": (installed(), "external", "namespace kubeflow-system, which is managed by Conductor"),
    "jobset_absent": (empty(), "external", "install JobSet 0.12.0"),
    "jobset_unhealthy": (empty(**external(serving=False)), "auto", "jobset-system is not ready"),
    "jobset_too_old": (empty(**external("v0.11.0")), "external", "requires JobSet 0.12.0 or newer"),
    "jobset_split": (empty(**{**external(), "deployments": page()}), "auto", "but no controller runs there"),
    "jobset_crd_only": (empty(**jobset_crd_only()), "auto", "without a controller (Helm release trainer, 0 JobSets)"),
    "jobset_unknown": (empty(mutating=None), "auto", "which JobSet is installed: some objects cannot be read"),
    "permissions_missing": (empty(rules=READ_ONLY, cluster_rules=READ_ONLY), "bundled", "may not create, patch"),
    "role_not_grantable": (empty(rules=NO_GRANTS, cluster_rules=NO_GRANTS), "bundled", "escalate clusterroles"),
    "repair_not_permitted": (
        installed(record=RECORD, rules=READ_ONLY, cluster_rules=READ_ONLY),
        "bundled",
        "could not repair it",
    ),
    "permissions_optional": (
        empty(rules=NO_HELP, cluster_rules=NO_HELP),
        "bundled",
        "patch pods/status in namespace kubeflow-system",
    ),
    "permissions_unknown": (empty(rules={"incomplete": True}), "bundled", "does not list"),
    "unreadable": (empty(denied=("list nodes",)), "bundled", "may not list nodes"),
    "certificate_invalid": (empty(), "bundled", "Secret ops/tls is not there"),
    "certificate_expiring": (empty(), "bundled", "expires in 9 days"),
    "quota_exceeded": (empty(quotas=quota(pods="1")), "bundled", "pods is limited to 1: 0 used, 2 more needed"),
    "quota_missing_resources": (
        empty(quotas=quota(limits__cpu="9")),
        "bundled",
        "a quota limits limits.cpu of container manager of Deployment",
    ),
    "quota_defaults_unknown": (
        empty(quotas=quota(limits__cpu="9"), limit_ranges=None),
        "bundled",
        "grant `list limitranges`",
    ),
    "limit_range": (
        empty(limit_ranges=page([TIGHT])),
        "bundled",
        "has a cpu request of 500m, and the maximum is 100m",
    ),
    "pull_secret_missing": (
        empty(pull_secrets={"mirror": page()}, namespace={"metadata": {"name": HOME}}),
        "bundled",
        f"kubectl create secret docker-registry --namespace {HOME} mirror",
    ),
    "pull_secret_expected": (
        empty(pull_secrets={"mirror": page()}, namespace={}),
        "bundled",
        f"its namespace {HOME} does not exist yet",
    ),
    "default_deny": (
        empty(policies=page([{"metadata": {"name": "deny"}, "spec": {"podSelector": {}}}])),
        "bundled",
        "NetworkPolicy deny blocks the API server's calls to the webhooks' port 9443",
    ),
    "istio_injection": (
        empty(
            namespace={"metadata": {"name": HOME, "labels": {"istio-injection": "enabled"}}},
            groups={"networking.istio.io": frozenset()},
        ),
        "bundled",
        "get an Istio sidecar",
    ),
    "kueue_mismatch": (
        empty(
            groups={"kueue.x-k8s.io": frozenset()},
            deployments=page(
                [{"spec": {"template": {"spec": {"containers": [{"image": "registry.k8s.io/kueue/kueue:v0.17.0"}]}}}}]
            ),
        ),
        "bundled",
        "Kueue 0.17.0 is built for Trainer 2.2",
    ),
    "training_operator": (empty(groups={"kubeflow.org": frozenset({"pytorchjobs"})}), "bundled", "Training Operator"),
    "runtime_other_owner": (installed(cluster_runtimes=runtime("mpi-distributed")), "bundled", "mpi-distributed"),
    "runtime_finalizers": (
        installed(runtimes=runtime("mine", finalizers=["trainer.kubeflow.org/resource-in-use"])),
        "bundled",
        "is set on mine",
    ),
    "jobs_unfinished": (
        installed(train_jobs=page([JOB], more=900)),
        "bundled",
        "at least 1 TrainJobs are unfinished (n/a)",
    ),
}


# Facts that further requests read.
CERTIFICATES = {
    "certificate_invalid": (
        "invalid_certificates",
        {"object": "Secret ops/tls", "problem": "Secret ops/tls is not there"},
    ),
    "certificate_expiring": ("expiring_certificates", {"object": "Secret ops/tls", "days_left": 9}),
}


# Code to the options of the bundle.
OPTIONS: dict[str, dict[str, Any]] = {
    "host_ports_taken": {"host_network": True},
    "host_network_forbidden": {"host_network": True},
}


def judged(
    readings: Any, mode: str, adopt: tuple[str, ...] = (), *, certificates: str = "", options: Any = None
) -> dict[str, list[dict[str, str]]]:
    if readings.pull_secrets:
        options = {"image_pull_secrets": ["mirror"]}
    facts = facts_of("https://c", with_options(release(), options or {}), readings, mode, adopt)
    if certificates in CERTIFICATES:
        place, found = CERTIFICATES[certificates]
        facts["wanted"][place].append(found)
    blockers, warnings = judge(facts)
    return {"blocker": blockers, "warning": warnings}


def test_every_code_has_a_case_and_occurs_once() -> None:
    codes = [entry.code for entry in CATALOGUE]
    assert sorted(codes) == sorted(CASES)
    assert len(set(codes)) == len(codes)


def test_every_code_has_one_rule() -> None:
    tables = (OF_CLUSTER, OF_INSTALLED, OF_JOBSET)
    assert set().union(*tables) == set(CASES)
    assert sum(map(len, tables)) == len(CASES)
    with pytest.raises(KeyError):
        Rules().entry("no_such_code")(lambda _facts: iter(()))
    assert all(tables)


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.code)
def test_each_finding_is_reported(entry: CatalogueEntry) -> None:
    readings, mode, words = CASES[entry.code]
    adopted = (
        "adopted_from_tool",
        "helm_release_stored",
        "helm_release_unknown",
        "immutable_field",
        "second_controller",
    )
    adopt = ("helm",) if entry.code in adopted else ()
    answer = judged(readings, mode, adopt, certificates=entry.code, options=OPTIONS.get(entry.code))
    found = [finding for finding in answer[entry.severity] if finding["code"] == entry.code]
    assert found
    assert all(set(finding) == {"code", "object", "cause", "next_step"} and all(finding.values()) for finding in found)
    text = " ".join(f"{finding['cause']} {finding['next_step']}" for finding in found)
    assert words in text
    # A mapping has a colon, a placeholder has none.
    assert not re.search(r"\{\w*\}", text)


@pytest.mark.parametrize(
    ("readings", "mode"),
    [
        (empty(), "bundled"),
        (empty(), "auto"),
        (empty(**external()), "external"),
        (empty(**external()), "auto"),
        (installed(), "bundled"),
        (installed(record=RECORD, train_jobs=page([JOB]), quotas=quota(pods="2")), "bundled"),
        (installed(record=RECORD, nodes=page([machine(spec={"unschedulable": True})])), "bundled"),
        # Starting nodes accept pods soon, and if all controllers run, no node is required.
        (empty(nodes=page([machine(status={"conditions": []})])), "bundled"),
        (empty(nodes=page([machine(spec={"taints": [STARTING]})])), "bundled"),
        (installed("kubectl", metadata=OURS, nodes=page([machine(spec={"unschedulable": True})])), "bundled"),
        (empty(version="1.32.0", namespace={"metadata": {"labels": {"istio-injection": "enabled"}}}), "auto"),
    ],
)
def test_a_good_cluster_has_no_blockers(readings: Any, mode: str) -> None:
    found = judged(readings, mode)
    assert found["blocker"] == []
    assert {finding["code"] for finding in found["warning"]} <= {
        "kubernetes_untested",
        "istio_injection",
        "trainer_takeover",
    }


@pytest.mark.parametrize(
    ("readings", "mode", "blockers"),
    [
        (installed("kubectl", metadata=UPSTREAM), "bundled", set()),
        (installed("kubectl", metadata=UPSTREAM), "external", {"jobset_bundled"}),
        (installed("kubectl", metadata=OURS), "bundled", set()),
        (installed("argocd-controller"), "bundled", {"trainer_other_owner", "jobset_other_owner"}),
        (installed(**ELSEWHERE), "bundled", {"trainer_other_owner", "trainer_other_namespace", "jobset_other_owner"}),
        # A CRD alone may be the rest of another JobSet.
        (empty(crds=crds("kubectl", **UPSTREAM)), "bundled", {"jobset_crd_only"}),
        (empty(crds=crds("helm", **HELM)), "bundled", {"trainer_other_owner", "jobset_crd_only"}),
        (empty(crds=crds()), "bundled", set()),  # our own install, interrupted
        (empty(crds=crds()), "external", {"jobset_absent"}),
        (empty(crds=crds(**DYING)), "bundled", {"terminating"}),
        (empty(**external()), "bundled", {"jobset_external"}),
        (empty(**external("v0.11.0", serving=False)), "auto", {"jobset_unhealthy", "jobset_too_old"}),
        (empty(version="1.29.0", nodes=page()), "bundled", {"kubernetes_too_old"}),
        (installed(record=RECORD, rules=READ_ONLY, cluster_rules=READ_ONLY), "bundled", set()),
        (installed(rules=EVERYTHING, cluster_rules={}), "bundled", {"permissions_missing", "role_not_grantable"}),
    ],
)
def test_all_blockers_at_once_and_no_others(readings: Any, mode: str, blockers: set[str]) -> None:
    assert {finding["code"] for finding in judged(readings, mode)["blocker"]} == blockers


@pytest.mark.parametrize("code", ["insufficient_capacity", "no_schedulable_node"])
def test_insufficient_capacity_is_no_blocker_if_nodes_may_be_added(code: str) -> None:
    readings, mode, _words = CASES[code]
    facts = facts_of("https://c", release(), readings, mode)
    for can_scale_up, found in (False, [code]), (True, []):
        facts["nodes"]["can_scale_up"] = can_scale_up
        assert [finding["code"] for finding in judge(facts)[0]] == found


def test_taken_ports_are_no_missing_capacity() -> None:
    readings, mode, _words = CASES["host_ports_taken"]
    found = judged(readings, mode, options=OPTIONS["host_ports_taken"])["blocker"]
    assert [finding["code"] for finding in found] == ["host_ports_taken"]


def test_a_controller_with_a_placement_of_its_own_is_named() -> None:
    tainted = empty(nodes=page([machine(spec={"taints": [{"key": "gpu", "effect": "NoSchedule"}]})]))
    picky = {"tolerations": [{"operator": "Exists"}], "jobset_controller": {"node_selector": {"pool": "system"}}}
    [finding] = judged(tainted, "bundled", options=picky)["blocker"]
    assert "accepts the pods of jobset-controller-manager: without the label pool=system" in finding["cause"]
    [finding] = judged(tainted, "bundled")["blocker"]
    assert "accepts the controllers' pods: taint gpu:NoSchedule" in finding["cause"]
    assert "[{key: gpu, operator: Exists}]" in finding["next_step"]


def test_an_adopted_tool_is_no_blocker() -> None:
    assert judged(installed("helm", metadata=HELM), "bundled", ("helm",))["blocker"] == []
    stays = judged(installed("helm", metadata=HELM), "bundled", ("flux", "other"))["blocker"]
    assert {finding["code"] for finding in stays} == {"trainer_other_owner", "jobset_other_owner"}


def test_an_incomplete_installation_of_another_owner_is_not_completed() -> None:
    found = judged(empty(crds=crds("helm", **HELM)), "bundled")
    assert "trainer_incomplete" not in {finding["code"] for finding in found["warning"]}


def test_webhooks_alone_do_not_make_a_namespace_the_home_of_trainer() -> None:
    remains = {
        kind: page(webhooks(kind.capitalize(), "kubectl", "gone", **UPSTREAM)) for kind in ("mutating", "validating")
    }
    assert "jobset_split" in {finding["code"] for finding in judged(empty(**remains), "bundled")["blocker"]}


def test_permissions_in_the_namespace_of_the_probes_count() -> None:
    nothing: dict[str, Any] = {"resourceRules": []}
    for probe_rules, missing in ((EVERYTHING, False), (None, True)):
        found = judged(empty(rules=EVERYTHING, cluster_rules=nothing, probe_rules=probe_rules), "bundled")
        causes = [finding["cause"] for finding in found["blocker"]]
        assert any("create pods in namespace conductor-probe" in cause for cause in causes) is missing


def test_a_missing_permission_is_reported_once() -> None:
    nothing: dict[str, Any] = {"resourceRules": []}
    denied = (
        "get customresourcedefinitions.apiextensions.k8s.io jobsets.jobset.x-k8s.io",
        "get namespaces kube-system",
        "get namespaces kubeflow-system",
        "list nodes",
        "list secrets in namespace kubeflow-system",
    )
    crds = "customresourcedefinitions"
    rights = (
        Right("get", "apiextensions.k8s.io", crds, "", "jobsets.jobset.x-k8s.io"),
        Right("get", "", "namespaces", "", "kube-system"),
        Right("get", "", "namespaces", "", "kubeflow-system"),
        Right("list", "", "nodes", "", ""),
        Right("list", "", "secrets", "kubeflow-system", ""),
    )
    lines = tuple(Line(words, about=[right]) for words, right in zip(denied, rights, strict=True))
    found = judged(empty(rules=nothing, cluster_rules=nothing, denied=lines), "bundled")
    causes = [finding["cause"] for findings in found.values() for finding in findings]
    for words in ("get customresourcedefinitions", "kube-system;", "list nodes", "list secrets in"):
        assert sum(words in cause for cause in causes) == 1, words
    assert not any("(for kube-system, kubeflow-system)" in cause for cause in causes)


def test_without_any_permission_the_result_is_small() -> None:
    denied = tuple(f"list some.resource.with.a.long.name{number} in namespace kubeflow-system" for number in range(25))
    readings = Readings(denied=denied, rules={}, cluster_rules={})
    facts = facts_of("https://c", release(), readings, "bundled")
    assert len(json.dumps([facts, judge(facts)])) < 34_000
