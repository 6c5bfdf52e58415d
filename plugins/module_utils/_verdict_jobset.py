# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a JobSet has ended, and how. Pure.

The conditions are those of JobSet (api/jobset/v1alpha2, jobset_types.go): Completed, Failed, Suspended, StartupPolicy*.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ._fields import text
from ._verdict import State, Verdict, true_conditions, words_of


def jobset_verdict(name: str, job_set: Mapping[str, Any] | None) -> Verdict:
    """Ready where it is completed, doomed where it failed; else what it says of itself."""

    def verdict(state: State, evidence: str, condition: Mapping[str, Any]) -> Verdict:
        return Verdict(f"JobSet {name}", "completed", state, evidence, since=text(condition, "lastTransitionTime"))

    if job_set is None:
        return verdict("progressing", "Trainer has made no JobSet of it yet", {})
    conditions = true_conditions(job_set)
    ends: tuple[tuple[str, State], ...] = (("Failed", "doomed"), ("Completed", "ready"))
    for kind, state in ends:
        if kind in conditions:
            return verdict(state, words_of(conditions[kind]), conditions[kind])
    said = "; ".join(words_of(entry) for entry in conditions.values())
    return verdict("progressing", f"JobSet has made no pods yet{': ' + said if said else ''}", {})
