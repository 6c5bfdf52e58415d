# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server says when an apply meets fields that other managers own (KEP-555, "conflicts"). Pure.

The server names field and owner; what is there and what the release wants is read off the two objects.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..errors import ApiError, ConductorError, RefusedError, listed
from ..names import FIELD_MANAGER
from ..objects.diff import MASKED
from ..objects.resources import Key
from ..ownership.owner import HELPERS

_OWNER = re.compile(r'conflict with "([^"]*)"')
# One step of a field path as the server writes it (structured-merge-diff, fieldpath.PathElement): [name="x",port=1] is
# an item of a list by its keys, [="x"] one by its value, [0] one by its place.
_ITEM = re.compile(r'\[((?:[^]"]|"(?:[^"\\]|\\.)*")*)\]')
_PAIR = re.compile(r'([^=,]*)=("(?:[^"\\]|\\.)*"|[^,]*)')
_ABSENT = object()
# Characters of a value in a message; conflicts in a result.
_LONGEST = 60
_MOST = 20


class Conflict(NamedTuple):
    """One field that somebody else owns, with another value than the release's.

    Args:
        field: its path, in the server's way of writing.
        owner: the field manager.
        live, wanted: the two values, shortened; empty where the object has none.
    """

    key: Key
    field: str
    owner: str
    live: str
    wanted: str

    def facts(self) -> dict[str, str]:
        """For a result."""
        return {"object": str(self.key), **{name: getattr(self, name) for name in ("field", "owner", "live", "wanted")}}


def is_ownership_conflict(error: ConductorError) -> bool:
    """Whether an apply was refused because other managers own fields; a plain 409 says that the object changed."""
    return isinstance(error, ApiError) and error.status == 409 and error.reason == "Conflict" and bool(error.causes)


def owners_of(error: ApiError) -> set[str]:
    """The field managers in the way; an empty name where the server's words were not understood."""
    return {_owner(cause) for cause in error.causes}


def is_of_controllers(error: ApiError) -> bool:
    """Whether nothing is in the way but authorities that controllers wrote for their own certificates."""
    return all(
        str(cause.get("field", "")).endswith(".clientConfig.caBundle") and _owner(cause) in {*HELPERS, FIELD_MANAGER}
        for cause in error.causes
    )


def conflicts_of(
    error: ApiError, key: Key, live: Mapping[str, Any] | None, wanted: Mapping[str, Any], but: str
) -> list[Conflict]:
    """The conflicts of one object.

    Args:
        live: the object as it is; None where it may not be read.
        but: the field manager that is ourselves: what was written in our name is no conflict.
    """
    return [
        # An adoption has compared the values itself.
        Conflict(key, field, owner, _shown(cause["live"]), _shown(cause["wanted"]))
        if "live" in cause
        else Conflict(key, field, owner, _value(live, field, key), _value(wanted, field, key))
        for cause in error.causes
        for field, owner in ((str(cause.get("field", "")), _owner(cause)),)
        if owner != but
    ]


def conflict_error(conflicts: Sequence[Conflict]) -> RefusedError:
    """The error that names them all, so that nobody has to find one after the other."""
    lines = [
        f"{found.key}: {found.field}: {found.owner or 'somebody'} has {found.live or 'it'}, "
        f"the release wants {found.wanted or 'none'}"
        for found in conflicts[:_MOST]
    ]
    if len(conflicts) > _MOST:
        lines.append(f"and {len(conflicts) - _MOST} more")
    return RefusedError(
        listed("nothing was written, because somebody else owns fields of", lines),
        step="dry run",
        next_step="let those managers give the fields up, or set force_conflicts: true to take them over",
        facts={"conflicts": [found.facts() for found in conflicts[:_MOST]]},
    )


def value_at(value: Any, path: str) -> Any:
    """What is at a field path of an object; C(None) where there is nothing."""
    found = _walk(value, path)
    return None if found is _ABSENT else found


def _owner(cause: Mapping[str, Any]) -> str:
    """Who is in the way: a cause of ours says it apart, the server's has it in its message only."""
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
        # Names of labels and annotations have dots in them: every name that fits is tried.
        for name in value:
            rest = path.removeprefix(f".{name}")
            if rest != path and rest[:1] in ("", ".", "["):
                found = _walk(value[name], rest)
                if found is not _ABSENT:
                    return found
    return _ABSENT


def _item(items: Sequence[Any], selector: str) -> Any:
    if selector.isdigit():
        return items[int(selector)] if int(selector) < len(items) else _ABSENT
    wanted = {name: _parsed(text) for name, text in _PAIR.findall(selector)}
    if "" in wanted:
        return next((item for item in items if item == wanted[""]), _ABSENT)
    known = [item for item in items if isinstance(item, Mapping)]
    # Whole keys first; the server fills one in that an object leaves out (the protocol of a port, say).
    for others in ({}, wanted):
        for item in known:
            if all(item.get(name, others.get(name)) == value for name, value in wanted.items()):
                return item
    return _ABSENT


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def explained(error: ConductorError) -> ConductorError:
    """Adds to some failures of an apply what the server's words leave out."""
    if isinstance(error, ApiError) and is_ownership_conflict(error):
        fields = "; ".join(f"{cause.get('field', '')}: {cause.get('message', '')}" for cause in error.causes)
        return ApiError(
            f"somebody else owns fields of it: {fields}",
            status=error.status,
            reason=error.reason,
            causes=error.causes,
            step=error.step,
            subject=error.subject,
            next_step="let that manager give the field up, or set force_conflicts: true to take it over",
        )
    return error
