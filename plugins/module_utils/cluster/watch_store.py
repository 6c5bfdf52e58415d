# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Merge lists and events of one watched scope, in any order, into its current objects. Pure.

Events may arrive twice, late or out of order, because two streams of one scope may overlap, or a list and a stream.
Versions of one resource type are comparable (KEP-5504, "Comparable Resource Version"), so the newest version of an
object counts, not the last one to arrive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

# How many deleted objects are remembered; late events about them come soon after.
_REMEMBERED = 10_000
# The most digits of a version that is compared as a number: it has 64 bits.
_DIGITS = 20


class Snapshot:
    """Store the current version of each object.

    Args:
        name_of: returns the name under which an object is stored.
    """

    def __init__(self, name_of: Callable[[Mapping[str, Any]], str]) -> None:
        self._name_of = name_of
        self._objects: dict[str, dict[str, Any]] = {}
        # The uids of deleted objects. A uid is never used again.
        self._gone: dict[str, None] = {}

    def objects(self) -> dict[str, dict[str, Any]]:
        """Return the current objects by name."""
        return dict(self._objects)

    def take_list(self, items: Iterable[dict[str, Any]], version: str) -> bool:
        """Replace the objects with a complete list, except those that are known to be newer.

        Args:
            version: the list's own resourceVersion.

        Returns:
            whether anything changed.
        """
        found: dict[str, dict[str, Any]] = {}
        for item in items:
            if _uid(item) not in self._gone:
                known = self._objects.get(self._name_of(item))
                found[self._name_of(item)] = known if known is not None and _is_older(item, known) else item
        listed = _number(version)
        for name, known in self._objects.items():
            born = _version(known)
            if name not in found and listed is not None and born is not None and born > listed:
                # The object was created after the list was made.
                found[name] = known
        changed = found != self._objects
        self._objects = found
        return changed

    def take_event(self, kind: str, item: dict[str, Any]) -> bool:
        """Apply a watch event (C(ADDED), C(MODIFIED) or C(DELETED)); return whether anything changed."""
        name, uid = self._name_of(item), _uid(item)
        known = self._objects.get(name)
        if kind == "DELETED":
            if uid:
                self._gone[uid] = None
                if len(self._gone) > _REMEMBERED:
                    del self._gone[next(iter(self._gone))]
            if known is None or (uid and _uid(known) != uid):
                # A newer object has this name now.
                return False
            del self._objects[name]
            return True
        if uid in self._gone or (known is not None and (_is_older(item, known) or item == known)):
            return False
        self._objects[name] = item
        return True


def _is_older(item: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
    """Return whether an object is older than the known one; False if a version is not a number."""
    new, old = _version(item), _version(known)
    return new is not None and old is not None and new < old


def _version(item: Mapping[str, Any]) -> int | None:
    return _number(item["metadata"].get("resourceVersion"))


def _number(version: Any) -> int | None:
    comparable = isinstance(version, str) and version.isdecimal() and len(version) <= _DIGITS
    return int(version) if comparable else None


def _uid(item: Mapping[str, Any]) -> str:
    return str(item["metadata"].get("uid") or "")
