# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the errors that end a wait for controllers: what is not ready, since when, why, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from ..cluster.client import Cluster
from ..diagnose.events import last_event
from ..diagnose.failure_sign import FailureSign
from ..diagnose.limit_ranges import with_limit_range
from ..diagnose.report import bounded_message, diagnose, diagnosis_lines
from ..errors import NotReadyError, listed
from ..objects.fields import name_of, namespace_of, text
from ..release.bundle import Bundle
from ..verdicts.pods import is_being_made
from ..verdicts.verdict import Verdict
from ..verdicts.workloads import deployment_verdict, pods_of
from .readiness import Readiness
from .timeline import Timeline

STEP = "wait for controllers"
# The maximum number of next steps in an error.
_NEXT_STEPS = 5


class NotReady:
    """Builds the error of one wait, with a diagnosis of what is not ready.

    Args:
        timeline: since when each rule is not met.
    """

    def __init__(self, cluster: Cluster, bundle: Bundle, readiness: Readiness, timeline: Timeline) -> None:
        self._cluster = cluster
        self._bundle = bundle
        self._readiness = readiness
        self._timeline = timeline

    def timed_out(
        self, waiting: Iterable[Verdict], failures: Sequence[FailureSign], now: float, elapsed: float
    ) -> NotReadyError:
        """Return the error for a passed deadline.

        Args:
            waiting: the verdicts that are not ready.
            failures: signs of failure that are not certain.
        """
        rows = [self._with_event(verdict) for verdict in waiting]
        lines = [
            f"{verdict} (for {self._timeline.lasting(now, verdict.subject, verdict.rule):.0f} s)" for verdict in rows
        ]
        failures = [with_limit_range(self._cluster, failure) for failure in failures]
        diagnosis = self._diagnosis(failures, now)
        # A cause that the diagnosis has found replaces a sign that shows only that something is repeated.
        explained = {row["object"] for row in diagnosis if row["next_step"]}
        next_steps = [
            *(
                failure.next_step
                for failure in failures
                if not failure.is_back_off
                or f"Deployment {self._bundle.namespace}/{failure.deployment}" not in explained
            ),
            *(row["next_step"] for row in diagnosis),
            *(verdict.next_step for verdict in rows),
        ]
        said = listed(f"not ready after {elapsed:.0f} s:", lines)
        next_step = _first(next_steps) or f"read `kubectl -n {self._bundle.namespace} get pods,events`"
        return _error(said, diagnosis, rows, next_step)

    def failed(
        self, waiting: Iterable[Verdict], failures: Sequence[FailureSign], now: float, final: Sequence[Verdict] = ()
    ) -> NotReadyError:
        """Return the error for a wait that ends early, because of a permanent failure.

        The message names only the failures; everything else is in the facts.

        Args:
            failures: signs of failure that are certain.
            final: failed verdicts that time does not change; one of both at least.
        """
        namespace = self._bundle.namespace
        failures = [with_limit_range(self._cluster, failure) for failure in failures]
        failed = {failure.deployment: str(failure) for failure in reversed(failures)}
        rows = [
            replace(verdict, state="failed", evidence=failed[verdict.name])
            if verdict.rule == "rollout" and verdict.name in failed
            else verdict
            for verdict in waiting
        ]
        diagnosis = self._diagnosis(failures, now)
        next_steps = [
            *(verdict.next_step for verdict in final),
            *(row["next_step"] for row in diagnosis),
            *(failure.next_step for failure in failures),
        ]
        found = [
            *((verdict.subject, verdict.evidence) for verdict in final),
            *((f"Deployment {namespace}/{failure.deployment}", str(failure)) for failure in failures),
        ]
        (subject, evidence), *others = found
        said = "\n  ".join([evidence, *(f"{subject}: {words}" for subject, words in others)])
        error = _error(said, diagnosis, rows, "; ".join(filter(None, (_first(next_steps), "then run this again"))))
        error.subject = subject
        return error

    def _diagnosis(self, failures: Sequence[FailureSign], now: float) -> list[dict[str, Any]]:
        """Return the diagnosis of each existing controller that is not rolled out."""
        live, pods = self._readiness.deployments(), self._readiness.pods()
        first = {failure.deployment: failure for failure in reversed(failures)}
        return [
            {
                **diagnose(self._cluster, found, members, first.get(name)),
                "rule": "rollout",
                "seconds": round(self._timeline.lasting(now, f"Deployment {name}", "rollout"), 1),
            }
            for deployment in self._bundle.objects("Deployment")
            for name in (deployment["metadata"]["name"],)
            for found, members in ((live.get(name), pods_of(deployment, pods)),)
            if found is not None and not deployment_verdict(name, found, members).ready
        ]

    def _with_event(self, verdict: Verdict) -> Verdict:
        """Add the last event of a pod to the verdict on its Deployment, e.g. a pull or a mount."""
        for deployment in self._bundle.objects("Deployment"):
            if verdict.rule == "rollout" and verdict.name == deployment["metadata"]["name"]:
                members = pods_of(deployment, self._readiness.pods())
                silent = [pod for pod in members if is_being_made(pod)]
                for pod in silent[:1]:
                    uid = text(pod, "metadata", "uid")
                    if said := last_event(self._cluster, namespace_of(pod), name_of(pod), uid):
                        return replace(verdict, evidence=f"{verdict.evidence}: {said}")
        return verdict


def _error(said: str, diagnosis: list[dict[str, Any]], rows: Iterable[Verdict], next_step: str) -> NotReadyError:
    return NotReadyError(
        bounded_message("\n  ".join([said, *diagnosis_lines(diagnosis, said)])),
        step=STEP,
        next_step=next_step,
        facts={"checks": [verdict.row() for verdict in rows], "diagnosis": diagnosis},
    )


def _first(next_steps: Iterable[str]) -> str:
    """Return the first next steps, each once."""
    return "; ".join(list(dict.fromkeys(filter(None, next_steps)))[:_NEXT_STEPS])
