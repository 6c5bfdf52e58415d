# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys of a controller's configuration: reject unknown ones, and values that it would not read. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from ...errors import InputError
from ..shapes import shown
from ..words import likely

Path = tuple[str, ...]

# As Go's time.ParseDuration reads it, without the zero that needs no unit.
_DURATION = re.compile(r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+")
_DURATION_PART = re.compile(r"([0-9.]+)([a-zµμ]+)")
_UNITS = {"ns": -9, "us": -6, "µs": -6, "μs": -6, "ms": -3, "s": 0}
_LARGER = {"m": 60, "h": 3600}
_DECIMAL = re.compile(r"-?[0-9]{1,9}(?:\.[0-9]{1,9})?")
# Of int64, in nanoseconds.
_LONGEST = 2**63 / 10**9
# Of int32 and float32.
_MOST, _MOST_NUMBER = 2**31 - 1, 3.4028234e38
_LIST, _MAP = "list of ", "map of "


class Configurable(NamedTuple):
    """What can be configured about one controller.

    Args:
        program: how to call it, e.g. C(Trainer 2.3.0).
        variable: the variable with the settings.
        keys: each key, e.g. C(webhook.port), with its type and, if the program has one, its default.
    """

    program: str
    variable: str
    keys: Mapping[str, Mapping[str, Any]]


def settings_of(config: Any, about: Configurable, present: Mapping[str, Any]) -> Iterator[tuple[Path, Any]]:
    """Yield each key that is set and its value; None removes it.

    Args:
        present: the configuration of the release. A null for a whole section removes what the release sets there.

    Raises:
        InputError: a key is unknown, or a value has the wrong type.
    """
    yield from _settings(config, about, (), present)


def _settings(given: Any, about: Configurable, above: Path, present: Any) -> Iterator[tuple[Path, Any]]:
    if not isinstance(given, Mapping):
        names = ", ".join(_names(about.keys, above))
        raise InputError(
            f"`{about.variable}`: {'.'.join(above) or 'the value'} is {shown(given)}, and must be a mapping",
            next_step=f"write a mapping there; the keys are {names}",
        )
    for name, value in given.items():
        path = (*above, str(name))
        key = about.keys.get(".".join(path))
        here = present.get(name) if isinstance(present, Mapping) else None
        # A key with a dot in it is no path.
        if key is not None and "." not in str(name):
            yield path, None if value is None else _read(value, key["type"], f"`{about.variable}`: {'.'.join(path)}")
        elif str(name) not in _names(about.keys, above):
            raise _unknown(about, path)
        elif value is None:
            yield from (((*path, below), None) for below in here or ())
        else:
            yield from _settings(value, about, path, here)


def _names(keys: Mapping[str, Any], above: Path) -> dict[str, None]:
    """Return the names of keys and sections within a section."""
    prefix = "".join(f"{name}." for name in above)
    return dict.fromkeys(key[len(prefix) :].partition(".")[0] for key in sorted(keys) if key.startswith(prefix))


def _unknown(about: Configurable, path: Path) -> InputError:
    names = _names(about.keys, path[:-1])
    # Another section may have it, or it is written with a dot.
    elsewhere = [key for key in about.keys if key.rpartition(".")[2] == path[-1].rpartition(".")[2]]
    if path[-1] in elsewhere:
        meant = f"; did you mean {{{path[-1].replace('.', ': {')}: ...}}}}?"
    else:
        meant = likely(path[-1], names) or (f"; did you mean {' or '.join(elsewhere)}?" if elsewhere else "")
    where = f"the keys of {'.'.join(path[:-1])}" if path[:-1] else "the keys"
    return InputError(
        f"`{about.variable}`: {about.program} has no key {'.'.join(path)}, and would not start{meant}",
        next_step=f"correct or remove it; {where} are {', '.join(names)}",
    )


def _read(value: Any, kind: str, where: str) -> Any:
    """Return a value of this type."""
    if kind.startswith(_LIST):
        if not isinstance(value, list):
            raise _wrong(where, value, "a list")
        return [_read(item, kind[len(_LIST) :], f"{where}[{number}]") for number, item in enumerate(value)]
    if kind.startswith(_MAP):
        if not isinstance(value, Mapping):
            raise _wrong(where, value, "a mapping")
        # A null removes the item.
        return {
            str(name): None if item is None else _read(item, kind[len(_MAP) :], f"{where}[{name}]")
            for name, item in value.items()
        }
    words, convert = _TYPES[kind]
    found = convert(value)
    if found is None:
        raise _wrong(where, value, words)
    return found


def _boolean(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _duration(value: Any) -> str | None:
    return value if isinstance(value, str) and (value == "0" or seconds(value) is not None) else None


def _integer(value: Any) -> int | None:
    number = _number(value)
    return int(number) if number is not None and number == int(number) and abs(number) <= _MOST else None


def _number(value: Any) -> float | int | None:
    # Before ansible-core 2.19, a template within a mapping yields a text.
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        value = float(value) if "." in value else int(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    # Neither is true of what is not a number.
    return value if -_MOST_NUMBER <= value <= _MOST_NUMBER else None


_TYPES: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "boolean": ("true or false", _boolean),
    "string": ("a text", _string),
    "integer": ("a whole number", _integer),
    "number": ("a number", _number),
    "duration": ("a duration like 15s", _duration),
}


def _wrong(where: str, value: Any, words: str) -> InputError:
    hint = ", in quotes" if words == "a text" and isinstance(value, (bool, int, float)) else ""
    return InputError(f"{where} is {shown(value)}, and must be {words}", next_step=f"write {words} there{hint}")


def seconds(text: str) -> Decimal | None:
    """Return a duration of Go, which has at most 292 years; None if it is none."""
    if not _DURATION.fullmatch(text):
        return None
    found = sum(
        Decimal(number) * (_LARGER[unit] if unit in _LARGER else Decimal(10) ** _UNITS[unit])
        for number, unit in _DURATION_PART.findall(text)
    )
    if found > _LONGEST:
        return None
    return Decimal(-found if text.startswith("-") else found)
