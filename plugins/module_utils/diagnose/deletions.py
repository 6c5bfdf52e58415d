# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find out by dry runs what rejects a deletion that does not finish.

Controllers remove finalizers and dependent objects. If a webhook or a policy rejects their requests, no status shows
it. The same requests as dry runs show it: nothing is stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..cluster.client import Cluster
from ..errors import ApiError, ConductorError
from ..objects.fields import name_of, parts, text, texts
from ..objects.resources import Key, path_of, resource_of
from ..rejections.rejection import Rejection, Scene, rejection_of

_JSON_PATCH = "application/json-patch+json"
_STEP = "ask what rejects the deletion"
# What the garbage collector deletes before their owner, by the kind of the owner.
_DEPENDENTS = {
    "Deployment": (("apps/v1", "ReplicaSet"), ("v1", "Pod")),
    "JobSet": (("batch/v1", "Job"), ("v1", "Pod")),
    "TrainJob": (("jobset.x-k8s.io/v1alpha2", "JobSet"), ("batch/v1", "Job"), ("v1", "Pod")),
}
# Requests of one kind are rejected alike, so a few objects are enough.
_ASKED = 3


class DeletionDiagnosis:
    """Explains deletions that do not finish. C(next_steps) has what to do about those that are rejected."""

    def __init__(self, cluster: Cluster) -> None:
        self.next_steps: list[str] = []
        self._cluster = cluster

    def explain(self, key: Key) -> str:
        """Return what rejects the deletion of an object or of what it owns; empty if nothing does, or if unknown."""
        try:
            for about in self._objects(key):
                if found := self._rejection(*about):
                    return self._told(about[0], found)
        except ConductorError:
            # The error reports the object; leave out what could not be read.
            return ""
        return ""

    def _objects(self, key: Key) -> Iterator[tuple[Key, Mapping[str, Any]]]:
        """Yield the object and some of what it owns, directly or indirectly, with their metadata."""
        found = self._cluster.find(path_of(key), metadata_only=True)
        if found is None:
            return
        yield key, found["metadata"]
        owners = {text(found, "metadata", "uid")}
        for api_version, kind in _DEPENDENTS.get(key.kind, ()):
            items, _version = self._cluster.list_all(resource_of(api_version, kind), key.namespace)
            owned = list(_owned(items, owners))
            for item in owned[:_ASKED]:
                yield Key(api_version, kind, key.namespace, name_of(item)), item["metadata"]
            owners = {text(item, "metadata", "uid") for item in owned}

    def _rejection(self, key: Key, metadata: Mapping[str, Any]) -> Rejection | None:
        finalizers = texts(metadata, "finalizers")
        try:
            if metadata.get("deletionTimestamp") and finalizers:
                operations = [
                    {"op": "test", "path": "/metadata/uid", "value": text(metadata, "uid")},
                    {"op": "remove", "path": "/metadata/finalizers/0"},
                ]
                self._send("PATCH", key, operations, _JSON_PATCH)
            elif not metadata.get("deletionTimestamp"):
                options = {"apiVersion": "v1", "kind": "DeleteOptions", "dryRun": ["All"]}
                self._send("DELETE", key, {**options, "preconditions": {"uid": text(metadata, "uid")}})
        except ApiError as error:
            found = rejection_of(error.message, error.status, error.reason)
            return found if found.is_admission else None
        return None

    def _send(self, method: str, key: Key, body: Any, content_type: str = "application/json") -> None:
        self._cluster.request(
            method,
            path_of(key),
            query={"dryRun": "All"},
            body=body,
            content_type=content_type,
            step=_STEP,
            subject=str(key),
        )

    def _told(self, key: Key, found: Rejection) -> str:
        scene = Scene(str(key), key.namespace, given=True)
        next_step = found.next_step(scene)
        if next_step not in self.next_steps:
            self.next_steps.append(next_step)
        return f"{found.cause(scene)}: {found.message}"


def _owned(items: Iterable[Mapping[str, Any]], owners: set[str]) -> Iterator[Mapping[str, Any]]:
    for item in items:
        if owners.intersection(text(owner, "uid") for owner in parts(item, "metadata", "ownerReferences")):
            yield item
