# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Count the objects that people created and that an install, an upgrade or a removal could affect."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..cluster.reader import Page
from ..objects.fields import is_terminating, name_of, part, some, texts
from ..objects.finalizers import RUNTIME_FINALIZER
from ..ownership.installers import is_own_or_nothing, owner
from ..release.user_objects import Item, full_name, standalone, unfinished_job_sets, unfinished_train_jobs


def user_facts(
    train_jobs: Page | None,
    job_sets: Page | None,
    cluster_runtimes: Page | None,
    runtimes: Page | None,
    built_in: Sequence[str],
    upstream: Sequence[str] = (),
    adopt: Sequence[str] = (),
) -> dict[str, Any]:
    """Return counts and some names. A count is None if the objects could not be read.

    Args:
        built_in: the names of the release's own ClusterTrainingRuntimes.
        upstream: the names of those that upstream ships as well; they are taken over if kubectl applied them.
        adopt: the installers whose objects an install adopts.
    """
    clusterwide = list(cluster_runtimes.items) if cluster_runtimes else []
    held = [*clusterwide, *(runtimes.items if runtimes else ())]
    return {
        "train_jobs": _jobs(train_jobs, unfinished_train_jobs),
        "job_sets": _jobs(_standalone(job_sets), unfinished_job_sets),
        "custom_runtimes": None if cluster_runtimes is None else _listed(_custom(clusterwide, built_in)),
        "runtimes_of_other_owners": None
        if cluster_runtimes is None
        else _listed(_foreign(clusterwide, built_in, upstream, adopt)),
        "namespaced_runtimes": None if runtimes is None else runtimes.total,
        "runtimes_with_finalizer": _listed(
            [item for item in held if RUNTIME_FINALIZER in texts(item, "metadata", "finalizers")]
        ),
        "terminating": _listed(
            [
                item
                for page in (train_jobs, job_sets, cluster_runtimes, runtimes)
                for item in (page.items if page else ())
                if is_terminating(item)
            ]
        ),
    }


def _jobs(page: Page | None, unfinished: Callable[[Iterable[Item]], list[Item]]) -> dict[str, Any]:
    if page is None:
        return {"total": None, "unfinished": None, "names": [], "whole": False}
    running = unfinished(page.items)
    return {
        "total": page.total,
        "unfinished": len(running),
        "names": _listed(running),
        # If False, only the first page was counted and C(unfinished) is a lower bound.
        "whole": page.whole,
    }


def _standalone(page: Page | None) -> Page | None:
    """Return the JobSets that people created directly; those of a TrainJob count with the TrainJob."""
    if page is None:
        return None
    items = standalone(page.items)
    return Page(items, len(items) + page.total - len(page.items))


def _custom(runtimes: Sequence[Mapping[str, Any]], built_in: Sequence[str]) -> list[Mapping[str, Any]]:
    return [item for item in runtimes if name_of(item) not in built_in and _kind(item) != "conductor"]


def _foreign(
    runtimes: Sequence[Mapping[str, Any]], built_in: Sequence[str], upstream: Sequence[str], adopt: Sequence[str]
) -> list[Mapping[str, Any]]:
    """Return the runtimes that have a built-in name, belong to another owner and are not taken over or adopted."""
    return [
        item
        for item in runtimes
        if name_of(item) in built_in
        and not is_own_or_nothing([item])
        and not (owner(part(item, "metadata"), adopt)["adoptable"] and (adopt or name_of(item) in upstream))
    ]


def _kind(item: Mapping[str, Any]) -> str:
    return str(owner(part(item, "metadata"))["kind"])


def _listed(items: Sequence[Mapping[str, Any]]) -> list[str]:
    return some(full_name(item) for item in items)
