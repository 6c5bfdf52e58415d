# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries out the plan of a removal, stage by stage."""

from __future__ import annotations

from collections.abc import Sequence

from ..cluster.client import Cluster
from ..cluster.deletion import Deleter, DeletionTarget
from ..cluster.namespace_contents import settled_contents
from ..errors import ApiError, RefusedError
from ..names import INSTALL_LEASE, INSTALL_RECORD
from ..objects.fields import name_of, parts, some, text, texts
from ..objects.finalizers import RUNTIME_FINALIZER
from ..objects.resources import Key, path_of, resource_of
from ..release.bundle import Bundle
from ..release.user_objects import full_name
from .model import Removal
from .observe import KINDS
from .plan import NOT_EMPTY

_STEP = "release runtimes"
_ATTEMPTS = 3
# What Conductor itself works with; they go last, so that a removal that is cut off can go on.
_TRACES = (("v1", "ConfigMap", INSTALL_RECORD), ("coordination.k8s.io/v1", "Lease", INSTALL_LEASE))


class Stages:
    """One removal under way. C(kept) says what stays though it was to go, and C(released) which runtimes were let go.

    Args:
        deleter: waits as long as it may, and keeps what is deleted.
    """

    def __init__(self, cluster: Cluster, bundle: Bundle, deleter: Deleter) -> None:
        self.retained: dict[str, Key] = {}
        self.finalizers_removed: list[Key] = []
        self._cluster = cluster
        self._home = bundle.namespace
        self._deleter = deleter

    def run(self, removal: Removal) -> None:
        """Deletes everything, each stage when the one before is gone.

        Raises:
            RefusedError: an object that would go with its CRD came meanwhile.
            ConductorError: a request failed, or something does not go.
        """
        for name, targets in removal.stages:
            if name == "runtimes":
                waiting = self._deleter.send(targets)
                for target in removal.finalizers_to_remove:
                    self._let_go(target)
                self._deleter.wait_for(waiting)
            elif name == "crds":
                self._no_more_of(targets)
                self._deleter.delete(targets)
            elif name == "controllers":
                # The garbage collector may not know of pods that are new; and what is stuck of them is to be named.
                pods = self._pods_of(targets)
                self._deleter.delete(targets, foreground=True)
                self._deleter.wait_for(pods)
            elif name == "namespaces":
                self._namespaces(targets)
            elif name != "record":
                self._deleter.delete(targets)
        if removal.stages and not self._went(removal):
            self._traces()

    def _let_go(self, target: DeletionTarget) -> None:
        """Takes away the one finalizer that Trainer's controller, which is no more, would take away."""
        for attempt in range(1, _ATTEMPTS + 1):
            found = self._cluster.find(path_of(target.key), metadata_only=True)
            finalizers = texts(found, "metadata", "finalizers")
            if found is None or found["metadata"]["uid"] != target.uid or RUNTIME_FINALIZER not in finalizers:
                return
            path = f"/metadata/finalizers/{finalizers.index(RUNTIME_FINALIZER)}"
            patch = [
                {"op": "test", "path": "/metadata/uid", "value": target.uid},
                {"op": "test", "path": path, "value": RUNTIME_FINALIZER},
                {"op": "remove", "path": path},
            ]
            try:
                self._cluster.patch(target.key, patch, step=_STEP)
            except ApiError as error:
                # 422: a test failed, so somebody changed it meanwhile; 404: it is gone.
                if error.status not in (404, 409, 422) or attempt == _ATTEMPTS:
                    raise
                continue
            self.finalizers_removed.append(target.key)
            return

    def _pods_of(self, deployments: Sequence[DeletionTarget]) -> list[DeletionTarget]:
        """The pods of Deployments, found by their owners."""
        owners = {target.uid for target in deployments}
        found: list[DeletionTarget] = []
        for api_version, kind in (("apps/v1", "ReplicaSet"), ("v1", "Pod")):
            items, _version = self._cluster.list_all(resource_of(api_version, kind), self._home)
            found = [
                DeletionTarget(Key(api_version, kind, self._home, name_of(item)), text(item, "metadata", "uid"), True)
                for item in items
                if owners.intersection(text(owner, "uid") for owner in parts(item, "metadata", "ownerReferences"))
            ]
            owners = {target.uid for target in found}
        return found

    def _no_more_of(self, crds: Sequence[DeletionTarget]) -> None:
        """Looks once more: what was made since the plan would be lost without a word."""
        going = {target.key.name for target in crds}
        for resource, _bare in KINDS.values():
            if f"{resource.plural}.{resource.group}" not in going:
                continue
            try:
                items, _version = self._cluster.list_all(resource)
            except ApiError as error:
                if error.status != 404:
                    raise
                continue
            if items:
                raise RefusedError(
                    f"{', '.join(some(map(full_name, items)))}: made meanwhile, and would go with the CRD",
                    step="delete",
                    subject=str(resource),
                    next_step="see who makes them, then run this again: it goes on where it stopped",
                )

    def _namespaces(self, targets: Sequence[DeletionTarget]) -> None:
        waiting = []
        for target in targets:
            left = [] if target.terminating else settled_contents(self._cluster, target.key.name, ()).left(())
            if left:
                self.retained[f"{NOT_EMPTY}{', '.join(left)}"] = target.key
            else:
                # One after the other, the operator's last, because the record is in it; they take their time together.
                waiting += self._deleter.send([target])
        self._deleter.wait_for(waiting)

    def _went(self, removal: Removal) -> bool:
        """Whether the operator's namespace is gone, and everything in it."""
        home = Key("v1", "Namespace", "", self._home)
        return any(target.key == home for target in removal.targets()) and home not in self.retained.values()

    def _traces(self) -> None:
        for api_version, kind, name in _TRACES:
            key = Key(api_version, kind, self._home, name)
            found = self._cluster.find(path_of(key), metadata_only=True)
            if found is not None:
                self._deleter.delete([DeletionTarget(key, found["metadata"]["uid"])])
