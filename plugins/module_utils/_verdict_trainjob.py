# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a TrainJob has ended, and how. Pure.

The conditions are those of Trainer 2.x (pkg/apis/trainer/v1alpha1, trainjob_types.go): Suspended, Complete, Failed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ._fields import part, text
from ._verdict import State, Verdict, true_conditions, words_of


def trainjob_verdict(name: str, job: Mapping[str, Any] | None) -> Verdict:
    """Ready where it is complete, doomed where it failed; what has both failed."""

    def verdict(state: State, condition: Mapping[str, Any], otherwise: str = "") -> Verdict:
        since = text(condition, "lastTransitionTime")
        return Verdict(f"TrainJob {name}", "complete", state, words_of(condition) or otherwise, since=since)

    if job is None:
        return verdict("progressing", {}, "it is not there")
    conditions = true_conditions(job)
    if "Failed" in conditions:
        return verdict("doomed", conditions["Failed"])
    if "Complete" in conditions:
        return verdict("ready", conditions["Complete"])
    if part(job, "spec").get("suspend") is True:
        return verdict("progressing", conditions.get("Suspended", {}), "spec.suspend is true")
    return verdict("progressing", {}, "it has not ended")
