# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a TrainJob has ended, and how. Pure.

The conditions are those of Trainer 2.x (pkg/apis/trainer/v1alpha1, trainjob_types.go): Suspended, Complete, Failed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..objects.fields import part, text
from .verdict import State, Verdict, ended, true_conditions, words_of

# The first counts.
_ENDS: dict[str, State] = {"Failed": "doomed", "Complete": "ready"}


def trainjob_verdict(name: str, job: Mapping[str, Any] | None) -> Verdict:
    """Ready where it is complete, doomed where it failed; what has both failed."""
    subject, rule = f"TrainJob {name}", "complete"
    if job is None:
        return Verdict(subject, rule, "progressing", "it is not there")
    if found := ended(subject, rule, job, _ENDS):
        return found
    if part(job, "spec").get("suspend") is True:
        condition = true_conditions(job).get("Suspended", {})
        since = text(condition, "lastTransitionTime")
        return Verdict(subject, rule, "progressing", words_of(condition) or "spec.suspend is true", since=since)
    return Verdict(subject, rule, "progressing", "it has not ended")
