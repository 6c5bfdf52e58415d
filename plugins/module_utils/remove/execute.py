# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carry out the plan of an uninstall, stage by stage."""

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
from ..ownership.record import Record, RecordEntry, record_manifest
from ..release.bundle import Bundle
from ..release.user_objects import full_name
from .model import Removal
from .observe import KINDS
from .plan import HOLDS_RECORD
from .rules import why_not_empty

_STEP = "remove finalizers"
_ATTEMPTS = 3
# Conductor's own objects. They go last, so that an interrupted uninstall can continue.
_RECORD = ("v1", "ConfigMap", INSTALL_RECORD)
_LEASE = ("coordination.k8s.io/v1", "Lease", INSTALL_LEASE)


class Stages:
    """One running uninstall.

    C(retained) has the objects that stay although the plan deletes them, with the reason; C(finalizers_removed) has
    the runtimes whose finalizer was removed.

    Args:
        deleter: deletes, waits up to its timeout, and lists the deleted objects.
    """

    def __init__(self, cluster: Cluster, bundle: Bundle, deleter: Deleter) -> None:
        self.retained: dict[Key, str] = {}
        self.finalizers_removed: list[Key] = []
        self._cluster = cluster
        self._home = bundle.namespace
        self._deleter = deleter

    def run(self, removal: Removal) -> None:
        """Delete all stages; each begins when the objects of the previous one are gone.

        Raises:
            RefusedError: a custom resource was created meanwhile and would be deleted with its CRD.
            ConductorError: a request failed, or a deletion does not finish.
        """
        for name, targets in removal.stages:
            if name == "runtimes":
                waiting = self._deleter.send(targets)
                for target in removal.finalizers_to_remove:
                    self._remove_finalizer(target)
                self._deleter.wait_for(waiting)
            elif name == "crds":
                self._require_none_left(targets)
                self._deleter.delete(targets)
            elif name == "controllers":
                # The garbage collector may not know new pods yet, and an error should name the pods that are stuck.
                pods = self._pods_of(targets)
                self._deleter.delete(targets, foreground=True)
                self._deleter.wait_for(pods)
            elif name == "namespaces":
                self._namespaces(targets)
            elif name != "record":
                self._deleter.delete(targets)
        if removal.stages and not self._is_home_deleted(removal):
            self._traces(removal)

    def _remove_finalizer(self, target: DeletionTarget) -> None:
        """Remove the one finalizer that Trainer's controller would remove if it were still running."""
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
                # 422: a test failed, the object was changed meanwhile; 404: it is gone.
                if error.status not in (404, 409, 422) or attempt == _ATTEMPTS:
                    raise
                continue
            self.finalizers_removed.append(target.key)
            return

    def _pods_of(self, deployments: Sequence[DeletionTarget]) -> list[DeletionTarget]:
        """Return the pods of Deployments, found by owner references."""
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

    def _require_none_left(self, crds: Sequence[DeletionTarget]) -> None:
        """List the custom resources again: those created since the plan would be deleted silently."""
        # The API server deletes the objects of a Terminating CRD in any case.
        going = {target.key.name for target in crds if not target.terminating}
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
                    f"{', '.join(some(map(full_name, items)))}: created meanwhile, would be deleted with the CRD",
                    step="delete",
                    subject=str(resource),
                    next_step="stop what creates them, then run this again: the uninstall continues where it stopped",
                )

    def _namespaces(self, targets: Sequence[DeletionTarget]) -> None:
        waiting = []
        for target in targets:
            why = "" if target.terminating else why_not_empty(settled_contents(self._cluster, target.key.name, ()), ())
            if not why and target.key.name == self._home and not target.terminating and self.retained:
                why = HOLDS_RECORD
            if why:
                self.retained[target.key] = why
            else:
                # Delete one by one, the operator's namespace last because it has the record. Wait for all at once.
                waiting += self._deleter.send([target])
        self._deleter.wait_for(waiting)

    def _is_home_deleted(self, removal: Removal) -> bool:
        """Return whether the operator's namespace was deleted with everything in it."""
        home = Key("v1", "Namespace", "", self._home)
        return any(target.key == home for target in removal.targets()) and home not in self.retained

    def _traces(self, removal: Removal) -> None:
        """Delete the record and the lease; as long as the record vouches for something, only the lease."""
        uids = {target.key: target.uid for target in removal.targets()}
        stay = {key: RecordEntry(uids[key], "", "", True) for key in self.retained}
        vouched = {**removal.vouched, **stay}
        if vouched:
            self._reduce(Record(entries=vouched))
        for api_version, kind, name in (_LEASE,) if vouched else (_RECORD, _LEASE):
            key = Key(api_version, kind, self._home, name)
            found = self._cluster.find(path_of(key), metadata_only=True)
            if found is not None:
                self._deleter.delete([DeletionTarget(key, found["metadata"]["uid"])])

    def _reduce(self, record: Record) -> None:
        """Leave only these entries in the record. The whole record vouches for them as well."""
        try:
            self._cluster.server_side_apply(record_manifest(record, self._home), force=True)
        except ApiError as error:
            # An uninstall needs no permission to write; without it the record stays as it is.
            if error.status != 403:
                raise
