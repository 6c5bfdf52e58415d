# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects of one watched scope, put together from lists and events in whatever order they come. Pure.

Events may come twice, late or out of order: two streams of one scope may overlap, and so may a list and a stream.
Versions of one resource type are comparable (KEP-5504, "Comparable Resource Version"), so the newest word on an object
counts, not the last one to arrive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any


class Snapshot:
    """What is known of each object.

    Args:
        name_of: by which name an object is known.
    """

    def __init__(self, name_of: Callable[[Mapping[str, Any]], str]) -> None:
        self._name_of = name_of
        self._objects: dict[str, dict[str, Any]] = {}
        # The uids of what was deleted; none of them ever comes back.
        self._gone: set[str] = set()

    def objects(self) -> dict[str, dict[str, Any]]:
        """Name to object, as of now."""
        return dict(self._objects)

    def take_list(self, items: Iterable[dict[str, Any]], version: str) -> bool:
        """Takes in a whole list, but for what is known to be newer.

        Args:
            version: the list's own resourceVersion.

        Returns:
            whether it changed anything.
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
                # It came after the list was made.
                found[name] = known
        changed = found != self._objects
        self._objects = found
        return changed

    def take_event(self, kind: str, item: dict[str, Any]) -> bool:
        """Takes in an event of a watch: C(ADDED), C(MODIFIED) or C(DELETED); whether it changed anything."""
        name, uid = self._name_of(item), _uid(item)
        known = self._objects.get(name)
        if kind == "DELETED":
            if uid:
                self._gone.add(uid)
            if known is None or (uid and _uid(known) != uid):
                # Another object has the name since.
                return False
            del self._objects[name]
            return True
        if uid in self._gone or (known is not None and (_is_older(item, known) or item == known)):
            return False
        self._objects[name] = item
        return True


def _is_older(item: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
    """Whether an object is from before the known one; where a version is no number, nobody can tell."""
    new, old = _version(item), _version(known)
    return new is not None and old is not None and new < old


def _version(item: Mapping[str, Any]) -> int | None:
    return _number(item["metadata"].get("resourceVersion"))


def _number(version: Any) -> int | None:
    return int(version) if isinstance(version, str) and version.isdecimal() else None


def _uid(item: Mapping[str, Any]) -> str:
    return str(item["metadata"].get("uid") or "")
