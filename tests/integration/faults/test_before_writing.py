# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known before the first write: nothing is written then."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.faults.faults import NAMESPACE, Faults
from tests.integration.faults.old_server import old_server

IDENTITY = "system:serviceaccount:default:{}"


def token_for(faults: Faults, name: str, rules: list[dict[str, Any]], folder: Path) -> dict[str, Any]:
    """The role variables of a service account with these rights on the whole cluster."""
    kubectl = faults.cluster.kubectl
    subject = {"kind": "ServiceAccount", "name": name, "namespace": "default"}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": f"test-{name}"}
    rbac = "rbac.authorization.k8s.io/v1"
    for manifest in (
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": "default"}},
        {"apiVersion": rbac, "kind": "ClusterRole", "metadata": {"name": f"test-{name}"}, "rules": rules},
        {
            "apiVersion": rbac,
            "kind": "ClusterRoleBinding",
            "metadata": {"name": f"test-{name}"},
            "roleRef": role,
            "subjects": [subject],
        },
    ):
        kubectl("apply", "-f", "-", stdin=json.dumps(manifest))
    config = json.loads(kubectl("config", "view", "--raw", "--minify", "-o", "json"))["clusters"][0]["cluster"]
    authority = folder / "ca.pem"
    authority.write_bytes(base64.b64decode(config["certificate-authority-data"]))
    return {
        "conductor_kubeconfig": "",
        "conductor_context": "",
        "conductor_host": config["server"],
        "conductor_ca_cert": str(authority),
        "conductor_api_key": kubectl("create", "token", name, "-n", "default").strip(),
    }


def rule(verbs: list[str], groups: str = "*", resources: str = "*") -> dict[str, Any]:
    return {"apiGroups": [groups], "resources": [resources], "verbs": verbs}


@pytest.mark.parametrize(
    ("name", "rules", "missing"),
    [
        (
            "nobody",
            [],
            # To read and to write, of the first phase and of the last.
            [
                "missing permissions:",
                "list customresourcedefinitions.apiextensions.k8s.io",
                "get configmaps conductor-install-record in namespace kubeflow-system",
                "create, patch customresourcedefinitions.apiextensions.k8s.io",
                "create, patch deployments.apps in namespace kubeflow-system",
                "create, patch clustertrainingruntimes.trainer.kubeflow.org",
            ],
        ),
        pytest.param(
            "reader",
            [rule(["get", "list", "watch"])],
            # To write, and to grant what the controllers need.
            [
                "missing permissions:",
                "escalate clusterroles.rbac.authorization.k8s.io",
                "create, patch customresourcedefinitions.apiextensions.k8s.io",
                "create, patch deployments.apps in namespace kubeflow-system",
                "create, patch clustertrainingruntimes.trainer.kubeflow.org",
            ],
            marks=pytest.mark.evidence,
        ),
    ],
)
def test_a_token_without_rights(
    empty: Faults, tmp_path: Path, name: str, rules: list[dict[str, Any]], missing: list[str]
) -> None:
    began = empty.cluster.now()
    empty.fails(*missing, **token_for(empty, name, rules, tmp_path))
    assert empty.cluster.writes_since(began, IDENTITY.format(name)) == []


def test_an_old_kubernetes(empty: Faults) -> None:
    with old_server(empty.cluster, "v1.30.14") as url:
        began = empty.cluster.now()
        empty.fails(
            "Kubernetes is 1.30.14",
            "upgrade the cluster",
            conductor_kubeconfig="",
            conductor_context="",
            conductor_host=url,
            # The way to the server has credentials of its own.
            conductor_api_key="not-read",
            conductor_validate_certs=False,
        )
        assert empty.cluster.writes_since(began) == []


def test_a_quota_without_room_and_a_cordoned_node(empty: Faults) -> None:
    """Both are said at once, and the namespace that was there is as it was."""
    kubectl = empty.cluster.kubectl
    node = f"{empty.cluster.name}-control-plane"
    kubectl("create", "namespace", NAMESPACE)
    kubectl("create", "quota", "none", "-n", NAMESPACE, "--hard=pods=0")
    empty.until(
        "the quota is counted",
        lambda: "used" in empty.cluster.get("quota", "none", "-n", NAMESPACE)["status"],
    )
    kubectl("cordon", node)
    began = empty.cluster.now()
    empty.fails(
        "preflight: install blocked, nothing was written:",
        "no_schedulable_node, Nodes: none of the 1 nodes accepts the controllers' pods: cordoned",
        "quota_exceeded, ResourceQuota none: the controllers' pods exceed the quota",
        "uncordon a node",
        "raise the quota",
    )
    kubectl("uncordon", node)
    assert [write for write in empty.cluster.writes_since(began) if NAMESPACE in write["uri"]] == []
    kubectl("delete", "quota", "none", "-n", NAMESPACE)
    empty.heals()


@pytest.mark.evidence
def test_a_node_that_may_come(empty: Faults) -> None:
    """Where the cluster autoscaler tells of itself, a lack of room is for the wait."""
    kubectl = empty.cluster.kubectl
    node = f"{empty.cluster.name}-control-plane"
    kubectl("create", "configmap", "cluster-autoscaler-status", "-n", "kube-system")
    kubectl("cordon", node)
    try:
        empty.waits("not ready after 8 s", "unschedulable", conductor_wait_timeout=8)
    finally:
        kubectl("uncordon", node)
        kubectl("delete", "configmap", "cluster-autoscaler-status", "-n", "kube-system")
    empty.heals()


@pytest.mark.evidence
def test_a_namespace_that_is_terminating(installed: Faults) -> None:
    kubectl = installed.cluster.kubectl
    held = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "held", "namespace": NAMESPACE, "finalizers": ["example.com/hold"]},
    }
    kubectl("create", "-f", "-", stdin=json.dumps(held))
    kubectl("delete", "namespace", NAMESPACE, "--wait=false")
    installed.end_pods()

    def says_why() -> bool:
        conditions = installed.cluster.get("namespace", NAMESPACE)["status"].get("conditions", [])
        return any(
            entry["type"] == "NamespaceFinalizersRemaining" and entry["status"] == "True" for entry in conditions
        )

    installed.until("the namespace says what holds it", says_why)
    began = installed.cluster.now()
    installed.fails(
        f"terminating, Namespace {NAMESPACE}: it is Terminating",
        "example.com/hold",
        "wait until the Terminating object is gone",
    )
    assert installed.cluster.writes_since(began) == []
    kubectl("patch", "configmap", "held", "-n", NAMESPACE, "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    installed.until("the namespace is gone", lambda: not installed.exists("namespace", NAMESPACE))
    installed.heals()


def test_a_crd_that_is_terminating(installed: Faults) -> None:
    kubectl = installed.cluster.kubectl
    name = "trainingruntimes.trainer.kubeflow.org"
    held = {
        "apiVersion": "trainer.kubeflow.org/v1alpha1",
        "kind": "TrainingRuntime",
        "metadata": {
            "name": "held",
            "namespace": "default",
            "labels": {"trainer.kubeflow.org/framework": "torch"},
            "finalizers": ["example.com/hold"],
        },
        "spec": installed.cluster.get("clustertrainingruntime", "torch-distributed")["spec"],
    }
    kubectl("create", "-f", "-", stdin=json.dumps(held))
    kubectl("delete", "crd", name, "--wait=false")
    began = installed.cluster.now()
    installed.fails(
        f"terminating, CustomResourceDefinition {name}: it is Terminating", "wait until the Terminating object is gone"
    )
    assert installed.cluster.writes_since(began) == []
    kubectl("patch", "trainingruntime", "held", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    installed.until("the CRD is gone", lambda: not installed.exists("crd", name))
    installed.heals()
