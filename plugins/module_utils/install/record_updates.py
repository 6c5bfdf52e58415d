# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The content of the install record before and after a run. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from ..objects.digest import manifest_digest
from ..objects.resources import Key
from ..ownership.owner import entry_digest
from ..ownership.record import Record, RecordEntry
from ..plan.plan import Action
from ..release.bundle import Bundle
from ..release.components import Meant, is_named_jobset


def intended(record: Record, bundle: Bundle, profile: str, jobset: Meant, absent: Collection[Key]) -> Record:
    """Return the record to write before the first of these objects is created.

    If a run is killed after it created an object and before it recorded it, this intent is the only proof that
    Conductor created the object.
    """
    return replace(
        record,
        release=record.release or bundle.release,
        profile=record.profile or profile,
        bundle=record.bundle or bundle.sha256,
        jobset=record.jobset or jobset,
        intent=record.intent | frozenset(absent),
    )


def entries_of(record: Record, applied: Iterable[tuple[Action, Mapping[str, Any]]]) -> dict[Key, RecordEntry]:
    """Return the record entries of applied objects, from their metadata afterwards."""
    found = {}
    for action, metadata in applied:
        known = record.entries.get(action.key)
        found[action.key] = RecordEntry(
            uid=metadata["uid"],
            desired=manifest_digest(action.manifest),
            applied=entry_digest(metadata) or "",
            created=_is_ours_to_delete(action, record) or (known is not None and known.created),
        )
    return found


def completed(
    record: Record,
    bundle: Bundle,
    profile: str,
    jobset: Meant,
    entries: Mapping[Key, RecordEntry],
    *,
    dropped: Collection[Key] = (),
    intent: Collection[Key] = (),
) -> Record:
    """Return the record after a run; equal to C(record) if nothing changed.

    Args:
        entries: the entries of the applied objects.
        dropped: objects that leave the record: pruned, gone, or with another owner now.
        intent: objects that may have been created and are not recorded, because the run failed.
    """
    same = record.jobset in ("", jobset) and (record.options == bundle.options or not record.entries)
    if not entries and same and not {*dropped} & {*record.entries}:
        return replace(record, intent=frozenset(intent)) if record.entries else record
    known = {
        key: entry
        for key, entry in record.entries.items()
        if key not in dropped and (jobset == "bundled" or not is_named_jobset(key.name))
    }
    return replace(
        record,
        release=bundle.release,
        profile=profile,
        bundle=bundle.sha256,
        entries={**known, **entries},
        jobset=jobset,
        options=bundle.options,
        intent=frozenset(intent),
    )


def _is_ours_to_delete(action: Action, record: Record) -> bool:
    """Return whether an uninstall may delete the object: Conductor created it, or kubectl from our kustomization.

    A namespace that kubectl applied may have existed before and may contain anything. It stays.
    """
    if action.verb == "update":
        # The object has our managedFields entry, and the intent says that an earlier run created it. If no record knows
        # the object, e.g. after an uninstall that retained the CRDs, the entry alone is the proof: only namespaces
        # are applied that are not ours.
        return action.key in record.intent or (action.key.kind != "Namespace" and action.key not in record.entries)
    return action.verb == "create" or (action.take_over and action.key.kind != "Namespace")
