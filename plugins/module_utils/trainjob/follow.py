# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Follows a TrainJob to its end by watching it, its JobSet and its pods, and keeps what failing pods said last.

A pod that fails may be gone a moment later (its Job ends it, or makes it anew), and its log with it: the log is read
when the failure is seen, not at the end.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from ..cluster.client import Cluster
from ..cluster.watch import Scope, Watcher
from ..diagnose.failure_tracker import FailureTracker
from ..diagnose.failures import FailureSign, start_failures
from ..errors import ApiError, ConductorError, NotReadyError, listed
from ..objects.fields import name_of, text
from ..objects.resources import Key, resource_of
from ..verdicts.progress import Progress
from .child_jobs import Jobs
from .definition import API_VERSION
from .state import JOBSET_LABEL, JobState, conditions_of, container_of, failure_of, row_of, state_of

STEP = "follow"
_POD = resource_of("v1", "Pod")
# Results must stay small: so many pods are told of, the failed ones first; so many characters of logs are kept.
_ROWS = 40
_LOG_CHARACTERS = 8_000
_LINE = 300
# How many pods an error names.
_NAMED = 4
# Longest pause in seconds between two looks when no event arrives: signs that a pod cannot start must last.
_IDLE = 1.0
# Seconds between two lines of progress where nothing changes (jobs take hours), how wide one is, and how many a result
# holds.
_LATEST, _WIDTH, _SAID = 60.0, 150, 20


class Follower:
    """One TrainJob, from when this object is made.

    Args:
        key, uid: which TrainJob; another one of its name does not count.
        log_lines: how many of its last lines are kept of each failing pod.
        all_logs: keep those of the other pods as well, when it has ended.
        stays: whether it is left to itself where it has not ended in time.
        say: takes lines of progress; None for none.
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
        self._fate = FailureTracker(cluster, ())
        self._jobs = Jobs(cluster, key)
        kinds = ((API_VERSION, "TrainJob"), ("jobset.x-k8s.io/v1alpha2", "JobSet"), ("v1", "Pod"))
        self._scopes = [Scope(resource_of(*kind), key.namespace) for kind in kinds]

    @property
    def elapsed(self) -> float:
        """Seconds since it began."""
        return round(self._monotonic() - self._started, 2)

    @property
    def progress(self) -> list[str]:
        """The last lines that were said."""
        return self._progress.lines[-_SAID:] if self._progress else []

    @property
    def pods(self) -> list[dict[str, Any]]:
        """A row for each pod there was, those that failed first: the first of them is why the others were ended."""
        pods = [pod for _name, pod in sorted(self._pods.items())]
        return [row_of(pod) for pod in sorted(pods, key=_failed_when)][:_ROWS]

    @property
    def logs(self) -> dict[str, list[str]]:
        """Pod to its last lines, of the longest only the end: all of them have the same share of what is kept."""
        kept = sorted(self._logs.items())[:_ROWS]
        share = _LOG_CHARACTERS // max(1, len(kept))
        return {pod: _ending(lines, share) for pod, lines in kept}

    def look(self) -> None:
        """Looks once."""
        with Watcher(self._cluster, self._scopes, step=STEP) as watcher:
            watcher.refresh()
            self._see(watcher)

    def follow(self, timeout: float) -> None:
        """Returns when it is complete.

        Args:
            timeout: seconds from now.

        Raises:
            NotReadyError: it failed, is gone, or has not ended in time; says which pods are in which state.
            RightsError, ConductorError: something may not be read, or the server failed.
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
                self._jobs.look(now)
                if failure := self._hopeless(now):
                    raise self._cannot_start(failure)
                watcher.wait(min(_IDLE, deadline - now))
        self._see_the_end()
        if self.state.phase == "failed":
            raise self._failed()

    def _see(self, watcher: Watcher) -> bool:
        """Takes in how things are; whether it has ended."""
        jobs, job_sets, pods = (watcher.objects(scope) for scope in self._scopes)
        job = jobs.get(self._key.name)
        if job is None or text(job, "metadata", "uid") != self._uid:
            raise self._error("it is gone: somebody deleted it", "find out who, and submit it again")
        present = [pod for pod in pods.values() if text(pod, "metadata", "labels", JOBSET_LABEL) == self._key.name]
        self._present = list(present)
        self._take(present)
        state = state_of(job, job_sets.get(self._key.name), present)
        if not self.timeline or state.phase != self.state.phase:
            self.timeline.append({"seconds": self.elapsed, "phase": state.phase})
        if self._jobs.refusals and not state.is_final:
            state = replace(state, cause="; ".join([str(self._jobs.refusals[0]), *filter(None, [state.cause])]))
        self.state, self.conditions = state, conditions_of(job)
        if self._progress:
            self._progress.tell(self.elapsed, "" if state.phase == "complete" else str(state)[:_WIDTH])
        return state.is_final

    def _hopeless(self, now: float) -> FailureSign | None:
        """A sign that one of the pods cannot be made or start, once it has lasted as long as it must."""
        signs = [*self._jobs.hopeless, *start_failures(self._present, self._key.namespace)]
        return next(iter(self._fate.certain(signs, now)), None)

    def _take(self, pods: list[Any]) -> None:
        for pod in pods:
            self._pods[name_of(pod)] = pod
            failure = failure_of(pod)
            seen = (name_of(pod), failure.restarts if failure else 0)
            if failure and seen not in self._heard:
                self._heard.add(seen)
                self._hear(pod, previous=failure.previous)

    def _see_the_end(self) -> None:
        """The last of the pods' states may come after that of the TrainJob."""
        selector = f"{JOBSET_LABEL}={self._key.name}"
        pods, _version = self._cluster.list_all(_POD, self._key.namespace, metadata_only=False, label_selector=selector)
        self._take(pods)
        self._hear_others(pods)
        if self.state.phase == "failed":
            self._jobs.see()

    def _hear_others(self, pods: Iterable[Mapping[str, Any]]) -> None:
        """Keeps the last lines of those that did not fail, where that is wanted; of pods that wait there are none."""
        if self._all_logs:
            for pod in list(pods)[:_ROWS]:
                if name_of(pod) not in self._logs and text(pod, "status", "phase") != "Pending":
                    self._hear(pod, previous=False)

    def _hear(self, pod: Mapping[str, Any], *, previous: bool) -> None:
        """Keeps the last lines of a pod. Where they cannot be had, the reason stands in their place."""
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
        look = f"kubectl describe trainjob,jobset,pods --namespace {self._key.namespace} shows more"
        return self._error(
            f"it failed: {self.state.cause}",
            f"repair what its pods say, and submit it with recreate: true; {self._looking(look)}",
        )

    def _cannot_start(self, failure: FailureSign) -> NotReadyError:
        look = "it goes on, and would begin once that is repaired"
        what = "its pods cannot be made" if failure in self._jobs.hopeless else "one of its pods cannot start"
        return self._error(f"{what}: {failure}", f"{failure.next_step}; {self._looking(look)}")

    def _too_late(self, timeout: float) -> NotReadyError:
        where = f"--namespace {self._key.namespace}"
        looks = {
            "created": f"kubectl describe jobset,jobs,pods {where} shows more",
            "suspended": f"kubectl get workloads {where} says what a queue thinks of it",
            "running": f"kubectl logs {where} --selector {JOBSET_LABEL}={self._key.name} says what it is at",
        }
        look = f"it goes on, and run again this follows it, for longer with another timeout; {looks[self.state.phase]}"
        next_steps = [failure.next_step for failure in self._jobs.refusals[:1]]
        if self.state.phase == "suspended":
            next_steps = ["a queue has to admit it, or somebody to set spec.suspend to false"]
        return self._error(
            f"it has not ended after {timeout:.0f} s; it is {self.state}", "; ".join([*next_steps, self._looking(look)])
        )

    def _looking(self, look: str) -> str:
        return look if self._stays else "with delete_after: never it stays to be looked at"

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
        """A line for each of the Jobs that failed and of the first pods, and the last lines of those that failed."""
        told = [str(verdict) for verdict in self._jobs.failed[:_NAMED]]
        logs = self.logs
        rows = self.pods
        for row in rows[:_NAMED]:
            words = ", ".join(filter(None, (row["message"] or row["phase"], row["node"] and f"on {row['node']}")))
            told.append(f"pod {row['name']}: {words}")
            told += [f"  {line}" for line in logs.get(row["name"], []) if row["exit_code"] or not self.state.is_final]
        if len(rows) > _NAMED:
            told.append(f"and {len(rows) - _NAMED} more pods")
        # So that one line of trouble stands below the first, too.
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
    """The last lines that are not more than so many characters together."""
    kept: list[str] = []
    for line in reversed(lines):
        short = line[:_LINE]
        if kept and len(short) > most:
            break
        kept.insert(0, short[:most])
        most -= len(kept[0])
    return kept


def with_words(error: ConductorError, words: str) -> ConductorError:
    """The error, with one thing more to say."""
    error.message = f"{error.message}\n  {words}"
    return error
