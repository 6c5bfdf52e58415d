# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.inspection.placement import architectures, refusal
from tests.unit.plugins.helpers.kubelet import node

TAINT = {"key": "dedicated", "value": "system", "effect": "NoSchedule"}


def accepts(one: dict[str, Any], pod: dict[str, Any]) -> bool:
    return refusal(one, pod) == ""


def near(*terms: Any) -> dict[str, Any]:
    """A pod with a required node affinity."""
    required = {"nodeSelectorTerms": list(terms)}
    return {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}}


def rule(key: str, operator: str, *values: str) -> dict[str, Any]:
    """A term of one rule."""
    return {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}


@pytest.mark.parametrize(
    ("pod", "labels", "accepted"),
    [
        ({}, {}, True),
        ({"nodeSelector": {"pool": "system"}}, {"pool": "system"}, True),
        ({"nodeSelector": {"pool": "system"}}, {"pool": "gpu"}, False),
        ({"nodeSelector": {"pool": "system"}}, {}, False),
        (near(rule("pool", "In", "a", "b")), {"pool": "b"}, True),
        (near(rule("pool", "In", "a", "b")), {}, False),
        (near(rule("pool", "NotIn", "a")), {}, True),
        (near(rule("pool", "NotIn", "a")), {"pool": "a"}, False),
        (near(rule("pool", "Exists")), {"pool": ""}, True),
        (near(rule("pool", "Exists")), {}, False),
        (near(rule("pool", "DoesNotExist")), {}, True),
        (near(rule("pool", "DoesNotExist")), {"pool": "a"}, False),
        (near(rule("cores", "Gt", "8")), {"cores": "9"}, True),
        (near(rule("cores", "Gt", "8")), {"cores": "8"}, False),
        (near(rule("cores", "Lt", "8")), {"cores": "7"}, True),
        (near(rule("cores", "Lt", "8")), {"cores": "many"}, False),
        (near(rule("cores", "Lt", "8")), {}, False),
        (near(rule("cores", "Lt", "8", "9")), {"cores": "7"}, False),
        (near(rule("pool", "Unheard")), {"pool": "a"}, False),
        # One term of several is enough, but an empty one accepts nothing.
        (near(rule("pool", "In", "a"), rule("pool", "In", "b")), {"pool": "b"}, True),
        (near({}), {}, False),
        (near({"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["node-1"]}]}), {}, True),
        (near({"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["node-2"]}]}), {}, False),
        (near({**rule("pool", "Exists"), "matchFields": [{"key": "metadata.name", "operator": "Exists"}]}), {}, False),
        # What is only preferred keeps nobody away.
        ({"affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{}]}}}, {}, True),
    ],
)
def test_selectors_and_affinity(pod: dict[str, Any], labels: dict[str, str], accepted: bool) -> None:
    assert accepts(node(labels=labels), pod) is accepted


@pytest.mark.parametrize(
    ("taint", "toleration", "accepted"),
    [
        (TAINT, None, False),
        ({**TAINT, "effect": "NoExecute"}, None, False),
        ({**TAINT, "effect": "PreferNoSchedule"}, None, True),
        (TAINT, {"key": "dedicated", "value": "system"}, True),
        (TAINT, {"key": "dedicated", "value": "system", "effect": "NoSchedule"}, True),
        (TAINT, {"key": "dedicated", "value": "system", "effect": "NoExecute"}, False),
        (TAINT, {"key": "dedicated", "value": "gpu"}, False),
        (TAINT, {"key": "dedicated", "operator": "Exists"}, True),
        (TAINT, {"key": "other", "operator": "Exists"}, False),
        (TAINT, {"operator": "Exists"}, True),
    ],
)
def test_taints(taint: dict[str, str], toleration: dict[str, str] | None, accepted: bool) -> None:
    assert accepts(node(taints=[taint]), {"tolerations": [toleration] if toleration else []}) is accepted


def test_a_node_that_takes_no_pods() -> None:
    unready, ending = node(), node()
    unready["status"]["conditions"][0]["status"] = "Unknown"
    ending["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert [accepts(one, {}) for one in (node(unschedulable=True), unready, ending)] == [False] * 3


def test_the_architectures_are_those_of_the_nodes_that_accept_the_pod() -> None:
    nodes = [node(), node(), node("b", "arm64"), node("c", "s390x", taints=[TAINT]), node("d", "")]
    assert architectures(nodes, {}) == ["amd64", "arm64"]
    assert architectures(nodes, {"nodeSelector": {"kubernetes.io/arch": "arm64"}}) == ["arm64"]
    assert architectures(nodes, {"nodeSelector": {"no": "where"}}) == []
