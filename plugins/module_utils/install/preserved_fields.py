# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""List the fields that other managers still own on objects that were taken over. Conductor leaves them unchanged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..names import FIELD_MANAGER
from ..objects.fields import some
from ..objects.managed_fields import field_name, is_in, places, without
from ..ownership.kubectl import LAST_APPLIED_KEEPER, NO_EDITS, entries, who
from ..ownership.owner import HELPERS, own_entry
from ..plan.plan import Action

# The maximum number of entries in a result.
_LISTED = 20
# An entry of managedFields lists these as fields of their own, too.
_MAPS = (("f:metadata", "f:labels"), ("f:metadata", "f:annotations"))


def preserved_fields(taken: Iterable[tuple[Action, Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """Return the preserved fields: C(object), C(owner) and C(fields) (some names and the number of further ones).

    Args:
        taken: actions with the metadata of their objects afterwards; only those that take over an object count.
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
    """Return one entry of C(preserved_fields) as a line."""
    if not edit["owner"]:
        return f"preserved fields: {edit['object']}"
    return f"{edit['object']}: preserved fields of {edit['owner']}: {', '.join(edit['fields'])}"


def _others(metadata: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the fields by manager. Controllers write into all objects; their fields do not count."""
    ours = (own_entry(metadata) or {}).get("fieldsV1") or {}
    found: dict[str, list[str]] = {}
    for entry in entries(metadata):
        manager = str(entry.get("manager"))
        if manager in HELPERS or manager == FIELD_MANAGER or who(entry) == LAST_APPLIED_KEEPER:
            continue
        rest = places(without(without(entry.get("fieldsV1") or {}, ours), NO_EDITS))
        # A manager that set a field in a map owns the map itself, too, even if the field is gone.
        names = [field_name(path) for path in rest if not is_in(ours, path) and path not in _MAPS]
        if names:
            found.setdefault(manager, []).extend(names)
    return found
