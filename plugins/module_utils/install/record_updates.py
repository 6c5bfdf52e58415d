# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the install record is to say, before and after a run. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from ..objects.digest import digest
from ..objects.resources import Key
from ..ownership.owner import entry_digest
from ..ownership.record import Record, RecordEntry
from ..plan.plan import Action
from ..release.bundle import Bundle
from ..release.components import Meant, is_named_jobset


def intended(record: Record, bundle: Bundle, profile: str, jobset: Meant, absent: Collection[Key]) -> Record:
    """The record as it is to be before the first of these objects is created.

    A run that is killed between creating an object and recording it leaves no other trace of having created it.
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
    """What the record is to say of objects that were applied, from the metadata they have then."""
    found = {}
    for action, metadata in applied:
        known = record.entries.get(action.key)
        found[action.key] = RecordEntry(
            uid=metadata["uid"],
            desired=digest(action.manifest),
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
    """The record after a run; equal to C(record) where there is nothing new to say.

    Args:
        entries: of what was applied.
        dropped: what leaves the record: pruned, gone, or somebody else's now.
        intent: what may have been created and could not be recorded, because the run failed.
    """
    if not entries and record.jobset in ("", jobset) and not {*dropped} & {*record.entries}:
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
        intent=frozenset(intent),
    )


def _is_ours_to_delete(action: Action, record: Record) -> bool:
    """Whether an object came with this release: created by us, or by kubectl from our own kustomization.

    A namespace that kubectl applied may have been there before, and may hold anything: it stays.
    """
    if action.verb == "update":
        # It bears our entry, and was not there before the run that gave it to it. Where no record knows it any more, as
        # after a removal that left the CRDs, our entry says the same of everything that we only apply when it is ours.
        return action.key in record.intent or (action.key.kind != "Namespace" and action.key not in record.entries)
    return action.verb == "create" or (action.take_over and action.key.kind != "Namespace")
