# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Derive the phase of a TrainJob from it, its JobSet and its pods. Pure; invalid or missing fields never raise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from ..errors import RefusedError
from ..objects.fields import name_of, part, parts, text
from ..objects.resources import Key
from ..verdicts.jobs import jobset_verdict, trainjob_verdict
from ..verdicts.pods import containers_of, exit_code_of, holding_container, pod_words, restarts_of, sidecars_of
from ..verdicts.verdict import count

JobPhase = Literal["created", "suspended", "running", "complete", "failed"]
# JobSet sets this label on every pod. The JobSet of a TrainJob has the name of the TrainJob.
JOBSET_LABEL = "jobset.sigs.k8s.io/jobset-name"
# JobSet 0.12 and newer set it on Jobs and pods.
JOBSET_UID_LABEL = "jobset.sigs.k8s.io/jobset-uid"
JOBSET_API_VERSION = "jobset.x-k8s.io/v1alpha2"


@dataclass(frozen=True)
class JobState:
    """The phase of a TrainJob, and the reason for it."""

    phase: JobPhase
    cause: str

    @property
    def is_final(self) -> bool:
        """Return whether the TrainJob has ended."""
        return self.phase in ("complete", "failed")

    def __str__(self) -> str:
        return f"{self.phase}: {self.cause}" if self.cause else self.phase


class Failure(NamedTuple):
    """A container that ended with an exit code other than 0.

    Args:
        previous: whether it was restarted since; its log is then the previous one.
        time: when it ended, in the format of the server, which sorts by time.
    """

    container: str
    exit_code: int
    restarts: int
    previous: bool
    time: str = ""


def state_of(job: Mapping[str, Any], job_set: Mapping[str, Any] | None, pods: Sequence[Mapping[str, Any]]) -> JobState:
    """Return the state of a TrainJob.

    Args:
        job_set: the JobSet of its name; None if there is none.
        pods: the pods of the JobSet.
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


def is_owned(item: Mapping[str, Any] | None, uid: str) -> bool:
    """Return whether the object with this uid owns an object."""
    return any(text(reference, "uid") == uid for reference in parts(item, "metadata", "ownerReferences"))


def is_of_job_set(item: Mapping[str, Any], name: str, uid: str | None) -> bool:
    """Return whether a Job or pod belongs to the JobSet of a TrainJob. A label with its name is no proof.

    Args:
        name: the name of the JobSet.
        uid: its uid; None if no JobSet of this name has been seen, empty if the TrainJob does not own it.
    """
    if text(item, "metadata", "labels", JOBSET_LABEL) != name or uid == "":
        return False
    labelled = text(item, "metadata", "labels", JOBSET_UID_LABEL)
    if uid is None:
        return not labelled
    return labelled == uid if labelled else bool(parts(item, "metadata", "ownerReferences"))


def name_is_taken(key: Key, job_set: Mapping[str, Any], step: str) -> RefusedError:
    """Return the error that a JobSet exists that has the name of a TrainJob and that the TrainJob does not own."""
    owners = [f"{text(one, 'kind')} {text(one, 'name')}" for one in parts(job_set, "metadata", "ownerReferences")]
    whose = f"belongs to {', '.join(owners)}" if owners else "was created by others"
    return RefusedError(
        f"the name is taken: JobSet {key.namespace}/{key.name} exists and {whose}, so the TrainJob cannot have pods",
        step=step,
        subject=str(key),
        next_step="give the TrainJob another name, or delete that JobSet, with its pods, if nobody needs it",
    )


def conditions_of(job: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the conditions of a TrainJob: C(type), C(status), C(reason), C(message)."""
    return [
        {field: text(entry, field)[:500] for field in ("type", "status", "reason", "message")}
        for entry in parts(job, "status", "conditions")
    ]


def row_of(pod: Mapping[str, Any]) -> dict[str, Any]:
    """Return a summary of a pod: C(name), C(phase), C(node), C(exit_code), C(restarts), C(message)."""
    phase = text(pod, "status", "phase")
    statuses = containers_of(pod)
    failure = failure_of(pod)
    ended = [part(status, "state", "terminated") for status in statuses]
    code = failure.exit_code if failure else 0 if phase == "Succeeded" or (ended and all(ended)) else None
    message = "" if phase == "Succeeded" else pod_words(pod) or ""
    return {
        "name": name_of(pod),
        "phase": phase,
        "node": text(pod, "spec", "nodeName"),
        "exit_code": code,
        "restarts": restarts_of(pod),
        "message": message[:300],
    }


def failure_of(pod: Mapping[str, Any]) -> Failure | None:
    """Return the first failed container of a pod; a restarted one counts until it succeeds.

    A sidecar is killed when the others have ended, so it counts last, and not at all if the pod succeeded.
    """
    if text(pod, "status", "phase") == "Succeeded":
        return None
    sidecars = sidecars_of(pod)
    for status in sorted(containers_of(pod), key=lambda status: text(status, "name") in sidecars):
        present = part(status, "state", "terminated")
        ended = present or part(status, "lastState", "terminated")
        if code := exit_code_of(ended):
            restarts = count(status.get("restartCount"))
            return Failure(text(status, "name"), code, restarts, previous=not present, time=text(ended, "finishedAt"))
    return None


def container_of(pod: Mapping[str, Any]) -> str:
    """Return the container whose log to read: one that failed or holds the pod up, otherwise the first."""
    failure = failure_of(pod)
    containers = parts(pod, "spec", "containers")
    holding = text(holding_container(pod), "name") if text(pod, "status", "phase") == "Pending" else ""
    return failure.container if failure else holding or (text(containers[0], "name") if containers else "")


def _tally(pods: Sequence[Mapping[str, Any]]) -> str:
    phases = [text(pod, "status", "phase") or "Pending" for pod in pods]
    return "pods: " + ", ".join(f"{phases.count(phase)} {phase}" for phase in sorted(set(phases)))
