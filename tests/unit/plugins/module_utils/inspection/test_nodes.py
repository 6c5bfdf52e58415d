# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.inspection.nodes import by_free_cpu, node_facts
from tests.unit.plugins.helpers.states import NODE, release

TEMPLATES = [item["spec"]["template"] for item in release().objects("Deployment")]
TAINT = {"key": "gpu", "value": "yes", "effect": "NoSchedule"}


def node(name: str = "node", cpu: str = "2", arch: str = "amd64", ready: str = "True", **spec: Any) -> dict[str, Any]:
    status = {
        "allocatable": {"cpu": cpu, "memory": "4Gi"},
        "conditions": [{"type": "Ready", "status": ready}],
        "nodeInfo": {"architecture": arch},
    }
    return {"metadata": {"name": name}, "spec": spec, "status": status}


def pod(cpu: str, phase: str = "Running") -> dict[str, Any]:
    return {"spec": {"containers": [{"resources": {"requests": {"cpu": cpu}}}]}, "status": {"phase": phase}}


def facts(nodes: Any, pods: Any = None, wanted: Any = None, count: int | None = None) -> dict[str, Any]:
    return node_facts(
        nodes,
        len(nodes or ()) if count is None else count,
        {"node": []} if pods is None else pods,
        TEMPLATES if wanted is None else wanted,
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
    tolerant = [{"spec": {"tolerations": [toleration]}}]
    assert facts([node(taints=[TAINT])], wanted=tolerant)["schedulable"] == taken


@pytest.mark.parametrize(
    ("nodes", "pods", "count", "fits"),
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
def test_capacity(nodes: Any, pods: Any, count: int, fits: bool | None) -> None:
    assert facts(nodes, pods, count=count)["capacity"]["fits"] is fits


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
