# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Explain which fields differ from the release because of options, and which option is behind each. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from ...objects.diff import changed_fields, shown_value
from ...objects.digest import digest
from ...objects.resources import Key, key_of
from ...release.bundle import Bundle
from ..spec import CONTROLLERS, CUSTOMIZE

PREFIX = "conductor_"
# The most rows of a result.
_ROWS = 50
# An item of a list without names, e.g. a toleration, and what is below it.
_ITEM = re.compile(r"\[\d+\].*", re.DOTALL)
# What one entry of an option is called.
_ENTRIES = {
    "registries": "registry",
    "images": "image",
    "image_pull_credentials": "registry with credentials",
    "image_pull_secrets": "image pull secret",
    "tolerations": "toleration",
    "feature_gates": "feature gate",
    "labels": "label",
    "annotations": "annotation",
    "patches": "patch",
    "extra_objects": "extra object",
}
_PLURALS = {
    "registry": "registries",
    "registry with credentials": "registries with credentials",
    "patch": "patches",
}


class Difference(NamedTuple):
    """A field that differs from the release.

    Args:
        path: as in a diff; empty for an object that an option adds or removes.
        release, value: the values without and with options; None for a missing field, masked in a Secret.
        variable: the variable behind it, e.g. C(conductor_tolerations) or C(conductor_patches[0]).
    """

    key: Key
    path: str
    release: Any
    value: Any
    variable: str


def differences_from_release(bundle: Bundle) -> list[Difference]:
    """Return what differs from the release, by object and path. If several options change a field, the last one counts.

    An option that sets what the release has already is not behind anything.
    """
    steps: dict[Key, list[tuple[str, dict[str, Any] | None, dict[str, Any] | None]]] = {}
    for change in bundle.changes:
        steps.setdefault(change.key, []).append((PREFIX + change.option, change.before, change.after))
    applied = {key_of(manifest) for manifest in bundle.objects()}
    found = []
    for key, changes in steps.items():
        if key not in applied and changes[-1][2] is not None:
            # It belongs to a JobSet that is not installed.
            continue
        first, last = changes[0][1], changes[-1][2]
        if first is None or last is None:
            if first is not None or last is not None:
                before, after = (None if manifest is None else "present" for manifest in (first, last))
                found.append(Difference(key, "", before, after, changes[0 if first is None else -1][0]))
            continue
        behind = {
            place: variable
            for variable, before, after in changes
            if before is not None and after is not None
            for place in map(_place, changed_fields(before, after))
        }
        for path, (old, new) in changed_fields(first, last).items():
            found.append(Difference(key, path, old, new, _variable(_place(path), behind)))
    return sorted(found, key=lambda one: (str(one.key), one.path))


def variables_behind(bundle: Bundle) -> dict[Key, dict[str, str]]:
    """Return the variable behind each place that options change, by object. See C(variable_of)."""
    behind: dict[Key, dict[str, str]] = {}
    for one in differences_from_release(bundle):
        behind.setdefault(one.key, {})[_place(one.path)] = one.variable
    return behind


def variable_of(path: str, behind: Mapping[str, str]) -> str:
    """Return the variable behind a path of a diff; empty if no option changes the field.

    Args:
        behind: that of the object, from C(variables_behind).
    """
    return _variable(_place(path), behind)


def digest_of(options: Mapping[str, Any]) -> str:
    """Return a short digest of options, to compare clusters by; empty without options."""
    return digest(dict(options)) if options else ""


def summary_of(options: Mapping[str, Any]) -> list[str]:
    """Return the options in a few words each, e.g. C(3 registries) or C(node selector)."""
    known = [name for name in CUSTOMIZE if name in options]
    return [_words(name, options[name]) for name in (*known, *(name for name in options if name not in CUSTOMIZE))]


def explained(bundle: Bundle) -> dict[str, Any]:
    """Return C(digest), C(summary), C(fields), C(objects) and C(differences) of a bundle, for a result."""
    found = differences_from_release(bundle) if bundle.changes else []
    rows = [
        {
            "object": str(one.key),
            "field": one.path,
            "release": None if one.release is None else shown_value(one.release),
            "value": None if one.value is None else shown_value(one.value),
            "set_by": one.variable,
        }
        for one in found[:_ROWS]
    ]
    if len(found) > _ROWS:
        more = {"object": f"and {len(found) - _ROWS} more", "field": "", "release": None, "value": None, "set_by": ""}
        rows.append(more)
    return {
        "digest": digest_of(bundle.options),
        "summary": summary_of(bundle.options),
        "fields": sum(one.path != "" for one in found),
        "objects": sum(one.path == "" for one in found),
        "differences": rows,
    }


def _place(path: str) -> str:
    """Return a path up to its first item without a name: the other side of a comparison may number it otherwise."""
    return _ITEM.sub("", path)


def _variable(place: str, behind: Mapping[str, str]) -> str:
    """Return the variable of a place: the one that changes exactly this, or a part of it, or what it is a part of."""
    exact = behind.get(place)
    if exact is not None:
        return exact
    near = [name for name in behind if not name or _is_in(place, name) or _is_in(name, place)]
    return behind[max(near, key=len)] if near else ""


def _is_in(place: str, above: str) -> bool:
    return place.startswith((f"{above}.", f"{above}["))


def _words(name: str, value: Any) -> str:
    if name in CONTROLLERS.values() and isinstance(value, Mapping):
        return f"{len(value)} for the {name.replace('_', ' ')}"
    if name == "replicas":
        return f"{value} replicas"
    entry = _ENTRIES.get(name)
    if entry is None or not isinstance(value, (Mapping, list)):
        return name.replace("_", " ")
    return f"{len(value)} {entry if len(value) == 1 else _PLURALS.get(entry, f'{entry}s')}"
