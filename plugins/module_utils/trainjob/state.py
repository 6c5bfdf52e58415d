# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a TrainJob is, told from snapshots of it, its JobSet and its pods. Pure; odd or absent fields never raise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from ..objects.fields import name_of, part, parts, text
from ..verdicts.jobs import jobset_verdict, trainjob_verdict
from ..verdicts.verdict import count
from ..verdicts.workloads import containers_of, pod_words

JobPhase = Literal["created", "suspended", "running", "complete", "failed"]
# JobSet puts it on every pod; a TrainJob's JobSet has the name of the TrainJob.
JOBSET_LABEL = "jobset.sigs.k8s.io/jobset-name"


@dataclass(frozen=True)
class JobState:
    """How far it is, and in whose words."""

    phase: JobPhase
    cause: str

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen."""
        return self.phase in ("complete", "failed")

    def __str__(self) -> str:
        return f"{self.phase}: {self.cause}" if self.cause else self.phase


class Failure(NamedTuple):
    """A container that ended with another exit code than 0.

    Args:
        previous: it was started again since, so that its log is the one before the present one.
        time: when it ended, as the server writes it; such texts sort by time.
    """

    container: str
    exit_code: int
    restarts: int
    previous: bool
    time: str = ""


def state_of(job: Mapping[str, Any], job_set: Mapping[str, Any] | None, pods: Sequence[Mapping[str, Any]]) -> JobState:
    """How far a TrainJob is.

    Args:
        job_set: the one of its name, None where there is none.
        pods: those of the JobSet.
    """
    name = name_of(job)
    verdict = trainjob_verdict(name, job)
    if verdict.state in ("ready", "failed"):
        return JobState("complete" if verdict.ready else "failed", verdict.evidence)
    if part(job, "spec").get("suspend") is True:
        return JobState("suspended", verdict.evidence)
    if any(text(pod, "status", "phase") not in ("", "Pending") for pod in pods):
        return JobState("running", _tally(pods))
    return JobState("created", _tally(pods) if pods else jobset_verdict(name, job_set).evidence)


def conditions_of(job: Mapping[str, Any]) -> list[dict[str, str]]:
    """The conditions of a TrainJob: C(type), C(status), C(reason), C(message)."""
    return [
        {field: text(entry, field)[:500] for field in ("type", "status", "reason", "message")}
        for entry in parts(job, "status", "conditions")
    ]


def row_of(pod: Mapping[str, Any]) -> dict[str, Any]:
    """A pod in short: C(name), C(phase), C(node), C(exit_code), C(restarts), C(message)."""
    phase = text(pod, "status", "phase")
    statuses = containers_of(pod)
    failure = failure_of(pod)
    ended = [part(status, "state", "terminated") for status in statuses]
    code = failure.exit_code if failure else 0 if ended and all(ended) else None
    trouble = "" if phase == "Succeeded" else pod_words(pod) or ""
    return {
        "name": name_of(pod),
        "phase": phase,
        "node": text(pod, "spec", "nodeName"),
        "exit_code": code,
        "restarts": max((count(status.get("restartCount")) for status in statuses), default=0),
        "message": trouble[:300],
    }


def failure_of(pod: Mapping[str, Any]) -> Failure | None:
    """The first container of a pod that failed; one that was started again counts until it has ended well."""
    for status in containers_of(pod):
        present = part(status, "state", "terminated")
        ended = present or part(status, "lastState", "terminated")
        code = ended.get("exitCode")
        if isinstance(code, int) and code != 0:
            restarts = count(status.get("restartCount"))
            return Failure(text(status, "name"), code, restarts, previous=not present, time=text(ended, "finishedAt"))
    return None


def container_of(pod: Mapping[str, Any]) -> str:
    """The container whose log tells most: one that failed, or the first."""
    failure = failure_of(pod)
    containers = parts(pod, "spec", "containers")
    return failure.container if failure else text(containers[0], "name") if containers else ""


def _tally(pods: Sequence[Mapping[str, Any]]) -> str:
    phases = [text(pod, "status", "phase") or "Pending" for pod in pods]
    return "pods: " + ", ".join(f"{phases.count(phase)} {phase}" for phase in sorted(set(phases)))
