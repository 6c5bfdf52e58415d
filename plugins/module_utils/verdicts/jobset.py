# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a JobSet has ended, and how. Pure.

The conditions are those of JobSet (api/jobset/v1alpha2, jobset_types.go): Completed, Failed, Suspended, StartupPolicy*.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .verdict import State, Verdict, ended, true_conditions, words_of

# The first counts.
_ENDS: dict[str, State] = {"Failed": "doomed", "Completed": "ready"}


def jobset_verdict(name: str, job_set: Mapping[str, Any] | None) -> Verdict:
    """Ready where it is completed, doomed where it failed; else what it says of itself."""
    subject, rule = f"JobSet {name}", "completed"
    if job_set is None:
        return Verdict(subject, rule, "progressing", "Trainer has made no JobSet of it yet")
    if found := ended(subject, rule, job_set, _ENDS):
        return found
    said = "; ".join(words_of(entry) for entry in true_conditions(job_set).values())
    return Verdict(subject, rule, "progressing", f"JobSet has made no pods yet{': ' + said if said else ''}")
