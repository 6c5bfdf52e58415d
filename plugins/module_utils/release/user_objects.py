# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Select the objects that people created: TrainJobs, JobSets, runtimes. Pure.

The one place that decides whether a job is unfinished and whether a JobSet belongs to a TrainJob.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..objects.fields import is_true, name_of, namespace_of, parts, text
from ..verdicts.jobs import JOBSET_ENDS, TRAINJOB_ENDS

Item = Mapping[str, Any]


@dataclass(frozen=True)
class Holdings:
    """The objects of the kinds that people create, from all namespaces.

    TrainJobs and JobSets are complete; of runtimes only the metadata was read. C(cluster_runtimes) includes the
    runtimes of the release.
    """

    train_jobs: Sequence[Item] = ()
    job_sets: Sequence[Item] = ()
    cluster_runtimes: Sequence[Item] = ()
    runtimes: Sequence[Item] = ()


NOTHING = Holdings()


def unfinished_train_jobs(train_jobs: Iterable[Item]) -> list[Item]:
    """Return the TrainJobs that are neither complete nor failed."""
    return _unfinished(train_jobs, TRAINJOB_ENDS)


def unfinished_job_sets(job_sets: Iterable[Item]) -> list[Item]:
    """Return the JobSets that are neither completed nor failed."""
    return _unfinished(job_sets, JOBSET_ENDS)


def _unfinished(jobs: Iterable[Item], endings: Iterable[str]) -> list[Item]:
    return [job for job in jobs if not any(is_true(job, ending) for ending in endings)]


def standalone(job_sets: Iterable[Item]) -> list[Item]:
    """Return the JobSets that people created directly, not through a TrainJob."""
    return [
        item
        for item in job_sets
        if not any(text(owner, "kind") == "TrainJob" for owner in parts(item, "metadata", "ownerReferences"))
    ]


def users_of(cluster_runtime: str, train_jobs: Iterable[Item]) -> list[Item]:
    """Return the TrainJobs that use a ClusterTrainingRuntime (the default kind of a runtimeRef)."""
    return [
        job
        for job in train_jobs
        if text(job, "spec", "runtimeRef", "name") == cluster_runtime
        and text(job, "spec", "runtimeRef", "kind") in ("", "ClusterTrainingRuntime")
    ]


def full_name(item: Item) -> str:
    """Return C(NAMESPACE/NAME), or the name alone for a cluster-wide object."""
    return f"{namespace_of(item)}/{name_of(item)}".lstrip("/")
