# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.inspection.nodes import by_free_cpu, node_facts
from ansible_collections.conductor.trainer.plugins.module_utils.inspection.rollout import ToPlace, to_place
from ansible_collections.conductor.trainer.plugins.module_utils.options.layers import with_options
from tests.unit.plugins.helpers.states import NODE, release

TO_PLACE = to_place(release().objects("Deployment"), [])
TAINT = {"key": "gpu", "value": "yes", "effect": "NoSchedule"}


def node(name: str = "node", cpu: str = "2", arch: str = "amd64", ready: str = "True", **spec: Any) -> dict[str, Any]:
    status = {
        "allocatable": {"cpu": cpu, "memory": "4Gi"},
        "conditions": [{"type": "Ready", "status": ready}],
        "nodeInfo": {"architecture": arch},
    }
    return {"metadata": {"name": name}, "spec": spec, "status": status}


def pod(cpu: str, phase: str = "Running", port: int | None = None, labels: Any = None, **spec: Any) -> dict[str, Any]:
    container: dict[str, Any] = {"resources": {"requests": {"cpu": cpu}}}
    if port is not None:
        container["ports"] = [{"containerPort": port, "hostPort": port}]
    return {
        "metadata": {"namespace": "ops", "labels": labels or {}},
        "spec": {"containers": [container], **spec},
        "status": {"phase": phase},
    }


def wish(cpu: str, number: int = 1, port: int | None = None, **spec: Any) -> ToPlace:
    """Pods of one Deployment that are to be placed."""
    return ToPlace("a", pod(cpu, port=port, **spec)["spec"], number)


def facts(nodes: Any, pods: Any = None, wanted: Any = None, count: int | None = None) -> dict[str, Any]:
    return node_facts(
        nodes,
        len(nodes or ()) if count is None else count,
        {"node": []} if pods is None else pods,
        TO_PLACE if wanted is None else wanted,
    )


@pytest.mark.parametrize(
    ("machine", "why"),
    [
        (node(), ""),
        (node(unschedulable=True), "cordoned"),
        (node(ready="False"), "not Ready"),
        (node(ready="Unknown"), "not Ready"),
        (node(taints=[TAINT]), "taint gpu=yes:NoSchedule"),
        (node(taints=[{"key": "x", "effect": "NoExecute"}]), "taint x:NoExecute"),
        (node(taints=[{**TAINT, "effect": "PreferNoSchedule"}]), ""),
    ],
)
def test_which_nodes_accept_a_controller(machine: dict[str, Any], why: str) -> None:
    found = facts([machine])
    assert found["rejections"] == ([why] if why else [])
    assert found["schedulable"] == (0 if why else 1)
    assert by_free_cpu([machine]) == ([] if why else ["node"])


@pytest.mark.parametrize(
    ("toleration", "taken"),
    [
        ({"key": "gpu", "value": "yes", "effect": "NoSchedule"}, 1),
        ({"key": "gpu", "operator": "Exists"}, 1),
        ({"operator": "Exists"}, 1),
        ({"key": "gpu", "value": "no"}, 0),
        ({"key": "gpu", "operator": "Exists", "effect": "NoExecute"}, 0),
    ],
)
def test_tolerations(toleration: dict[str, Any], taken: int) -> None:
    tolerant = [ToPlace("a", {"tolerations": [toleration]})]
    assert facts([node(taints=[TAINT])], wanted=tolerant)["schedulable"] == taken


@pytest.mark.parametrize(
    ("nodes", "pods", "count", "expected"),
    [
        ([node()], {"node": []}, 1, True),
        ([node()], {"node": [pod("1400m")]}, 1, True),
        ([node()], {"node": [pod("1500m")]}, 1, False),
        ([node()], {"node": [pod("1500m", "Succeeded")]}, 1, True),
        ([node(cpu="500m"), node("b", "100m")], {"node": [], "b": []}, 2, True),  # one on each
        ([node(cpu="400m"), node("b", "400m")], {"node": [], "b": []}, 2, False),
        ([node(cpu="400m"), node("b", "400m")], {"node": []}, 2, None),  # not every node was looked into
        ([node(cpu="400m")], {"node": []}, 9, None),
        ([node()], {"node": None}, 1, None),
        ([node(unschedulable=True)], {}, 1, False),
        ([], {}, 0, False),
        (None, {}, 0, None),
    ],
)
def test_capacity(nodes: Any, pods: Any, count: int, expected: bool | None) -> None:
    assert facts(nodes, pods, count=count)["capacity"]["fits"] is expected


def fits(node_pods: Any, *wanted: ToPlace, machines: int = 1, classes: Any = None) -> bool | None:
    """Return whether pods fit on nodes with 2 CPU of which the first has these pods."""
    machine = [node(f"n{number}") for number in range(machines)]
    there = {f"n{number}": node_pods if number == 0 else [] for number in range(machines)}
    found: bool | None = node_facts(machine, machines, there, wanted, classes)["capacity"]["fits"]
    return found


def test_every_replica_needs_room() -> None:
    assert fits([], wish("600m", 3))
    assert fits([], wish("700m", 3)) is False
    assert fits([], wish("700m", 3), machines=2)


def test_two_controllers_with_two_replicas_are_more_than_a_small_node_has() -> None:
    taken = pod("850m")
    assert fits([taken], *TO_PLACE)
    assert fits([taken], *to_place(with_options(release(), {"replicas": 2}).objects("Deployment"), [])) is False
    smaller = {"replicas": 2, "resources": {"requests": {"cpu": "50m"}}}
    assert fits([taken], *to_place(with_options(release(), smaller).objects("Deployment"), []))


def test_one_more_pod_has_to_fit_during_an_update() -> None:
    mine = {"app": "mine"}
    update = ToPlace("a", pod("900m")["spec"], 1, 1, surge=True, present=("ops", mine), new=False)
    assert fits([pod("900m", labels=mine)], update)
    crowded = [pod("900m", labels=mine), pod("300m")]
    assert fits(crowded, update) is False
    assert facts([node()], {"node": crowded}, [update])["capacity"]["updates"] == ["a"]
    # The present pod ends first.
    assert fits(crowded, update._replace(surge=False, more=0))
    # In the end it is gone anyway, but the others stay.
    assert fits([pod("1900m", labels=mine)], update._replace(surge=False))
    assert fits([pod("1900m")], update._replace(surge=False)) is False
    # Pods of another namespace with the same labels stay.
    elsewhere = pod("1900m", labels=mine)
    elsewhere["metadata"]["namespace"] = "other"
    assert fits([elsewhere], update._replace(surge=False)) is False


@pytest.mark.parametrize(
    ("priority", "spec", "known", "room"),
    [
        (None, {}, {}, False),
        (-10, {}, {}, True),
        (10, {"priorityClassName": "gold"}, {"gold": {"value": 5}}, False),
        (10, {"priorityClassName": "gold"}, {"gold": {"value": 20}}, True),
        (10, {"priorityClassName": "gold"}, {"gold": {"value": 20, "preemptionPolicy": "Never"}}, False),
        (10, {"priorityClassName": "gold"}, {"gold": None}, True),
        (10, {"priorityClassName": "system-node-critical"}, {}, True),
        (2_000_001_000, {"priorityClassName": "system-cluster-critical"}, {}, False),
    ],
)
def test_pods_of_a_lower_priority_give_way(priority: Any, spec: Any, known: Any, room: bool) -> None:
    assert fits([pod("1900m", priority=priority)], wish("1", **spec), classes=known) is room


def test_a_port_of_a_node_is_used_once() -> None:
    assert fits([], wish("1m", 1, port=9443))
    assert fits([], wish("1m", 2, port=9443)) is False
    assert fits([], wish("1m", 2, port=9443), machines=2)
    taken = facts([node()], {"node": [pod("1m", port=9443)]}, [wish("1m", 1, port=9443)])["capacity"]
    assert (taken["fits"], taken["host_ports"]) == (False, ["9443/TCP"])
    assert fits([pod("1m", port=9444)], wish("1m", 1, port=9443))
    both = to_place(with_options(release(), {"host_network": True}).objects("Deployment"), [])
    assert fits([], *both)


def test_each_controller_is_judged_by_its_own_placement() -> None:
    picky = wish("1m", nodeSelector={"pool": "a"})._replace(deployment="picky")
    found = facts([node()], wanted=[wish("1m"), picky])
    assert found["refused"] == [{"deployment": "picky", "rejections": ["without the label pool=a"]}]
    assert found["schedulable"] == 0
    assert found["capacity"]["fits"] is False
    labelled = node()
    labelled["metadata"]["labels"] = {"pool": "a"}
    assert facts([labelled], wanted=[wish("1m"), picky])["refused"] == []
    assert by_free_cpu([node(), labelled | {"metadata": {"name": "b", "labels": {"pool": "a"}}}], [picky]) == ["b"]


def test_requests_of_the_controllers() -> None:
    room = facts([node()])["capacity"]
    assert (room["cpu"], room["memory"], room["free_cpu"]) == (0.6, 256 * 2**20, 2.0)
    assert facts([node()], wanted=[])["capacity"]["fits"] is True


def test_kinds_of_machines() -> None:
    found = facts([node(), node("b", arch="arm64"), node("c", arch="s390x", taints=[TAINT])], count=500)
    assert (found["total"], found["inspected"], found["ready"]) == (500, 3, 3)
    assert found["architectures"] == {"amd64": 1, "arm64": 1, "s390x": 1}
    assert found["taints"] == {"gpu=yes:NoSchedule": 1}
    assert facts([node(arch="s390x")])["supported_architecture"] is False
    assert facts([])["supported_architecture"] is None
    assert facts([NODE])["supported_architecture"] is True


def test_most_cpu_first() -> None:
    assert by_free_cpu([node("a", "1"), node("b", "4"), node("c", "1500m")]) == ["b", "c", "a"]
