# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy
import dataclasses
import json
import random
from collections.abc import Callable
from typing import Any, cast

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.cluster.reader import Page
from ansible_collections.conductor.trainer.plugins.module_utils.findings.judge import judge
from ansible_collections.conductor.trainer.plugins.module_utils.inspection.inspect import facts_of, inspect
from ansible_collections.conductor.trainer.plugins.module_utils.inspection.reads import REQUEST_LIMIT, Readings
from tests.unit.plugins.helpers.builders import bundle, key, obj, serving
from tests.unit.plugins.helpers.fakes import FakeCluster
from tests.unit.plugins.helpers.states import NODE, crds, deployments, empty, endpoints, installed, page, release

ODD: list[Any] = [None, 0, -1, True, "", "x", [], [None], {}, {"a": None}, ["a"], 1.5, {"metadata": None}, "9" * 400]
FIELDS = [field.name for field in dataclasses.fields(Readings)]
JOB = {"metadata": {"name": "a", "namespace": "n", "ownerReferences": [{"kind": "X"}]}, "status": {"conditions": [{}]}}
QUOTA = {
    "metadata": {"name": "q"},
    "spec": {"hard": {"pods": "1", "limits.cpu": "1"}},
    "status": {"used": {"pods": "1"}},
}
POLICY = {"metadata": {"name": "p"}, "spec": {"podSelector": {}, "ingress": [{"ports": [{"port": 1}], "from": [{}]}]}}


def full() -> Readings:
    """Return readings with every kind of object; schemas are reduced, so that damage hits a relevant place."""
    small = {
        name: {**crd, "spec": {"versions": [{"name": "v1alpha2", "served": True, "schema": {"openAPIV3Schema": {}}}]}}
        for name, crd in crds().items()
    }
    return installed(
        crds=small,
        deployments=page(deployments()[:1]),
        slices=endpoints("kubeflow-system", "jobset-webhook-service"),
        nodes=page([NODE]),
        pods={"node": page([{"spec": {"containers": [{"resources": {"requests": {"cpu": "1"}}}]}}])},
        train_jobs=page([JOB]),
        job_sets=page([JOB]),
        cluster_runtimes=page([JOB]),
        runtimes=page([JOB]),
        quotas=page([QUOTA]),
        policies=page([POLICY]),
        record={"data": {"record.json": "{"}},
    )


def judged(readings: Readings) -> str:
    facts = facts_of("https://c", release(), readings, "auto")
    return json.dumps([facts, judge(facts)])


def test_the_result_of_a_converged_cluster_is_small() -> None:
    cluster = serving(bundle())
    result = inspect(cluster, bundle())
    assert cluster.writes == []
    assert len(json.dumps(result)) < 20_000
    assert result["requests"] == len(cluster.requests)
    assert inspect(FakeCluster(), bundle())["trainer"]["state"] == "absent"


def test_the_result_of_a_large_cluster_is_small() -> None:
    many = page([{"metadata": {"name": f"{'x' * 200}{number}", "namespace": "n" * 60}} for number in range(500)])
    nodes = page(
        [
            {**NODE, "spec": {"taints": [{"key": f"{'k' * 60}{number}", "effect": "NoSchedule"}]}}
            for number in range(100)
        ]
    )
    readings = installed(
        train_jobs=many, job_sets=many, cluster_runtimes=many, runtimes=many, nodes=nodes, quotas=many, policies=many
    )
    assert len(judged(readings)) < 20_000


@pytest.mark.parametrize(("autoscaler", "blockers"), [(False, ["no_schedulable_node"]), (True, [])])
def test_insufficient_capacity_is_no_blocker_if_nodes_may_be_added(autoscaler: bool, blockers: list[str]) -> None:
    cluster = FakeCluster()
    cluster.put(obj("Node", "node", spec={"unschedulable": True}, status=NODE["status"]))
    if autoscaler:
        cluster.put(obj("ConfigMap", "cluster-autoscaler-status", namespace="kube-system"))
    result = inspect(cluster, bundle())
    assert [finding["code"] for finding in result["blockers"]] == blockers
    assert result["nodes"]["can_scale_up"] is autoscaler
    assert result["requests"] == len(cluster.requests) <= REQUEST_LIMIT
    # With enough capacity, nothing is read.
    assert inspect(FakeCluster(), bundle())["nodes"]["can_scale_up"] is None


@pytest.mark.parametrize("groups", [["*"], ["apps"]])
def test_permissions_come_from_one_review_or_from_several(groups: list[str]) -> None:
    cluster = FakeCluster()
    cluster.rules = [{"verbs": ["*"], "apiGroups": groups, "resources": ["*"]}]
    rights = inspect(cluster, bundle())["permissions"]
    assert rights["known"] is True
    assert bool(rights["missing"]) is (groups != ["*"])


def test_present_and_missing_runtimes_of_the_release() -> None:
    cluster = serving(bundle())
    del cluster.objects[key("ClusterTrainingRuntime", "jax", "trainer.kubeflow.org/v1alpha1")]
    assert inspect(cluster, bundle())["built_in_runtimes"] == {"present": ["torch"], "missing": ["jax"]}


def test_two_inspections_are_equal() -> None:
    first, second = judged(full()), judged(full())
    assert first == second


@pytest.mark.parametrize("name", FIELDS)
def test_any_one_thing_may_be_unreadable(name: str) -> None:
    value: Any = {
        "denied": (),
        "rejections": (),
        "requests": 0,
        "version": "",
        "everywhere": False,
        "may_do_anything": False,
    }.get(name)
    judged(dataclasses.replace(full(), **{name: value}))
    judged(dataclasses.replace(empty(), **{name: value}))


def test_nothing_readable_at_all() -> None:
    facts = facts_of("https://c", release(), Readings(denied=("list nodes",)), "bundled")
    assert facts["trainer"]["state"] == facts["jobset"]["state"] == "unknown"
    assert facts["permissions"]["known"] is False
    codes = [finding["code"] for findings in judge(facts) for finding in findings]
    assert codes == ["trainer_unknown", "jobset_unknown", "permissions_unknown", "unreadable"]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of all values inside a JSON value."""
    found = [path] if path else []
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in inside:
        found += places(part, (*path, name))
    return found


def damaged(value: Any, path: tuple[Any, ...], odd: Any) -> Any:
    """Return a copy with another value at a path, or without that path for a lambda."""
    done = copy.deepcopy(value)
    place = done
    for name in path[:-1]:
        place = place[name]
    if callable(odd):
        odd(place, path[-1])
    else:
        place[path[-1]] = odd
    return done


def remove(place: Any, name: Any) -> None:
    del place[name]


def through(value: Any, change: Callable[[Any], Any]) -> Any:
    return Page(change(list(value.items)), value.total) if isinstance(value, Page) else change(value)


def plain(value: Any) -> Any:
    """Return a reading as JSON, to find places in it."""
    return list(value.items) if isinstance(value, Page) else value


READ = [
    "crds",
    "mutating",
    "validating",
    "deployments",
    "nodes",
    "train_jobs",
    "job_sets",
    "cluster_runtimes",
    "runtimes",
    "quotas",
    "policies",
    "namespace",
    "public_config",
    "record",
    "kube_system",
    "rules",
    "cluster_rules",
]


@pytest.mark.parametrize("name", READ)
def test_no_field_that_is_odd_or_missing_raises(name: str) -> None:
    readings = full()
    value = getattr(readings, name)
    # A fixed seed, so that a failure is reproducible.
    chosen = random.Random(5)  # noqa: S311
    spots = [path for path in places(plain(value)) if not (name == "crds" and len(path) == 1)]
    for path in chosen.sample(spots, min(len(spots), 60)):
        for odd in (remove, *chosen.sample(ODD, 3)):
            if isinstance(value, Page) and len(path) == 1:
                continue  # the reader keeps objects only
            broken = through(value, lambda part, path=path, odd=odd: damaged(part, path, odd))  # type: ignore[misc]
            judged(dataclasses.replace(readings, **{name: broken}))


@pytest.mark.parametrize("name", ["slices", "pods"])
def test_no_odd_endpoint_or_pod_raises(name: str) -> None:
    readings = full()
    ((key, value),) = getattr(readings, name).items()
    for path in places(list(value.items)):
        for odd in (remove, *ODD):
            if len(path) > 1:
                broken = through(value, lambda part, path=path, odd=odd: damaged(part, path, odd))  # type: ignore[misc]
                judged(dataclasses.replace(readings, **cast(Any, {name: {key: broken}})))
