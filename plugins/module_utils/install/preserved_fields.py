# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""List the fields that other managers still own on objects that were taken over. Conductor leaves them unchanged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..objects.fields import some
from ..plan.plan import Action

# The maximum number of entries in a result.
_LISTED = 20


def preserved_fields(taken: Iterable[tuple[Action, Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """Return the preserved fields: C(object), C(owner) and C(fields) (some names and the number of further ones).

    Args:
        taken: actions with the metadata of their objects afterwards; only those that take over an object count.
    """
    taken = [(action, metadata) for action, metadata in taken if action.take_over]
    if not taken:
        return []
    # A late import: most runs take over nothing.
    from ..ownership.other_fields import fields_of_others

    found = [
        {"object": str(action.key), "owner": owner, "fields": some(fields)}
        for action, metadata in taken
        for owner, fields in sorted(fields_of_others(metadata).items())
    ]
    found.sort(key=lambda edit: (edit["object"], edit["owner"]))
    more = len(found) - _LISTED
    return found[:_LISTED] + ([{"object": f"and {more} more", "owner": "", "fields": []}] if more > 0 else [])


def preserved_line(edit: Mapping[str, Any]) -> str:
    """Return one entry of C(preserved_fields) as a line."""
    if not edit["owner"]:
        return f"preserved fields: {edit['object']}"
    return f"{edit['object']}: preserved fields of {edit['owner']}: {', '.join(edit['fields'])}"
