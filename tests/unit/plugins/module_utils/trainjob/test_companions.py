# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import ApiError
from ansible_collections.conductor.trainer.plugins.module_utils.trainjob.companions import Companions
from ansible_collections.conductor.trainer.plugins.module_utils.trainjob.definition import (
    API_VERSION,
    MADE_FOR,
    submission_of,
)
from tests.unit.plugins.helpers.builders import bundle, crd, installed, key, obj, train_job
from tests.unit.plugins.helpers.fakes import FakeCluster

TEAM = key("Namespace", "team")
RUNTIME = key("TrainingRuntime", "own", API_VERSION, "team")
JOB = train_job("mnist", "team", "")
NAMESPACE = obj("Namespace", "team")
OWN = obj("TrainingRuntime", "own", API_VERSION, "team", spec={"a": 1})


@pytest.fixture
def cluster() -> FakeCluster:
    fake = installed(bundle())
    fake.put(crd("trainingruntimes", "TrainingRuntime"))
    return fake


def companions(cluster: FakeCluster, *items: dict[str, Any]) -> Companions:
    return Companions(cluster, submission_of([JOB, *items]).companions)


def test_what_is_not_there_is_made_once(cluster: FakeCluster) -> None:
    first = companions(cluster, OWN, NAMESPACE)
    first.make()
    assert first.made == ["Namespace team", "TrainingRuntime team/own"]
    second = companions(cluster, OWN, NAMESPACE)
    count = len(cluster.writes)
    second.make()
    assert (second.made, len(cluster.writes)) == ([], count)


def test_what_is_otherwise_is_changed(cluster: FakeCluster) -> None:
    companions(cluster, OWN, NAMESPACE).make()
    other = companions(cluster, {**OWN, "spec": {"a": 2}}, NAMESPACE)
    other.make()
    assert other.made == ["TrainingRuntime team/own"]
    assert cluster.objects[RUNTIME]["spec"] == {"a": 2}


def test_what_was_there_never_becomes_ours(cluster: FakeCluster) -> None:
    cluster.put(NAMESPACE, "kubectl")
    cluster.put(OWN, "kubectl")
    mine = companions(cluster, {**OWN, "spec": {"a": 2}}, NAMESPACE)
    mine.make()
    assert mine.made == ["TrainingRuntime team/own"]
    assert MADE_FOR not in (cluster.objects[RUNTIME]["metadata"].get("labels") or {})
    assert [mine.deletable(batch, set()) for batch in mine.to_delete()] == [([], []), ([], [])]
    # Nor objects that were created for another job.
    cluster.objects[RUNTIME]["metadata"]["labels"] = {MADE_FOR: "other"}
    companions(cluster, {**OWN, "spec": {"a": 3}}).make()
    assert cluster.objects[RUNTIME]["metadata"]["labels"] == {MADE_FOR: "other"}


def test_what_was_made_for_the_job_goes_with_it_the_namespace_last(cluster: FakeCluster) -> None:
    mine = companions(cluster, OWN, NAMESPACE)
    mine.make()
    first, last = mine.to_delete()
    targets, kept = mine.deletable(first, set())
    assert ([str(target.key) for target in targets], kept) == (["TrainingRuntime team/own"], [])
    assert mine.deletable(last, set()) == (
        [],
        ["Namespace team: it contains trainingruntimes.trainer.kubeflow.org own"],
    )
    targets, kept = mine.deletable(last, {targets[0].uid})
    assert ([str(target.key) for target in targets], kept) == (["Namespace team"], [])
    # A user's pod runs there.
    cluster.put(obj("ConfigMap", "results", namespace="team"), "kubectl")
    assert "configmaps results" in mine.deletable(last, {"x"})[1][0]


def test_a_namespace_waits_for_what_the_garbage_collector_is_about_to_take(cluster: FakeCluster) -> None:
    seconds = iter(range(100))
    pauses: list[float] = []
    mine = Companions(
        cluster, submission_of([JOB, NAMESPACE]).companions, monotonic=lambda: next(seconds), sleep=pauses.append
    )
    mine.make()
    orphan = obj("ConfigMap", "late", namespace="team")
    orphan["metadata"]["ownerReferences"] = [{"apiVersion": "batch/v1", "kind": "Job", "name": "j", "uid": "job"}]
    cluster.put(orphan, "kube-controller-manager")
    (batch,) = list(mine.to_delete())[1:]
    # Its deletion does not finish, so the namespace is retained at the end.
    assert "configmaps late" in mine.deletable(batch, set())[1][0]
    assert pauses
    before = len(pauses)

    def collect(_request: Any) -> None:
        if len(pauses) > before:
            cluster.objects.pop(key("ConfigMap", "late", namespace="team"), None)

    cluster.hooks.append(collect)
    targets, kept = mine.deletable(batch, set())
    assert ([str(target.key) for target in targets], kept, len(pauses)) == (["Namespace team"], [], before + 1)


def test_a_namespace_of_an_earlier_run_that_is_going_is_waited_for(cluster: FakeCluster) -> None:
    mine = companions(cluster, NAMESPACE)
    mine.make()
    stored = cluster.objects[TEAM]
    stored["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    cluster.streams["namespaces"] = [[{"type": "DELETED", "object": stored}]]
    looks = []

    def hook(request: Any) -> None:
        # It still exists at the first read and is gone in the list before the wait.
        if request.path == "/api/v1/namespaces":
            looks.append(cluster.objects.pop(TEAM, None))

    cluster.hooks.append(hook)
    again = companions(cluster, NAMESPACE)
    again.make()
    cluster.released.set()
    assert (again.made, len(looks)) == (["Namespace team"], 1)
    assert "deletionTimestamp" not in cluster.objects[TEAM]["metadata"]


@pytest.mark.parametrize(
    ("there", "asked"),
    [
        # No dry runs are possible in a missing namespace, nor of a TrainJob whose runtime is missing.
        ([], ["Namespace"]),
        ([NAMESPACE], ["Namespace", "TrainingRuntime"]),
        ([NAMESPACE, OWN], ["Namespace", "TrainingRuntime", "TrainJob"]),
    ],
)
def test_check_mode_asks_as_far_as_it_can(cluster: FakeCluster, there: list[dict[str, Any]], asked: list[str]) -> None:
    for item in there:
        cluster.put(item)
    companions(cluster, OWN, NAMESPACE).predict(JOB)
    assert cluster.writes == []
    assert [request.body["kind"] for request in cluster.requests if request.body] == asked


def test_a_field_of_another_manager_is_a_conflict_with_a_way_out(cluster: FakeCluster) -> None:
    cluster.put(NAMESPACE)
    cluster.fail(409, path="/trainingruntimes/", reason="Conflict")
    with pytest.raises(ApiError, match="no") as caught:
        companions(cluster, OWN).make()
    assert "remove the object from the definition" in str(caught.value)
