# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster in memory with the real release and with user objects."""

from __future__ import annotations

from typing import Any

from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import Key
from ansible_collections.conductor.trainer.plugins.module_utils.remove.model import Removal, Switches
from ansible_collections.conductor.trainer.plugins.module_utils.remove.observe import look
from ansible_collections.conductor.trainer.plugins.module_utils.remove.plan import make_removal
from tests.unit.plugins.helpers.builders import identified, obj
from tests.unit.plugins.helpers.fakes import FakeCluster
from tests.unit.plugins.helpers.installing import ensure_present
from tests.unit.plugins.helpers.states import release

HOME = "kubeflow-system"
TRAINER, JOBSET = "trainer.kubeflow.org/v1alpha1", "jobset.x-k8s.io/v1alpha2"
FINALIZER = "trainer.kubeflow.org/resource-in-use"
TORCH = Key(TRAINER, "ClusterTrainingRuntime", "", "torch-distributed")
RECORD = Key("v1", "ConfigMap", HOME, "conductor-install-record")
MANAGER = Key("apps/v1", "Deployment", HOME, "kubeflow-trainer-controller-manager")
JOBSET_MANAGER = Key("apps/v1", "Deployment", HOME, "jobset-controller-manager")
LEASE = Key("coordination.k8s.io/v1", "Lease", HOME, "trainer.kubeflow.org")
JOBSET_LEASE = Key("coordination.k8s.io/v1", "Lease", HOME, "6d4f6a47.jobset.x-k8s.io")
CRDS = tuple(
    Key("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", name)
    for name in release().names("CustomResourceDefinition")
)


def cluster(*, alive: bool = True) -> FakeCluster:
    """Return a cluster with the release as Conductor installed it, with or without running controllers."""
    found = identified(FakeCluster())
    ensure_present(found, release(), jobset="bundled")
    for key in (MANAGER, JOBSET_MANAGER):
        found.objects[key]["status"] = {"readyReplicas": int(alive)}
    for key in (LEASE, JOBSET_LEASE):
        found.put(obj("Lease", key.name, key.api_version, key.namespace), "manager", "Update")
    found.requests.clear()
    return found


def put_job(found: FakeCluster, name: str = "j", *, ending: str = "", runtime: str = TORCH.name) -> Key:
    """Create a TrainJob of a user."""
    status = {"conditions": [{"type": ending, "status": "True"}]} if ending else {}
    job = obj("TrainJob", name, TRAINER, "team-a", spec={"runtimeRef": {"name": runtime}}, status=status)
    found.put(job, "kubectl")
    return Key(TRAINER, "TrainJob", "team-a", name)


def put_set(found: FakeCluster, name: str = "s", *, owned: bool = False, ending: str = "") -> Key:
    """Create a JobSet, of a TrainJob or of a user."""
    status = {"conditions": [{"type": ending, "status": "True"}]} if ending else {}
    owners: dict[str, Any] = {"ownerReferences": [{"kind": "TrainJob", "uid": "x"}]} if owned else {}
    found.put(obj("JobSet", name, JOBSET, "team-a", metadata=owners, status=status), "kubectl")
    return Key(JOBSET, "JobSet", "team-a", name)


def put_runtime(found: FakeCluster, name: str = "own", *, held: bool = False, namespace: str = "") -> Key:
    """Create a runtime of a user."""
    kind = "TrainingRuntime" if namespace else "ClusterTrainingRuntime"
    metadata: dict[str, Any] = {"finalizers": [FINALIZER]} if held else {}
    found.put(obj(kind, name, TRAINER, namespace, metadata=metadata), "kubectl")
    return Key(TRAINER, kind, namespace, name)


def hold(found: FakeCluster, key: Key, *finalizers: str) -> None:
    """Add finalizers to an object; by default Trainer's."""
    found.objects[key]["metadata"]["finalizers"] = list(finalizers or [FINALIZER])


def lose_record(found: FakeCluster) -> None:
    """Delete the install record."""
    del found.objects[RECORD]


def planned(found: FakeCluster, *, user_data: bool = False, abandon: bool = False, crds: bool = False) -> Removal:
    """Return the plan for a cluster."""
    return make_removal(release(), look(found, release()), Switches(user_data, abandon, crds))


def stages(removal: Removal) -> list[str]:
    """Return the names of the stages, in order."""
    return [name for name, _targets in removal.stages]


def going(removal: Removal, stage: str) -> list[Key]:
    """Return the objects that a stage deletes."""
    return [target.key for name, targets in removal.stages if name == stage for target in targets]


def said(removal: Removal) -> list[str]:
    """Return the sentences of the blockers."""
    return [text for text, _next_step in removal.blockers]
