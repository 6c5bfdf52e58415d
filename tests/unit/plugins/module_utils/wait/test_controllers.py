# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import (
    ApiError,
    NotReadyError,
    RightsError,
    UnreachableError,
)
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import Key
from ansible_collections.conductor.trainer.plugins.module_utils.wait.controllers import ControllersWait
from tests.unit.plugins.helpers.builders import (
    CONFIG,
    CRD,
    DENIAL,
    DEPLOYMENT,
    HOME,
    POD,
    SLICE,
    VALIDATOR,
    bundle,
    endpoint_slice,
    installed,
    pod,
    serving,
)
from tests.unit.plugins.helpers.fakes import Clock, FakeCluster, Request, failure
from tests.unit.plugins.helpers.stepping import Change, Script, SteppingWatcher, drop, edit, good, waiting


def lets_pass(cluster: FakeCluster) -> None:
    cluster.hooks.clear()


def cannot_be_called(cluster: FakeCluster) -> None:
    cluster.hooks.clear()
    cluster.fail(500, method="POST", path="/trainjobs", message='failed calling webhook "validate.validator": EOF')


# One fault each: how to cause it, and the rule that is not met.
BROKEN: dict[str, tuple[Change, str, str]] = {
    "no CRD": (drop(CRD), "established", "trainjobs.trainer.kubeflow.org: missing"),
    "CRD not established": (edit(CRD, "status", to={}), "established", "not NamesAccepted"),
    "no Deployment": (drop(DEPLOYMENT), "rollout", "Deployment manager: missing"),
    "not rolled out": (
        edit(DEPLOYMENT, "status", "availableReplicas", to=0),
        "rollout",
        "0 of 1 replicas available",
    ),
    "no webhooks": (drop(VALIDATOR), "caBundle", "validator: missing"),
    "no caBundle": (
        edit(VALIDATOR, "webhooks", 0, "clientConfig", "caBundle", to=""),
        "caBundle",
        "no caBundle yet on validate.validator",
    ),
    "no endpoints": (drop(SLICE), "endpoints", "Service webhook: no ready endpoint"),
    "another's slice": (
        edit(SLICE, "metadata", "labels", to={"kubernetes.io/service-name": "other"}),
        "endpoints",
        "no ready endpoint",
    ),
    "a stranger answers": (
        edit(SLICE, "endpoints", to=endpoint_slice("webhook", "stranger")["endpoints"]),
        "endpoints",
        "an endpoint is not a pod of its controller: stranger",
    ),
    "lets bad objects pass": (lets_pass, "probe: denied", "it accepted an invalid object"),
    "cannot be called": (cannot_be_called, "probe: denied", "it cannot be called"),
}


def test_ready_is_said_at_once_and_with_evidence(clock: Clock, script: Script) -> None:
    cluster = serving(bundle())
    result = waiting(cluster, clock, 0)
    assert clock.pauses == []
    assert {check["state"] for check in result["checks"]} == {"ready"}
    assert [check["rule"] for check in result["checks"]] == [
        "active",
        "established",
        "established",
        "rollout",
        "caBundle",
        "endpoints",
        "certificate",
        "probe: denied",
    ]
    assert result["controllers"] == [
        {
            "name": "manager",
            "namespace": "ops",
            "ready": "1/1",
            "status": "Running",
            "image": "registry.invalid/manager:1",
            "certificate_secrets": ["manager-cert"],
        }
    ]
    assert result["touched"] == []
    assert result["timeline"] == [{"seconds": 0.0, "waiting_for": []}]
    assert cluster.writes == []


@pytest.mark.parametrize("broken", BROKEN)
def test_nothing_is_ready_before_every_rule_holds(clock: Clock, script: Script, broken: str) -> None:
    breaks, rule, evidence = BROKEN[broken]
    cluster = serving(bundle())
    breaks(cluster)
    script.append((5.0, good))
    result = waiting(cluster, clock, 60)
    assert 5.0 <= result["elapsed"] <= 6.5
    assert [check["state"] for check in result["checks"]] == ["ready"] * 8
    assert evidence in " ".join(result["timeline"][0]["waiting_for"])
    assert result["timeline"][-1]["waiting_for"] == []
    assert rule in {check["rule"] for check in result["checks"]}


@pytest.mark.parametrize("timeout", [0, 7])
@pytest.mark.parametrize("broken", BROKEN)
def test_the_deadline_names_the_rule_since_when_and_why(
    clock: Clock, script: Script, broken: str, timeout: float
) -> None:
    breaks, rule, evidence = BROKEN[broken]
    cluster = serving(bundle())
    breaks(cluster)
    with pytest.raises(NotReadyError) as caught:
        waiting(cluster, clock, timeout)
    assert evidence in str(caught.value)
    assert f"(for {timeout} s)" in str(caught.value)
    assert caught.value.next_step
    assert rule in {check["rule"] for check in caught.value.facts["checks"]}
    assert "ready" not in {check["state"] for check in caught.value.facts["checks"]}
    assert caught.value.facts["elapsed"] == clock.now - 1000.0 == timeout


def test_the_deadline_names_everything_that_is_missing(clock: Clock, script: Script) -> None:
    with pytest.raises(NotReadyError) as caught:
        waiting(installed(bundle()), clock, 3)
    rules = [check["rule"] for check in caught.value.facts["checks"]]
    assert rules == ["active", "established", "established", "rollout", "caBundle", "endpoints"]


def test_on_an_empty_cluster_it_waits_for_all_of_it(clock: Clock, script: Script) -> None:
    with pytest.raises(NotReadyError, match=": missing"):
        waiting(FakeCluster(), clock, 3)


def test_since_when_counts_from_the_last_time_it_was_met(clock: Clock, script: Script) -> None:
    cluster = serving(bundle())
    drop(SLICE)(cluster)

    def swap(cluster: FakeCluster) -> None:
        good(cluster)
        drop(VALIDATOR)(cluster)

    script.append((6.0, swap))
    with pytest.raises(NotReadyError) as caught:
        waiting(cluster, clock, 10)
    assert "(for 4 s)" in str(caught.value)
    assert "endpoint" not in str(caught.value)


def probes(cluster: FakeCluster) -> int:
    return sum(request.method == "POST" for request in cluster.requests)


def test_probes_must_agree_twice_in_a_row_each_over_new_connections(clock: Clock, script: Script) -> None:
    cluster = serving(bundle())
    waiting(cluster, clock, 0)
    assert (probes(cluster), cluster.refreshed) == (2, 2)


@pytest.mark.parametrize(
    ("answers", "pauses"),
    [
        # After a failure only one probe is repeated before all are sent again; two complete rounds must agree.
        ([True, True], 0),
        ([False, True, True, True], 1),
        ([True, False, True, True, True], 1),
        ([True, False, False, False, True, False, True, True, True], 4),
    ],
)
def test_a_round_that_disagrees_starts_the_count_anew(
    clock: Clock, script: Script, answers: list[bool], pauses: int
) -> None:
    cluster = serving(bundle())
    left = list(answers)

    def hook(request: Request) -> dict[str, Any] | None:
        if request.method != "POST":
            return None
        if left.pop(0):
            raise failure(400, message=DENIAL)
        return {"kind": "TrainJob"}

    cluster.hooks[:] = [hook]
    waiting(cluster, clock, 60)
    assert left == []
    assert clock.pauses == [0.05] * pauses


def test_a_rule_that_breaks_between_two_rounds_starts_the_count_anew(clock: Clock, script: Script) -> None:
    cluster = serving(bundle())
    broken = False

    def hook(request: Request) -> None:
        nonlocal broken
        if request.method != "POST":
            return
        if not broken:
            broken = True
            # As seen by a watch: this round still succeeds, the next check does not.
            slices = cluster.objects.pop(SLICE)
            script.append((1.0, lambda cluster: cluster.objects.update({SLICE: slices})))
            wait._readiness.watcher.refresh()
        raise failure(400, message=DENIAL)

    cluster.hooks[:] = [hook]
    wait = ControllersWait(cluster, bundle(), monotonic=clock.monotonic)
    wait.run(60)
    assert probes(cluster) == 4


@pytest.mark.parametrize("what", [SLICE, VALIDATOR, CRD, HOME, DEPLOYMENT])
def test_what_no_event_told_of_is_seen_after_the_proof(clock: Clock, script: Script, what: Key) -> None:
    """A watch may be late or lose an event: everything is listed again before the wait ends."""
    cluster = serving(bundle())

    def hook(request: Request) -> None:
        if request.method == "POST":
            gone = cluster.objects.pop(what, None)
            if gone:
                script.append((1.0, lambda cluster: cluster.objects.update({what: gone})))

    cluster.hooks.insert(0, hook)
    with pytest.raises(NotReadyError, match="ready endpoint" if what == SLICE else what.name):
        waiting(cluster, clock, 0)
    script.clear()


@pytest.mark.parametrize(
    "change",
    [
        edit(VALIDATOR, "metadata", "generation", to=2),
        edit(VALIDATOR, "metadata", "uid", to="another"),
    ],
)
def test_what_was_proved_must_be_what_is_there_at_the_end(clock: Clock, script: Script, change: Change) -> None:
    cluster = serving(bundle())

    def hook(request: Request) -> None:
        if request.method == "POST" and probes(cluster) == 2:
            change(cluster)

    cluster.hooks.insert(0, hook)
    result = waiting(cluster, clock, 60)
    assert probes(cluster) == 4
    assert "changed meanwhile" in result["timeline"][0]["waiting_for"][0]


def test_a_pod_that_took_over_is_proved_as_well(clock: Clock, script: Script) -> None:
    cluster = serving(bundle())

    def hook(request: Request) -> None:
        if request.method == "POST" and probes(cluster) == 2:
            cluster.objects[SLICE] = endpoint_slice("webhook", "manager-2")
            cluster.objects[POD._replace(name="manager-2")] = pod("manager-2", "manager")

    cluster.hooks.insert(0, hook)
    waiting(cluster, clock, 60)
    assert probes(cluster) == 4


def test_probes_are_sent_only_when_everything_else_is_ready(clock: Clock, script: Script) -> None:
    cluster = serving(bundle())
    drop(SLICE)(cluster)
    with pytest.raises(NotReadyError):
        waiting(cluster, clock, 5)
    assert probes(cluster) == 0


def test_an_established_crd_is_not_asked_for_again(clock: Clock, script: Script) -> None:
    cluster = serving(bundle())
    drop(SLICE)(cluster)
    script.append((5.0, good))
    waiting(cluster, clock, 60)
    asked = [request.path for request in cluster.requests if "customresourcedefinitions" in request.path]
    # All of them at the start, and again at the end.
    assert asked == ["/apis/apiextensions.k8s.io/v1/customresourcedefinitions"] * 2


def test_what_may_not_be_read_ends_the_wait(clock: Clock, script: Script) -> None:
    cluster = serving(bundle())
    for plural in ("endpointslices", "pods"):
        cluster.fail(403, method="GET", path=f"/{plural}", message="not you")
    with pytest.raises(RightsError) as caught:
        waiting(cluster, clock, 60)
    assert caught.value.facts["missing_permissions"] == [
        "list, watch endpointslices.discovery.k8s.io in namespace ops",
        "list, watch pods in namespace ops",
    ]


def test_a_right_that_is_lost_while_waiting_ends_the_wait(
    clock: Clock, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SteppingWatcher, "fails", failure(401, message="token expired"))
    cluster = serving(bundle())
    drop(SLICE)(cluster)
    with pytest.raises(ApiError, match="token expired"):
        # The first check reports what is missing; the next one sees the failure.
        waiting(cluster, clock, 60)
    assert clock.now < 1000.0 + 3


@pytest.mark.parametrize("path", ["/clustertrainingruntimes", "/customresourcedefinitions", "/default/endpointslices"])
def test_a_server_that_is_away_for_a_moment_is_waited_for(clock: Clock, script: Script, path: str) -> None:
    cluster = serving(bundle())
    failures = [UnreachableError("connection refused")]

    def hook(request: Request) -> None:
        if path in request.path and failures:
            raise failures.pop()

    cluster.hooks.insert(0, hook)
    assert waiting(cluster, clock, 60)["controllers"]


def test_a_deployment_that_goes_away_at_the_last_moment(clock: Clock, script: Script) -> None:
    cluster = serving(bundle())
    wait = ControllersWait(cluster, bundle(), monotonic=clock.monotonic)

    def hook(request: Request) -> None:
        if request.method == "POST" and cluster.refreshed == 2:
            cluster.objects.pop(DEPLOYMENT, None)
            # The events that the watch would receive meanwhile.
            wait._readiness.watcher.refresh()

    cluster.hooks.insert(0, hook)
    with pytest.raises(NotReadyError):
        wait.run(0)


def test_the_newest_pod_is_the_one_reported(clock: Clock, script: Script) -> None:
    cluster = serving(bundle())
    for name, born, phase in (("a", "2026-01-03", "Pending"), ("b", "2025-01-01", "Succeeded")):
        other = pod(name, "manager", creationTimestamp=born)
        cluster.objects[POD._replace(name=name)] = {**other, "status": {**other["status"], "phase": phase}}
    assert waiting(cluster, clock, 0)["controllers"][0]["status"] == "Pending"


def test_the_real_watcher_wakes_the_wait(clock: Clock) -> None:
    """Without the stepping watcher: an event ends the wait while the injected clock stands still."""
    cluster = serving(bundle())
    slices = cluster.objects.pop(SLICE)

    def stream() -> Iterator[dict[str, Any]]:
        cluster.objects[SLICE] = slices
        yield {"type": "ADDED", "object": slices}
        cluster.released.wait()

    cluster.streams["endpointslices"] = [stream()]
    try:
        result = waiting(cluster, clock, 60)
    finally:
        cluster.released.set()
    assert [check["state"] for check in result["checks"]] == ["ready"] * 8
    assert "no ready endpoint" in " ".join(result["timeline"][0]["waiting_for"])
    assert CONFIG in cluster.objects
