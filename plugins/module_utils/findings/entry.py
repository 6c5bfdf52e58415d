# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The type of the entries of the catalogue of findings."""

from __future__ import annotations

from typing import Literal, NamedTuple

from ..objects.line import Line, about

Severity = Literal["blocker", "warning"]


class CatalogueEntry(NamedTuple):
    """One kind of finding. C(cause) and C(next_step) may contain placeholders in braces for facts about the cluster.

    Args:
        code: an interface, because people write codes into inventories. Never reuse a code for something else.
        about: the placeholders that name an owner or a place. A refusal of the plan about the same owner or place is
            reported once.
    """

    code: str
    severity: Severity
    cause: str
    next_step: str
    about: tuple[str, ...] = ()

    def finding(self, subject: str, **words: object) -> dict[str, str]:
        """Return a finding: C(code), C(object), C(cause), C(next_step), with these words in the placeholders."""
        return {
            "code": self.code,
            "object": subject,
            "cause": Line(self.cause.format(**words), about=about(*(words[name] for name in self.about))),
            "next_step": self.next_step.format(**words),
        }
