# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a Job has ended, and how, and whether its pods are there. Pure.

The conditions are those of batch/v1 (kubernetes/api batch/v1, JobConditionType): Complete, Failed, Suspended,
FailureTarget; the last one comes when it is to fail and its pods have not ended yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..objects.fields import part, text
from .verdict import State, Verdict, count, ended, true_conditions

# The first counts.
_ENDS: dict[str, State] = {"Failed": "doomed", "FailureTarget": "doomed", "Complete": "ready"}


def job_verdict(name: str, job: Mapping[str, Any] | None) -> Verdict:
    """Ready where it is complete, doomed where it failed or is about to; else how many of its pods there are."""
    subject, rule = f"Job {name}", "complete"
    if job is None:
        return Verdict(subject, rule, "progressing", "it is not there")
    if found := ended(subject, rule, job, _ENDS):
        return found
    if part(job, "spec").get("suspend") is True:
        since = text(true_conditions(job).get("Suspended", {}), "lastTransitionTime")
        return Verdict(subject, rule, "progressing", "it is suspended", since=since)
    there = count(part(job, "status").get("active"))
    return Verdict(subject, rule, "progressing", f"{there} of {_wanted(job)} pods are there")


def lacks_pods(job: Mapping[str, Any]) -> bool:
    """Whether it has fewer pods than it is to have now."""
    if job_verdict("", job).state != "progressing" or part(job, "spec").get("suspend") is True:
        return False
    return count(part(job, "status").get("active")) < _wanted(job)


def _wanted(job: Mapping[str, Any]) -> int:
    """How many pods it is to have now: no more than may run at once, and no more than are still to succeed."""
    spec, succeeded = part(job, "spec"), count(part(job, "status").get("succeeded"))
    # A server fills both in, unless any success counts (completions is null then).
    most = count(spec["parallelism"]) if "parallelism" in spec else 1
    still = spec.get("completions")
    return most if not isinstance(still, int) else max(0, min(most, still - succeeded))
