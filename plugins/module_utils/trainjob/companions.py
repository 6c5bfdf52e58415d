# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects that a TrainJob needs: created before it and, if created only for this job, deleted after it."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from ..cluster.client import Cluster
from ..cluster.deletion import Deleter, DeletionTarget
from ..cluster.namespace_contents import settled_contents
from ..errors import ApiError
from ..objects.fields import is_terminating, part, text
from ..objects.resources import Key, key_of, path_of
from ..rejections.rejection import rejection_of
from .definition import MADE_FOR

STEP = "create what the TrainJob needs"
# The number of remaining objects in a namespace that are named.
_NAMED = 3
# Seconds to wait until a namespace of an earlier run is gone.
_PATIENCE = 120.0


class Companions:
    """The objects that one TrainJob needs.

    Args:
        manifests: in the order of creation.
        monotonic, sleep: injected by tests.
    """

    def __init__(
        self,
        cluster: Cluster,
        manifests: Sequence[dict[str, Any]],
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        # The objects that were created or changed.
        self.made: list[str] = []
        self._cluster = cluster
        self._manifests = list(manifests)
        self._monotonic = monotonic
        self._sleep = sleep

    def make(self) -> None:
        """Create the missing objects and update those that differ.

        Raises:
            ConductorError: the server rejected a request or failed.
        """
        for manifest in self._manifests:
            key = key_of(manifest)
            present = self._cluster.find(path_of(key))
            if _is_being_deleted(present, manifest):
                target = DeletionTarget(key, text(present, "metadata", "uid"), terminating=True)
                Deleter(self._cluster, timeout=_PATIENCE).wait_for([target])
                present = None
            wanted = _labelled_alike(manifest, present)
            if present is None or self._differs(wanted, present):
                self._apply(wanted)
                self.made.append(str(key))

    def predict(self, job: dict[str, Any]) -> None:
        """Ask the server by dry runs whether it would accept the objects and the job.

        Objects that depend on missing ones are skipped.

        Raises:
            ConductorError: the server rejected a dry run or failed.
        """
        absent: set[str] = set()
        for manifest in self._manifests:
            if "Namespace" in absent:
                return
            present = self._cluster.find(path_of(key_of(manifest)))
            if present is None or _is_being_deleted(present, manifest):
                absent.add(manifest["kind"])
            self._apply(_labelled_alike(manifest, present), dry_run=True)
        # The webhook rejects a TrainJob whose runtime does not exist yet.
        if not absent & {"Namespace", "TrainingRuntime"}:
            self._cluster.dry_run_create(job)

    def to_delete(self) -> Iterator[list[dict[str, Any]]]:
        """Yield the objects that may be deleted with the job, in the order of deletion."""
        yield [manifest for manifest in self._manifests if manifest["kind"] != "Namespace"]
        yield [manifest for manifest in self._manifests if manifest["kind"] == "Namespace"]

    def deletable(
        self, manifests: Sequence[dict[str, Any]], gone: Collection[str]
    ) -> tuple[list[DeletionTarget], list[str]]:
        """Return the objects that were created for this job and are empty, and reasons why namespaces stay.

        Args:
            gone: the uids of the objects that are deleted already.
        """
        targets, kept = [], []
        for manifest in manifests:
            key = key_of(manifest)
            present = self._cluster.find(path_of(key), metadata_only=True)
            if present is None or not _is_made_for(present, manifest):
                continue
            left = self._left_in(key, gone)
            if left:
                more = f" and {len(left) - _NAMED} more" if len(left) > _NAMED else ""
                kept.append(f"{key}: it contains {', '.join(left[:_NAMED])}{more}")
            else:
                targets.append(DeletionTarget(key, text(present, "metadata", "uid"), is_terminating(present)))
        return targets, kept

    def _left_in(self, key: Key, gone: Collection[str]) -> list[str]:
        """Return the remaining objects in a namespace."""
        if key.kind != "Namespace":
            return []
        contents = settled_contents(self._cluster, key.name, gone, monotonic=self._monotonic, sleep=self._sleep)
        return contents.left(gone)

    def _differs(self, manifest: dict[str, Any], present: Mapping[str, Any]) -> bool:
        # An existing namespace is never changed.
        return manifest["kind"] != "Namespace" and _essence(self._apply(manifest, dry_run=True)) != _essence(present)

    def _apply(self, manifest: dict[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
        try:
            return self._cluster.server_side_apply(manifest, dry_run=dry_run, whole_answer=dry_run)
        except ApiError as error:
            kind = rejection_of(error.message, error.status, error.reason).kind
            if error.status == 409 and kind not in ("already_exists", "still_terminating"):
                error.next_step = "remove the object from the definition, or the field from what that manager applies"
            raise


def _essence(item: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: value for name, value in item.items() if name not in ("metadata", "status")}
    return {**found, "labels": part(item, "metadata", "labels")}


def _labelled_alike(manifest: dict[str, Any], present: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the manifest with the made-for label of the existing object, which thus never becomes ours."""
    if present is None:
        return manifest
    labels = {name: value for name, value in part(manifest, "metadata", "labels").items() if name != MADE_FOR}
    made_for = text(present, "metadata", "labels", MADE_FOR)
    if made_for:
        labels[MADE_FOR] = made_for
    return {**manifest, "metadata": {**manifest["metadata"], "labels": labels}}


def _is_made_for(present: Mapping[str, Any], manifest: Mapping[str, Any]) -> bool:
    wanted = text(manifest, "metadata", "labels", MADE_FOR)
    return bool(wanted) and text(present, "metadata", "labels", MADE_FOR) == wanted


def _is_being_deleted(present: Mapping[str, Any] | None, manifest: Mapping[str, Any]) -> bool:
    """Return whether an earlier run created the object and is deleting it."""
    return present is not None and is_terminating(present) and _is_made_for(present, manifest)
