# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What changes between two versions of an object, field by field, without the server's bookkeeping. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ._resources import Key

_BOOKKEEPING = frozenset(
    {"managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink", "deletionTimestamp"}
)
MASKED = "(not shown)"
_ABSENT = object()


def changed_fields(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """The fields that differ: path -> (before, after), None for absent. Status and bookkeeping do not count.

    Values of a Secret are masked: that one changed is shown, never what it is.
    """
    secret = after.get("kind") == "Secret" or before.get("kind") == "Secret"
    found = {}
    for path, old, new in _walk("", _without_noise(before), _without_noise(after)):
        if secret and path.partition(".")[0] in ("data", "stringData"):
            old, new = (None if value is None else MASKED for value in (old, new))
        found[path] = (old, new)
    return dict(sorted(found.items()))


def render_diff(changes: Mapping[Key, Mapping[str, tuple[Any, Any]] | str]) -> dict[str, str]:
    """Ansible's diff of a set of objects; a string instead of fields says it in one line (e.g. C(created))."""
    before, after = [], []
    for key, fields in sorted(changes.items(), key=lambda item: str(item[0])):
        if isinstance(fields, str):
            before.append(f"{key}: absent")
            after.append(f"{key}: {fields}")
            continue
        for path, (old, new) in fields.items():
            before.append(f"{key}: {path} = {old}")
            after.append(f"{key}: {path} = {new}")
    return {"before": "".join(f"{line}\n" for line in before), "after": "".join(f"{line}\n" for line in after)}


def _without_noise(value: Mapping[str, Any]) -> dict[str, Any]:
    trimmed = {name: part for name, part in value.items() if name != "status"}
    if isinstance(trimmed.get("metadata"), Mapping):
        trimmed["metadata"] = {name: part for name, part in trimmed["metadata"].items() if name not in _BOOKKEEPING}
    return trimmed


def _walk(path: str, before: Any, after: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in sorted({*before, *after}):
            below = f"{path}.{name}" if path else str(name)
            yield from _walk(below, before.get(name, _ABSENT), after.get(name, _ABSENT))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _walk(f"{path}[{index}]", old, new)
    elif before != after:
        yield path, None if before is _ABSENT else before, None if after is _ABSENT else after
