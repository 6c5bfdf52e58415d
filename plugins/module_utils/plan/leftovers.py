# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the objects of earlier releases and find out which of them are in use. Send no request if there are none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ..cluster.client import Cluster
from ..errors import ApiError
from ..objects.fields import parts, text
from ..objects.resources import RESOURCES, Key, Resource, find_resource, path_of, resource_of
from ..ownership.record import Record, RecordEntry
from ..release.bundle import Bundle
from .prune import Leftover, decide_leftover, leftovers_of

_TRAIN_JOB = resource_of("trainer.kubeflow.org/v1alpha1", "TrainJob")


@dataclass
class _Found:
    metadata: dict[Key, dict[str, Any]] = field(default_factory=dict)
    used_by: dict[Key, str] = field(default_factory=dict)


def look_at_leftovers(cluster: Cluster, bundle: Bundle, record: Record, *, prune_crds: bool) -> list[Leftover]:
    """Decide about each object that is in the record and not in the release.

    An object that may not be read is retained, with that reason.

    Raises:
        ApiError, UnreachableError: the server failed.
    """
    keys = leftovers_of(record, bundle.known)
    if not keys:
        return []
    found = _Found()
    if not all(key[:2] in RESOURCES for key in keys):
        # A late import: most installations have no other kinds.
        from .discovery import learn_kinds

        learn_kinds(cluster, keys)
    # What has no kind is gone with its CRD.
    served = [key for key in keys if find_resource(key.api_version, key.kind)]
    cluster.each(lambda key: _read(cluster, key, found), served)
    there = [key for key in keys if key in found.metadata]
    _note_users(cluster, there, found)
    if prune_crds:
        for key in there:
            if key.kind == "CustomResourceDefinition":
                found.used_by[key] = _objects_of(cluster, key)
    return [
        decide_leftover(
            key,
            # Without an entry, an unfinished run was to create it: the fields of our field manager are the proof.
            record.entries.get(key) or RecordEntry(text(found.metadata.get(key), "uid"), "", "", True),
            found.metadata.get(key),
            prune_crds=prune_crds,
            used_by=found.used_by.get(key, ""),
        )
        for key in keys
    ]


def _read(cluster: Cluster, key: Key, found: _Found) -> None:
    try:
        item = cluster.find(path_of(key), metadata_only=True)
    except ApiError as error:
        if error.status != 403:
            raise
        # Empty metadata: C(decide_leftover) retains the object.
        found.metadata[key] = {}
        return
    if item is not None:
        found.metadata[key] = item["metadata"]


def _note_users(cluster: Cluster, keys: Sequence[Key], found: _Found) -> None:
    """Note the unfinished TrainJobs that refer to these runtimes: releases before 2.3 read a runtime while jobs run."""
    runtimes = {key.name: key for key in keys if key.kind == "ClusterTrainingRuntime"}
    if not runtimes:
        return
    try:
        jobs = cluster.list_all(_TRAIN_JOB, metadata_only=False)[0]
    except ApiError as error:
        if error.status == 404:
            return
        if error.status != 403:
            raise
        found.used_by.update(dict.fromkeys(runtimes.values(), "possibly a TrainJob (no permission to list them)"))
        return
    # A late import: most runs find no leftovers.
    from ..release.user_objects import full_name, unfinished_train_jobs, users_of

    running = unfinished_train_jobs(jobs)
    for name, key in runtimes.items():
        for job in users_of(name, running):
            found.used_by[key] = f"TrainJob {full_name(job)}"


def _objects_of(cluster: Cluster, key: Key) -> str:
    """Return the name of a custom resource that would be deleted with its CRD; empty if there is none."""
    from ..release.user_objects import full_name

    crd = cluster.find(path_of(key))
    for version in parts(crd, "spec", "versions"):
        if version.get("served"):
            plural = text(crd, "spec", "names", "plural")
            resource = Resource(text(crd, "spec", "group"), text(version, "name"), plural, False)
            try:
                items = cluster.list_all(resource)[0]
            except ApiError as error:
                if error.status == 403:
                    return f"possibly one of the {resource} (no permission to list them)"
                if error.status != 404:
                    raise
                return ""
            return f"{text(crd, 'spec', 'names', 'kind')} {full_name(items[0])}" if items else ""
    return ""
