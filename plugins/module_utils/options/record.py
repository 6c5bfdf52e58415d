# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options in the install record, and how they differ from those of a run. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..objects.digest import slow_digest
from .spec import CUSTOMIZE

_DIGEST = "sha256"


def recordable(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options as they are recorded: with digests instead of secrets."""
    return {
        name: _hidden(name, value) if CUSTOMIZE[name].get("no_log") else value
        for name, value in sorted(options.items())
    }


def _hidden(name: str, value: Any) -> Any:
    """Return a value with slow digests instead of its texts: everybody who may read ConfigMaps can try passwords."""
    if isinstance(value, Mapping):
        return {key: _hidden(f"{name}.{key}", part) for key, part in value.items()}
    return {_DIGEST: slow_digest(str(value), name)}


def differences(recorded: Mapping[str, Any], given: Mapping[str, Any]) -> list[str]:
    """Return the paths of the options that differ, e.g. C(registries.ghcr.io).

    Args:
        recorded, given: options as C(recordable) returns them.
    """
    return sorted(_differing(recorded, given, ""))


def _differing(recorded: Any, given: Any, path: str) -> Iterator[str]:
    if isinstance(recorded, Mapping) and isinstance(given, Mapping):
        for name in {**recorded, **given}:
            yield from _differing(recorded.get(name), given.get(name), f"{path}.{name}" if path else name)
    elif recorded != given:
        yield path
