# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import (
    ApiError,
    NotReadyError,
    RightsError,
    UnreachableError,
)
from ansible_collections.conductor.trainer.plugins.module_utils.install import apply
from ansible_collections.conductor.trainer.plugins.module_utils.install.apply import Applier, Outcome
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import Resource, key_of
from ansible_collections.conductor.trainer.plugins.module_utils.plan.plan import Action
from tests.unit.plugins.helpers.builders import crd, obj, runtime
from tests.unit.plugins.helpers.fakes import Clock, FakeCluster, Request, failure

WEBHOOK_AWAY = failure(500, "InternalError", 'failed calling webhook "validator": connection refused')


def action(manifest: dict[str, Any], phase: str = "access") -> Action:
    return Action("create", key_of(manifest), phase, "", manifest)


def roles(*names: str) -> list[Action]:
    return [action(obj("ClusterRole", name, "rbac.authorization.k8s.io/v1")) for name in names]


def applier(cluster: FakeCluster, clock: Clock, **more: Any) -> Applier:
    return Applier(cluster, monotonic=clock.monotonic, sleep=clock.sleep, **more)


def failing(cluster: FakeCluster, name: str, *errors: Exception) -> None:
    """The first applies of an object fail with these errors; later ones succeed."""
    left = list(errors)

    def hook(request: Request) -> dict[str, Any] | None:
        if request.method == "PATCH" and request.path.endswith(f"/{name}") and left:
            raise left.pop(0)
        return None

    cluster.hooks.append(hook)


def test_all_actions_are_applied_and_kept(clock: Clock) -> None:
    cluster = FakeCluster()
    worker = applier(cluster, clock)
    worker.apply_phase(roles("a", "b", "c"))
    worker.apply_phase([])
    assert {outcome.action.key.name for outcome in worker.outcomes} == {"a", "b", "c"}
    assert all(outcome.changed and outcome.metadata["uid"] for outcome in worker.outcomes)
    assert {request.query["force"] for request in cluster.writes} == {"false"}


def test_taking_over_fields_is_asked_of_the_server(clock: Clock) -> None:
    cluster = FakeCluster()
    applier(cluster, clock, force=True).apply_phase(roles("a"))
    assert [request.query["force"] for request in cluster.writes] == ["true"]


def test_as_many_at_once_as_there_are_connections(clock: Clock) -> None:
    cluster = FakeCluster(connections=4)
    # Passes only if four requests run at the same time.
    meeting = threading.Barrier(4)

    def hook(request: Request) -> None:
        meeting.wait(timeout=30)

    cluster.hooks.append(hook)
    worker = applier(cluster, clock)
    worker.apply_phase(roles(*"abcdefgh"))
    assert len(worker.outcomes) == 8


def test_a_phase_is_over_when_its_last_apply_is(clock: Clock) -> None:
    cluster = FakeCluster(connections=2)
    other_sent = threading.Event()

    def hook(request: Request) -> None:
        if request.path.endswith("/slow"):
            assert other_sent.wait(timeout=30)
        else:
            other_sent.set()

    cluster.hooks.append(hook)
    worker = applier(cluster, clock)
    worker.apply_phase(roles("slow", "quick"))
    assert {outcome.action.key.name for outcome in worker.outcomes} == {"slow", "quick"}


def test_an_apply_that_the_server_had_already_is_no_change() -> None:
    action = roles("a")[0]
    unchanged = Action(action.verb, action.key, action.phase, "", action.manifest, resource_version="7")
    assert not Outcome(unchanged, {"resourceVersion": "7"}).changed
    assert Outcome(unchanged, {"resourceVersion": "8"}).changed


def test_the_first_failure_stops_the_rest_and_keeps_the_outcomes(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    given_up = threading.Event()

    class Pool(ThreadPoolExecutor):
        def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
            given_up.set()
            super().shutdown(wait, cancel_futures=cancel_futures)

    def hook(request: Request) -> None:
        # The request after the failure has begun already; it finishes after the remaining ones are cancelled.
        if request.path.endswith("/c"):
            assert given_up.wait(timeout=30)

    monkeypatch.setattr(apply, "ThreadPoolExecutor", Pool)
    cluster = FakeCluster(connections=1)
    failing(cluster, "b", failure(422, "Invalid", "spec is wrong"))
    cluster.hooks.append(hook)
    worker = applier(cluster, clock)
    with pytest.raises(ApiError, match="spec is wrong"):
        worker.apply_phase(roles(*"abcdefgh"))
    assert {outcome.action.key.name for outcome in worker.outcomes} <= {"a", "c"}
    assert len(cluster.requests) <= 3
    assert worker.outcomes[0].action.key.name == "a"
    assert clock.pauses == []


def test_running_requests_finish_after_a_failure_and_count(clock: Clock) -> None:
    cluster = FakeCluster(connections=2)
    slow_sent = threading.Event()
    failed = threading.Event()

    def hook(request: Request) -> None:
        if request.path.endswith("/slow"):
            slow_sent.set()
            assert failed.wait(timeout=30)
        elif request.path.endswith("/bad"):
            assert slow_sent.wait(timeout=30)
            failed.set()
            raise failure(403, "Forbidden", "not you")

    cluster.hooks.append(hook)
    worker = applier(cluster, clock)
    with pytest.raises(ApiError, match="not you"):
        worker.apply_phase(roles("slow", "bad"))
    assert [outcome.action.key.name for outcome in worker.outcomes] == ["slow"]


@pytest.mark.parametrize(
    ("phase", "error", "patient"),
    [
        ("runtimes", failure(404, "NotFound", "no such resource"), True),
        ("access", failure(404, "NotFound", "no such resource"), False),
        ("foundation", failure(404, "NotFound", "no such resource"), False),
        ("runtimes", WEBHOOK_AWAY, True),
        ("access", WEBHOOK_AWAY, True),
        ("runtimes", failure(400, "", 'admission webhook "validator" denied the request'), False),
        ("runtimes", failure(409, "Conflict"), False),
        ("runtimes", UnreachableError("gone"), False),
        ("runtimes", RightsError("no"), False),
    ],
)
def test_only_failures_of_missing_prerequisites_are_retried(
    clock: Clock, phase: str, error: Exception, patient: bool
) -> None:
    cluster = FakeCluster()
    cluster.put(crd("clustertrainingruntimes", "ClusterTrainingRuntime", "Cluster"))
    failing(cluster, "torch", error, error, error)
    worker = applier(cluster, clock)
    if patient:
        worker.apply_phase([action(runtime("torch"), phase)])
        assert len(worker.outcomes) == 1
        assert clock.pauses == [0.05, 0.1, 0.2]
    else:
        with pytest.raises(type(error)):
            worker.apply_phase([action(runtime("torch"), phase)])
        assert clock.pauses == []


def test_patience_ends(clock: Clock) -> None:
    cluster = FakeCluster()
    cluster.fail(404, message="no such resource")
    started = clock.now
    with pytest.raises(ApiError, match="no such resource"):
        applier(cluster, clock).apply_phase([action(runtime("torch"), "runtimes")])
    assert 30 <= clock.now - started <= 31
    assert max(clock.pauses) == 1.0


def test_a_conflict_names_fields_and_their_owners(clock: Clock) -> None:
    cluster = FakeCluster()
    causes = [
        {"reason": "FieldManagerConflict", "message": 'conflict with "kubectl-edit"', "field": ".spec.replicas"},
        {"message": 'conflict with "helm"'},
    ]
    cluster.fail(409, reason="Conflict", message="Apply failed", causes=causes, step="apply", subject="ClusterRole a")
    with pytest.raises(ApiError) as caught:
        applier(cluster, clock).apply_phase(roles("a"))
    text = str(caught.value)
    assert text.startswith("apply ClusterRole a: field conflict with another manager: ")
    assert '.spec.replicas: conflict with "kubectl-edit"; : conflict with "helm"' in text
    assert "force_conflicts: true" in text
    assert (caught.value.status, caught.value.causes) == (409, causes)


@pytest.mark.parametrize("more", [{"reason": "Conflict"}, {"reason": "AlreadyExists", "causes": [{"field": ".a"}]}])
def test_other_conflicts_keep_the_servers_words(clock: Clock, more: dict[str, Any]) -> None:
    cluster = FakeCluster()
    cluster.fail(409, message="try again", **more)
    with pytest.raises(ApiError, match="try again"):
        applier(cluster, clock).apply_phase(roles("a"))


RUNTIMES = Resource("trainer.kubeflow.org", "v1alpha1", "clustertrainingruntimes", False)
JOBS = Resource("trainer.kubeflow.org", "v1alpha1", "trainjobs", True)
SETS = Resource("jobset.x-k8s.io", "v1alpha2", "jobsets", True)


def serving_after(cluster: FakeCluster, looks: int) -> None:
    """The group serves its first resource at once, the second after some more requests."""
    seen: list[int] = []

    def hook(request: Request) -> dict[str, Any] | None:
        if request.path == JOBS.root:
            seen.append(1)
            names = [JOBS.plural, *([RUNTIMES.plural] if len(seen) > looks else [])]
            return {"resources": [{"name": name} for name in names]}
        return None

    cluster.hooks.append(hook)


def test_crds_that_are_served_take_one_look_a_group(clock: Clock) -> None:
    cluster = FakeCluster()
    serving_after(cluster, 0)
    applier(cluster, clock).await_served([RUNTIMES, JOBS])
    assert [request.path for request in cluster.requests] == ["/apis/trainer.kubeflow.org/v1alpha1"]
    assert clock.pauses == []


def test_crds_are_waited_for(clock: Clock) -> None:
    cluster = FakeCluster()
    serving_after(cluster, 3)
    applier(cluster, clock).await_served([JOBS, RUNTIMES])
    assert clock.pauses == [0.05] * 3


def test_an_answer_from_far_away_was_a_pause_already(clock: Clock) -> None:
    cluster = FakeCluster()
    serving_after(cluster, 3)
    away = iter([0.02, 0.06, 0.07, 0.0])

    def hook(request: Request) -> None:
        clock.now += next(away)

    cluster.hooks.insert(0, hook)
    applier(cluster, clock).await_served([JOBS, RUNTIMES])
    assert clock.pauses == [pytest.approx(0.03)]


def test_a_resource_that_is_never_served_is_named(clock: Clock) -> None:
    cluster = FakeCluster()
    serving_after(cluster, 1000)
    cluster.hooks.append(lambda request: {"resources": None} if request.path == SETS.root else None)
    with pytest.raises(NotReadyError) as caught:
        applier(cluster, clock).await_served([JOBS, RUNTIMES, SETS])
    assert "clustertrainingruntimes.trainer.kubeflow.org, jobsets.jobset.x-k8s.io" in str(caught.value)
    assert "trainjobs" not in str(caught.value)
    assert sum(clock.pauses) >= 30
