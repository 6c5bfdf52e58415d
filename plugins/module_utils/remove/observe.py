# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the cluster state that an uninstall needs for its decisions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..cluster.client import Cluster
from ..cluster.namespace_contents import Contents, read_contents
from ..errors import ApiError, RightsError, missing_permissions
from ..names import INSTALL_RECORD
from ..objects.resources import Key, Resource, resource_of
from ..ownership.record import Record, read_install_record
from ..plan.observe import observe
from ..plan.plan import Observed
from ..release.bundle import Bundle
from ..release.components import LEASES
from ..release.user_objects import Holdings
from .model import RemovalState
from .rules import homes

_TRAINER, _JOBSET = "trainer.kubeflow.org/v1alpha1", "jobset.x-k8s.io/v1alpha2"
_DEPLOYMENT = resource_of("apps/v1", "Deployment")
# The kinds of user data, and whether the metadata is enough.
KINDS: Mapping[str, tuple[Resource, bool]] = {
    "train_jobs": (resource_of(_TRAINER, "TrainJob"), False),
    "job_sets": (resource_of(_JOBSET, "JobSet"), False),
    "cluster_runtimes": (resource_of(_TRAINER, "ClusterTrainingRuntime"), True),
    "runtimes": (resource_of(_TRAINER, "TrainingRuntime"), True),
}


def look(cluster: Cluster, bundle: Bundle) -> RemovalState:
    """Read the cluster state.

    Raises:
        RightsError: permissions to read are missing; names all of them.
        ApiError, UnreachableError: the server failed.
    """
    denied: list[str] = []
    also = [
        *bundle.known,
        Key("v1", "ConfigMap", bundle.namespace, INSTALL_RECORD),
        *(Key("coordination.k8s.io/v1", "Lease", bundle.namespace, name) for name in LEASES),
        *_record(cluster, bundle).named,
    ]
    try:
        observed = observe(cluster, bundle, also, prune=False)
    except RightsError as error:
        denied += error.facts["missing_permissions"]
        observed = Observed()

    def items(resource: Resource, namespace: str | None, metadata_only: bool) -> list[dict[str, Any]]:
        try:
            return cluster.list_all(resource, namespace, metadata_only=metadata_only)[0]
        except ApiError as error:
            if error.status == 404:
                return []
            if error.status != 403:
                raise
            denied.append(f"list {resource}" + (f" in namespace {namespace}" if namespace else ""))
            return []

    answers: dict[str, list[dict[str, Any]]] = {}

    def read(task: tuple[str, Callable[[], list[dict[str, Any]]]]) -> None:
        answers[task[0]] = task[1]()

    cluster.each(
        read,
        [
            ("deployments", lambda: items(_DEPLOYMENT, bundle.namespace, False)),
            *(
                (name, lambda resource=resource, bare=bare: items(resource, None, bare))
                for name, (resource, bare) in KINDS.items()
            ),
        ],
    )
    if denied:
        raise missing_permissions(denied, "read the cluster")
    return RemovalState(
        observed,
        deployments=answers.pop("deployments"),
        holdings=Holdings(**answers),
        contents=_contents(cluster, observed),
    )


def _record(cluster: Cluster, bundle: Bundle) -> Record:
    try:
        return read_install_record(cluster, bundle.namespace)
    except ApiError as error:
        if error.status != 403:
            raise
        # C(observe) reads the record again and reports the missing permission.
        return Record()


def _contents(cluster: Cluster, observed: Observed) -> dict[str, Contents]:
    return {namespace: read_contents(cluster, namespace) for namespace in homes(observed)}
