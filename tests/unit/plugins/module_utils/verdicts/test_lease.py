# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.verdicts.workloads import lease_verdict
from ansible_collections.conductor.trainer.plugins.module_utils.wait.controllers import ControllersWait
from tests.unit.plugins.helpers.builders import bundle, key, obj, pod, serving
from tests.unit.plugins.helpers.fakes import Clock, FakeCluster
from tests.unit.plugins.helpers.stepping import Script, edit, waiting

NAME = "trainer.kubeflow.org"
LEASE = key("Lease", NAME, "coordination.k8s.io/v1", "ops")
PODS = {"manager-1": "2026-01-01T00:00:05Z", "manager-2": ""}


def lease(**spec: Any) -> dict[str, Any]:
    return obj("Lease", NAME, "coordination.k8s.io/v1", "ops", spec=spec)


@pytest.mark.parametrize(
    ("spec", "state", "evidence"),
    [
        ({"holderIdentity": "manager-2_uuid"}, "ready", "held by manager-2"),
        # A holder without a UUID.
        ({"holderIdentity": "manager-1"}, "ready", "held by manager-1"),
        ({"holderIdentity": "ghost_uuid"}, "progressing", "held by ghost, which is not a pod of the controller"),
        ({"holderIdentity": "manager-1_x_uuid"}, "progressing", "held by manager-1_x"),
        ({"holderIdentity": ""}, "progressing", "no holder"),
        ({"holderIdentity": None}, "progressing", "no holder"),
        ({"holderIdentity": 7}, "progressing", "no holder"),
        ({}, "progressing", "no holder"),
    ],
)
def test_leader_must_be_an_existing_pod(spec: dict[str, Any], state: str, evidence: str) -> None:
    verdict = lease_verdict(NAME, lease(**spec), PODS, "ops")
    assert (verdict.subject, verdict.rule, verdict.state) == (f"Lease {NAME}", "leader", state)
    assert evidence in verdict.evidence
    assert ("delete lease" in verdict.next_step) is ("not a pod of" in verdict.evidence)


@pytest.mark.parametrize(
    ("taken", "state"),
    [
        ("2026-01-01T00:00:04.999999Z", "progressing"),
        # The start of a container has whole seconds.
        ("2026-01-01T00:00:05.000001Z", "ready"),
        ("2026-01-01T00:00:06.000000Z", "ready"),
        (None, "ready"),
        (7, "ready"),
    ],
)
def test_leader_must_be_the_running_process(taken: Any, state: str) -> None:
    verdict = lease_verdict(NAME, lease(holderIdentity="manager-1_uuid", acquireTime=taken), PODS, "ops")
    assert verdict.state == state
    assert ("earlier process of manager-1" in verdict.evidence) is (state == "progressing")


@pytest.mark.parametrize(
    ("renewed", "state"),
    [
        # An earlier process cannot have renewed it after this one started.
        ("2026-01-01T00:00:06.000000Z", "ready"),
        ("2026-01-01T00:09:00.000000Z", "ready"),
        # In the same second, the order is unknown.
        ("2026-01-01T00:00:05.999999Z", "progressing"),
        ("2026-01-01T00:00:04.000000Z", "progressing"),
        (None, "progressing"),
        (7, "progressing"),
    ],
)
def test_later_renewal_proves_a_running_leader(renewed: Any, state: str) -> None:
    """Under load the start of a container is noted after its process has taken the Lease, which it then keeps."""
    held = lease(holderIdentity="manager-1_uuid", acquireTime="2026-01-01T00:00:04.9Z", renewTime=renewed)
    assert lease_verdict(NAME, held, PODS, "ops").state == state


@pytest.mark.parametrize(
    ("renewed", "state"), [("2026-01-01T00:00:04Z", "progressing"), ("2026-01-01T00:00:06Z", "ready")]
)
def test_a_renewal_alone_shows_which_process_leads(renewed: str, state: str) -> None:
    held = lease(holderIdentity="manager-1_uuid", renewTime=renewed)
    assert lease_verdict(NAME, held, PODS, "ops").state == state


@pytest.mark.parametrize(
    ("holder", "renewed", "state"),
    [
        # The host name of a node, with and without its domain.
        ("node-1_uuid", "2026-01-01T00:00:06Z", "ready"),
        ("node-1.example.com_uuid", "2026-01-01T00:00:06Z", "ready"),
        ("node-1_uuid", "2026-01-01T00:00:04Z", "progressing"),
        # A node of another name than its host: only somebody who runs renews.
        ("host_uuid", "2026-01-01T00:00:08Z", "ready"),
        ("host_uuid", "2026-01-01T00:00:07Z", "progressing"),
        ("host_uuid", None, "progressing"),
    ],
)
def test_on_the_network_of_the_nodes_the_host_holds_it(holder: str, renewed: str | None, state: str) -> None:
    held = lease(holderIdentity=holder, acquireTime="2026-01-01T00:00:04Z", renewTime=renewed)
    starts = {"node-1.local": "2026-01-01T00:00:05Z", "node-2": "2026-01-01T00:00:07Z"}
    assert lease_verdict(NAME, held, starts, "ops", hosts=True).state == state
    assert not lease_verdict(NAME, held, starts, "ops").ready
    assert not lease_verdict(NAME, held, {}, "ops", hosts=True).ready


@pytest.mark.parametrize("odd", [{}, {"spec": []}, {"spec": None}])
def test_malformed_objects_are_never_ready(odd: dict[str, Any]) -> None:
    assert not lease_verdict(NAME, odd, PODS, "ops").ready


def test_since_is_the_last_renewal_without_a_leader() -> None:
    held = lease(holderIdentity="ghost_uuid", renewTime="2026-01-01T00:00:00.000000Z")
    assert lease_verdict(NAME, held, PODS, "ops").since == "2026-01-01T00:00:00.000000Z"
    assert lease_verdict(NAME, lease(), PODS, "ops").since == ""
    # A leader renews it every few seconds, so renewTime is not the beginning.
    leads = lease(holderIdentity="manager-1_uuid", acquireTime="2026-01-01T00:00:09Z", renewTime="2026-01-01T00:09:00Z")
    assert lease_verdict(NAME, leads, PODS, "ops").since == "2026-01-01T00:00:09Z"


def held_by(cluster: FakeCluster, holder: str) -> FakeCluster:
    cluster.put(lease(holderIdentity=holder), "manager", "Update")
    return cluster


def test_a_wait_goes_on_until_the_new_pod_leads(clock: Clock, script: Script) -> None:
    cluster = held_by(serving(bundle()), "gone_uuid")
    script.append((5.0, edit(LEASE, "spec", "holderIdentity", to="manager-1_uuid")))
    result = waiting(cluster, clock, 60)
    assert result["elapsed"] >= 5.0
    assert "held by gone" in " ".join(result["timeline"][0]["waiting_for"])
    assert "leader" in {check["rule"] for check in result["checks"]}


def test_a_wait_on_the_network_of_a_node_knows_its_host(clock: Clock, script: Script) -> None:
    del script
    cluster = held_by(serving(bundle()), "node-7_uuid")
    spec = {"hostNetwork": True, "nodeName": "node-7"}
    cluster.objects[key("Pod", "manager-1", namespace="ops")]["spec"] = spec
    result = ControllersWait(cluster, bundle(), monotonic=clock.monotonic).run(0)
    assert "leader" in {check["rule"] for check in result["checks"]}


# -- pods that hold nothing -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("renewed", "others", "state"),
    [
        ("2026-01-01T00:10:00Z", {"new": "2026-01-01T00:10:05Z"}, "progressing"),
        ("2026-01-01T00:10:09Z", {"new": "2026-01-01T00:10:05Z"}, "ready"),
        ("2026-01-01T00:10:00Z", {"new": ""}, "ready"),
        ("2026-01-01T00:10:00Z", {}, "ready"),
        (None, {"new": "2026-01-01T00:10:05Z"}, "ready"),
    ],
)
def test_a_holder_without_a_start_must_renew_it(renewed: Any, others: dict[str, str], state: str) -> None:
    held = lease(holderIdentity="old_u", renewTime=renewed)
    assert lease_verdict(NAME, held, {"old": "", **others}, "ops").state == state


def running(name: str, started: str, **status: Any) -> dict[str, Any]:
    state = {"running": {"startedAt": started}} if started else {}
    item = pod(name, "manager")
    item["status"] |= {"containerStatuses": [{"name": "manager", "state": state}], **status}
    return item


WAITING = {"waiting": {"reason": "CrashLoopBackOff"}}


@pytest.mark.parametrize(
    "old",
    [
        running("old", "", phase="Failed", reason="Evicted", containerStatuses=[]),
        running("old", "2026-01-01T00:00:00Z", phase="Failed", reason="NodeShutdown"),
        running("old", "", phase="Succeeded"),
        running("old", "", containerStatuses=[{"name": "manager", "state": WAITING}]),
        running("old", "", containerStatuses=[{"name": "manager", "state": {"terminated": {"exitCode": 0}}}]),
        # A sidecar that runs on leads nothing.
        running(
            "old",
            "",
            containerStatuses=[
                {"name": "manager", "state": WAITING},
                {"name": "proxy", "state": {"running": {"startedAt": "2026-01-01T00:20:00Z"}}},
            ],
        ),
        {**running("old", "2026-01-01T00:00:00Z"), "status": {"phase": "Failed", "conditions": ["odd"]}},
    ],
)
def test_a_wait_goes_on_until_the_lease_of_an_ended_pod_runs_out(
    clock: Clock, script: Script, old: dict[str, Any]
) -> None:
    cluster = serving(bundle())
    cluster.objects[key("Pod", "old", namespace="ops")] = old
    cluster.objects[key("Pod", "manager-1", namespace="ops")] = running("manager-1", "2026-01-01T00:10:05Z")
    times = {"acquireTime": "2026-01-01T00:00:01Z", "renewTime": "2026-01-01T00:10:00Z"}
    cluster.put(lease(holderIdentity="old_u", **times), "manager", "Update")
    script.append((6.0, edit(LEASE, "spec", to={"holderIdentity": "manager-1_u"})))
    result = waiting(cluster, clock, 60)
    assert result["elapsed"] >= 6.0
    assert "held by old" in " ".join(result["timeline"][0]["waiting_for"])


def test_a_sidecar_that_was_restarted_does_not_make_the_leader_an_earlier_process(clock: Clock, script: Script) -> None:
    item = running("manager-1", "2026-01-01T00:00:00Z")
    item["status"]["containerStatuses"].append(
        {"name": "proxy", "state": {"running": {"startedAt": "2026-01-02T00:00:00Z"}}}
    )
    cluster = serving(bundle())
    cluster.objects[key("Pod", "manager-1", namespace="ops")] = item
    times = {"acquireTime": "2026-01-01T00:00:01Z", "renewTime": "2026-01-01T00:10:00Z"}
    cluster.put(lease(holderIdentity="manager-1_u", **times), "manager", "Update")
    result = ControllersWait(cluster, bundle(), monotonic=clock.monotonic).run(0)
    assert "leader" in {check["rule"] for check in result["checks"]}


def test_without_leader_election_there_is_nothing_to_wait_for(clock: Clock, script: Script) -> None:
    result = ControllersWait(serving(bundle()), bundle(), monotonic=clock.monotonic).run(0)
    assert "leader" not in {check["rule"] for check in result["checks"]}
