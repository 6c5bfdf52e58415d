# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read and check the probes of a release."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .errors import GenerateError
from .yamls import load_file

#: Expectation of a probe → its additional key.
EXPECTATIONS = {"denied": "says", "allowed": None, "mutated": "adds"}
_KEYS = {"webhook", "configuration", "expect", "object"}


def load(path: Path) -> list[dict[str, Any]]:
    """Return the probes of a file in its order; raises GenerateError if one is malformed."""
    probes = load_file(path)
    for number, probe in enumerate(probes):
        check(probe, f"{path}: probe {number} ({probe.get('webhook', 'no webhook')})")
    return list(probes)


def check(probe: dict[str, Any], where: str) -> None:
    """Raise GenerateError, beginning with ``where``, if the modules would not understand a probe."""
    expect = probe.get("expect")
    if expect not in EXPECTATIONS:
        raise GenerateError(f"{where}: expect is {expect!r}, not one of {', '.join(EXPECTATIONS)}")
    extra = EXPECTATIONS[expect]
    wanted = _KEYS | ({extra} if extra else set())
    if probe.keys() - {"needs"} != wanted:
        raise GenerateError(f"{where}: keys {sorted(probe)}; a probe that expects {expect} has {sorted(wanted)}")
    for pointer in probe.get("adds", []):
        if not pointer.startswith("/"):
            raise GenerateError(f"{where}: {pointer!r} is not a JSON Pointer: it must begin with a slash")
        if _exists(probe["object"], pointer):
            raise GenerateError(f"{where}: {pointer} already exists, so the probe would not prove the webhook")


def _exists(value: Any, pointer: str) -> bool:
    """Return whether a JSON Pointer (RFC 6901) leads to a value."""
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        elif isinstance(value, dict) and key in value:
            value = value[key]
        else:
            return False
    return True
