# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The install record: which objects Conductor created, and in which state. Pure, except for reading it.

One ConfigMap in the operator's namespace holds for each object its uid, the digest of the manifest, and the digest of
our field manager's entry after the apply. Recreating, editing or taking over an object changes one of these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..cluster.client import Cluster
from ..names import INSTALL_RECORD, MANAGED_LABEL
from ..objects.digest import canonical
from ..objects.encodings import from_json
from ..objects.fields import text
from ..objects.resources import Key, resource_of

_DATA_KEY = "record.json"
_FORMAT = 1
# No option needs more levels. Functions that walk through deeper ones could exhaust the stack.
_DEEPEST = 60


@dataclass(frozen=True)
class RecordEntry:
    """The record of one object.

    Args:
        created: whether Conductor created the object, and so may delete it. Objects that kubectl applied from our own
            kustomization count as created, so that an uninstall deletes them after a take-over.
    """

    uid: str
    desired: str
    applied: str
    created: bool


@dataclass(frozen=True)
class Record:
    """The content of the install record. Empty if nothing is known.

    Args:
        options: the options of the last run, with digests instead of secrets.
        jobset: C(bundled) if JobSet was installed with the release, C(external) if an existing JobSet is used.
        intent: the objects that did not exist when an unfinished run began. Those with an entry of our field manager
            were created by that run, although it could not record their uids.
        resource_version: that of the ConfigMap; empty if it does not exist. Not part of the record.
    """

    release: str = ""
    profile: str = ""
    bundle: str = ""
    entries: Mapping[Key, RecordEntry] = field(default_factory=dict)
    jobset: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    intent: frozenset[Key] = frozenset()
    resource_version: str = field(default="", compare=False)

    @property
    def named(self) -> frozenset[Key]:
        """Return the objects that Conductor has applied, or may have created in an unfinished run."""
        return self.intent | self.entries.keys()


def parse_record(config_map: Mapping[str, Any] | None) -> Record:
    """Parse the record in a ConfigMap; return an empty one if it is missing or unreadable.

    An empty record makes a run slower, but never wrong: every object is applied again, and its managed fields show who
    owns it. A namespace is then never deleted, because it is applied regardless of who created it.
    """
    version = text(config_map, "metadata", "resourceVersion")
    try:
        content = from_json((config_map or {})["data"][_DATA_KEY])
        if content["format"] != _FORMAT:
            return Record(resource_version=version)
        return Record(
            release=_text(content["release"]),
            profile=_text(content["profile"]),
            bundle=_text(content["bundle"]),
            entries={Key(*key.split("|")): _entry(*entry) for key, entry in content["objects"].items()},
            # Older records have no such key: JobSet was always bundled.
            jobset=_text(content.get("jobset", "bundled")),
            options=_options(content.get("options", {})),
            intent=frozenset(Key(*key.split("|")) for key in content.get("intent", ())),
            resource_version=version,
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return Record(resource_version=version)


def _entry(uid: object, desired: object, applied: object, created: object) -> RecordEntry:
    if created not in (0, 1):
        raise ValueError("it is neither 0 nor 1")
    return RecordEntry(_text(uid), _text(desired), _text(applied), bool(created))


def _options(value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or is_too_deep(value):
        raise TypeError("it is not a mapping, or is nested too deeply")
    return value


def is_too_deep(options: Mapping[str, Any]) -> bool:
    """Return whether options are nested too deeply for a record: it could not be read again."""
    return _is_deep(options, _DEEPEST)


def _is_deep(value: object, levels: int) -> bool:
    below = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return levels == 0 or any(_is_deep(one, levels - 1) for one in below)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("it is not a text")
    return value


def record_manifest(record: Record, namespace: str) -> dict[str, Any]:
    """Return the ConfigMap for a record."""
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
    if record.options:
        content["options"] = record.options
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
    """Read the install record in a namespace; return an empty one if it does not exist."""
    return parse_record(cluster.find(resource_of("v1", "ConfigMap").path(namespace, INSTALL_RECORD)))
