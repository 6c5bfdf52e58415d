# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster on which people worked: check mode says what a run puts back, and what it would not touch."""

from __future__ import annotations

import json
from pathlib import Path

from tests.integration.stories.runs import RECORD, assert_quiet, predict_and_do, run
from tests.support.real_cluster import RealCluster

SYSTEM = "kubeflow-system"
JOBSET = ("deployment", "jobset-controller-manager", "--namespace", SYSTEM)
CONFIG = ("configmap", "kubeflow-trainer-public", "--namespace", SYSTEM)
FRAMEWORK = "trainer.kubeflow.org/framework"
CREATOR = "app.kubernetes.io/created-by"
# Long enough not to occur anywhere by chance.
SECRET = "c2VjcmV0LW9mLXRoaXMtdGVzdA=="  # noqa: S105 - of nothing


def patch(cluster: RealCluster, *what: str, **fields: object) -> None:
    """Edits an object the way kubectl patch does."""
    cluster.kubectl("patch", *what, "--type=merge", "--patch", json.dumps(fields))


def test_what_nobody_claims_is_put_back(installed: RealCluster, tmp_path: Path) -> None:
    """Deleted objects, removed labels, fields set back; what others added stays."""
    cluster = installed
    cluster.kubectl("delete", "clustertrainingruntime", "torch-distributed")
    cluster.kubectl("delete", "clusterrolebinding", "jobset-metrics-reader-rolebinding")
    cluster.kubectl("label", "clustertrainingruntime", "jax-distributed", f"{FRAMEWORK}-")
    # Edited and set back: every field is as it was, but one of them is no longer ours alone.
    patch(cluster, "clustertrainingruntime", "mpi-distributed", metadata={"labels": {FRAMEWORK: "other"}})
    patch(cluster, "clustertrainingruntime", "mpi-distributed", metadata={"labels": {FRAMEWORK: "mpi"}})
    # A Secret in which the controller keeps its key loses a label.
    secret = ("secret", "jobset-webhook-server-cert", "--namespace", SYSTEM)
    cluster.kubectl("label", *secret, "app.kubernetes.io/name-")
    patch(cluster, *secret, data={"marker": SECRET})
    # Another manager's own field, by server-side apply, is nobody's business.
    mine = {
        "apiVersion": "trainer.kubeflow.org/v1alpha1",
        "kind": "ClusterTrainingRuntime",
        "metadata": {"name": "mlx-distributed", "labels": {"team": "blue"}},
    }
    cluster.kubectl("apply", "--server-side", "--field-manager=team", "--filename=-", stdin=json.dumps(mine))
    predicted, done = predict_and_do(cluster, tmp_path, "trainer_operator")
    assert predicted.operator["actions"] == {
        "create": ["ClusterRoleBinding jobset-metrics-reader-rolebinding", "ClusterTrainingRuntime torch-distributed"],
        "update": [
            "ClusterTrainingRuntime jax-distributed",
            "ClusterTrainingRuntime mpi-distributed",
            "Secret kubeflow-system/jobset-webhook-server-cert",
        ],
    }
    assert done.written == done.meant
    diff = predicted.operator["diff"]
    after = [
        "ClusterRoleBinding jobset-metrics-reader-rolebinding: created",
        f"ClusterTrainingRuntime jax-distributed: metadata.labels.{FRAMEWORK} = jax",
        "ClusterTrainingRuntime mpi-distributed: fields owned by Conductor = ",
        "ClusterTrainingRuntime torch-distributed: created",
        "Secret kubeflow-system/jobset-webhook-server-cert: metadata.labels.app.kubernetes.io/name = jobset",
    ]
    lines = diff["after"].splitlines()
    assert [line.rstrip("0123456789") for line in lines] == after
    # Only one of the five is a field that was there before.
    assert len(diff["before"].splitlines()) == 1
    assert done.operator["diff"] == diff
    assert SECRET not in predicted.played.output + done.played.output
    assert cluster.get("clustertrainingruntime", "mlx-distributed")["metadata"]["labels"]["team"] == "blue"


def test_what_somebody_claims_is_a_conflict_until_it_is_forced(installed: RealCluster, tmp_path: Path) -> None:
    """Edits by kubectl label and patch, and by another manager that forced its way. Scaling is none."""
    cluster = installed
    cluster.kubectl("scale", *JOBSET, "--replicas=2")
    cluster.kubectl("label", *JOBSET, f"{CREATOR}=theirs", "--overwrite")
    refused = run(cluster, tmp_path, ["trainer_operator"], "--check")
    for words in ("Deployment kubeflow-system/jobset-controller-manager", CREATOR, "Next:"):
        assert words in refused.played.text
    assert (refused.played.code, refused.written) == (2, [])
    in_earnest = run(cluster, tmp_path, ["trainer_operator"])
    assert in_earnest.played.code == 2
    assert in_earnest.operator["msg"] == refused.operator["msg"]

    patch(cluster, *CONFIG, data={"kubeflow_trainer_version": "edited"})
    theirs = {
        "apiVersion": "trainer.kubeflow.org/v1alpha1",
        "kind": "ClusterTrainingRuntime",
        "metadata": {"name": "mlx-distributed", "labels": {FRAMEWORK: "theirs"}},
    }
    taken = ("apply", "--server-side", "--field-manager=team", "--force-conflicts", "--filename=-")
    cluster.kubectl(*taken, stdin=json.dumps(theirs))
    # The role passes the switch on, waits and proves.
    # That an edited ConfigMap names another release is a warning, here a known one.
    known = {"conductor_force_conflicts": True, "conductor_accept": ["release_inconsistent"]}
    predicted, done = predict_and_do(cluster, tmp_path, "install", variables=known)
    assert predicted.operator["actions"] == {
        "update": [
            "ClusterTrainingRuntime mlx-distributed",
            "ConfigMap kubeflow-system/kubeflow-trainer-public",
            "Deployment kubeflow-system/jobset-controller-manager",
        ]
    }
    assert [path for path in done.written if not path.endswith("/status")] == done.meant
    after = predicted.operator["diff"]["after"]
    for line in (
        f"ClusterTrainingRuntime mlx-distributed: metadata.labels.{FRAMEWORK} = mlx",
        f"Deployment kubeflow-system/jobset-controller-manager: metadata.labels.{CREATOR} = jobset",
    ):
        assert line in after
    assert done.operator["diff"] == predicted.operator["diff"]
    assert "managedFields" not in after
    assert "status" not in after
    assert "replicas" not in after


def test_a_deleted_namespace_and_crd_are_predicted(installed: RealCluster, tmp_path: Path) -> None:
    cluster = installed
    cluster.kubectl("delete", "namespace", SYSTEM)
    cluster.kubectl("delete", "crd", "clustertrainingruntimes.trainer.kubeflow.org")
    predicted, done = predict_and_do(cluster, tmp_path, "install")
    created = predicted.operator["actions"].pop("create")
    assert predicted.operator["actions"] == {}
    within = {name for name in created if f" {SYSTEM}/" in name or name.startswith("ClusterTrainingRuntime ")}
    assert set(created) - within == {
        f"Namespace {SYSTEM}",
        "CustomResourceDefinition clustertrainingruntimes.trainer.kubeflow.org",
    }
    assert set(predicted.operator["predicted"]) == within
    # The record was in the namespace: what is still there is applied again, without effect.
    assert set(done.meant) <= set(done.written)


def test_without_its_record_a_run_writes_only_that(installed: RealCluster, tmp_path: Path) -> None:
    cluster = installed
    cluster.kubectl("delete", "configmap", "conductor-install-record", "--namespace", SYSTEM)
    # The objects are as the release has them: nothing to complain of.
    assert_quiet(run(cluster, tmp_path, ["verify"]))
    predicted, _done = predict_and_do(cluster, tmp_path, "install")
    assert (predicted.operator["actions"], predicted.meant) == ({}, [RECORD])
    assert "45 unchanged, install record to update" in predicted.played.text
    assert_quiet(run(cluster, tmp_path, ["install"]))
