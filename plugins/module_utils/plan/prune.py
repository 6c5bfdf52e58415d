# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide which objects of earlier releases to prune. Pure.

An object is pruned only if the install record says that Conductor created it, its uid is unchanged and our field
manager still owns fields of it. Labels are no proof: people copy them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from ..objects.resources import Key
from ..ownership.owner import mark_of, own_entry
from ..ownership.record import Record, RecordEntry

LeftoverDecision = Literal["prune", "retain", "drop"]


class Leftover(NamedTuple):
    """One object of an earlier release.

    Args:
        decision: C(prune) deletes it. C(retain) leaves it on the cluster and in the record. C(drop) removes it from the
            record, because it is gone or no longer ours.
    """

    key: Key
    decision: LeftoverDecision
    reason: str
    uid: str = ""


def leftovers_of(record: Record, known: frozenset[Key]) -> list[Key]:
    """Return the recorded objects that the release does not have, those of an unfinished run included."""
    return sorted(key for key in record.named if known and key not in known)


def decide_leftover(
    key: Key, entry: RecordEntry, metadata: Mapping[str, Any] | None, *, prune_crds: bool, used_by: str
) -> Leftover:
    """Decide whether to prune an object of an earlier release.

    Args:
        metadata: the current metadata; None if the object is gone, perhaps with its kind; empty if it may not be read.
        prune_crds: whether CRDs may be pruned.
        used_by: the object of a user that needs this one; empty if there is none.
    """
    if metadata is None:
        return Leftover(key, "drop", "it is gone")
    if not metadata:
        return Leftover(key, "retain", "no permission to read it")
    if metadata.get("uid") != entry.uid:
        return Leftover(key, "drop", "it was deleted and recreated")
    if mark_of(metadata) is not None or own_entry(metadata) is None:
        return Leftover(key, "drop", "another manager took it over")
    if metadata.get("deletionTimestamp"):
        return Leftover(key, "retain", "it is Terminating")
    if not entry.created:
        return Leftover(key, "retain", "it existed before Conductor")
    if key.kind == "Namespace":
        return Leftover(key, "retain", "a Namespace is deleted only by an uninstall")
    if key.kind == "CustomResourceDefinition" and not prune_crds:
        return Leftover(key, "retain", "CRDs are pruned only with prune_crds: true")
    if used_by:
        return Leftover(key, "retain", f"{used_by} needs it")
    return Leftover(key, "prune", "not in this release", entry.uid)
