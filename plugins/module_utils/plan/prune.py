# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an earlier release had and this one has no more: what of it goes, and what stays and why. Pure.

Only what the install record says Conductor created goes, and only while it is the very same object (by its uid) and
still bears our field manager's entry. A label says nothing: labels are copied.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from ..objects.resources import RESOURCES, Key
from ..ownership.owner import mark_of, own_entry
from ..ownership.record import Record, RecordEntry

LeftoverDecision = Literal["prune", "retain", "drop"]

# The phase in which an object of a kind is applied; what is pruned goes in the reverse order of them.
_PHASES = {
    "Namespace": "foundation",
    "CustomResourceDefinition": "foundation",
    "Deployment": "controllers",
    "MutatingWebhookConfiguration": "admission",
    "ValidatingWebhookConfiguration": "admission",
    "ClusterTrainingRuntime": "runtimes",
}


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
    """The objects on record that a release does not know, of types that can be asked about."""
    return sorted(
        key for key in record.entries if known and key not in known and (key.api_version, key.kind) in RESOURCES
    )


def phase_of(kind: str) -> str:
    """The phase that objects of a kind belong to."""
    return _PHASES.get(kind, "access")


def decide_leftover(
    key: Key, entry: RecordEntry, metadata: Mapping[str, Any] | None, *, prune_crds: bool, used_by: str
) -> Leftover:
    """What is to become of one of them.

    Args:
        metadata: that of the object as it is; None where it is not there, empty where it may not be read.
        prune_crds: whether CRDs may go.
        used_by: what of a user's holds on to it, in words; empty where nothing does.
    """
    if metadata is None:
        return Leftover(key, "drop", "it is gone")
    if not metadata:
        return Leftover(key, "retain", "this identity may not read it")
    if metadata.get("uid") != entry.uid:
        return Leftover(key, "drop", "somebody deleted it and made it again")
    if mark_of(metadata) is not None or own_entry(metadata) is None:
        return Leftover(key, "drop", "somebody else took it over")
    if metadata.get("deletionTimestamp"):
        return Leftover(key, "retain", "it is Terminating")
    if not entry.created:
        return Leftover(key, "retain", "it was there before Conductor")
    if key.kind == "Namespace":
        return Leftover(key, "retain", "a Namespace goes only with an uninstall")
    if key.kind == "CustomResourceDefinition" and not prune_crds:
        return Leftover(key, "retain", "CRDs go only with prune_crds: true")
    if used_by:
        return Leftover(key, "retain", f"{used_by} needs it")
    return Leftover(key, "prune", "this release has it no more", entry.uid)
