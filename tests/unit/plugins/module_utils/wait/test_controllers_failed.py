# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits that end before their deadline, and how the next install retries immediately."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import NotReadyError
from ansible_collections.conductor.trainer.plugins.module_utils.wait.controllers import ControllersWait
from tests.unit.plugins.helpers.builders import DEPLOYMENT, POD, SLICE, bundle, key, pod, serving
from tests.unit.plugins.helpers.fakes import Clock, FakeCluster, Request, failure
from tests.unit.plugins.helpers.stepping import Script, drop, edit, good, waiting
from tests.unit.plugins.module_utils.diagnose.test_failures import RECORDED

ABSENT = RECORDED["absent"]["pods"][0]["status"]
QUOTA = RECORDED["quota"]["deployment"]["status"]["conditions"]
EVENTS = "/api/v1/namespaces/ops/events"


def stuck(status: dict[str, Any] = ABSENT, name: str = "manager-1") -> FakeCluster:
    """Set the state of the controller's only pod."""
    cluster = serving(bundle())
    edit(DEPLOYMENT, "status", "availableReplicas", to=0)(cluster)
    cluster.objects.pop(POD)
    cluster.objects[key("Pod", name, namespace="ops")] = {
        **pod(name, "manager", ready=False),
        "status": copy.deepcopy(status),
    }
    return cluster


def refused() -> FakeCluster:
    cluster = serving(bundle())
    cluster.objects.pop(POD)
    edit(DEPLOYMENT, "status", to={"observedGeneration": 1, "conditions": QUOTA})(cluster)
    return cluster


def retrying(cluster: FakeCluster, clock: Clock, timeout: float = 60) -> dict[str, Any]:
    return ControllersWait(cluster, bundle(), retry=True, monotonic=clock.monotonic).run(timeout)


def ends(cluster: FakeCluster, clock: Clock, timeout: float = 60) -> NotReadyError:
    with pytest.raises(NotReadyError) as caught:
        waiting(cluster, clock, timeout)
    return caught.value


def writes(cluster: FakeCluster) -> list[tuple[str, str]]:
    return [(request.method, request.path) for request in cluster.writes]


# -- early end --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("timeout", [0, 60])
def test_a_doomed_controller_ends_the_wait_at_once(clock: Clock, script: Script, timeout: float) -> None:
    error = ends(stuck(), clock, timeout)
    first, *_others, last = str(error).splitlines()
    assert first.startswith(
        "wait for controllers Deployment ops/manager: its image is not in the registry: pod manager-1: ImagePullBackOff"
    )
    assert last == (
        "Next: check the name and tag of 127.0.0.1:5000/nothing:v1, which `conductor_registries` and "
        "`conductor_images` set, and push it to that registry; then run this again"
    )
    assert error.facts["elapsed"] == 0.0
    (row,) = [row for row in error.facts["checks"] if row["state"] == "failed"]
    assert (row["subject"], row["rule"]) == ("Deployment manager", "rollout")
    assert "not found" in row["evidence"]


def test_a_sign_with_a_grace_ends_the_wait_after_it(clock: Clock, script: Script) -> None:
    error = ends(refused(), clock)
    assert "the ResourceQuota none is used up and rejects its pods" in str(error)
    (inspected,) = error.facts["diagnosis"]
    assert (inspected["rule"], inspected["seconds"]) == ("rollout", error.facts["elapsed"])
    assert 3.0 <= error.facts["elapsed"] <= 4.0


def test_a_sign_that_passes_ends_nothing(clock: Clock, script: Script) -> None:
    script.append((2.0, good))
    assert waiting(refused(), clock, 60)["checks"]


def test_what_is_slow_is_waited_for_and_its_remedy_is_said_in_the_end(clock: Clock, script: Script) -> None:
    error = ends(stuck(RECORDED["silent"]["pods"][0]["status"]), clock, 30)
    assert "not ready after 30 s" in str(error)
    assert str(error).endswith(
        "Next: check that the nodes can reach the registry of 172.20.0.1:1/nothing:v1, or set "
        "`conductor_registries` to one that they reach; if the pull is only slow, raise `conductor_wait_timeout`"
    )
    assert {row["state"] for row in error.facts["checks"]} == {"progressing"}


def test_a_controller_that_serves_is_not_doomed_by_what_its_condition_remembers(clock: Clock, script: Script) -> None:
    """A paused Deployment does not end the wait either: another condition is not met."""
    cluster = serving(bundle())
    edit(DEPLOYMENT, "status", "conditions", to=QUOTA)(cluster)
    edit(DEPLOYMENT, "spec", "paused", to=True)(cluster)
    drop(SLICE)(cluster)
    script.append((9.0, good))
    assert waiting(cluster, clock, 60)["elapsed"] >= 9.0


def test_several_are_named_each_with_its_remedy(clock: Clock, script: Script) -> None:
    cluster = stuck()
    never = RECORDED["never"]["pods"][0]["status"]
    cluster.objects[key("Pod", "manager-2", namespace="ops")] = {
        **pod("manager-2", "manager", ready=False),
        "status": never,
    }
    text = str(ends(cluster, clock))
    assert (
        "\n  Deployment ops/manager: its image is not on the node, and its imagePullPolicy forbids pulling it: "
        "pod manager-2" in text
    )
    assert "check the name and tag" in text.splitlines()[-1]
    assert "load registry.invalid/never:v1" in text.splitlines()[-1]


def event(message: str, time: str) -> dict[str, Any]:
    return {"message": message, "lastTimestamp": time, "metadata": {"name": f"e{time}"}}


def test_a_deadline_says_what_the_kubelet_was_last_about(clock: Clock, script: Script) -> None:
    cluster = stuck({"containerStatuses": [{"state": {"waiting": {"reason": "ContainerCreating"}}}]})
    items = [event("Pulling image x", "2026-01-02"), event("Scheduled", "2026-01-01")]
    cluster.hooks.append(lambda request: {"items": items} if request.path == EVENTS else None)
    assert "manager-1: ContainerCreating: Pulling image x (for 9 s)" in str(ends(cluster, clock, 9))
    # The second time for the diagnosis.
    asked, _again = [request for request in cluster.requests if request.path == EVENTS]
    assert asked.query["fieldSelector"] == "involvedObject.kind=Pod,involvedObject.name=manager-1"


@pytest.mark.parametrize("answer", [failure(403), {"items": []}, {"items": [{}]}])
def test_without_an_event_it_says_the_rest(clock: Clock, script: Script, answer: Any) -> None:
    cluster = stuck({"containerStatuses": [{"state": {"waiting": {"reason": "ContainerCreating"}}}]})

    def hook(request: Request) -> dict[str, Any] | None:
        if request.path != EVENTS:
            return None
        if isinstance(answer, Exception):
            raise answer
        return dict(answer)

    cluster.hooks.append(hook)
    assert "manager-1: ContainerCreating (for 9 s)" in str(ends(cluster, clock, 9))


CRASH = RECORDED["crash"]["pods"][0]["status"]


def crashed(times: int) -> dict[str, Any]:
    status: dict[str, Any] = copy.deepcopy(CRASH)
    status["containerStatuses"][0]["restartCount"] = times
    return status


def test_a_crash_loop_of_before_the_wait_may_be_over(clock: Clock, script: Script) -> None:
    """The cause may be repaired: a later start has to fail as well."""
    running = {"containerStatuses": [{"restartCount": 7, "state": {"running": {}}}]}
    cluster = stuck(running)
    # This one started before the wait.
    script.append((2.0, edit(POD, "status", to=crashed(7))))
    script.append((9.0, edit(POD, "status", to=crashed(8))))
    error = ends(cluster, clock)
    assert "its container exits again and again" in str(error)
    assert 9.0 <= error.facts["elapsed"] <= 10.0


@pytest.mark.parametrize(("said", "most"), [("panic: a nil map", 3.0), ("dial tcp: connection refused", 10.0)])
def test_the_second_end_is_the_last_where_the_log_blames_nobody_else(
    clock: Clock, script: Script, said: str, most: float
) -> None:
    cluster = stuck({"containerStatuses": [{"restartCount": 0, "state": {"running": {}}}]})
    cluster.logs["manager-1 before"] = [said]
    script.append((2.0, edit(POD, "status", to=crashed(1))))
    if most > 9.0:
        script.append((9.0, edit(POD, "status", to=crashed(2))))
    error = ends(cluster, clock)
    assert "its container exits again and again" in str(error)
    assert most - 1.0 <= error.facts["elapsed"] <= most


# -- back-off of an earlier run --------------------------------------------------------------------------


def replaces(request: Request) -> dict[str, Any] | None:
    return {} if request.method == "DELETE" else None


def test_a_pod_in_a_back_off_is_replaced_once_and_not_believed(clock: Clock, script: Script) -> None:
    cluster = stuck()
    cluster.hooks.append(replaces)
    script.append((9.0, drop(POD)))
    script.append((9.0, good))
    result = retrying(cluster, clock)
    assert result["retried"] == ["manager-1"]
    assert writes(cluster) == [("DELETE", "/api/v1/namespaces/ops/pods/manager-1")]
    assert cluster.writes[0].body["preconditions"] == {"uid": "uid-manager-1"}


def test_what_its_successor_says_is_believed(clock: Clock, script: Script) -> None:
    cluster = stuck()
    cluster.hooks.append(replaces)
    successor = stuck(name="manager-2").objects[key("Pod", "manager-2", namespace="ops")]

    def replaced(cluster: FakeCluster) -> None:
        cluster.objects.pop(POD)
        cluster.objects[key("Pod", "manager-2", namespace="ops")] = successor

    script.append((2.0, replaced))
    with pytest.raises(NotReadyError, match="pod manager-2: ImagePullBackOff") as caught:
        retrying(cluster, clock)
    assert caught.value.facts["elapsed"] < 4.0


def test_pods_that_were_refused_are_asked_for_again(clock: Clock, script: Script) -> None:
    cluster = refused()
    script.append((1.0, good))
    assert retrying(cluster, clock)["retried"] == ["manager"]
    (request,) = cluster.writes
    assert request.path == "/apis/apps/v1/namespaces/ops/deployments/manager/status"
    assert list(request.body["metadata"]["annotations"]) == ["conductor.trainer/retried-at"]


@pytest.mark.parametrize(("method", "make"), [("DELETE", stuck), ("PATCH", refused)])
def test_without_the_right_to_it_it_warns_and_waits(clock: Clock, script: Script, method: str, make: Any) -> None:
    cluster = make()
    cluster.fail(403, method=method, message="may not")
    # The old state is still ignored if the retry is not possible.
    script.append((2.0, drop(POD) if method == "DELETE" else good))
    script.append((2.0, good))
    result = retrying(cluster, clock)
    assert result["retried"] == []
    (warning,) = result["warnings"]
    assert "may not" in warning


@pytest.mark.parametrize("status", [404, 409, 503])
def test_a_pod_that_is_gone_meanwhile_does_not_matter(clock: Clock, script: Script, status: int) -> None:
    cluster = stuck()
    cluster.fail(status, method="DELETE")
    script.append((2.0, drop(POD)))
    script.append((2.0, good))
    result = retrying(cluster, clock)
    assert (result["retried"], result["warnings"]) == ([], [])


def test_without_leave_nothing_is_written_and_old_words_count(clock: Clock, script: Script) -> None:
    cluster = stuck()
    ends(cluster, clock)
    assert cluster.writes == []


def test_what_serves_is_left_alone(clock: Clock, script: Script) -> None:
    cluster = serving(bundle())
    assert retrying(cluster, clock)["retried"] == []
    assert cluster.writes == []


def test_the_wait_has_no_more_requests_than_its_lists_watches_and_probes(clock: Clock, script: Script) -> None:
    """A controller that starts normally causes no additional requests."""
    cluster = serving(bundle())
    retrying(cluster, clock)
    scopes = ControllersWait(cluster, bundle())._readiness.watcher.scopes
    # The scopes, the CRDs and the namespace before and after the proof, which sends a probe twice. The certificate at
    # its start and end, the runtimes, and the number of API servers.
    assert len(cluster.requests) == 2 * (len(scopes) + 1 + 1) + 2 + 2 + 1 + 1


@pytest.mark.parametrize("ends_early", [True, False])
def test_whatever_is_said_the_message_stays_short(ends_early: bool, clock: Clock, script: Script) -> None:
    monster = "much to say " * 9000
    waits = {"reason": "InvalidImageName" if ends_early else "ContainerCreating", "message": monster}
    cluster = stuck({"containerStatuses": [{"state": {"waiting": waits}}]})
    items = [event(monster, "2026-01-02")]
    cluster.hooks.append(lambda request: {"items": items} if request.path == EVENTS else None)
    error = ends(cluster, clock, 9)
    assert len(error.message.encode()) < 8000
    assert "much to say" in error.message
