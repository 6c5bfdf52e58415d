# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lay the options of the install record over a release. Pure.

The record is a ConfigMap: another release of this collection may have written it, and others may edit it. Whatever it
holds, the outcome is a bundle or an error that names the option.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import InputError
from ...release.bundle import Bundle
from ...text import NAME, one_line
from ..layers import with_options
from ..record import without_secrets
from ..spec import CUSTOMIZE

_TYPES: dict[str, type | tuple[type, ...]] = {
    "dict": Mapping,
    "list": list,
    "str": str,
    "int": int,
    "bool": bool,
    "raw": object,
}
_NEXT = (
    "set `conductor_options: given` and give the inventory's own options, or install again, which writes a new record"
)


def lay_recorded(bundle: Bundle, options: Mapping[str, Any]) -> Bundle:
    """Return the release with the options of an install record; C(options) of the result equals them.

    Raises:
        InputError: they cannot be used.
    """
    if not options:
        return bundle
    if problem := _problem(options, CUSTOMIZE):
        raise InputError(f"the options in the install record cannot be used: {problem}", next_step=_NEXT)
    try:
        return with_options(bundle, options, recorded=True)
    except InputError as error:
        raise InputError(f"an option in the install record cannot be used: {error.message}", next_step=_NEXT) from error
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        # The options that a person gives have passed Ansible's validation; these have not.
        words = one_line(f"{type(error).__name__}: {error}", NAME)
        raise InputError(f"an option in the install record cannot be used ({words})", next_step=_NEXT) from error


def _problem(options: Mapping[str, Any], spec: Mapping[str, Any], where: str = "") -> str:
    """Return why these are not options of this release of the collection; empty if they are."""
    for name, value in options.items():
        path = one_line(f"{where}{name}", NAME)
        if name not in spec:
            return f"this release of the collection has no option {path}"
        known = spec[name]
        if known.get("no_log"):
            if not isinstance(value, Mapping) or value != without_secrets(value):
                return f"{path} holds something else than digests"
        elif not _is_of_type(value, known):
            return f"{path} has the wrong type or an unknown value"
        elif "options" in known and (found := _problem(value, known["options"], f"{path}.")):
            return found
    return ""


def _is_of_type(value: Any, spec: Mapping[str, Any]) -> bool:
    kind = spec.get("type", "str")
    fits = isinstance(value, _TYPES[kind]) and not (kind == "int" and isinstance(value, bool))
    if not fits or ("choices" in spec and value not in spec["choices"]):
        return False
    return kind != "list" or all(isinstance(item, _TYPES[spec.get("elements", "raw")]) for item in value)
