# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.inspection.users import user_facts
from tests.unit.plugins.helpers.states import managed, page

NOTHING = page()


def facts(*, upstream: tuple[str, ...] = (), adopt: tuple[str, ...] = (), **changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = dict.fromkeys(("train_jobs", "job_sets", "cluster_runtimes", "runtimes"), NOTHING)
    return user_facts(**{**values, **changes}, built_in=["torch"], upstream=upstream, adopt=adopt)


def job(name: str, condition: str = "", status: str = "True", **metadata: Any) -> dict[str, Any]:
    conditions = [{"type": condition, "status": status}] if condition else []
    return {"metadata": {"name": name, "namespace": "n", **metadata}, "status": {"conditions": conditions}}


def runtime(name: str, manager: str = "conductor", **metadata: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "managedFields": [{"manager": manager, "operation": "Apply"}], **metadata}}


@pytest.mark.parametrize(
    ("what", "item", "unfinished"),
    [
        ("train_jobs", job("a"), 1),
        ("train_jobs", job("a", "Suspended"), 1),
        ("train_jobs", job("a", "Complete"), 0),
        ("train_jobs", job("a", "Failed"), 0),
        ("train_jobs", job("a", "Failed", "False"), 1),
        ("train_jobs", {"metadata": None, "status": {"conditions": "odd"}}, 1),
        ("job_sets", job("a", "Completed"), 0),
        ("job_sets", job("a", "Failed"), 0),
        ("job_sets", job("a", "Complete"), 1),
    ],
)
def test_finished_or_not(what: str, item: dict[str, Any], unfinished: int) -> None:
    changes: dict[str, Any] = {what: page([item])}
    assert facts(**changes)[what]["unfinished"] == unfinished


def test_jobsets_of_a_train_job_count_with_it() -> None:
    owned = job("b", ownerReferences=[{"kind": "TrainJob", "name": "b"}])
    found = facts(job_sets=page([job("a"), owned]))["job_sets"]
    assert found == {"total": 1, "unfinished": 1, "names": ["n/a"], "whole": True}


def test_more_than_one_page() -> None:
    found = facts(train_jobs=page([job("a")], more=700))["train_jobs"]
    assert (found["total"], found["unfinished"], found["whole"]) == (701, 1, False)


def test_names_are_few() -> None:
    found = facts(train_jobs=page(job(f"j{number:02}") for number in range(15)))["train_jobs"]
    assert found["names"] == [*(f"n/j{number:02}" for number in range(5)), "and 10 more"]


def test_runtimes_of_people() -> None:
    runtimes = page([runtime("torch"), runtime("mine", "kubectl"), runtime("old", "conductor")])
    found = facts(cluster_runtimes=runtimes, runtimes=page([runtime("x")], more=2))
    assert (found["custom_runtimes"], found["runtimes_of_other_owners"], found["namespaced_runtimes"]) == (
        ["mine"],
        [],
        3,
    )


def test_built_in_names_of_other_owners() -> None:
    assert facts(cluster_runtimes=page([runtime("torch", "kubectl")]))["runtimes_of_other_owners"] == ["torch"]
    assert (
        facts(cluster_runtimes=page([runtime("torch", "kubectl")]), upstream=("torch",))["runtimes_of_other_owners"]
        == []
    )
    assert facts(cluster_runtimes=page([runtime("torch", "helm")]), upstream=("torch",))[
        "runtimes_of_other_owners"
    ] == ["torch"]
    assert facts(cluster_runtimes=page([runtime("torch", "helm")]), adopt=("helm",))["runtimes_of_other_owners"] == []
    ours = managed(
        {"kind": "X", "metadata": {"name": "torch"}}, "kubectl", labels={"conductor.trainer/managed": "true"}
    )
    assert facts(cluster_runtimes=page([ours]))["runtimes_of_other_owners"] == []


def test_finalizers_and_deletions_that_would_block() -> None:
    held = runtime("torch", finalizers=["trainer.kubeflow.org/resource-in-use"])
    going = job("a", deletionTimestamp="t")
    found = facts(cluster_runtimes=page([held]), runtimes=page([held]), train_jobs=page([going]))
    assert (found["runtimes_with_finalizer"], found["terminating"]) == (["torch", "torch"], ["n/a"])


def test_unreadable_is_not_zero() -> None:
    found = facts(train_jobs=None, job_sets=None, cluster_runtimes=None, runtimes=None)
    assert found["train_jobs"]["total"] is found["job_sets"]["unfinished"] is None
    assert found["custom_runtimes"] is found["runtimes_of_other_owners"] is found["namespaced_runtimes"] is None
