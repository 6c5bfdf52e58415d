# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Explain the server's response to an apply with field conflicts (KEP-555). Pure.

The server names the field and its manager. The two values come from the live object and the release.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..errors import ApiError, ConductorError, RefusedError, listed
from ..names import FIELD_MANAGER
from ..objects.diff import MASKED
from ..objects.encodings import from_json
from ..objects.fields import whole_number
from ..objects.resources import Key
from ..ownership.owner import HELPERS

_OWNER = re.compile(r'conflict with "([^"]*)"')
# One element of a field path as the server writes it (structured-merge-diff, fieldpath.PathElement). It selects an item
# of a list: [name="x",port=1] by its keys, [="x"] by its value, [0] by its index.
_ITEM = re.compile(r'\[((?:[^]"]|"(?:[^"\\]|\\.)*")*)\]')
_PAIR = re.compile(r'([^=,]*)=("(?:[^"\\]|\\.)*"|[^,]*)')
_ABSENT = object()
# The maximum number of characters of a value in a message, and of conflicts in a result.
_LONGEST = 60
_MOST = 20


# The variables that set a field to another value than the release's.
_VARIABLES = tuple(
    (re.compile(words), variables)
    for words, variables in (
        (r"\.image$", "`conductor_registries` or `conductor_images`"),
        (r"\.imagePullPolicy$", "`conductor_image_pull_policy`"),
        (r"\.imagePullSecrets", "`conductor_image_pull_secrets`"),
        (r"\.resources\b", "`conductor_resources`"),
        (r"^\.spec\.replicas$", "`conductor_replicas`"),
        (r"\.tolerations", "`conductor_tolerations`"),
        (r"\.nodeSelector\b", "`conductor_node_selector`"),
        (r"\.affinity\b", "`conductor_affinity`"),
        (r"\.priorityClassName$", "`conductor_priority_class`"),
    )
)


class Conflict(NamedTuple):
    """A field that another manager owns, with a value that differs from the release.

    Args:
        field: its path, in the notation of the server.
        owner: the field manager; empty if unknown.
        live, wanted: the current value and the value of the release, shortened; empty if there is none.
    """

    key: Key
    field: str
    owner: str
    live: str
    wanted: str

    def facts(self) -> dict[str, str]:
        """Return the conflict for a result."""
        return {"object": str(self.key), **{name: getattr(self, name) for name in ("field", "owner", "live", "wanted")}}


def is_ownership_conflict(error: ConductorError) -> bool:
    """Return whether an apply failed because of field conflicts; a 409 without causes means that the object changed."""
    return isinstance(error, ApiError) and error.status == 409 and error.reason == "Conflict" and bool(error.causes)


def owners_of(error: ApiError) -> set[str]:
    """Return the field managers of the conflicts; an empty name if a message of the server could not be parsed."""
    return {_owner(cause) for cause in error.causes}


def is_of_controllers(error: ApiError) -> bool:
    """Return whether all conflicts are about a C(caBundle) that a controller wrote for its own certificates."""
    return all(
        str(cause.get("field", "")).endswith(".clientConfig.caBundle") and _owner(cause) in {*HELPERS, FIELD_MANAGER}
        for cause in error.causes
    )


def conflicts_of(
    error: ApiError, key: Key, live: Mapping[str, Any] | None, wanted: Mapping[str, Any], but: str
) -> list[Conflict]:
    """Return the conflicts of one object.

    Args:
        live: the live object; None if it may not be read.
        but: our own field manager: a field that it owns is no conflict.
    """
    return [
        # An adoption compares the values itself.
        Conflict(key, field, owner, _shown(cause["live"]), _shown(cause["wanted"]))
        if "live" in cause
        else Conflict(key, field, owner, _value(live, field, key), _value(wanted, field, key))
        for cause in error.causes
        for field, owner in ((str(cause.get("field", "")), _owner(cause)),)
        if owner != but
    ]


def conflict_error(conflicts: Sequence[Conflict]) -> RefusedError:
    """Return the error that names all conflicts at once."""
    lines = [
        f"{found.key}: {found.field} is managed by {found.owner or 'another manager'}"
        f"{f' ({found.live})' if found.live else ''}; the release has {found.wanted or 'no value'}"
        for found in conflicts[:_MOST]
    ]
    if len(conflicts) > _MOST:
        lines.append(f"and {len(conflicts) - _MOST} more")
    variables = dict.fromkeys(words for found in conflicts for field, words in _VARIABLES if field.search(found.field))
    keep = f"set {' and '.join(variables)} to the existing values to keep them, " if variables else ""
    return RefusedError(
        listed("nothing was written: field conflicts with other managers:", lines),
        step="dry run",
        next_step=f"{keep}remove these fields from what the managers apply, or set force_conflicts: true to overwrite "
        "them",
        facts={"conflicts": [found.facts() for found in conflicts[:_MOST]]},
    )


def value_at(value: Any, path: str) -> Any:
    """Return the value at a field path of an object; None if there is no value."""
    found = _walk(value, path)
    return None if found is _ABSENT else found


def _owner(cause: Mapping[str, Any]) -> str:
    """Return the field manager of a conflict. Our own causes have a field for it; the server has it in the message."""
    if "owner" in cause:
        return str(cause["owner"])
    found = _OWNER.search(str(cause.get("message", "")))
    return found[1] if found else ""


def _value(item: Mapping[str, Any] | None, field: str, key: Key) -> str:
    found = value_at(item, field)
    if found is None:
        return ""
    if key.kind == "Secret" and field.startswith((".data", ".stringData")):
        return MASKED
    return _shown(found)


def _shown(value: Any) -> str:
    if value is None or value == MASKED:
        return value or ""
    text = json.dumps(value, sort_keys=True)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... ({len(text)} characters)"


def _walk(value: Any, path: str) -> Any:
    if not path:
        return value
    if path.startswith("[") and isinstance(value, list):
        step = _ITEM.match(path)
        return _ABSENT if step is None else _walk(_item(value, step[1]), path.removeprefix(step[0]))
    if path.startswith(".") and isinstance(value, Mapping):
        # Label and annotation names contain dots: try every name that matches.
        for name in value:
            rest = path.removeprefix(f".{name}")
            if rest != path and rest[:1] in ("", ".", "["):
                found = _walk(value[name], rest)
                if found is not _ABSENT:
                    return found
    return _ABSENT


def _item(items: Sequence[Any], selector: str) -> Any:
    index = whole_number(selector)
    if index is not None:
        return items[index] if index < len(items) else _ABSENT
    wanted = {name: _parsed(text) for name, text in _PAIR.findall(selector)}
    if "" in wanted:
        return next((item for item in items if item == wanted[""]), _ABSENT)
    known = [item for item in items if isinstance(item, Mapping)]
    # Complete keys first. Then items without a key that the server fills in, e.g. the protocol of a port.
    for others in ({}, wanted):
        for item in known:
            if all(item.get(name, others.get(name)) == value for name, value in wanted.items()):
                return item
    return _ABSENT


def _parsed(text: str) -> Any:
    try:
        return from_json(text)
    except ValueError:
        return text


def explained(error: ConductorError) -> ConductorError:
    """Return the error with fields, managers and a next step, if it is a field conflict; otherwise unchanged."""
    if isinstance(error, ApiError) and is_ownership_conflict(error):
        fields = "; ".join(f"{cause.get('field', '')}: {cause.get('message', '')}" for cause in error.causes)
        return ApiError(
            f"field conflict with another manager: {fields}",
            status=error.status,
            reason=error.reason,
            causes=error.causes,
            step=error.step,
            subject=error.subject,
            next_step="remove the field from what that manager applies, or set force_conflicts: true to overwrite it",
        )
    return error
