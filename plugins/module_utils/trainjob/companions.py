# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a TrainJob needs beside it: made before it, and, where it was made for this job alone, deleted after it."""

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
from .definition import MADE_FOR

STEP = "make what the TrainJob needs"
# How many of the things that keep a namespace are named.
_NAMED = 3
# Seconds that a namespace of an earlier run has to be gone in.
_PATIENCE = 120.0


class Companions:
    """The objects beside one TrainJob.

    Args:
        manifests: in the order in which they are made.
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
        # What was made or changed by this object.
        self.made: list[str] = []
        self._cluster = cluster
        self._manifests = list(manifests)
        self._monotonic = monotonic
        self._sleep = sleep

    def make(self) -> None:
        """Makes what is not there, and changes what is otherwise than wanted.

        Raises:
            ConductorError: the server refused something or failed.
        """
        for manifest in self._manifests:
            key = key_of(manifest)
            present = self._cluster.find(path_of(key))
            if _is_going(present, manifest):
                target = DeletionTarget(key, text(present, "metadata", "uid"), terminating=True)
                Deleter(self._cluster, timeout=_PATIENCE).wait_for([target])
                present = None
            wanted = _labelled_alike(manifest, present)
            if present is None or self._differs(wanted, present):
                self._apply(wanted)
                self.made.append(str(key))

    def predict(self, job: dict[str, Any]) -> None:
        """Asks the server whether it would take all of it, as far as it can be asked before the first is there.

        Raises:
            ConductorError: it would not.
        """
        absent: set[str] = set()
        for manifest in self._manifests:
            if "Namespace" in absent:
                return
            present = self._cluster.find(path_of(key_of(manifest)))
            if present is None or _is_going(present, manifest):
                absent.add(manifest["kind"])
            self._apply(_labelled_alike(manifest, present), dry_run=True)
        # The webhook refuses a TrainJob whose runtime is not there yet.
        if not absent & {"Namespace", "TrainingRuntime"}:
            self._cluster.dry_run_create(job)

    def to_delete(self) -> Iterator[list[dict[str, Any]]]:
        """What may go with the job, in the order in which it may go."""
        yield [manifest for manifest in self._manifests if manifest["kind"] != "Namespace"]
        yield [manifest for manifest in self._manifests if manifest["kind"] == "Namespace"]

    def deletable(
        self, manifests: Sequence[dict[str, Any]], gone: Collection[str]
    ) -> tuple[list[DeletionTarget], list[str]]:
        """Those of them that were made for this job and hold nothing else; and why a namespace stays.

        Args:
            gone: the uids of what is deleted already.
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
                kept.append(f"{key}, because of {', '.join(left[:_NAMED])}{more}")
            else:
                targets.append(DeletionTarget(key, text(present, "metadata", "uid"), is_terminating(present)))
        return targets, kept

    def _left_in(self, key: Key, gone: Collection[str]) -> list[str]:
        """What a namespace would still hold."""
        if key.kind != "Namespace":
            return []
        contents = settled_contents(self._cluster, key.name, gone, monotonic=self._monotonic, sleep=self._sleep)
        return contents.left(gone)

    def _differs(self, manifest: dict[str, Any], present: Mapping[str, Any]) -> bool:
        # Of a namespace that is there nothing is anybody's business but its owner's.
        return manifest["kind"] != "Namespace" and _essence(self._apply(manifest, dry_run=True)) != _essence(present)

    def _apply(self, manifest: dict[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
        try:
            return self._cluster.server_side_apply(manifest, dry_run=dry_run, whole_answer=dry_run)
        except ApiError as error:
            if error.status == 409:
                error.next_step = "leave it out of the definition, or let that manager give the field up"
            raise


def _essence(item: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: value for name, value in item.items() if name not in ("metadata", "status")}
    return {**found, "labels": part(item, "metadata", "labels")}


def _labelled_alike(manifest: dict[str, Any], present: Mapping[str, Any] | None) -> dict[str, Any]:
    """The manifest with the label that says for which job, as what is there has it: it never becomes ours."""
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


def _is_going(present: Mapping[str, Any] | None, manifest: Mapping[str, Any]) -> bool:
    """Whether it is what an earlier run made and is deleting."""
    return present is not None and is_terminating(present) and _is_made_for(present, manifest)
