# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people keep on a cluster that a removal could take from them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..objects.fields import is_true, name_of, namespace_of, parts, text

Item = Mapping[str, Any]
# The conditions by which TrainJobs and JobSets are told to be over (trainer.kubeflow.org, jobset.x-k8s.io).
_ENDINGS = ("Complete", "Completed", "Failed")


@dataclass(frozen=True)
class Holdings:
    """The objects of people's types, in all namespaces: TrainJobs and JobSets whole, the runtimes' metadata.

    Runtimes of the release are among C(cluster_runtimes).
    """

    train_jobs: Sequence[Item] = ()
    job_sets: Sequence[Item] = ()
    cluster_runtimes: Sequence[Item] = ()
    runtimes: Sequence[Item] = ()


NOTHING = Holdings()


def unfinished(jobs: Iterable[Item]) -> list[Item]:
    """Those that are not over."""
    return [job for job in jobs if not any(is_true(job, ending) for ending in _ENDINGS)]


def plain(job_sets: Iterable[Item]) -> list[Item]:
    """The JobSets that people made themselves, not through a TrainJob."""
    return [
        item
        for item in job_sets
        if not any(text(owner, "kind") == "TrainJob" for owner in parts(item, "metadata", "ownerReferences"))
    ]


def users_of(cluster_runtime: str, train_jobs: Iterable[Item]) -> list[Item]:
    """The TrainJobs that use a ClusterTrainingRuntime, the kind that counts where none is said."""
    return [
        job
        for job in train_jobs
        if text(job, "spec", "runtimeRef", "name") == cluster_runtime
        and text(job, "spec", "runtimeRef", "kind") in ("", "ClusterTrainingRuntime")
    ]


def full_name(item: Item) -> str:
    """C(NAMESPACE/NAME), or the name where there is no namespace."""
    return f"{namespace_of(item)}/{name_of(item)}".lstrip("/")
