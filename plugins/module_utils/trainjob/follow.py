# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Follow a TrainJob to its end: watch it, its JobSet and its pods, and keep the last log lines of failed pods.

A failed pod may be deleted or replaced by its Job a moment later, and its log is lost then. So the log is read as soon
as the failure is seen, not at the end.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from ..cluster.client import Cluster
from ..cluster.watch import Scope, Watcher
from ..diagnose.failure_sign import FailureSign
from ..diagnose.failure_tracker import FailureTracker
from ..diagnose.failures import start_failures
from ..diagnose.limit_ranges import with_limit_range
from ..errors import ApiError, ConductorError, NotReadyError, listed
from ..objects.fields import is_terminating, name_of, text
from ..objects.resources import Key, resource_of
from ..verdicts.progress import Progress
from .child_jobs import Jobs
from .definition import API_VERSION
from .state import (
    JOBSET_API_VERSION,
    JOBSET_LABEL,
    JobState,
    conditions_of,
    container_of,
    failure_of,
    is_of_job_set,
    is_owned,
    name_is_taken,
    row_of,
    state_of,
)
from .unstarted import why_not_started

STEP = "follow"
_POD = resource_of("v1", "Pod")
# Results must stay small: the maximum number of pods (failed ones first) and of characters of logs.
_ROWS = 40
_LOG_CHARACTERS = 8_000
_LINE = 300
# The maximum number of pods in an error.
_NAMED = 4
# The longest pause in seconds between two checks: signs that a pod cannot start count only if they last.
_IDLE = 1.0
# For a job that is deleted in any case, such as the smoke job.
_AGAIN = "fix the cause that the lines above name, then run this again; this job is deleted at the end of the task"
# Seconds until a JobSet of its name that it does not own counts: the controller may take it over.
_TAKEN = 5.0
# Lines of progress: seconds between two of them if nothing changes (jobs take hours), and their number in a result.
_LATEST, _SAID = 60.0, 20


class Follower:
    """Follows one TrainJob.

    Args:
        key, uid: the TrainJob; another one of the same name does not count.
        log_lines: the number of last log lines to keep for each failed pod.
        all_logs: keep the log lines of the other pods, too, when the job has ended.
        stays: whether the job stays on the cluster if it fails or does not end in time.
        say: receives lines of progress; None for none.
        monotonic: seconds; injected by tests.
    """

    def __init__(
        self,
        cluster: Cluster,
        key: Key,
        uid: str,
        *,
        log_lines: int,
        all_logs: bool = False,
        stays: bool = True,
        say: Callable[[str], None] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.state = JobState("created", "")
        self.conditions: list[dict[str, str]] = []
        self.timeline: list[dict[str, Any]] = []
        self._cluster = cluster
        self._key = key
        self._uid = uid
        self._lines = log_lines
        self._all_logs = all_logs
        self._stays = stays
        self._progress = Progress(say, at_last="complete", latest=_LATEST) if say else None
        self._monotonic = monotonic
        self._started = monotonic()
        self._pods: dict[str, Mapping[str, Any]] = {}
        self._logs: dict[str, list[str]] = {}
        self._heard: set[tuple[str, int]] = set()
        self._present: list[Mapping[str, Any]] = []
        self._failure_tracker = FailureTracker(cluster, ())
        self._jobs = Jobs(cluster, key, uid)
        self._job_set: Mapping[str, Any] | None = None
        self._taken: tuple[float, Mapping[str, Any]] | None = None
        kinds = ((API_VERSION, "TrainJob"), (JOBSET_API_VERSION, "JobSet"), ("v1", "Pod"))
        self._scopes = [Scope(resource_of(*kind), key.namespace) for kind in kinds]

    @property
    def elapsed(self) -> float:
        """Return the seconds since the start."""
        return round(self._monotonic() - self._started, 2)

    @property
    def progress(self) -> list[str]:
        """Return the last lines of progress."""
        return self._progress.lines[-_SAID:] if self._progress else []

    @property
    def pods(self) -> list[dict[str, Any]]:
        """Return a row per pod, the earliest failure first: it is the cause of the others."""
        pods = [pod for _name, pod in sorted(self._pods.items())]
        return [row_of(pod) for pod in sorted(pods, key=_failed_when)][:_ROWS]

    @property
    def logs(self) -> dict[str, list[str]]:
        """Return the last log lines by pod; each pod gets the same share of the maximum size."""
        kept = sorted(self._logs.items())[:_ROWS]
        share = _LOG_CHARACTERS // max(1, len(kept))
        return {pod: _ending(lines, share) for pod, lines in kept}

    def look(self) -> None:
        """Check once."""
        with Watcher(self._cluster, self._scopes, step=STEP) as watcher:
            watcher.refresh()
            self._see(watcher)

    def follow(self, timeout: float) -> None:
        """Return when the TrainJob is complete.

        Args:
            timeout: seconds from now.

        Raises:
            NotReadyError: it failed, was deleted, or did not end in time; reports the state of its pods.
            RightsError, ConductorError: permissions to read are missing, or the server failed.
        """
        deadline = self._monotonic() + timeout
        with Watcher(self._cluster, self._scopes, step=STEP) as watcher:
            watcher.refresh()
            while not self._see(watcher):
                now = self._monotonic()
                if watcher.failure:
                    raise watcher.failure
                if now >= deadline:
                    self._hear_others(self._pods.values())
                    raise self._too_late(timeout)
                watcher.start()
                if self._taken and now - self._taken[0] >= _TAKEN:
                    raise name_is_taken(self._key, self._taken[1], STEP)
                self._jobs.look(now, self._job_set)
                if failure := self._hopeless(now):
                    raise self._cannot_start(failure)
                watcher.wait(min(_IDLE, deadline - now))
        self._see_the_end()
        if self.state.phase == "failed":
            raise self._failed()

    def _see(self, watcher: Watcher) -> bool:
        """Update the state; return whether the TrainJob has ended."""
        jobs, job_sets, pods = (watcher.objects(scope) for scope in self._scopes)
        job = jobs.get(self._key.name)
        if job is None or text(job, "metadata", "uid") != self._uid:
            raise self._error("it was deleted meanwhile", "find out what deleted it, then submit it again")
        self._job_set = job_set = self._own_job_set(job_sets.get(self._key.name))
        present = [pod for pod in pods.values() if self._is_own(pod)]
        self._present = list(present)
        self._take(present)
        state = state_of(job, job_set, present)
        if not self.timeline or state.phase != self.state.phase:
            self.timeline.append({"seconds": self.elapsed, "phase": state.phase})
        if self._jobs.refusals and not state.is_final:
            state = replace(state, cause="; ".join([str(self._jobs.refusals[0]), *filter(None, [state.cause])]))
        self.state, self.conditions = state, conditions_of(job)
        if self._progress:
            self._progress.tell(self.elapsed, "" if state.phase == "complete" else str(state))
        return state.is_final

    def _own_job_set(self, job_set: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        """Return the JobSet of its name if this TrainJob owns it."""
        if job_set is not None:
            is_own = is_owned(job_set, self._uid)
            self._jobs.job_set_uid = text(job_set, "metadata", "uid") if is_own else ""
            # A JobSet of an earlier TrainJob of this name is deleted soon.
            passes = is_own or is_terminating(job_set)
            self._taken = None if passes else self._taken or (self._monotonic(), job_set)
            return job_set if is_own else None
        self._taken = None
        return None

    def _is_own(self, pod: Mapping[str, Any]) -> bool:
        return is_of_job_set(pod, self._key.name, self._jobs.job_set_uid)

    def _hopeless(self, now: float) -> FailureSign | None:
        """Return a sign that a pod cannot be created or started, if it has lasted long enough."""
        signs = [*self._jobs.hopeless, *start_failures(self._present, self._key.namespace)]
        return next(iter(self._failure_tracker.certain(signs, now)), None)

    def _take(self, pods: list[Any]) -> None:
        for pod in pods:
            self._pods[name_of(pod)] = pod
            failure = failure_of(pod)
            seen = (name_of(pod), failure.restarts if failure else 0)
            if failure and seen not in self._heard:
                self._heard.add(seen)
                self._hear(pod, previous=failure.previous)

    def _see_the_end(self) -> None:
        """Read the pods again: their last state may arrive after that of the TrainJob."""
        selector = f"{JOBSET_LABEL}={self._key.name}"
        pods, _version = self._cluster.list_all(_POD, self._key.namespace, metadata_only=False, label_selector=selector)
        pods = [pod for pod in pods if self._is_own(pod)]
        self._take(pods)
        self._hear_others(pods)
        if self.state.phase == "failed":
            self._jobs.see()

    def _hear_others(self, pods: Iterable[Mapping[str, Any]]) -> None:
        """Keep the last log lines of the other pods, if requested; pending pods have none."""
        if self._all_logs:
            for pod in list(pods)[:_ROWS]:
                if name_of(pod) not in self._logs and text(pod, "status", "phase") != "Pending":
                    self._hear(pod, previous=False)

    def _hear(self, pod: Mapping[str, Any], *, previous: bool) -> None:
        """Keep the last log lines of a pod, or the reason why they cannot be read."""
        name, most = name_of(pod), self._lines
        if not most:
            return
        try:
            lines = self._cluster.pod_log(
                self._key.namespace, name, container=container_of(pod), lines=most, previous=previous
            )
        except ApiError as error:
            lines = [f"(its log cannot be read: {error.message})"]
        self._logs[name] = lines[-most:]

    # -- errors --------------------------------------------------------------------------------------------------

    def _failed(self) -> NotReadyError:
        look = f"kubectl describe trainjob,jobset,pods --namespace {self._key.namespace} shows details"
        again = f"fix the cause, then submit it with recreate: true; {look}"
        return self._error(f"it failed: {self.state.cause}", again if self._stays else _AGAIN)

    def _cannot_start(self, failure: FailureSign) -> NotReadyError:
        look = "the TrainJob stays and starts when the cause is fixed"
        rejected = failure in self._jobs.hopeless
        what = f"{failure.scene.what} cannot be created" if rejected else "one of its pods cannot start"
        failure = with_limit_range(self._cluster, failure)
        return self._error(f"{what}: {failure}", f"{failure.next_step}; {self._looking(look)}")

    def _too_late(self, timeout: float) -> NotReadyError:
        where = f"--namespace {self._key.namespace}"
        looks = {
            "created": f"kubectl describe jobset,jobs,pods {where} shows details",
            "suspended": f"kubectl get workloads {where} shows its state in a queue",
            "running": f"kubectl logs {where} --selector {JOBSET_LABEL}={self._key.name} shows its progress",
        }
        again = "it continues, run this again to follow it (with a larger conductor_smoke_timeout)"
        look = f"{again}; {looks[self.state.phase]}"
        why, next_step = why_not_started(self._cluster, self._present, self._key.namespace)
        next_steps = [with_limit_range(self._cluster, failure).next_step for failure in self._jobs.refusals[:1]]
        next_steps += [next_step] if next_step else []
        if self.state.phase == "suspended":
            next_steps = ["wait until a queue admits it, or set spec.suspend to false"]
        return self._error(
            f"it has not ended after {timeout:.0f} s; it is {self.state}{'; ' + why if why else ''}",
            "; ".join([*next_steps, self._looking(look)]),
        )

    def _looking(self, look: str) -> str:
        return look if self._stays else _AGAIN

    def _error(self, message: str, next_step: str) -> NotReadyError:
        stories = self._stories()
        return NotReadyError(
            listed(message, stories) if stories else message,
            step=STEP,
            subject=str(self._key),
            next_step=next_step,
            facts=self._facts(),
        )

    def _stories(self) -> list[str]:
        """Return a line for each failed Job and for the first pods, with the log lines of the failed ones."""
        told = [str(verdict) for verdict in self._jobs.failed[:_NAMED]]
        logs = self.logs
        rows = self.pods
        for row in rows[:_NAMED]:
            words = ", ".join(filter(None, (row["message"] or row["phase"], row["node"] and f"on {row['node']}")))
            told.append(f"pod {row['name']}: {words}")
            told += [f"  {line}" for line in logs.get(row["name"], []) if row["exit_code"] or not self.state.is_final]
        if len(rows) > _NAMED:
            told.append(f"and {len(rows) - _NAMED} more pods")
        # A second, empty line keeps a single line below the message.
        return told if len(told) != 1 else [*told, ""]

    def _facts(self) -> dict[str, Any]:
        return {
            "phase": self.state.phase,
            "cause": self.state.cause,
            "failed_jobs": [str(verdict) for verdict in self._jobs.failed[:_ROWS]],
            "pods": self.pods,
            "logs": self.logs,
            "timeline": self.timeline,
            "progress": self.progress,
            "elapsed": self.elapsed,
        }


def _failed_when(pod: Mapping[str, Any]) -> tuple[bool, str]:
    failure = failure_of(pod)
    return failure is None, failure.time if failure else ""


def _ending(lines: list[str], most: int) -> list[str]:
    """Return the last lines with at most this many characters together."""
    kept: list[str] = []
    for line in reversed(lines):
        short = line[:_LINE]
        if kept and len(short) > most:
            break
        kept.insert(0, short[:most])
        most -= len(kept[0])
    return kept


def with_words(error: ConductorError, words: str) -> ConductorError:
    """Return the error with an additional line."""
    error.message = f"{error.message}\n  {words}"
    return error
