# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options in the install record, and how they differ from those of a run. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..objects.digest import canonical, slow_digest
from ..passwords import passwords_in
from ..text import NAME, one_line
from .spec import CUSTOMIZE

# The most lines about options that differ, and the most characters of a value in one.
_LINES = 10
_VALUE = 80
_OTHER = "this cluster was installed with other options:"
_NEXT = (
    "give the options of the last install, or set `conductor_options: recorded`, to compare with them; an install "
    "applies the options that are given here"
)
# The same after an error that may have another reason; the result lists the options, which can be many.
OTHER_OPTIONS_NEXT = f"this cluster was installed with other options, which `options_changed` lists: {_NEXT}"
_DIGEST = "sha256"
_OBJECTS = "extra_objects"
# The record is one ConfigMap, which has room for 1 MiB.
_MOST_OF_AN_OBJECT = 4096


def recordable(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options as they are recorded: with digests instead of secrets."""
    return {name: _recordable(name, value) for name, value in sorted(options.items())}


def _recordable(name: str, value: Any) -> Any:
    if name == _OBJECTS:
        return [_recordable_object(item) for item in value]
    return _hidden(name, value) if CUSTOMIZE[name].get("no_log") else value


def _recordable_object(item: Any) -> Any:
    """Return an object of the user; of one that is large or has secrets, only what names it and a digest."""
    if item.get("kind") == "List":
        return {**item, "items": [_recordable_object(one) for one in item["items"]]}
    secret = item.get("kind") == "Secret" or any(passwords_in(item))
    if not secret and len(canonical(item)) <= _MOST_OF_AN_OBJECT:
        return item
    metadata = item["metadata"]
    return {
        "apiVersion": item["apiVersion"],
        "kind": item["kind"],
        "metadata": {name: metadata[name] for name in ("name", "namespace") if metadata.get(name)},
        _DIGEST: slow_digest(item, _OBJECTS),
    }


def is_digest(item: Mapping[str, Any]) -> bool:
    """Return whether the record has only the digest of an object."""
    return item.keys() == {"apiVersion", "kind", "metadata", _DIGEST}


def _hidden(name: str, value: Any) -> Any:
    """Return a value with slow digests instead of its texts: everybody who may read ConfigMaps can try passwords."""
    if isinstance(value, Mapping):
        return {key: _hidden(f"{name}.{key}", part) for key, part in value.items()}
    return {_DIGEST: slow_digest(str(value), name)}


def without_secrets(value: Any) -> Any:
    """Return a recorded secret without what should not be in a record: somebody may have written it there."""
    if is_hidden(value):
        return value
    if not isinstance(value, Mapping):
        return {_DIGEST: ""}
    return {name: without_secrets(part) for name, part in value.items()}


def differences(recorded: Mapping[str, Any], given: Mapping[str, Any]) -> list[str]:
    """Return the paths of the options that differ, e.g. C(registries.ghcr.io).

    Args:
        recorded, given: options as C(recordable) returns them.
    """
    return [path for path, _old, _new in _differing(recorded, given)]


def changed_options(recorded: Mapping[str, Any], given: Mapping[str, Any]) -> list[str]:
    """Return a line for each option that differs from the install record, for people; only the first few.

    The record is a ConfigMap that others may edit: its texts are shortened. Only single values are shown.
    """
    safe = {
        name: without_secrets(value) if CUSTOMIZE.get(name, {}).get("no_log") else value
        for name, value in recorded.items()
    }
    found = _differing(safe, given)
    lines = [one_line(f"conductor_{path} {_change(old, new)}", NAME) for path, old, new in found[:_LINES]]
    return [*lines, *([f"and {len(found) - _LINES} more"] if len(found) > _LINES else [])]


def other_options(changed: Iterable[str]) -> tuple[str, str]:
    """Return what a run that only compares says about C(changed_options) on one line, and what to do about it."""
    return f"{_OTHER} {'; '.join(changed)}", _NEXT


def other_options_listed(changed: Iterable[str]) -> tuple[list[str], str]:
    """Return the same with a line for each option."""
    return [_OTHER, *(f"  {line}" for line in changed)], _NEXT


def different(options: Mapping[str, Any]) -> str:
    """Return in words how much differs from the release because of options, from their row in a result."""
    fields, objects = options["fields"], options["objects"]
    words = f"{fields} field{' differs' if fields == 1 else 's differ'} from the release"
    return f"{words}, {objects} object{'' if objects == 1 else 's'} added or removed" if objects else words


def _change(old: Any, new: Any) -> str:
    if new is None:
        return f"is {_shown(old)} in the install record and not given here"
    if old is None:
        return f"is {_shown(new)} here and not in the install record"
    if _shown(old) == _shown(new):
        return "differs from the install record"
    return f"is {_shown(old)} in the install record and {_shown(new)} here"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float, str)):
        return one_line(value, _VALUE)
    if is_hidden(value):
        return "a secret"
    return f"a {'list' if isinstance(value, list) else 'mapping'}"


def is_hidden(value: Any) -> bool:
    """Return whether a recorded value is the digest of a secret."""
    return isinstance(value, Mapping) and value.keys() == {_DIGEST}


def _differing(recorded: Any, given: Any) -> list[tuple[str, Any, Any]]:
    """Return path, recorded and given value of what differs, by path; None for a value that is missing."""
    return sorted(_walk(recorded, given, ""), key=lambda found: found[0])


def _walk(recorded: Any, given: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    parts = [part for part in (recorded, given) if part is not None]
    if parts and all(isinstance(part, Mapping) and not is_hidden(part) for part in parts):
        for name in {**(recorded or {}), **(given or {})}:
            below = f"{path}.{name}" if path else str(name)
            yield from _walk((recorded or {}).get(name), (given or {}).get(name), below)
    elif recorded != given:
        yield path, recorded, given
