# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read fields of objects without assumptions: a missing field, or one of another type, counts as empty. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

_NAMED = 5
# Phases of a pod whose processes have ended for ever (kubernetes/api core/v1, PodPhase).
_ENDED = ("Failed", "Succeeded")
_WHOLE = re.compile(r"[0-9]{1,9}")
# Longer numbers are no numbers of a version; Python refuses to convert very long ones.
_VERSION = re.compile(r"v?(\d{1,9})(?!\d)(?:\.(\d{1,9})(?!\d))?(?:\.(\d{1,9})(?!\d))?")


def part(value: Any, *names: str) -> Mapping[str, Any]:
    """Return the mapping at a path of field names."""
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def parts(value: Any, *names: str) -> list[Mapping[str, Any]]:
    """Return the mappings in the list at a path of field names."""
    return [item for item in _list(value, names) if isinstance(item, Mapping)]


def texts(value: Any, *names: str) -> list[str]:
    """Return the strings in the list at a path of field names."""
    return [item for item in _list(value, names) if isinstance(item, str)]


def text(value: Any, *names: str) -> str:
    """Return the string at a path of field names; a number is converted to text."""
    found = part(value, *names[:-1]).get(names[-1])
    return str(found) if isinstance(found, (str, int, float)) and not isinstance(found, bool) else ""


def name_of(item: Any) -> str:
    """Return C(metadata.name)."""
    return text(item, "metadata", "name")


def namespace_of(item: Any) -> str:
    """Return C(metadata.namespace)."""
    return text(item, "metadata", "namespace")


def is_terminating(item: Any) -> bool:
    """Return whether an object is being deleted. A malformed time counts too, so that it never looks ready."""
    return bool(part(item, "metadata").get("deletionTimestamp"))


def has_ended(pod: Any) -> bool:
    """Return whether all containers of a pod have ended and none will be started again."""
    return text(pod, "status", "phase") in _ENDED


def conditions_of(item: Any, kind: str) -> list[Mapping[str, Any]]:
    """Return the conditions of one type in an object's status. There should be one at most, but nothing enforces it."""
    return [entry for entry in parts(item, "status", "conditions") if text(entry, "type") == kind]


def is_true(item: Any, condition: str) -> bool:
    """Return whether a condition in an object's status is True. If it occurs several times, each must be True."""
    found = conditions_of(item, condition)
    return bool(found) and all(text(entry, "status") == "True" for entry in found)


def numbers(version: str) -> tuple[int, ...]:
    """Return the numbers of a version, e.g. (1, 31, 4) for C(v1.31.4+k3s1); empty if it does not begin with one."""
    found = _VERSION.match(version)
    return tuple(int(number) for number in found.groups() if number is not None) if found else ()


def whole_number(text: str) -> int | None:
    """Return the number of a text of up to nine digits; None for other texts: Python does not convert all of them."""
    return int(text) if _WHOLE.fullmatch(text) else None


def some(names: Iterable[str]) -> list[str]:
    """Return the first few names and the number of the others, because results must stay small."""
    ordered = sorted(names)
    more = len(ordered) - _NAMED
    return ordered[:_NAMED] + ([f"and {more} more"] if more > 0 else [])


def _list(value: Any, names: tuple[str, ...]) -> list[Any]:
    found = part(value, *names[:-1]).get(names[-1])
    return found if isinstance(found, list) else []
