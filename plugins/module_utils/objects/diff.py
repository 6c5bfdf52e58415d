# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare two versions of an object field by field, without the fields that only the server sets. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..passwords import is_secret_name
from .resources import Key

_BOOKKEEPING = frozenset(
    {"managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink", "deletionTimestamp"}
)
# Client-side kubectl stores a copy of the whole object in this annotation, including the values of a Secret.
_KUBECTL_COPY = "kubectl.kubernetes.io/last-applied-configuration"
MASKED = "(not shown)"
# The most characters of a value that a diff shows.
_LONGEST = 100
_ABSENT = object()


def changed_fields(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the fields that differ: path to (before, after), None for a missing field. Ignore status and bookkeeping.

    Values of a Secret, and of variables for passwords, are masked: the result shows that one changed, never the value.
    """
    secret = after.get("kind") == "Secret" or before.get("kind") == "Secret"
    found = {}
    for path, old, new in _walk("", _without_noise(before), _without_noise(after)):
        if (secret and path.partition(".")[0] in ("data", "stringData")) or _is_secret_variable(path):
            old, new = (None if value is None else MASKED for value in (old, new))
        found[path] = (old, new)
    return dict(sorted(found.items()))


def _is_secret_variable(path: str) -> bool:
    """Return whether a path is the value of an environment variable for a password, e.g. C(env[DB_PASSWORD].value)."""
    item, dot, field = path.rpartition(".")
    return dot != "" and field == "value" and item.endswith("]") and is_secret_name(item[:-1].rpartition("[")[2])


def render_diff(
    changes: Mapping[Key, Mapping[str, tuple[Any, Any]] | str], behind: Callable[[Key, str], str] = lambda key, path: ""
) -> dict[str, str]:
    """Return Ansible's diff of a set of objects; a string instead of fields becomes one line (e.g. C(created)).

    A field has a line only on the side on which it exists, and long values are cut to stay readable.

    Args:
        behind: the variable that sets a field; empty if none does. It ends the line of the new value.
    """
    before, after = [], []
    for key, fields in sorted(changes.items(), key=lambda item: str(item[0])):
        if isinstance(fields, str):
            after.append(f"{key}: {fields}{_by(behind(key, ''))}")
            continue
        for path, (old, new) in fields.items():
            before += [] if old is None else [f"{key}: {path} = {shown_value(old)}"]
            after += [] if new is None else [f"{key}: {path} = {shown_value(new)}{_by(behind(key, path))}"]
    return {"before": "".join(f"{line}\n" for line in before), "after": "".join(f"{line}\n" for line in after)}


def _by(variable: str) -> str:
    return f"  ({variable})" if variable else ""


def shown_value(value: Any) -> str:
    """Return a value as one line, cut to stay readable."""
    text = " ".join(str(value).split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... ({len(text)} characters)"


def _without_noise(value: Mapping[str, Any]) -> dict[str, Any]:
    trimmed = {name: part for name, part in value.items() if name != "status"}
    if isinstance(trimmed.get("metadata"), Mapping):
        metadata = {name: part for name, part in trimmed["metadata"].items() if name not in _BOOKKEEPING}
        if isinstance(metadata.get("annotations"), Mapping):
            metadata["annotations"] = {n: text for n, text in metadata["annotations"].items() if n != _KUBECTL_COPY}
        trimmed["metadata"] = metadata
    return trimmed


def _walk(path: str, before: Any, after: Any) -> Iterator[tuple[str, Any, Any]]:
    if before is after:
        # Versions of an object share most of their parts: a CRD is large.
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in sorted({*before, *after}):
            below = f"{path}.{name}" if path else str(name)
            yield from _walk(below, before.get(name, _ABSENT), after.get(name, _ABSENT))
    elif isinstance(before, list) and isinstance(after, list) and before != after:
        yield from _walk_lists(path, before, after)
    elif before != after:
        yield path, None if before is _ABSENT else before, None if after is _ABSENT else after


def _walk_lists(path: str, before: list[Any], after: list[Any]) -> Iterator[tuple[str, Any, Any]]:
    """Compare lists: items with a name (containers, webhooks, ports, ...) by name, others by index."""
    old_names, new_names = _by_name(before), _by_name(after)
    in_order = [name for name in old_names if name in new_names] == [name for name in new_names if name in old_names]
    if old_names and new_names and in_order:
        for name in sorted({*old_names, *new_names}):
            yield from _walk(f"{path}[{name}]", old_names.get(name, _ABSENT), new_names.get(name, _ABSENT))
    elif len(before) == len(after):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _walk(f"{path}[{index}]", old, new)
    else:
        gone = {index: item for index, item in enumerate(before) if item not in after}
        come = {index: item for index, item in enumerate(after) if item not in before}
        for index in sorted({*gone, *come}):
            yield from _walk(f"{path}[{index}]", gone.get(index, _ABSENT), come.get(index, _ABSENT))
        if not gone and not come:
            yield path, before, after


def _by_name(items: list[Any]) -> dict[str, Any]:
    """Return the items by C(name); empty if one has no name or two have the same."""
    named = {item["name"]: item for item in items if isinstance(item, Mapping) and isinstance(item.get("name"), str)}
    return named if len(named) == len(items) else {}
