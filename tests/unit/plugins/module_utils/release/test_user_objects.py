# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.release.user_objects import (
    full_name,
    standalone,
    unfinished_job_sets,
    unfinished_train_jobs,
    users_of,
)
from tests.unit.plugins.helpers.builders import obj


def job(name: str, *conditions: tuple[str, str], **spec: Any) -> dict[str, Any]:
    status = {"conditions": [{"type": kind, "status": state} for kind, state in conditions]}
    return obj("TrainJob", name, "trainer.kubeflow.org/v1alpha1", "a", spec=spec, status=status)


@pytest.mark.parametrize(
    ("unfinished", "ending", "foreign"),
    [
        (unfinished_train_jobs, "Complete", "Completed"),
        (unfinished_train_jobs, "Failed", "Completed"),
        (unfinished_job_sets, "Completed", "Complete"),
        (unfinished_job_sets, "Failed", "Complete"),
    ],
)
def test_a_job_is_finished_by_a_condition_of_its_own_kind(unfinished: Any, ending: str, foreign: str) -> None:
    jobs = [job("over", (ending, "True")), job("not", (ending, "False")), job("new"), job("s", ("Suspended", "True"))]
    jobs.append(job("foreign", (foreign, "True")))
    assert [full_name(one) for one in unfinished(jobs)] == ["a/not", "a/new", "a/s", "a/foreign"]


def test_a_job_set_of_a_train_job_is_not_standalone() -> None:
    owned = obj("JobSet", "x", "jobset.x-k8s.io/v1alpha2", "a", metadata={"ownerReferences": [{"kind": "TrainJob"}]})
    other = obj("JobSet", "y", "jobset.x-k8s.io/v1alpha2", "a", metadata={"ownerReferences": [{"kind": "Workload"}]})
    bare = obj("JobSet", "z", "jobset.x-k8s.io/v1alpha2", "a")
    assert standalone([owned, other, bare]) == [other, bare]


def test_users_of_a_runtime() -> None:
    jobs = [
        job("said", runtimeRef={"name": "torch", "kind": "ClusterTrainingRuntime"}),
        job("unsaid", runtimeRef={"name": "torch"}),
        job("namespaced", runtimeRef={"name": "torch", "kind": "TrainingRuntime"}),
        job("another", runtimeRef={"name": "jax"}),
        job("none"),
    ]
    assert [full_name(one) for one in users_of("torch", jobs)] == ["a/said", "a/unsaid"]


def test_a_name_without_a_namespace() -> None:
    assert full_name(obj("ClusterTrainingRuntime", "torch")) == "torch"
