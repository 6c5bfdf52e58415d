# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy
import json
from typing import Any

import pytest
import yaml

from ansible_collections.conductor.trainer.plugins.filter.status import RETURN, FilterModule, status
from ansible_collections.conductor.trainer.plugins.module_utils.inspection.inspect import inspect
from tests.unit.plugins.helpers.builders import bundle, serving
from tests.unit.plugins.helpers.fakes import FakeCluster

KEYS = list(yaml.safe_load(RETURN)["_value"]["contains"])


def healthy() -> dict[str, Any]:
    """Return the inspection of a healthy cluster."""
    found = inspect(FakeCluster(), bundle())
    for part in ("trainer", "jobset"):
        found[part] |= {"state": "complete" if part == "trainer" else "bundled", "healthy": True, "namespace": "ops"}
    found["built_in_runtimes"] = {"present": ["jax", "torch"], "missing": []}
    found["certificates"] = [{"configuration": "validator", "not_after": "2035-01-01T00:00:00Z", "days_left": 9}]
    return found


def changed(**parts: Any) -> dict[str, Any]:
    """Return the same with changed parts; a dictionary is merged."""
    found = copy.deepcopy(healthy())
    for name, value in parts.items():
        found[name] = {**found[name], **value} if isinstance(value, dict) else value
    return found


def test_a_healthy_one() -> None:
    found = status(healthy())
    assert (found["health"], found["reasons"], found["error"]) == ("healthy", [], None)
    assert found["runtimes"] == {"present": ["jax", "torch"], "missing": [], "custom": [], "namespaced": 0}
    assert found["cluster"]["kubernetes"] == "1.35.8"


@pytest.mark.parametrize(
    ("changes", "health", "reason"),
    [
        ({"trainer": {"state": "absent", "healthy": None}}, "absent", "Trainer is not installed"),
        (
            {"trainer": {"state": "incomplete", "missing": ["Deployment x"]}},
            "unhealthy",
            "Trainer is incomplete, missing: Deployment x",
        ),
        (
            {"trainer": {"state": "terminating", "terminating": ["Namespace x"]}},
            "unhealthy",
            "Namespace x is being deleted",
        ),
        ({"trainer": {"healthy": False, "problems": ["Service a: no ready endpoint"]}}, "unhealthy", "Service a"),
        ({"jobset": {"healthy": False, "problems": ["its CRD is not there"]}}, "unhealthy", "JobSet: its CRD is not"),
        ({"jobset": {"state": "absent", "healthy": None}}, "unhealthy", "JobSet is not installed"),
        ({"built_in_runtimes": {"missing": ["jax"]}}, "unhealthy", "ClusterTrainingRuntime jax is missing"),
        (
            {"certificates": [{"configuration": "c", "not_after": "2020-01-01T00:00:00Z", "days_left": -1}]},
            "unhealthy",
            "the certificate of c expired on 2020-01-01T00:00:00Z",
        ),
        ({"trainer": {"healthy": None}}, "unknown", "missing permissions: unknown"),
        ({"jobset": {"healthy": None}}, "unknown", "facts cannot be read"),
        ({"certificates": None, "permissions": {"unreadable": ["list a", "list b"]}}, "unknown", "list a; list b"),
        ({"built_in_runtimes": {"present": None, "missing": None}}, "unknown", "facts cannot be read"),
    ],
)
def test_each_problem_is_a_reason(changes: dict[str, Any], health: str, reason: str) -> None:
    found = status(changed(**changes))
    assert found["health"] == health
    assert any(reason in line for line in found["reasons"])


@pytest.mark.parametrize(
    ("inspection", "error"),
    [
        ({}, "the cluster was not inspected: an earlier step failed"),
        (
            {"failed": True, "msg": "https://c cannot be reached\nNext: look\n"},
            "https://c cannot be reached\nNext: look",
        ),
    ],
)
def test_without_an_inspection_the_error_says_why(inspection: dict[str, Any], error: str) -> None:
    found = status(inspection)
    assert (found["health"], found["error"], found["reasons"], found["trainer"]) == ("unknown", error, [error], None)
    assert list(found) == KEYS


@pytest.mark.parametrize("cluster", [FakeCluster(), serving(bundle())])
def test_the_keys_are_as_documented_and_the_whole_is_small(cluster: FakeCluster) -> None:
    found = status(inspect(cluster, bundle()))
    assert list(found) == KEYS
    assert len(json.dumps(found)) < 10_000


def test_neighbours_have_their_names_and_versions() -> None:
    there = {"present": True, "version": "0.17.0"}
    found = status(changed(neighbours={"kueue": there, "istio": {"present": True}, "gang_schedulers": ["volcano"]}))
    assert found["neighbours"] == ["Kueue 0.17.0", "Istio", "volcano"]


def test_it_is_the_filter_that_ansible_loads() -> None:
    assert FilterModule().filters() == {"status": status}
