# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""List the permissions that an uninstall needs, and check them before the first delete."""

from __future__ import annotations

from ..cluster.access_reviews import Right, ask
from ..cluster.client import Cluster
from ..errors import ApiError, RefusedError
from ..objects.resources import resource_of
from ..rejections.rejection import Rejection, Scene, rejection_of
from ..rights.check import require
from ..rights.required import lease_rights, right_to
from .model import Removal

_POD = resource_of("v1", "Pod")
_REPLICA_SET = resource_of("apps/v1", "ReplicaSet")
# Kinds whose deletion takes time: they have contents or finalizers.
_LASTING = frozenset(
    {
        "ClusterTrainingRuntime",
        "TrainingRuntime",
        "TrainJob",
        "JobSet",
        "Deployment",
        "CustomResourceDefinition",
        "Namespace",
    }
)


def removal_rights(removal: Removal) -> list[Right]:
    """Return the permissions to delete the objects, to wait until they are gone, and to remove finalizers."""
    targets = [target.key for target in removal.targets()]
    lasting = {key for key in targets if key.kind in _LASTING}
    return [
        *dict.fromkeys(
            right_to("delete", resource_of(key.api_version, key.kind), key.namespace, key.name)
            for key in removal.deleted()
        ),
        *dict.fromkeys(
            right_to("watch", resource_of(key.api_version, key.kind), key.namespace) for key in sorted(lasting)
        ),
        *dict.fromkeys(
            right_to(verb, resource, key.namespace)
            for key in sorted(lasting)
            if key.kind == "Deployment"
            for verb, resource in (("list", _REPLICA_SET), ("list", _POD), ("watch", _POD))
        ),
        *(
            right_to("patch", resource_of(key.api_version, key.kind), key.namespace, key.name)
            for key in (target.key for target in removal.finalizers_to_remove)
        ),
    ]


def require_removal_rights(cluster: Cluster, removal: Removal, lease_in: str) -> None:
    """Fail if a permission for the uninstall is missing.

    Args:
        lease_in: the namespace of the install lease; empty if none is held.

    Raises:
        RightsError: names every missing permission.
        RefusedError: a webhook of another owner rejects every request.
    """
    needed = removal_rights(removal)
    if needed:
        needed += lease_rights(lease_in) if lease_in else []
        try:
            require(cluster, ask(cluster, {right.namespace for right in needed}), needed, [])
        except ApiError as error:
            found = rejection_of(error.message, error.status, error.reason)
            if not found.is_admission:
                raise
            # The review only helps. A webhook that does not answer rejects the lease as well, so nothing would be
            # deleted; a policy may admit the deletions.
            if found.is_unanswered:
                raise _unanswered(found) from error


def _unanswered(found: Rejection) -> RefusedError:
    scene = Scene("the requests of the uninstall")
    blocker = f"{found.cause(scene)}: {found.message}"
    return RefusedError(
        f"uninstall blocked, nothing was deleted: {blocker}",
        step="plan the uninstall",
        next_step=found.next_step(scene),
        facts={"plan_blockers": [blocker]},
    )
