# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A removal as data: what it may take, what it was decided on, and what it comes to. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..cluster.deletion import DeletionTarget
from ..cluster.namespace_contents import Contents
from ..objects.resources import Key
from ..plan.plan import Observed
from ..release.user_objects import NOTHING, Holdings

# In this order, but for webhook configurations: see C(remove/plan.py).
STAGES = (
    "train_jobs",
    "job_sets",
    "runtimes",
    "admission",
    "controllers",
    "leases",
    "access",
    "crds",
    "namespaces",
    "record",
)
_STAGE_OF = {
    "ClusterTrainingRuntime": "runtimes",
    "MutatingWebhookConfiguration": "admission",
    "ValidatingWebhookConfiguration": "admission",
    "Deployment": "controllers",
    "Lease": "leases",
    "CustomResourceDefinition": "crds",
    "Namespace": "namespaces",
}


def stage_of(kind: str) -> str:
    """Return the stage in which objects of a kind are deleted."""
    return _STAGE_OF.get(kind, "access")


@dataclass(frozen=True)
class Switches:
    """What a person allowed to be taken away beside the installation itself.

    Args:
        user_data: TrainJobs, JobSets, TrainingRuntimes and custom ClusterTrainingRuntimes.
        abandon: leave unfinished jobs without a controller.
        crds: the CRDs.
    """

    user_data: bool = False
    abandon: bool = False
    crds: bool = False


@dataclass(frozen=True)
class RemovalState:
    """What is on a cluster, as far as a removal needs it.

    Args:
        deployments: those in the operator's namespace, whole.
        holdings: what people keep.
        contents: what is in each namespace that may go.
    """

    observed: Observed
    deployments: Sequence[Mapping[str, Any]] = ()
    holdings: Holdings = NOTHING
    contents: Mapping[str, Contents] = field(default_factory=dict)


@dataclass(frozen=True)
class Removal:
    """A plan.

    Args:
        stages: (name, what is to be deleted before the next stage begins), without empty ones.
        retained: reason to objects.
        blockers: what forbids it, each with what to do about it.
        finalizers_to_remove: the runtimes whose finalizer no controller removes any more.
        existed: whether anything of Conductor's is there.
    """

    stages: tuple[tuple[str, tuple[DeletionTarget, ...]], ...] = ()
    retained: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    blockers: tuple[tuple[str, str], ...] = ()
    finalizers_to_remove: tuple[DeletionTarget, ...] = ()
    existed: bool = False

    def targets(self) -> Iterator[DeletionTarget]:
        """All that is to go, in order."""
        for _name, targets in self.stages:
            yield from targets

    def deleted(self) -> list[Key]:
        """What is to be deleted; without what is Terminating already."""
        return [target.key for target in self.targets() if not target.terminating]
