# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.inspection.placement import refusal

NODE: dict[str, Any] = {
    "metadata": {"name": "n1", "labels": {"pool": "system", "cores": "8"}},
    "status": {"conditions": [{"type": "Ready", "status": "True"}]},
}


def in_affinity(*expressions: dict[str, Any], fields: Any = None) -> str:
    """Return why the node does not accept a pod that requires nodes with these labels."""
    term = {"matchExpressions": list(expressions), "matchFields": fields or []}
    required = {"nodeSelectorTerms": [{"matchExpressions": [{"key": "no", "operator": "Exists"}]}, term]}
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}
    return refusal(NODE, {"affinity": affinity})


@pytest.mark.parametrize(
    ("key", "operator", "values", "accepted"),
    [
        ("pool", "In", ["system", "x"], True),
        ("pool", "In", ["x"], False),
        ("gone", "In", ["x"], False),
        ("pool", "NotIn", ["x"], True),
        ("pool", "NotIn", ["system"], False),
        ("gone", "NotIn", ["x"], True),
        ("pool", "Exists", [], True),
        ("gone", "Exists", [], False),
        ("gone", "DoesNotExist", [], True),
        ("pool", "DoesNotExist", [], False),
        ("cores", "Gt", ["4"], True),
        ("cores", "Gt", ["8"], False),
        ("cores", "Lt", ["16"], True),
        ("pool", "Gt", ["4"], False),
        ("gone", "Lt", ["4"], False),
        ("cores", "Gt", [], False),
        ("pool", "Other", [], False),
    ],
)
def test_node_affinity(key: str, operator: str, values: list[str], accepted: bool) -> None:
    found = in_affinity({"key": key, "operator": operator, "values": values})
    assert found == ("" if accepted else "not in the node affinity")


def test_all_expressions_of_a_term_must_match_and_an_empty_term_matches_nothing() -> None:
    assert in_affinity({"key": "pool", "operator": "Exists"}, {"key": "gone", "operator": "Exists"})
    assert in_affinity()
    assert in_affinity(fields=[{"key": "metadata.name", "operator": "In", "values": ["n1"]}]) == ""
    assert in_affinity(fields=[{"key": "metadata.name", "operator": "In", "values": ["n2"]}])


def test_preferences_keep_no_pod_away() -> None:
    preferred = [{"weight": 1, "preference": {"matchExpressions": [{"key": "no", "operator": "Exists"}]}}]
    affinity = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}
    assert refusal(NODE, {"affinity": affinity}) == ""


@pytest.mark.parametrize(
    ("selector", "why"),
    [
        ({"pool": "system"}, ""),
        ({"pool": "x"}, "without the label pool=x"),
        ({"pool": "system", "gone": "y"}, "without the label gone=y"),
    ],
)
def test_node_selector(selector: dict[str, str], why: str) -> None:
    assert refusal(NODE, {"nodeSelector": selector}) == why


def test_a_pod_that_tolerates_everything_runs_on_a_cordoned_node() -> None:
    cordoned = {**NODE, "spec": {"unschedulable": True}}
    assert refusal(cordoned, {}) == "cordoned"
    assert refusal(cordoned, {"tolerations": [{"operator": "Exists"}]}) == ""
    assert refusal({**NODE, "status": {}}, {"tolerations": [{"operator": "Exists"}]}) == "not Ready"


@pytest.mark.parametrize(("operator", "value", "accepted"), [("Gt", "5", True), ("Lt", "5", False), ("Gt", "x", False)])
def test_a_toleration_may_compare_numbers(operator: str, value: str, accepted: bool) -> None:
    tainted = {**NODE, "spec": {"taints": [{"key": "sla", "value": "9", "effect": "NoSchedule"}]}}
    found = refusal(tainted, {"tolerations": [{"key": "sla", "operator": operator, "value": value}]})
    assert (found == "") is accepted
