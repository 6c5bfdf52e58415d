# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists what others still own of objects that were taken over: edits and additions that stay as they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..names import FIELD_MANAGER
from ..objects.fields import some
from ..objects.managed_fields import field_name, is_in, places, without
from ..ownership.kubectl import LAST_APPLIED_KEEPER, NO_EDITS, entries, who
from ..ownership.owner import HELPERS, own_entry
from ..plan.plan import Action

# Somebody may have edited every object; a result stays small.
_LISTED = 20
# As a field of somebody's, one of these is an empty map.
_MAPS = (("f:metadata", "f:labels"), ("f:metadata", "f:annotations"))


def preserved_fields(taken: Iterable[tuple[Action, Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """What was left to others: C(object), C(owner) and C(fields), the last with a few names and how many more.

    Args:
        taken: actions with the metadata of their objects afterwards; those that took nothing over do not count.
    """
    found = [
        {"object": str(action.key), "owner": owner, "fields": some(fields)}
        for action, metadata in taken
        if action.take_over
        for owner, fields in sorted(_others(metadata).items())
    ]
    found.sort(key=lambda edit: (edit["object"], edit["owner"]))
    more = len(found) - _LISTED
    return found[:_LISTED] + ([{"object": f"and {more} more", "owner": "", "fields": []}] if more > 0 else [])


def preserved_line(edit: Mapping[str, Any]) -> str:
    """One of them as one line."""
    if not edit["owner"]:
        return f"edits that were kept: {edit['object']}"
    return f"{edit['object']}: kept what {edit['owner']} set: {', '.join(edit['fields'])}"


def _others(metadata: Mapping[str, Any]) -> dict[str, list[str]]:
    """Manager to the names of fields. Controllers write into everybody's objects; that is no edit."""
    ours = (own_entry(metadata) or {}).get("fieldsV1") or {}
    found: dict[str, list[str]] = {}
    for entry in entries(metadata):
        manager = str(entry.get("manager"))
        if manager in HELPERS or manager == FIELD_MANAGER or who(entry) == LAST_APPLIED_KEEPER:
            continue
        rest = places(without(without(entry.get("fieldsV1") or {}, ours), NO_EDITS))
        # Whoever once set a field in a map goes on owning the map itself, which says nothing of what is in it.
        names = [field_name(path) for path in rest if not is_in(ours, path) and path not in _MAPS]
        if names:
            found.setdefault(manager, []).extend(names)
    return found
