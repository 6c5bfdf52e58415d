# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import RefusedError, RightsError
from ansible_collections.conductor.trainer.plugins.module_utils.trainjob.definition import submission_of
from ansible_collections.conductor.trainer.plugins.module_utils.trainjob.preconditions import (
    pods_of,
    require_submittable,
)
from tests.unit.plugins.helpers.builders import bundle, installed, jobset_crd, obj, train_job
from tests.unit.plugins.helpers.fakes import FakeCluster
from tests.unit.plugins.helpers.pod_policies import CPU, container, limit, limit_range, pod, quota

TRAINER, JOBSET = "trainer.kubeflow.org/v1alpha1", "jobset.x-k8s.io/v1alpha2"
STEP = {"trainer.kubeflow.org/trainjob-ancestor-step": "trainer"}
TIGHT = limit_range(limit(max={"cpu": "100m"}), name="tight")
WANTS_LIMITS = quota({"limits.cpu": "4"})
DEFAULTS = limit_range(limit(default={"cpu": "1"}), name="defaults")


def replicated(name: str = "node", *, trainer: bool = True, **spec: Any) -> dict[str, Any]:
    metadata = {"labels": STEP} if trainer else {}
    inner = {**spec, "template": {"spec": pod(container("node", CPU))}}
    return {"name": name, "template": {"metadata": metadata, "spec": inner}}


def runtime(*jobs: dict[str, Any], kind: str = "ClusterTrainingRuntime", nodes: int = 1) -> dict[str, Any]:
    spec = {"mlPolicy": {"numNodes": nodes}, "template": {"spec": {"replicatedJobs": list(jobs) or [replicated()]}}}
    place = {"namespace": "team"} if kind == "TrainingRuntime" else {}
    return obj(kind, "torch", TRAINER, **place, spec=spec)


def job(**spec: Any) -> dict[str, Any]:
    made = train_job("mnist", "team", "")
    return {**made, "spec": {**made["spec"], **spec}}


def cluster_with(*objects: dict[str, Any]) -> FakeCluster:
    fake = installed(bundle())
    fake.put(obj("Namespace", "team"), "kubectl")
    fake.put(jobset_crd())
    fake.allows = lambda _attributes: True
    fake.objects = {key: item for key, item in fake.objects.items() if key.kind != "ClusterTrainingRuntime"}
    for item in objects:
        fake.put({**item, "metadata": {"namespace": "team", **item["metadata"]}} if _is_policy(item) else item)
    # Webhooks and admission are not part of the fake: it would accept every pod.
    fake.fail(403, method="POST", path="/pods")
    return fake


def _is_policy(item: dict[str, Any]) -> bool:
    return item["kind"] in ("LimitRange", "ResourceQuota")


SMALL = {"trainer": {"resourcesPerNode": {"requests": {"cpu": "50m"}, "limits": {"cpu": "50m"}}}}


@pytest.mark.parametrize(
    ("policies", "spec", "words"),
    [
        ((TIGHT,), {}, "LimitRange tight: container node of replicated job node has a cpu request of 500m"),
        ((TIGHT,), SMALL, ""),
        ((WANTS_LIMITS,), {}, "ResourceQuota q: it requires limits.cpu of container node of replicated job node"),
        ((WANTS_LIMITS,), SMALL, ""),
        ((WANTS_LIMITS, DEFAULTS), {}, ""),
        ((quota({"requests.cpu": "800m"}),), {"trainer": {"numNodes": 2}}, "requests.cpu is limited to 800m"),
        ((quota({"requests.cpu": "800m"}),), {"trainer": {"numNodes": 1}}, ""),
        # What others use now may be free later.
        (({**quota({"pods": "1"}), "status": {"hard": {"pods": "1"}, "used": {"pods": "1"}}},), {}, ""),
        # What the pods will be is not known before.
        ((TIGHT,), {"runtimePatches": [{"manager": "a"}]}, ""),
        ((TIGHT,), {"runtimeRef": {"name": "missing"}}, ""),
    ],
)
def test_policies_that_reject_the_pods(policies: tuple[Any, ...], spec: dict[str, Any], words: str) -> None:
    cluster = cluster_with(runtime(), *policies)
    submission = submission_of([job(**spec)])
    if not words:
        require_submittable(cluster, submission, follow=True)
        return
    with pytest.raises(RefusedError) as caught:
        require_submittable(cluster, submission, follow=True)
    assert words in caught.value.message
    assert "spec.trainer.resourcesPerNode" in str(caught.value.next_step)
    assert caught.value.facts["refusals"]


def test_the_runtime_of_the_definition_counts_before_that_of_the_cluster() -> None:
    own = runtime(kind="TrainingRuntime")
    submission = submission_of([own, job(runtimeRef={"name": "torch", "kind": "TrainingRuntime"})])
    with pytest.raises(RefusedError, match="LimitRange tight"):
        require_submittable(cluster_with(TIGHT), submission, follow=True)


def test_a_webhook_may_make_the_pods_admissible() -> None:
    cluster = cluster_with(runtime(), TIGHT)
    cluster.hooks.clear()
    require_submittable(cluster, submission_of([job()]), follow=True)


def test_pods_are_counted_by_nodes_and_parallelism() -> None:
    jobs = (replicated(), replicated("loader", trainer=False, parallelism=3), replicated("other", trainer=False))
    found = {pods.owner: pods.number for pods in pods_of(job(trainer={"numNodes": 4}), runtime(*jobs, nodes=2))}
    assert found == {"replicated job node": 4, "replicated job loader": 3, "replicated job other": 1}
    assert [pods.number for pods in pods_of(job(), runtime(nodes=2))] == [2]


@pytest.mark.parametrize("value", [None, 1, "x", [], {}, {"template": 1}, {"mlPolicy": [], "template": {"spec": 1}}])
def test_a_malformed_runtime_has_no_pods(value: Any) -> None:
    assert list(pods_of(job(), {"spec": value})) == []


@pytest.mark.parametrize("plural", ["pods", "jobsets", "trainjobs"])
def test_what_is_needed_to_follow_it_is_asked_for_before(plural: str) -> None:
    cluster = cluster_with(runtime())
    cluster.fail(403, method="GET", path=f"/{plural}")
    with pytest.raises(RightsError, match=rf"list {plural}\S* in namespace team"):
        require_submittable(cluster, submission_of([job()]), follow=True)
    assert cluster.writes == []
    require_submittable(cluster, submission_of([job()]), follow=False)


@pytest.mark.parametrize("plural", ["limitranges", "resourcequotas", "clustertrainingruntimes"])
def test_what_only_helps_may_be_unreadable(plural: str) -> None:
    cluster = cluster_with(runtime(), TIGHT, WANTS_LIMITS)
    for name in ("limitranges", "resourcequotas", plural):
        cluster.fail(403, method="GET", path=f"/{name}")
    require_submittable(cluster, submission_of([job()]), follow=True)


def test_the_name_of_a_job_set_is_taken() -> None:
    cluster = cluster_with(runtime(), obj("JobSet", "mnist", JOBSET, "team"), obj("JobSet", "other", JOBSET, "team"))
    with pytest.raises(RefusedError, match="the name is taken: JobSet team/mnist exists and was created by others"):
        require_submittable(cluster, submission_of([job()]), follow=True)
    owner = {"apiVersion": "x/v1", "kind": "Workflow", "name": "w", "uid": "u"}
    cluster = cluster_with(runtime(), obj("JobSet", "mnist", JOBSET, "team", metadata={"ownerReferences": [owner]}))
    with pytest.raises(RefusedError, match="belongs to Workflow w"):
        require_submittable(cluster, submission_of([job()]), follow=False)


@pytest.mark.parametrize(
    "metadata",
    [
        {"deletionTimestamp": "2026-01-01T00:00:00Z"},
        {"ownerReferences": [{"apiVersion": "x/v1", "kind": "TrainJob", "name": "mnist", "uid": "earlier"}]},
    ],
)
def test_the_job_set_of_an_earlier_trainjob_is_deleted_soon(metadata: dict[str, Any]) -> None:
    cluster = cluster_with(runtime(), obj("JobSet", "mnist", JOBSET, "team", metadata=metadata))
    require_submittable(cluster, submission_of([job()]), follow=True)
