# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Load YAML and JSON with the types of JSON only, as kubectl does. Pure.

YAML has types that JSON does not have: dates, binary data, keys of any type, values that contain themselves. kubectl
converts YAML to JSON before it looks at it, so a date stays text. The text comes from people, so it is bounded: a few
lines of aliases can stand for gigabytes.
"""

from __future__ import annotations

import base64
import contextlib
import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

try:
    import yaml

    _Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
except ImportError:  # part of the kubernetes library; module_runner.py checks for it
    pass

# Kubernetes objects are less than 1.5 MiB (the limit of etcd), and are not nested deeply.
MOST_CHARACTERS = 16 * 1024 * 1024
_DEEPEST = 200
# Values, those that aliases repeat included; 64 characters count as one more value.
_MOST_VALUES = 500_000
_CHARACTERS_OF_A_VALUE = 64

_STANDARD = "tag:yaml.org,2002:"
_MERGE = "<<"
# Ansible writes y and n without quotes where it means text, so these two are no booleans here, as in YAML 1.2.
_TRUE = frozenset(("yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"))
_FALSE = frozenset(("no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"))
_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_INTEGER = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
# What the YAML library quotes in its messages may be a secret.
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")


class DocumentError(ValueError):
    """A text is neither YAML nor JSON, or has values that JSON does not have. The message does not show the text."""


class _Anchored(NamedTuple):
    """A value with an anchor, and how much of the limit it takes; still open while it is being read."""

    value: Any
    weight: int
    is_open: bool = False


def documents(text: str, *, unique_keys: bool = False) -> list[Any]:
    """Return the documents of a text, with the types of JSON only. Empty documents count as None.

    Args:
        text: YAML or JSON.
        unique_keys: fail if a mapping has a key twice. Otherwise the last one counts, as in kubectl.

    Raises:
        DocumentError: the text is neither, or cannot be represented as JSON.
    """
    if len(text) > MOST_CHARACTERS:
        raise DocumentError(f"it has more than {MOST_CHARACTERS // 1024 // 1024} MiB")
    text = text.removeprefix("\ufeff")
    if not text.strip():
        return []
    # Much quicker, and YAML reads the escapes of JSON for characters beyond the first 65,536 differently.
    if text.lstrip()[:1] == "{":
        try:
            value = json.loads(
                text,
                object_pairs_hook=_unique if unique_keys else None,
                parse_constant=_refuse_constant,
                parse_float=_from_json,
                parse_int=_whole,
            )
            return [json_types(value)]
        except (json.JSONDecodeError, RecursionError):
            # Perhaps it is YAML in flow style. YAML also reports the place of an error.
            pass
    try:
        return list(_Builder(text, unique_keys).documents())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise DocumentError(f"{where}{_QUOTED.sub('...', error.problem or error.context or 'syntax error')}") from None
    except (yaml.YAMLError, UnicodeError):
        raise DocumentError("it has characters that YAML does not allow") from None
    except RecursionError:
        raise _too_deep() from None


def json_types(value: Any) -> Any:
    """Return a copy of data with the types of JSON only: dates become text, keys become text.

    Raises:
        DocumentError: a value contains itself, is not a finite number, or the data is too large.
    """
    return _Plain().copied(value, 0)


class _Plain:
    """Copies data within the limits."""

    def __init__(self) -> None:
        self._left = _MOST_VALUES

    def copied(self, value: Any, depth: int) -> Any:
        """Return a copy."""
        self.take(value, depth)
        if isinstance(value, Mapping):
            return {_key(name): self.copied(part, depth + 1) for name, part in value.items()}
        if isinstance(value, list | tuple):
            return [self.copied(part, depth + 1) for part in value]
        if value is None or isinstance(value, bool | str | int):
            return value
        if isinstance(value, float):
            return _number(value)
        if isinstance(value, bytes):
            return _text_of(value)
        if isinstance(value, set | frozenset):
            raise DocumentError("it contains a set, which JSON does not have")
        # Dates and times; those of Ansible's own YAML loader.
        return value.isoformat() if hasattr(value, "isoformat") else str(value)

    def take(self, value: Any, depth: int) -> None:
        """Count one value against the limits."""
        self._left -= 1 + (len(value) // _CHARACTERS_OF_A_VALUE if isinstance(value, str) else 0)
        if self._left < 0:
            raise DocumentError("it has too many values; aliases count as often as they are used")
        if depth > _DEEPEST:
            raise _too_deep()


class _Builder(_Plain):
    """Builds values from the events of the YAML parser."""

    def __init__(self, text: str, unique_keys: bool) -> None:
        super().__init__()
        self._events: Iterator[Any] = iter(yaml.parse(text, Loader=_Loader))
        self._unique_keys = unique_keys
        self._anchors: dict[str, _Anchored] = {}

    def documents(self) -> Iterator[Any]:
        """Return each document."""
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                self._anchors = {}
                root = next(self._events, None)
                if root is not None:
                    yield self._value(root, 0)

    def _value(self, event: Any, depth: int) -> Any:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, depth)
        before = self._left
        if event.anchor:
            self._anchors[event.anchor] = _Anchored(None, 0, is_open=True)
        if isinstance(event, yaml.ScalarEvent):
            value: Any = _scalar(event)
            self.take(value, depth)
        elif isinstance(event, yaml.SequenceStartEvent):
            _require_standard(event, ("seq", "omap", "pairs"))
            self.take(None, depth)
            value = list(self._items(depth))
        else:
            _require_standard(event, ("map", "set"))
            self.take(None, depth)
            value = self._mapping(depth)
        if event.anchor:
            self._anchors[event.anchor] = _Anchored(value, before - self._left)
        return value

    def _alias(self, event: Any, depth: int) -> Any:
        anchored = self._anchors.get(event.anchor)
        if anchored is None:
            raise DocumentError(f"{_line(event)}: an alias has no anchor")
        if anchored.is_open:
            raise DocumentError(f"{_line(event)}: a value contains itself")
        if anchored.weight > self._left:
            raise DocumentError("it has too many values; aliases count as often as they are used")
        # A copy, so that a change of one value does not change another.
        return self.copied(anchored.value, depth)

    def _items(self, depth: int) -> Iterator[Any]:
        for event in self._events:
            if isinstance(event, yaml.SequenceEndEvent):
                return
            yield self._value(event, depth + 1)

    def _mapping(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        merged: list[dict[str, Any]] = []
        for event in self._events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            is_merge = isinstance(event, yaml.ScalarEvent) and event.value == _MERGE and _is_plain(event)
            name = self._value(event, depth + 1)
            value = self._value(next(self._events), depth + 1)
            if is_merge or (getattr(event, "tag", None) == f"{_STANDARD}merge"):
                merged += _mappings(value, event)
                continue
            if isinstance(name, list | dict) or name is None:
                raise DocumentError(f"{_line(event)}: a key is not text")
            name = _key(name)
            if name in found and self._unique_keys:
                raise DocumentError(f"{_line(event)}: the key {name!r} is there twice")
            found[name] = value
        for mapping in merged:
            found = {**mapping, **found}
        return found


def _mappings(value: Any, event: Any) -> list[dict[str, Any]]:
    found = value if isinstance(value, list) else [value]
    if not all(isinstance(mapping, dict) for mapping in found):
        raise DocumentError(f"{_line(event)}: << needs a mapping, or a list of mappings")
    # Of several, the first one counts.
    return found


def _scalar(event: Any) -> Any:
    """Return the value of a scalar as the YAML library of kubectl resolves it."""
    text: str = event.value
    if _is_plain(event):
        return _resolved(text, event)
    kind = (event.tag or "").removeprefix(_STANDARD)
    if not event.tag or event.tag == "!" or kind in ("str", "timestamp", "merge"):
        return text
    if kind == "binary":
        return _binary(text, event)
    if not event.tag.startswith(_STANDARD) or kind not in ("null", "bool", "int", "float"):
        raise _unknown_tag(event)
    value = _resolved(text, event)
    types: dict[str, Any] = {"null": type(None), "bool": bool, "int": int, "float": (int, float)}
    if not isinstance(value, types[kind]) or (isinstance(value, bool) and kind != "bool"):
        raise DocumentError(f"{_line(event)}: a value is not of its type !!{kind}")
    return value


def _is_plain(event: Any) -> bool:
    """Return whether a scalar has neither quotes nor a tag."""
    return bool(event.implicit[0]) and not event.tag


def _resolved(text: str, event: Any) -> Any:
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if text[0] not in "+-.0123456789":
        return text
    if _NOT_FINITE.fullmatch(text):
        raise DocumentError(f"{_line(event)}: {text} is a number that JSON does not have; put text in quotes")
    plain = text.replace("_", "") if text[0] != "." else text
    if _INTEGER.fullmatch(plain):
        # A leading zero is octal, as in YAML 1.1.
        octal = re.fullmatch(r"([-+]?)0([0-7]+)", plain)
        with contextlib.suppress(ValueError, OverflowError):
            value = int(f"{octal[1]}0o{octal[2]}" if octal else plain, 0)
            return value if -(2**63) <= value < 2**64 else _number(float(value))
        # Too large for any number.
        return text
    if _FLOAT.fullmatch(plain):
        number = float(plain)
        return text if math.isinf(number) else _number(number)
    return text


def _binary(text: str, event: Any) -> str:
    try:
        return _text_of(base64.b64decode("".join(text.split()), validate=True))
    except ValueError as error:
        raise DocumentError(f"{_line(event)}: !!binary: {error}") from None


def _text_of(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise DocumentError(
            "binary data is not text, and JSON has only text; write it as base64, without !!binary"
        ) from None


def _number(value: float) -> int | float:
    if not math.isfinite(value):
        raise DocumentError("it has a number that JSON does not have: NaN or infinity")
    # As JSON writes it: a whole number has no fraction.
    return int(value) if value.is_integer() and abs(value) < 1e21 else value


def _from_json(text: str) -> int | float:
    return _number(float(text))


def _whole(text: str) -> int | float:
    # Longer ones are floating-point numbers, as in Go. Python limits the digits of a number.
    return int(text) if len(text) <= 20 and -(2**63) <= int(text) < 2**64 else _number(float(text))


def _refuse_constant(name: str) -> Any:
    raise DocumentError(f"{name} is a number that JSON does not have")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise DocumentError(f"the key {name!r} is there twice")
        found[name] = value
    return found


def _key(name: Any) -> str:
    if isinstance(name, bool):
        return "true" if name else "false"
    if name is None or isinstance(name, tuple | frozenset | bytes):
        raise DocumentError("a key is not text")
    return name.isoformat() if hasattr(name, "isoformat") else str(name)


def _require_standard(event: Any, kinds: tuple[str, ...]) -> None:
    if event.tag and event.tag != "!" and event.tag.removeprefix(_STANDARD) not in kinds:
        raise _unknown_tag(event)


def _unknown_tag(event: Any) -> DocumentError:
    if event.tag == "!vault":
        return DocumentError(
            f"{_line(event)}: a value is encrypted with Ansible Vault (!vault); only Ansible's own files may have such "
            "values, so encrypt the whole file"
        )
    # The tag is not shown: it may be the beginning of a password.
    return DocumentError(f"{_line(event)}: a tag is unknown; text that begins with ! needs quotes")


def _line(event: Any) -> str:
    return f"line {event.start_mark.line + 1}"


def _too_deep() -> DocumentError:
    return DocumentError(f"it is nested more than {_DEEPEST} levels deep")
