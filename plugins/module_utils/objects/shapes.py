# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare the shapes of two versions of an object: what is a mapping, a list or a single value. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Schemas may have a mapping, a list or a boolean at the same place.
_ANY_SHAPE = frozenset({"openAPIV3Schema"})


def misshapen(before: Any, after: Any, path: str = "") -> str:
    """Return the path of the first value that has another shape than before; empty if there is none.

    Items of a list of mappings are compared with the former item of the same name, or with none. Null is no value.
    """
    if before is None or (after is None and path):
        return ""
    if isinstance(before, Mapping):
        if not isinstance(after, Mapping):
            return path or "/"
        for name in before.keys() & after.keys() - _ANY_SHAPE:
            if found := misshapen(before[name], after[name], f"{path}/{name}"):
                return found
        return ""
    if not isinstance(before, list):
        return path if isinstance(after, (Mapping, list)) else ""
    if not isinstance(after, list):
        return path
    kinds = tuple({type(item) for item in before})
    if not all(isinstance(item, Mapping) for item in before):
        return next((f"{path}/{number}" for number, item in enumerate(after) if not isinstance(item, kinds)), "")
    if not before:
        return ""
    named = {str(item.get("name")): item for item in before}
    for number, item in enumerate(after):
        if not isinstance(item, Mapping):
            return f"{path}/{number}"
        if found := misshapen(named.get(str(item.get("name")), {}), item, f"{path}/{number}"):
            return found
    return ""
