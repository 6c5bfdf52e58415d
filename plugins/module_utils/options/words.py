# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reject unknown names within options, with the name that was probably meant. Pure."""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Mapping
from typing import Any

from ..errors import InputError
from .spec import CUSTOMIZE

# From 0 to 1. Names that are less similar share letters by chance.
_ALIKE = 0.7


def check_names(customize: Any, spec: Mapping[str, Any] = CUSTOMIZE, where: str = "") -> None:
    """Fail if a mapping of options has a name that is not in its argument spec, at any depth, or is no mapping.

    Raises:
        InputError: names the option and the likely one.
    """
    if isinstance(customize, str):
        customize = _parsed(customize)
    if customize is None:
        return
    title = f"`conductor_{where}`" if where else "the option customize"
    if not isinstance(customize, Mapping):
        # Ansible's validation ends with a traceback if it is a number.
        raise InputError(f"{title} is no mapping", next_step="write the names of options and their values there")
    for name, value in customize.items():
        if name not in spec:
            raise InputError(
                f"{f'`conductor_{where}` has' if where else 'there is'} no option {name}{likely(str(name), spec)}",
                next_step=f"correct or remove it; the options are {', '.join(spec)}",
            )
        if isinstance(value, float) and not math.isfinite(value):
            raise InputError(
                f"`conductor_{f'{where}.{name}' if where else name}` is {value}", next_step="write a finite number"
            )
        if "options" in spec[name]:
            check_names(value, spec[name]["options"], f"{where}.{name}" if where else name)


def _parsed(text: str) -> Any:
    """Return the mapping in a text of JSON, as Ansible reads it; an empty one for other texts, which Ansible judges."""
    try:
        return json.loads(text) if text.lstrip().startswith("{") else {}
    except (ValueError, RecursionError):
        return {}


def likely(name: str, known: Mapping[str, Any]) -> str:
    """Return a question that names the likely word; empty if none is similar."""
    words = {str(word).casefold(): word for word in known}
    found = difflib.get_close_matches(name.casefold().removeprefix("conductor_"), words, n=1, cutoff=_ALIKE)
    return "".join(f"; did you mean {words[word]}?" for word in found)
