# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people keep on a cluster that an install, an upgrade or a removal could hurt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..cluster.reader import Page
from ..objects.fields import is_terminating, is_true, name_of, namespace_of, part, parts, some, text, texts
from ..objects.finalizers import RUNTIME_FINALIZER
from ..ownership.installers import is_own_or_nothing, owner


def user_facts(
    train_jobs: Page | None,
    job_sets: Page | None,
    cluster_runtimes: Page | None,
    runtimes: Page | None,
    built_in: Sequence[str],
    upstream: Sequence[str] = (),
    adopt: Sequence[str] = (),
) -> dict[str, Any]:
    """Numbers and some names. A number is None where it may not be read.

    Args:
        built_in: the names of the release's own ClusterTrainingRuntimes.
        upstream: the names of those that upstream ships, too; what kubectl applied of them is taken over.
        adopt: the installers whose objects an install takes over.
    """
    clusterwide = list(cluster_runtimes.items) if cluster_runtimes else []
    held = [*clusterwide, *(runtimes.items if runtimes else ())]
    return {
        "train_jobs": _jobs(train_jobs, ("Complete", "Failed")),
        "job_sets": _jobs(_plain(job_sets), ("Completed", "Failed")),
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


def _jobs(page: Page | None, endings: tuple[str, str]) -> dict[str, Any]:
    if page is None:
        return {"total": None, "unfinished": None, "names": [], "whole": False}
    unfinished = [item for item in page.items if not any(is_true(item, ending) for ending in endings)]
    return {
        "total": page.total,
        "unfinished": len(unfinished),
        "names": _listed(unfinished),
        # Where it is not, there are as many unfinished ones at least.
        "whole": page.whole,
    }


def _plain(page: Page | None) -> Page | None:
    """The JobSets that people made themselves; those of a TrainJob count with it."""
    if page is None:
        return None
    items = [
        item
        for item in page.items
        if not any(text(reference, "kind") == "TrainJob" for reference in parts(item, "metadata", "ownerReferences"))
    ]
    return Page(items, len(items) + page.total - len(page.items))


def _custom(runtimes: Sequence[Mapping[str, Any]], built_in: Sequence[str]) -> list[Mapping[str, Any]]:
    return [item for item in runtimes if name_of(item) not in built_in and _kind(item) != "conductor"]


def _foreign(
    runtimes: Sequence[Mapping[str, Any]], built_in: Sequence[str], upstream: Sequence[str], adopt: Sequence[str]
) -> list[Mapping[str, Any]]:
    """Runtimes with the name of a built-in one that somebody else made, and that are not taken over from there."""
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
    return some(f"{namespace_of(item)}/{name_of(item)}".lstrip("/") for item in items)
