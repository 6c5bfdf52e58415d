# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the fields of our objects that other managers have set, which Conductor leaves unchanged. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..names import FIELD_MANAGER
from ..objects.managed_fields import field_name, is_in, places, without
from .kubectl import LAST_APPLIED_KEEPER, NO_EDITS, entries, who
from .owner import HELPERS, own_entry

# An entry of managedFields lists these as fields of their own, too.
_MAPS = (("f:metadata", "f:labels"), ("f:metadata", "f:annotations"))


def fields_of_others(metadata: Mapping[str, Any]) -> dict[str, list[str]]:
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
