# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An uninstall as data: its options, the observed state and the plan. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..cluster.deletion import DeletionTarget
from ..cluster.namespace_contents import Contents
from ..objects.resources import Key
from ..ownership.record import RecordEntry
from ..plan.plan import Observed
from ..release.user_objects import NOTHING, Holdings

# The order of deletion. Webhook configurations may come first: see C(remove/plan.py).
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
    "TrainingRuntime": "runtimes",
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
    """What the user allows to be deleted in addition to the installation.

    Args:
        user_data: TrainJobs, JobSets, TrainingRuntimes and custom ClusterTrainingRuntimes.
        abandon: leave jobs without a controller.
        crds: the CRDs.
    """

    user_data: bool = False
    abandon: bool = False
    crds: bool = False


@dataclass(frozen=True)
class RemovalState:
    """The state of a cluster that an uninstall needs.

    Args:
        deployments: those in the operator's namespace, complete.
        holdings: the objects of users.
        contents: the contents of each namespace that may be deleted.
    """

    observed: Observed
    deployments: Sequence[Mapping[str, Any]] = ()
    holdings: Holdings = NOTHING
    contents: Mapping[str, Contents] = field(default_factory=dict)


@dataclass(frozen=True)
class Removal:
    """The plan of an uninstall.

    Args:
        stages: (name, the objects to delete before the next stage begins), without empty stages.
        retained: reason to object names.
        blockers: (sentence, next step) for each reason why the uninstall must not run.
        finalizers_to_remove: the runtimes whose finalizer no controller removes any more.
        existed: whether objects of Conductor exist.
        vouched: the entries that the install record has to keep, because only they show that Conductor created an
            object that stays. Without any, the record is deleted.
    """

    stages: tuple[tuple[str, tuple[DeletionTarget, ...]], ...] = ()
    retained: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    blockers: tuple[tuple[str, str], ...] = ()
    finalizers_to_remove: tuple[DeletionTarget, ...] = ()
    existed: bool = False
    vouched: Mapping[Key, RecordEntry] = field(default_factory=dict)

    def targets(self) -> Iterator[DeletionTarget]:
        """Yield all objects to delete, in order."""
        for _name, targets in self.stages:
            yield from targets

    def deleted(self) -> list[Key]:
        """Return the objects to delete, without those that are Terminating already."""
        return [target.key for target in self.targets() if not target.terminating]
