# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accept warnings by their codes. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence

from ..errors import InputError
from ..text import sentence
from .catalogue import BY_CODE

_WARNINGS = sorted(code for code, entry in BY_CODE.items() if entry.severity == "warning")
_PAGE = "see docs/findings.md for the codes of warnings"


def check_accepted(codes: Iterable[str]) -> None:
    """Fail if one of the codes is not the code of a warning.

    Raises:
        InputError: the code is unknown (names the closest one), or it is the code of a blocker.
    """
    for code in codes:
        entry = BY_CODE.get(code)
        if entry is None:
            likely = difflib.get_close_matches(code, _WARNINGS, n=1)
            meant = f"; did you mean {likely[0]}?" if likely else ""
            raise InputError(f"conductor_accept: unknown warning code {code}{meant}", next_step=_PAGE)
        if entry.severity == "blocker":
            raise InputError(
                f"conductor_accept: {code} is a blocker, and blockers cannot be accepted",
                next_step=f"{entry.next_step}; {_PAGE}" if "{" not in entry.next_step else _PAGE,
            )


def not_accepted(warnings: Iterable[Mapping[str, str]], accepted: Sequence[str]) -> list[dict[str, str]]:
    """Return the warnings that are not accepted."""
    return [dict(finding) for finding in warnings if finding["code"] not in accepted]


def warning_line(finding: Mapping[str, str]) -> str:
    """Return a warning as one line."""
    return f"{finding['code']}, {finding['object']}: {sentence(finding['cause'])} Next: {finding['next_step']}"
