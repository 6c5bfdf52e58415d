# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the Jobs of a TrainJob: why one failed, and why pods cannot be created.

Neither the pods nor the JobSet show this.
Without permission to read Jobs or events, this information is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..cluster.client import Cluster
from ..diagnose.events import time_of
from ..diagnose.failures import FailureSign, rejected_pods
from ..errors import ApiError
from ..objects.fields import name_of, text
from ..objects.resources import Key, Resource, resource_of
from ..verdicts.jobs import has_missing_pods, job_verdict
from ..verdicts.verdict import Verdict
from .state import JOBSET_LABEL

_JOB, _EVENT = resource_of("batch/v1", "Job"), resource_of("v1", "Event")
# Seconds between two reads: while pods are missing, and when all of them exist.
_SOON, _LATER = 2.0, 15.0
# Temporary: capacity is available again when other jobs end.
_PASSES = re.compile("exceeded quota")


class Jobs:
    """Reads the Jobs at intervals. C(failed): verdicts on the failed ones; C(refusals): why pods are missing."""

    def __init__(self, cluster: Cluster, key: Key) -> None:
        self.failed: list[Verdict] = []
        self.refusals: list[FailureSign] = []
        self._cluster = cluster
        self._key = key
        self._next = float("-inf")

    @property
    def hopeless(self) -> list[FailureSign]:
        """Return the refusals that do not disappear by waiting."""
        return [failure for failure in self.refusals if not _PASSES.search(failure.words)]

    def look(self, now: float) -> None:
        """Read the Jobs, if the last read was long enough ago.

        Args:
            now: seconds.

        Raises:
            ConductorError: the server failed. A missing permission is no error.
        """
        if now >= self._next:
            settled = self.see()
            self._next = now + (_LATER if settled else _SOON)

    def see(self) -> bool:
        """Read the Jobs now; return whether all pods exist, or whether this is unknown. See C(look)."""
        jobs = self._readable(
            lambda: self._list(_JOB, label_selector=f"{JOBSET_LABEL}={self._key.name}"),
        )
        if jobs is None:
            return True
        verdicts = [job_verdict(name_of(job), job) for job in jobs]
        self.failed = [verdict for verdict in verdicts if verdict.state == "failed"]
        without_pods = [job for job in jobs if has_missing_pods(job)]
        self.refusals = self._refusals(without_pods) if without_pods else []
        return bool(jobs) and not without_pods

    def _refusals(self, jobs: Sequence[Mapping[str, Any]]) -> list[FailureSign]:
        selector = "involvedObject.kind=Job,reason=FailedCreate"
        events = self._readable(lambda: self._list(_EVENT, field_selector=selector)) or []
        said = {text(event, "involvedObject", "uid"): text(event, "message") for event in sorted(events, key=time_of)}
        return [
            failure
            for job in jobs
            for message in (said.get(text(job, "metadata", "uid")),)
            if message
            for failure in rejected_pods(job, message)
        ]

    def _list(self, resource: Resource, **selector: str) -> list[dict[str, Any]]:
        return self._cluster.list_all(resource, self._key.namespace, metadata_only=False, **selector)[0]

    @staticmethod
    def _readable(read: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]] | None:
        """Return the objects; None if they may not be read."""
        try:
            return read()
        except ApiError as error:
            if error.status != 403:
                raise
            return None
