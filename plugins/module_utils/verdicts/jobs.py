# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judge Jobs, JobSets and TrainJobs: whether each has ended, and how. Pure.

An end lasts: an object that has ended and is being deleted, e.g. after C(ttlSecondsAfterFinished), has still ended.
Conditions of a Job: Complete, Failed, Suspended, FailureTarget (kubernetes/api batch/v1, JobConditionType);
FailureTarget means that the Job is about to fail and its pods have not ended yet. Conditions of a JobSet: Completed,
Failed, Suspended, StartupPolicy* (api/jobset/v1alpha2, jobset_types.go). Conditions of a TrainJob: Suspended, Complete,
Failed (Trainer 2.x, pkg/apis/trainer/v1alpha1, trainjob_types.go).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..objects.fields import is_terminating, part, text
from .verdict import State, Verdict, count, ended, true_conditions, words_of

# The first condition that is True decides.
_JOB_ENDS: dict[str, State] = {"Failed": "failed", "FailureTarget": "failed", "Complete": "ready"}


def job_verdict(name: str, job: Mapping[str, Any] | None) -> Verdict:
    """Judge a Job: ready if it is complete, failed if it failed or is about to; else report how many pods it has."""
    subject, rule = f"Job {name}", "complete"
    if job is None:
        return Verdict(subject, rule, "progressing", "missing")
    if found := ended(subject, rule, job, _JOB_ENDS):
        return found
    if is_terminating(job):
        return Verdict(subject, rule, "progressing", "it is being deleted")
    if part(job, "spec").get("suspend") is True:
        since = text(true_conditions(job).get("Suspended", {}), "lastTransitionTime")
        return Verdict(subject, rule, "progressing", "suspended", since=since)
    active = count(part(job, "status").get("active"))
    return Verdict(subject, rule, "progressing", f"{active} of {_wanted(job)} pods exist")


def has_missing_pods(job: Mapping[str, Any]) -> bool:
    """Return whether a running Job has fewer pods than it should have now."""
    if job_verdict("", job).state != "progressing" or part(job, "spec").get("suspend") is True or is_terminating(job):
        return False
    return count(part(job, "status").get("active")) < _wanted(job)


def _wanted(job: Mapping[str, Any]) -> int:
    """Return how many pods a Job should have now: its parallelism, but not more than the missing completions."""
    spec, succeeded = part(job, "spec"), count(part(job, "status").get("succeeded"))
    # The server sets both, except completions if one success completes the Job.
    most = count(spec.get("parallelism", 1))
    still = spec.get("completions")
    return most if not isinstance(still, int) else max(0, min(most, still - succeeded))


# The first condition that is True decides.
JOBSET_ENDS: dict[str, State] = {"Failed": "failed", "Completed": "ready"}


def jobset_verdict(name: str, job_set: Mapping[str, Any] | None) -> Verdict:
    """Judge a JobSet: ready if it is completed, failed if it failed; else report its conditions."""
    subject, rule = f"JobSet {name}", "completed"
    if job_set is None:
        return Verdict(subject, rule, "progressing", "Trainer has not created its JobSet yet")
    if found := ended(subject, rule, job_set, JOBSET_ENDS):
        return found
    if is_terminating(job_set):
        return Verdict(subject, rule, "progressing", "its JobSet is being deleted")
    said = "; ".join(words_of(entry) for entry in true_conditions(job_set).values())
    return Verdict(subject, rule, "progressing", f"JobSet has not created pods yet{': ' + said if said else ''}")


# The first condition that is True decides.
TRAINJOB_ENDS: dict[str, State] = {"Failed": "failed", "Complete": "ready"}


def trainjob_verdict(name: str, job: Mapping[str, Any] | None) -> Verdict:
    """Judge a TrainJob: ready if it is complete, failed if it failed. If both conditions are True, it failed."""
    subject, rule = f"TrainJob {name}", "complete"
    if job is None:
        return Verdict(subject, rule, "progressing", "missing")
    if found := ended(subject, rule, job, TRAINJOB_ENDS):
        return found
    if is_terminating(job):
        return Verdict(subject, rule, "progressing", "it is being deleted")
    if part(job, "spec").get("suspend") is True:
        condition = true_conditions(job).get("Suspended", {})
        since = text(condition, "lastTransitionTime")
        return Verdict(subject, rule, "progressing", words_of(condition) or "spec.suspend is true", since=since)
    return Verdict(subject, rule, "progressing", "it has not ended")
