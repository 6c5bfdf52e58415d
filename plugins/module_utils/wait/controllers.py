# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation behind wait_for_controllers: wait until both controllers are ready, or report what is not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..certificates.serving import ServingCertificates
from ..certificates.sources import needed_keys, pods_to_touch
from ..cluster.client import Cluster
from ..cluster.transport import GRACE
from ..diagnose.unreachable import unreachable_verdict
from ..errors import ConductorError, NotReadyError
from ..objects.resources import Key
from ..probes.culprits import REJECTED, UNANSWERED
from ..probes.proof import Proof
from ..probes.runtimes import require_runtimes
from ..release.bundle import Bundle
from ..verdicts.verdict import Verdict
from ..verdicts.workloads import pods_of
from .controller_rows import controller_rows
from .external_jobset import ExternalJobSet
from .nudges import Nudges
from .readiness import Readiness
from .timeline import Timeline

if TYPE_CHECKING:
    from ..diagnose.failure_tracker import FailureTracker
    from .not_ready import NotReady

# The longest pause between two checks if no event arrives, in seconds: after a failed proof, while a polled object is
# not ready, and otherwise.
_AFTER_PROOF, _ASKING, _IDLE = 0.05, 0.1, 1.0
# Seconds that a failed verdict must last: a condition may be about the version of the object before the last write. A
# webhook of others whose Service is missing has longer: a tool may be about to install it.
_FAILED_GRACE = 5.0
_GRACES = {UNANSWERED: 30.0}


class ControllersWait:
    """One wait for the controllers of a bundle.

    Args:
        external_jobset: an external JobSet, which must be ready, too; C(bundle) then has no JobSet.
        refresh: touch the pods that wait for the kubelet to mount their new certificate.
        retry: retry immediately what is in back-off since an earlier run. Without these two nothing is written.
        prove_runtimes: at the end, send a dry-run TrainJob to each runtime of the bundle.
        say: receives lines of progress; None for none.
        monotonic: seconds; injected by tests.
    """

    def __init__(
        self,
        cluster: Cluster,
        bundle: Bundle,
        *,
        external_jobset: ExternalJobSet | None = None,
        refresh: bool = False,
        retry: bool = False,
        prove_runtimes: bool = False,
        say: Callable[[str], None] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cluster = cluster.bounded(monotonic)
        self._bundle = bundle
        self._external_jobset = external_jobset
        self._refresh = refresh
        self._retry = retry
        self._prove_runtimes = prove_runtimes
        self._monotonic = monotonic
        self._started = monotonic()
        self._timeline = Timeline(self._started, say)
        self._mounting: list[Key] = []
        self._failed_since: dict[str, float] = {}
        self._nudges = Nudges(self._cluster, monotonic)
        # The pods at the beginning, and the uids of those that were in back-off.
        self._first_pods: Sequence[Mapping[str, Any]] = ()
        self._stuck: frozenset[str] = frozenset()
        self._certificates = ServingCertificates(self._cluster, bundle, monotonic=monotonic)
        self._proof = Proof(self._cluster, bundle, self._certificates)
        self._readiness = Readiness(self._cluster, bundle, external_jobset, with_secrets=refresh)

    def run(self, timeout: float) -> dict[str, Any]:
        """Wait up to C(timeout) seconds; 0 checks once.

        Returns:
            C(controllers), C(checks), C(certificates), C(touched), C(retried), C(warnings), C(proof), C(timeline),
            C(progress) and C(elapsed); C(runtimes) if they were to be proven.

        Raises:
            NotReadyError: the deadline passed; names every rule that is not met, since when, and the evidence. Or,
                earlier, a controller cannot become ready; names cause and next step. Or the controllers are ready, but
                a runtime is missing or rejects a TrainJob.
            ApiError: an object may not be read.
        """
        deadline = self._started + timeout
        self._cluster.give_up_at(deadline + GRACE)
        with self._readiness.watcher as watcher:
            self._readiness.look_again()
            self._begin()
            while True:
                verdicts = self._readiness.verdicts()
                proving = all(verdict.ready for verdict in verdicts)
                if proving:
                    verdicts += self._prove()
                waiting = [verdict for verdict in verdicts if not verdict.ready]
                now = self._monotonic()
                self._timeline.note(now, waiting, [key.name for key in self._mounting])
                if not waiting:
                    return self._result(verdicts)
                self._raise_if_over(waiting, now, deadline)
                watcher.start()
                watcher.wait(min(self._pause(proving, waiting), self._help(), max(0.0, deadline - now)))

    def _pause(self, proving: bool, waiting: Iterable[Verdict]) -> float:
        if proving:
            # What others reject does not change within milliseconds.
            return _IDLE if any(verdict.rule in (REJECTED, UNANSWERED) for verdict in waiting) else _AFTER_PROOF
        return _ASKING if self._readiness.is_asking else _IDLE

    def _prove(self) -> list[Verdict]:
        """Return the verdicts of the probes. They count only if the probed objects are unchanged afterwards."""
        asked = self._readiness.proven_against()
        proofs = self._proof.verdicts(self._readiness.configurations())
        if not all(proof.ready for proof in proofs):
            return proofs
        try:
            self._certificates.forget()
            self._readiness.look_again(self._certificates.requests())
            verdicts = self._readiness.verdicts() + self._certificates.look(self._readiness.configurations())
        except ConductorError as error:
            return [*proofs, unreachable_verdict(error)]
        lost = [verdict for verdict in verdicts if not verdict.ready]
        if not lost and self._readiness.proven_against() != asked:
            lost = [Verdict("webhooks", "proof", "progressing", "endpoints or configurations changed meanwhile")]
        return proofs + lost

    def _raise_if_over(self, waiting: list[Verdict], now: float, deadline: float) -> None:
        """Raise the error that ends the wait, if there is one."""
        failures = self._failure_tracker.signs(self._readiness.deployments(), self._readiness.pods())
        error: NotReadyError | None = None
        certain = self._failure_tracker.certain(failures, now)
        final = self._final(waiting, now)
        if certain or final:
            error = self._not_ready.failed(waiting, certain, now, final)
        elif now >= deadline:
            error = self._not_ready.timed_out(waiting, failures, now, now - self._started)
        if error:
            error.facts |= self._facts(now)
            raise error
        if self._readiness.watcher.failure:
            raise self._readiness.watcher.failure

    # Two late imports: a wait for controllers that are ready already needs no diagnosis.
    @cached_property
    def _not_ready(self) -> NotReady:
        from .not_ready import NotReady

        return NotReady(self._cluster, self._bundle, self._readiness, self._timeline)

    @cached_property
    def _failure_tracker(self) -> FailureTracker:
        from ..diagnose.failure_tracker import FailureTracker

        tracker = FailureTracker(self._cluster, self._bundle.objects("Deployment"))
        tracker.begin(self._first_pods, self._stuck)
        return tracker

    def _final(self, waiting: list[Verdict], now: float) -> list[Verdict]:
        """Return the verdicts that have been failed for long enough."""
        failed = [verdict for verdict in waiting if verdict.state == "failed"]
        self._failed_since = {verdict.subject: self._failed_since.get(verdict.subject, now) for verdict in failed}
        return [
            verdict
            for verdict in failed
            if now - self._failed_since[verdict.subject] >= _GRACES.get(verdict.rule, _FAILED_GRACE)
        ]

    def _begin(self) -> None:
        """Record the initial state, and retry immediately what an earlier run left in back-off."""
        live, pods = self._readiness.deployments(), self._readiness.pods()
        deployments = self._bundle.objects("Deployment")
        self._first_pods = pods
        if self._retry:
            names = [deployment["metadata"]["name"] for deployment in deployments]
            self._stuck = self._nudges.retry(
                [live[name] for name in names if name in live],
                [pod for deployment in deployments for pod in pods_of(deployment, pods)],
            )

    def _help(self) -> float:
        """Touch the pods that are due; return the seconds until the next touch is due."""
        if not self._refresh:
            return _IDLE
        self._mounting = pods_to_touch(
            self._bundle.objects("Deployment"),
            self._readiness.pods(),
            self._readiness.secrets(),
            self._proof.stale,
            needed_keys(self._bundle),
        )
        return self._nudges.touch(self._mounting)

    def _facts(self, now: float) -> dict[str, Any]:
        return {
            "certificates": self._certificates.rows,
            "elapsed": round(now - self._started, 2),
            **self._timeline.wait_facts(),
        }

    def _result(self, verdicts: list[Verdict]) -> dict[str, Any]:
        live, pods = self._readiness.deployments(), self._readiness.pods()
        others = self._external_jobset.rows(self._readiness.watcher) if self._external_jobset else []
        controllers = others + controller_rows(self._bundle.objects("Deployment"), live, pods)
        try:
            proven = {"runtimes": require_runtimes(self._cluster, self._bundle)} if self._prove_runtimes else {}
        except NotReadyError as error:
            # The controllers are ready nevertheless.
            error.facts |= {"controllers": controllers}
            raise
        return {
            "controllers": controllers,
            "checks": [verdict.row() for verdict in verdicts],
            "touched": self._nudges.touched,
            "retried": self._nudges.retried,
            "warnings": self._nudges.warnings + self._certificates.warnings,
            "proof": self._proof.row(),
            **proven,
            **self._facts(self._monotonic()),
        }
