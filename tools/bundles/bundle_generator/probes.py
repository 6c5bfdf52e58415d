# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads and checks the probes of a release."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .errors import GenerateError
from .yamls import load_file

#: What a probe expects → the key that goes with it.
EXPECTATIONS = {"denied": "says", "allowed": None, "mutated": "adds"}
_KEYS = {"webhook", "configuration", "expect", "object"}


def load(path: Path) -> list[dict[str, Any]]:
    """Return the probes of a file in its order; raises GenerateError when one is not well formed."""
    probes = load_file(path)
    for number, probe in enumerate(probes):
        check(probe, f"{path}: probe {number} ({probe.get('webhook', 'of no webhook')})")
    return list(probes)


def check(probe: dict[str, Any], where: str) -> None:
    """Raise GenerateError, beginning with ``where``, when a probe is not one the modules understand."""
    expect = probe.get("expect")
    if expect not in EXPECTATIONS:
        raise GenerateError(f"{where}: expect is {expect!r}, not one of {', '.join(EXPECTATIONS)}")
    extra = EXPECTATIONS[expect]
    wanted = _KEYS | ({extra} if extra else set())
    if probe.keys() - {"needs"} != wanted:
        raise GenerateError(f"{where}: keys {sorted(probe)}; a probe that expects {expect} has {sorted(wanted)}")
    for pointer in probe.get("adds", []):
        if not pointer.startswith("/"):
            raise GenerateError(f"{where}: {pointer!r} is no JSON Pointer; it must begin with a slash")
        if _exists(probe["object"], pointer):
            raise GenerateError(f"{where}: {pointer} is there already, so the webhook would not be proven")


def _exists(value: Any, pointer: str) -> bool:
    """Tell whether a JSON Pointer (RFC 6901) leads to something."""
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        elif isinstance(value, dict) and key in value:
            value = value[key]
        else:
            return False
    return True
