# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every story four times: in check mode, in earnest, again, and again in check mode.

Check mode says what the run then does, and only the run writes: exactly the objects it names. The second run changes
nothing and writes nothing. Nothing warns.
"""

from __future__ import annotations

from pathlib import Path

from tests.integration.stories.runs import path_of_name, tell
from tests.support.real_cluster import RealCluster

# All stories there are; a unit test holds them against the modules and playbooks.
INSTALL = "install"
READING = (
    "preflight",
    "status",
    "images",
    "verify",
    "wait_for_controllers",
    "cluster_training_runtime_info",
    "trainer_operator_info",
)
CHANGING = "trainer_operator"
TRAINJOB = "trainjob"
UNINSTALL = "uninstall"

JOBS = "/apis/trainer.kubeflow.org/v1alpha1"
RUNTIMES = f"{JOBS}/clustertrainingruntimes/"


def test_install_on_a_fresh_cluster(cluster: RealCluster, tmp_path: Path) -> None:
    predicted, done = tell(cluster, tmp_path, INSTALL)
    assert list(predicted.operator["actions"]) == ["create"]
    # Beside the objects, the certificates' pods are touched so that the kubelet mounts them at once.
    assert [path for path in done.written if not path.endswith("/status")] == done.meant == predicted.meant
    unasked = [path_of_name(name) for name in predicted.operator["predicted"]]
    assert {
        path for path in predicted.meant if "/namespaces/kubeflow-system/" in path or path.startswith(RUNTIMES)
    } == {
        *unasked,
        *(path for path in predicted.meant if path.endswith("/conductor-install-record")),
    }
    count = len(predicted.operator["actions"]["create"])
    assert f"{count} to create, {len(unasked)} of these not checked by the server" in predicted.played.text
    left_out = "Skipped in check mode, because nothing was applied: wait"
    assert left_out in predicted.played.text
    lines = predicted.operator["diff"]["after"].splitlines()
    assert (len(lines), sum(line.endswith("(predicted)") for line in lines)) == (count, len(unasked))
    assert predicted.operator["diff"]["before"] == ""


def test_what_only_reads(installed: RealCluster, tmp_path: Path) -> None:
    predicted, done = tell(installed, tmp_path, *READING)
    assert (done.changed, done.written) == (0, [])
    assert len(predicted.results) == len(done.results)


def test_trainer_operator(installed: RealCluster, tmp_path: Path) -> None:
    installed.kubectl("delete", "clustertrainingruntime", "torch-distributed", "jax-distributed")
    predicted, done = tell(installed, tmp_path, CHANGING)
    names = ["ClusterTrainingRuntime jax-distributed", "ClusterTrainingRuntime torch-distributed"]
    assert predicted.operator["actions"] == {"create": names}
    # Their CRD is there, so the server was asked.
    assert predicted.operator["predicted"] == []
    assert done.written == done.meant


def test_trainjob(installed: RealCluster, tmp_path: Path) -> None:
    predicted, done = tell(installed, tmp_path, TRAINJOB)
    assert predicted.written == []
    assert done.written == ["/api/v1/namespaces/story", f"{JOBS}/namespaces/story/trainjobs"]
    (result,) = (entry["result"] for entry in done.results)
    assert [pod["exit_code"] for pod in result["pods"]] == [0, 0]
    installed.kubectl("delete", "namespace", "story")


def test_uninstall(installed: RealCluster, tmp_path: Path) -> None:
    predicted, done = tell(installed, tmp_path, UNINSTALL)
    assert list(predicted.operator["actions"]) == ["delete"]
    assert predicted.operator["actions"] == done.operator["actions"]
    assert predicted.operator["retained"] == done.operator["retained"]
    # One delete for each object, and the namespaces take the install record with them.
    deleted = done.operator["actions"]["delete"]
    assert done.written == sorted(path_of_name(name) for name in deleted if not name.startswith("Lease "))
    lines = predicted.operator["diff"]["before"].splitlines()
    assert lines == predicted.operator["actions"]["delete"]
    assert predicted.operator["diff"]["after"] == ""
    assert "conductor-install-record" not in str(installed.get("configmaps", "--all-namespaces"))
