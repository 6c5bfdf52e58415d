# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pull proof against a real API server: admission, permissions and garbage collection are real, the node is not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import NotReadyError, RightsError
from ansible_collections.conductor.trainer.plugins.module_utils.install import pull_proof
from ansible_collections.conductor.trainer.plugins.module_utils.install.pull_proof import PullProof
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle
from ansible_collections.conductor.trainer.plugins.module_utils.remove.absent import ensure_absent
from tests.support.control_plane import ControlPlane
from tests.support.fake_kubelet import NODE, add_node, ending_pods, pulling_pods
from tests.support.rbac_examples import hand_out
from tests.unit.plugins.helpers.installing import ensure_present

HOME = "kubeflow-system"
DENIED = {"reason": "ErrImagePull", "message": "failed to authorize: 401 Unauthorized"}


def proof_pods(plane: ControlPlane) -> list[dict[str, Any]]:
    """Those that nobody has deleted: how long a kubelet takes to end them is its own business."""
    pods = plane.get("pods", f"--namespace={HOME}", "-l", "conductor.trainer/pull-proof")["items"]
    return [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]


def give(plane: ControlPlane, *manifests: dict[str, Any]) -> None:
    plane.kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": list(manifests)}))


def test_a_namespace_with_rules_takes_the_pods(plane: ControlPlane, bundle: Bundle) -> None:
    """Pod Security, a quota, and a LimitRange that allows no less than the controllers request."""
    plane.kubectl("create", "namespace", HOME)
    plane.kubectl("label", "namespace", HOME, "pod-security.kubernetes.io/enforce=restricted")
    quota = {"hard": {"requests.cpu": "10", "requests.memory": "10Gi", "pods": "4"}}
    limits = {"limits": [{"type": "Container", "min": {"cpu": "100m", "memory": "128Mi"}}]}
    give(
        plane,
        {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "a", "namespace": HOME}, "spec": quota},
        {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "b", "namespace": HOME}, "spec": limits},
    )
    plane.settle()
    add_node(plane)
    with pulling_pods(plane) as pods:
        result = ensure_present(plane.client(), bundle, pull_proof="controllers")
    assert [(row["node"], row["architecture"], row["outcome"]) for row in result["pull_proof"]] == [
        (NODE, "amd64", "available"),
        (NODE, "amd64", "available"),
    ]
    assert {pod["spec"]["serviceAccountName"] for pod in pods} == {
        "jobset-controller-manager",
        "kubeflow-trainer-controller-manager",
    }
    assert [pod["spec"].get("volumes", []) for pod in pods] == [[], []]
    assert proof_pods(plane) == []
    mark = plane.now()
    assert not ensure_present(plane.client(), bundle, pull_proof="controllers")["changed"]
    assert plane.writes_since(mark) == []


def test_the_images_of_runtimes(plane: ControlPlane, bundle: Bundle) -> None:
    add_node(plane)
    with pulling_pods(plane):
        result = ensure_present(plane.client(), bundle, pull_proof="all")
    rows = {row["image"]: row["needed_by"] for row in result["pull_proof"]}
    assert len(rows) == len(result["pull_proof"]) == 11
    assert sorted(rows["ghcr.io/kubeflow/trainer/torchtune-trainer:v2.3.0"]) == [
        f"ClusterTrainingRuntime torchtune-{model}" for model in ("llama3.2-1b", "llama3.2-3b", "qwen2.5-1.5b")
    ]


def test_a_denied_pull_stops_the_install_before_its_crds(plane: ControlPlane, bundle: Bundle) -> None:
    add_node(plane)
    with pulling_pods(plane, {"trainer-controller-manager": DENIED}), pytest.raises(NotReadyError) as caught:
        ensure_present(plane.client(), bundle, pull_proof="controllers")
    assert "the registry denies the node access to its image" in str(caught.value)
    assert "no controller was changed" in str(caught.value)
    assert {line.partition(" ")[0] for line in caught.value.facts["written"]} == {"Namespace", "ServiceAccount"}
    assert plane.get("crds")["items"] == []
    assert proof_pods(plane) == []
    # The registry is repaired.
    with pulling_pods(plane):
        result = ensure_present(plane.client(), bundle, pull_proof="controllers")
    assert {row["outcome"] for row in result["pull_proof"]} == {"available"}


@pytest.mark.parametrize("given", [True, False], ids=["namespace of others", "namespace of the install"])
def test_an_uninstall_takes_what_a_killed_run_left(
    plane: ControlPlane, bundle: Bundle, monkeypatch: pytest.MonkeyPatch, given: bool
) -> None:
    if given:
        plane.kubectl("create", "namespace", HOME)
    monkeypatch.setattr(PullProof, "_delete", lambda proof, keys: None)
    with pulling_pods(plane):
        ensure_present(plane.client(), bundle, pull_proof="controllers")
    monkeypatch.undo()
    assert len(proof_pods(plane)) == 2
    with ending_pods(plane):
        result = ensure_absent(plane.client(), bundle, remove_crds=True)
        # The garbage collector is at work.
        plane.settle()
    left = [item["metadata"]["name"] for item in plane.get("namespaces")["items"]]
    assert (HOME in left) is given
    assert [line for line in result["retained"] if "not empty" in line] == []
    assert not given or proof_pods(plane) == []


def test_the_next_proof_takes_them_as_well(
    plane: ControlPlane, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PullProof, "_delete", lambda proof, keys: None)
    with pulling_pods(plane, {"jobset": {"reason": "ErrImageNeverPull"}}), pytest.raises(NotReadyError):
        ensure_present(plane.client(), bundle, pull_proof="controllers")
    monkeypatch.undo()
    assert len(proof_pods(plane)) == 2
    with pulling_pods(plane):
        ensure_present(plane.client(), bundle, pull_proof="controllers")
        plane.settle()
    assert proof_pods(plane) == []


def test_the_permissions_of_the_example_are_enough_and_needed(plane: ControlPlane, bundle: Bundle) -> None:
    user = plane.service_account(*hand_out(plane, "install"))
    plane.await_right(user.user, "create", "leases", HOME, "coordination.k8s.io", "")
    mark = plane.now()
    with pytest.raises(RightsError) as caught:
        ensure_present(user.client(), bundle, pull_proof="controllers")
    assert caught.value.facts["missing_permissions"] == [f"create pods in namespace {HOME}"]
    assert plane.writes_since(mark) == []
    hand_out(plane, "pull-proof")
    plane.await_right(user.user, "create", "pods", HOME, "", "")
    with pulling_pods(plane):
        result = ensure_present(user.client(), bundle, pull_proof="controllers")
    assert len(result["pull_proof"]) == 2
    assert proof_pods(plane) == []


def test_a_pod_that_never_gets_a_node(plane: ControlPlane, bundle: Bundle) -> None:
    with pytest.raises(NotReadyError) as caught:
        ensure_present(plane.client(), bundle, pull_proof="controllers", pull_proof_timeout=2)
    assert "not on a node after 2 s" in str(caught.value)
    assert "`conductor_node_selector`" in (caught.value.next_step or "")
    assert proof_pods(plane) == []
    assert caught.value.step == pull_proof.STEP
