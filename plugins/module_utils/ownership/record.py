# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The install record: how Conductor knows what is its own, and that nothing changed. Pure but for its name.

One ConfigMap in the operator's namespace holds, per object, its uid, the digest of what was asked for and the digest
of our field manager's entry after the apply. Whoever recreates, edits or takes over an object changes one of these.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..cluster.client import Cluster
from ..names import INSTALL_RECORD, MANAGED_LABEL
from ..objects.digest import canonical
from ..objects.fields import text
from ..objects.resources import Key, resource_of

_DATA_KEY = "record.json"
_FORMAT = 1


@dataclass(frozen=True)
class RecordEntry:
    """What is known of one object.

    Args:
        created: False where it was there before us: then it is not ours to delete. What kubectl applied from our own
            kustomization counts as created, or a cluster that was taken over could never be rid of it.
    """

    uid: str
    desired: str
    applied: str
    created: bool


@dataclass(frozen=True)
class Record:
    """What was installed. Empty where nothing is known.

    Args:
        jobset: C(bundled) where JobSet came with the release, C(external) where somebody else's is used.
        intent: what was not there when a run began that has not ended well: of these, what bears our field manager's
            entry was created by that run, though it could not write down its uid any more.
        resource_version: that of the ConfigMap; empty where there is none. No part of what is recorded.
    """

    release: str = ""
    profile: str = ""
    bundle: str = ""
    entries: Mapping[Key, RecordEntry] = field(default_factory=dict)
    jobset: str = ""
    intent: frozenset[Key] = frozenset()
    resource_version: str = field(default="", compare=False)


def parse_record(config_map: Mapping[str, Any] | None) -> Record:
    """The record a ConfigMap holds; an empty one where it is absent or cannot be understood.

    An empty record is only slow, never wrong: every object is then applied again, and whose it is its managed fields
    tell; a namespace, which is applied whoever made it, is then never deleted.
    """
    version = text(config_map, "metadata", "resourceVersion")
    try:
        content = json.loads((config_map or {})["data"][_DATA_KEY])
        if content["format"] != _FORMAT:
            return Record(resource_version=version)
        return Record(
            release=content["release"],
            profile=content["profile"],
            bundle=content["bundle"],
            entries={
                Key(*key.split("|")): RecordEntry(uid, desired, applied, bool(created))
                for key, (uid, desired, applied, created) in content["objects"].items()
            },
            # Before there was a choice, JobSet always came with the release.
            jobset=content.get("jobset", "bundled"),
            intent=frozenset(Key(*key.split("|")) for key in content.get("intent", ())),
            resource_version=version,
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return Record(resource_version=version)


def record_manifest(record: Record, namespace: str) -> dict[str, Any]:
    """The ConfigMap that holds a record."""
    content: dict[str, Any] = {
        "format": _FORMAT,
        "release": record.release,
        "profile": record.profile,
        "bundle": record.bundle,
        "jobset": record.jobset,
        "objects": {
            "|".join(key): [entry.uid, entry.desired, entry.applied, int(entry.created)]
            for key, entry in record.entries.items()
        },
    }
    if record.intent:
        content["intent"] = sorted("|".join(key) for key in record.intent)
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": INSTALL_RECORD,
            "namespace": namespace,
            "labels": {MANAGED_LABEL: "true"},
            "annotations": {
                "conductor.trainer/purpose": "what Conductor installed; deleting it makes the next run slower"
            },
        },
        "data": {_DATA_KEY: canonical(content).decode()},
    }


def read_install_record(cluster: Cluster, namespace: str) -> Record:
    """The install record in a namespace; an empty one where there is none."""
    return parse_record(cluster.find(resource_of("v1", "ConfigMap").path(namespace, INSTALL_RECORD)))
