# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reject unknown names within options, with the name that was probably meant. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from ..errors import InputError
from .spec import CUSTOMIZE

# From 0 to 1. Names that are less similar share letters by chance.
_ALIKE = 0.7


def check_names(customize: Any, spec: Mapping[str, Any] = CUSTOMIZE, where: str = "") -> None:
    """Fail if a mapping of options has a name that is not in its argument spec, at any depth.

    Raises:
        InputError: names the option and the likely one.
    """
    if not isinstance(customize, Mapping):
        return
    for name, value in customize.items():
        if name not in spec:
            raise InputError(
                f"{f'`conductor_{where}` has' if where else 'there is'} no option {name}{likely(str(name), spec)}",
                next_step=f"correct or remove it; the options are {', '.join(spec)}",
            )
        if "options" in spec[name]:
            check_names(value, spec[name]["options"], f"{where}.{name}" if where else name)


def likely(name: str, known: Mapping[str, Any]) -> str:
    """Return a question that names the likely word; empty if none is similar."""
    words = {str(word).casefold(): word for word in known}
    found = difflib.get_close_matches(name.casefold().removeprefix("conductor_"), words, n=1, cutoff=_ALIKE)
    return "".join(f"; did you mean {words[word]}?" for word in found)
