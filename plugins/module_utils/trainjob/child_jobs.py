# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the Jobs of a TrainJob: why one failed, and why an API server rejects what the controllers create.

At each level a controller reports this in an event: Trainer about the TrainJob if it cannot create the JobSet, JobSet
about the JobSet if it cannot create a Job, and the Job controller about the Job if it cannot create a pod. Neither the
pods nor any condition show it. Without permission to read Jobs or events, this information is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..cluster.client import Cluster
from ..diagnose.events import time_of
from ..diagnose.failure_sign import FailureSign, rejected_objects
from ..errors import ApiError
from ..objects.fields import name_of, part, parts, text
from ..objects.resources import Key, Resource, resource_of
from ..verdicts.jobs import has_missing_pods, job_verdict
from ..verdicts.verdict import Verdict, count
from .state import JOBSET_LABEL, is_of_job_set

_JOB, _EVENT = resource_of("batch/v1", "Job"), resource_of("v1", "Event")
# Seconds between two reads: while pods are missing, and when all of them exist.
_SOON, _LATER = 2.0, 15.0
# Reason of an event about the TrainJob or its JobSet, and what cannot be created (Trainer pkg/controller,
# trainjob_controller.go; JobSet pkg/constants, constants.go). A JobSet creates its volumes and its Service before Jobs.
_CREATES = {
    "TrainJobResourcesCreationFailed": "its JobSet",
    "JobCreationFailed": "its Jobs",
    "HeadlessServiceCreationFailed": "its Service",
    "PVCCreationFailed": "its volumes",
}
# Reasons of events about a Job (kubernetes/kubernetes pkg/controller, controller_utils.go).
_REJECTED, _CREATED = "FailedCreate", "SuccessfulCreate"
# Temporary: capacity is available again when other jobs end.
_PASSES = frozenset({"quota_exceeded"})


class Jobs:
    """Reads the Jobs at intervals. C(failed): verdicts on the failed ones; C(refusals): why objects are missing.

    Args:
        key, uid: the TrainJob; an empty uid accepts any.
    """

    def __init__(self, cluster: Cluster, key: Key, uid: str = "") -> None:
        self.failed: list[Verdict] = []
        self.refusals: list[FailureSign] = []
        # That of the JobSet; see C(is_of_job_set).
        self.job_set_uid: str | None = None
        self._cluster = cluster
        self._key = key
        self._uid = uid
        self._next = float("-inf")

    @property
    def hopeless(self) -> list[FailureSign]:
        """Return the refusals that do not disappear by waiting."""
        return [
            failure
            for failure in self.refusals
            if not failure.passes and not (failure.rejection and failure.rejection.kind in _PASSES)
        ]

    def look(self, now: float, job_set: Mapping[str, Any] | None = None) -> None:
        """Read the Jobs, if the last read was long enough ago.

        Args:
            now: seconds.
            job_set: the JobSet of the TrainJob; None if there is none.

        Raises:
            ConductorError: the server failed. A missing permission is no error.
        """
        if now >= self._next:
            settled = self.see(job_set)
            self._next = now + (_LATER if settled else _SOON)

    def see(self, job_set: Mapping[str, Any] | None = None) -> bool:
        """Read the Jobs now; return whether all pods exist, or whether this is unknown. See C(look)."""
        jobs = self._listed(_JOB, label_selector=f"{JOBSET_LABEL}={self._key.name}")
        if jobs is None:
            return True
        jobs = [job for job in jobs if is_of_job_set(job, self._key.name, self.job_set_uid)]
        verdicts = [job_verdict(name_of(job), job) for job in jobs]
        self.failed = [verdict for verdict in verdicts if verdict.state == "failed"]
        without_pods = [job for job in jobs if has_missing_pods(job)]
        self.refusals = self._refusals(without_pods) if without_pods else []
        if len(jobs) < _wanted(job_set):
            self.refusals += self._refusals_of_owners(jobs, job_set)
        return bool(jobs) and not without_pods

    def _refusals(self, jobs: Sequence[Mapping[str, Any]]) -> list[FailureSign]:
        events = self._listed(_EVENT, field_selector="involvedObject.kind=Job") or []
        # A pod that was created later shows that the cause is repaired; then the next pod is only not created yet.
        told = [event for event in events if text(event, "reason") in (_REJECTED, _CREATED)]
        said = {
            text(event, "involvedObject", "uid"): text(event, "message") if text(event, "reason") == _REJECTED else ""
            for event in sorted(told, key=lambda event: (time_of(event), text(event, "reason") == _CREATED))
        }
        return [
            rejected_objects(job, message)
            for job in jobs
            for message in (said.get(text(job, "metadata", "uid")),)
            if message
        ]

    def _refusals_of_owners(
        self, jobs: Sequence[Mapping[str, Any]], job_set: Mapping[str, Any] | None
    ) -> list[FailureSign]:
        """Return why the JobSet, or one of its Jobs, cannot be created: the newest event about each level."""
        selector = f"involvedObject.name={self._key.name},type=Warning"
        events = self._listed(_EVENT, field_selector=selector) or []
        uids = {"TrainJob": self._uid}
        if self.job_set_uid != "":
            uids["JobSet"] = text(job_set, "metadata", "uid")
        newest: dict[str, Mapping[str, Any]] = {}
        for event in sorted(events, key=time_of):
            about = part(event, "involvedObject")
            kind = text(about, "kind")
            # The uid tells an earlier TrainJob of this name from this one.
            is_ours = kind in uids and (not uids[kind] or text(about, "uid") in ("", uids[kind]))
            if is_ours and text(about, "name") == self._key.name and text(event, "reason") in _CREATES:
                newest[kind] = event
        if job_set is not None:
            # The JobSet exists: what prevented it is over.
            newest.pop("TrainJob", None)
        return [
            rejected_objects(
                {"kind": kind, "metadata": part(event, "involvedObject")},
                text(event, "message"),
                _CREATES[text(event, "reason")],
            )
            for kind, event in newest.items()
            if not _is_over(event, jobs)
        ]

    def _listed(self, resource: Resource, **selector: str) -> list[dict[str, Any]] | None:
        """Return the objects; None if they may not be read."""
        try:
            return self._cluster.list_all(resource, self._key.namespace, metadata_only=False, **selector)[0]
        except ApiError as error:
            if error.status != 403:
                raise
            return None


def _wanted(job_set: Mapping[str, Any] | None) -> int:
    """Return how many Jobs a JobSet has when all are created; 1 without a JobSet."""
    replicated = parts(job_set, "spec", "replicatedJobs")
    return sum(count(entry.get("replicas", 1)) for entry in replicated) or 1


def _is_over(event: Mapping[str, Any], jobs: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether a JobSet has created since what an event says that it cannot create."""
    if text(event, "reason") != "JobCreationFailed":
        return bool(jobs)
    return any(f'"{name_of(job)}"' in text(event, "message") for job in jobs)
