# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prove on the nodes that images can be pulled: create the pods, watch them, judge them, and delete them again.

The pods of C(pull_pods.py) end as soon as their image is there, so nothing of the image runs. A pod of a run that was
killed ends by itself, is deleted by the next proof, and is owned by the install lease, with which an uninstall deletes
it.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from ..cluster.client import Cluster
from ..cluster.transport import GRACE
from ..cluster.watch import Scope, Watcher
from ..diagnose.event_causes import event_cause
from ..diagnose.events import last_warning, reasons_of
from ..diagnose.failure_sign import FailureSign, rejection_sign
from ..diagnose.failure_tracker import FailureTracker
from ..diagnose.failures import pod_failures
from ..diagnose.limit_ranges import with_limit_range
from ..errors import ApiError, ConductorError
from ..objects.fields import has_ended, is_terminating, name_of, part, parts, text
from ..objects.resources import Key, resource_of
from ..redaction import redact
from ..rejections.rejection import Scene, rejection_of
from ..release.bundle import Bundle
from ..verdicts.pods import pod_words
from ..verdicts.progress import Progress
from ..verdicts.pulls import how_pulled, is_pulled
from .dry_run import Prediction
from .pull_pods import CONTAINER, LABEL, PullPod, changes_images, pull_pods
from .pull_results import FAILED, PLANNED, TIMEOUT, Unproven, not_proven, row_of

STEP = "prove the pulls"
_POD = resource_of("v1", "Pod")
_NODE = resource_of("v1", "Node")
# How many nodes are read at once, and how often. Their lists of images make them large.
_NODE_PAGE, _NODE_PAGES = 100, 5
# Seconds between two looks if no event arrives; the pauses before a pod is created again; after which time a pod that
# never appeared counts as lost; how much longer than the proof a pod of a killed run may last.
_IDLE, _PAUSE, _LONGEST_PAUSE, _LOST, _LONGER = 1.0, 1.0, 30.0, 10.0, 60
# Rejections that the requests of the real container may avoid.
_TOO_SMALL = frozenset({"limit_range", "limit_range_ratio", "quota_unspecified"})


@dataclass
class _Attempt:
    """One pod to create, and what has become of it.

    Args:
        name, uid: of the pod that exists; empty without one.
        since: when it was created, or may be created again.
        own: whether it requests the resources of the real container.
        pod: as last seen.
        sign: why the API server rejects it.
        row: the result; empty until it is known.
    """

    wanted: PullPod
    name: str = ""
    uid: str = ""
    since: float = float("-inf")
    pause: float = _PAUSE
    own: bool = False
    pod: Mapping[str, Any] = field(default_factory=dict)
    sign: FailureSign | None = None
    row: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Return the uid that its signs of failure have."""
        return self.uid or f"{self.wanted.group}/{self.wanted.architecture}"

    @property
    def is_proven(self) -> bool:
        """Return whether its image is on its node."""
        return bool(self.row) and self.row["outcome"] != FAILED


class PullProof:
    """One proof that images can be pulled.

    Args:
        pods: of C(pull_pods).
        namespace: in which they are created.
        timeout: seconds until every image must be there.
        owner: a reference to the object with which the pods are deleted at the latest.
        say: receives lines of progress; None for none.
        go_on: called at each look; raises an error to end the proof.
        monotonic: a clock in seconds; injected by tests.

    C(rows) has the results, C(notices) sentences for the user.
    """

    def __init__(
        self,
        cluster: Cluster,
        namespace: str,
        pods: Sequence[PullPod],
        *,
        timeout: float,
        owner: Mapping[str, Any] | None = None,
        say: Callable[[str], None] | None = None,
        go_on: Callable[[], None] = lambda: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.notices: list[str] = []
        self._deleting = cluster
        self._cluster = cluster.bounded(monotonic)
        self._namespace = namespace
        self._timeout = timeout
        self._owner = owner
        self._go_on = go_on
        self._monotonic = monotonic
        self._started = monotonic()
        self._progress = Progress(say, at_last="all images are on the nodes") if say else None
        self._attempts = [_Attempt(pod) for pod in pods]
        self._made: dict[Key, str] = {}
        self._unsure = False
        self._tracker = FailureTracker(self._cluster, ())

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Return the results so far."""
        return [attempt.row for attempt in self._attempts if attempt.row]

    def run(self) -> None:
        """Prove that the images can be pulled. The pods are deleted at the end, whatever it is.

        Raises:
            NotReadyError: an image cannot be pulled; names image, node, and what helps. C(facts["pull_proof"]) has
                every result.
            ConductorError: the server failed.
        """
        deadline = self._started + self._timeout
        self._cluster.give_up_at(deadline + GRACE)
        scope = Scope(_POD, self._namespace)
        try:
            with Watcher(self._cluster, [scope], step=STEP) as watcher:
                watcher.refresh()
                self._sweep(watcher.objects(scope).values())
                while True:
                    self._look(watcher.objects(scope))
                    waiting = [attempt for attempt in self._attempts if not attempt.row]
                    self._tell(waiting)
                    if not waiting:
                        return
                    self._judge(waiting, deadline)
                    self._go_on()
                    watcher.start()
                    watcher.wait(min(_IDLE, max(0.0, deadline - self._monotonic())))
                    if watcher.failure:
                        raise watcher.failure
        except ConductorError as error:
            error.facts["pull_proof"] = self.rows
            raise
        finally:
            if self._unsure:
                with suppress(ConductorError):
                    self._sweep(self._deleting.list_all(_POD, self._namespace, label_selector=LABEL)[0])
            self._delete(list(self._made))

    # -- pods ----------------------------------------------------------------------------------------------------

    def _look(self, pods: Mapping[str, Mapping[str, Any]]) -> None:
        """Take the current state of the pods, and create those that are missing."""
        for attempt in self._attempts:
            now = self._monotonic()
            if attempt.row:
                continue
            if attempt.name:
                self._take(attempt, pods.get(attempt.name), now)
            if not attempt.name and now >= attempt.since:
                self._create(attempt)

    def _take(self, attempt: _Attempt, pod: Mapping[str, Any] | None, now: float) -> None:
        if pod is None:
            # The watch may not know it yet.
            lost = bool(attempt.pod) or now - attempt.since >= _LOST
        else:
            attempt.pod = pod
            if is_pulled(pod, CONTAINER):
                outcome = how_pulled(reasons_of(self._cluster, self._namespace, attempt.name))
                attempt.row = row_of(attempt.wanted, pod, outcome, now - attempt.since)
                return
            lost = has_ended(pod) or is_terminating(pod)
        if lost:
            # Something evicted, rejected or deleted it, and may do so again.
            self._delete([Key("v1", "Pod", self._namespace, attempt.name)])
            attempt.name = attempt.uid = ""
            attempt.since, attempt.pause = now + attempt.pause, min(2 * attempt.pause, _LONGEST_PAUSE)

    def _create(self, attempt: _Attempt) -> None:
        manifest = attempt.wanted.manifest(
            self._namespace, secrets.token_hex(4), int(self._timeout) + _LONGER, self._owner, own=attempt.own
        )
        # Until the server answers, a pod may exist whose uid is not known.
        self._unsure = True
        try:
            made = self._cluster.create(manifest, step=STEP)
        except ApiError as error:
            self._unsure = error.status >= 500
            rejection = rejection_of(error.message, error.status, error.reason)
            if rejection.kind in _TOO_SMALL and attempt.wanted.resources and not attempt.own:
                attempt.own = True
                self._create(attempt)
                return
            if error.status not in (403, 422) and not rejection.is_admission:
                raise
            scene = Scene("the pods of the pull proof", self._namespace, given=True)
            attempt.sign = rejection_sign(rejection, scene, attempt.key, redact(error.message).strip())
            attempt.since = self._monotonic() + _IDLE
            return
        self._unsure = False
        attempt.name, attempt.uid = manifest["metadata"]["name"], text(made, "metadata", "uid")
        attempt.since, attempt.sign, attempt.pod = self._monotonic(), None, {}
        self._made[Key("v1", "Pod", self._namespace, attempt.name)] = attempt.uid

    def _sweep(self, pods: Iterable[Mapping[str, Any]]) -> None:
        """Delete the pods that a killed run left. The install lease is held, so no other run uses them."""
        left = {name_of(pod): pod for pod in pods if LABEL in part(pod, "metadata", "labels")}
        self._made |= {Key("v1", "Pod", self._namespace, name): text(left[name], "metadata", "uid") for name in left}
        self._delete(list(self._made))

    def _delete(self, keys: Sequence[Key]) -> None:
        def delete(key: Key) -> None:
            try:
                self._deleting.delete(key, self._made.pop(key))
            except ConductorError as error:
                # 404, 409: this pod is gone.
                if not (isinstance(error, ApiError) and error.status in (404, 409)):
                    self.notices.append(f"{key} of the pull proof could not be deleted; it ends by itself: {error}")

        self._deleting.each(delete, keys)

    # -- judgement -----------------------------------------------------------------------------------------------

    def _judge(self, waiting: Sequence[_Attempt], deadline: float) -> None:
        """Settle what is certain to fail, or late. Raise the error unless pods may be kept off such nodes."""
        now = self._monotonic()
        late = now >= deadline
        signs = self._signs(waiting)
        certain = {sign.uid for sign in self._tracker.certain(signs.values(), now)}
        fatal = {}
        for attempt in waiting:
            if not late and attempt.key not in certain:
                continue
            unproven = self._unproven(attempt, signs.get(attempt.key))
            peers = [other for other in self._attempts if other.wanted.group == attempt.wanted.group]
            if unproven.is_avoidable and any(other.is_proven for other in peers):
                attempt.row = row_of(attempt.wanted, attempt.pod, FAILED, now - self._started)
                self.notices.append(unproven.notice)
            elif not unproven.is_avoidable or all(late or other.row or other.key in certain for other in peers):
                fatal[attempt.key] = unproven
        if fatal:
            # Others that fail as well, though it may not be lasting, are not to be found one run after the other.
            for attempt in waiting:
                if attempt.key in signs and attempt.key not in fatal and not attempt.row:
                    unproven = self._unproven(attempt, signs[attempt.key])
                    if not unproven.is_avoidable:
                        fatal[attempt.key] = unproven
            failed = [attempt for attempt in waiting if attempt.key in fatal]
            for attempt in failed:
                attempt.row = row_of(attempt.wanted, attempt.pod, FAILED, now - self._started)
            raise not_proven([fatal[attempt.key] for attempt in failed], STEP, self._timeout if late else None)

    def _signs(self, waiting: Sequence[_Attempt]) -> dict[str, FailureSign]:
        """Return the signs of failure of the current pods, and of those that the API server rejects."""
        pods = [attempt.pod for attempt in waiting if attempt.name and attempt.pod]
        found = {sign.uid: sign for sign in pod_failures(pods, self._namespace, TIMEOUT)}
        return {**found, **{attempt.key: attempt.sign for attempt in waiting if attempt.sign}}

    def _unproven(self, attempt: _Attempt, sign: FailureSign | None) -> Unproven:
        if sign is not None:
            named = with_limit_range(self._cluster, sign)
            return Unproven(attempt.wanted, attempt.pod, str(named), named.next_step, named.signature)
        # The status does not show what holds up a pod whose container is being created.
        event = last_warning(self._cluster, self._namespace, attempt.pod) if attempt.pod else ""
        cause, next_step = event_cause(event, weak=False) or ("", "")
        words = ": ".join(filter(None, (cause, redact(event)))) or pod_words(attempt.pod) or "not created yet"
        return Unproven(attempt.wanted, attempt.pod, words, next_step)

    def _tell(self, waiting: Sequence[_Attempt]) -> None:
        if self._progress:
            done = len(self._attempts) - len(waiting)
            first = next(iter(waiting), None)
            said = ""
            if first:
                words = str(first.sign or "") or (pod_words(first.pod) if first.pod else "") or "pod is being created"
                said = f"pull proof: {done} of {len(self._attempts)} images are there; {first.wanted.place}: {words}"
            self._progress.tell(self._monotonic() - self._started, said)


def read_nodes(cluster: Cluster) -> list[Mapping[str, Any]]:
    """Return the first nodes; none if they may not be read."""
    found: list[Mapping[str, Any]] = []
    query = {"limit": str(_NODE_PAGE)}
    for _page in range(_NODE_PAGES):
        try:
            page = cluster.request("GET", _NODE.path(), query=query, step="list", subject="nodes")
        except ApiError as error:
            # 410: the list took too long for the server. What is known is enough.
            if error.status not in (403, 410):
                raise
            break
        found += parts(page, "items")
        if not (following := text(page, "metadata", "continue")):
            break
        query = {**query, "continue": following}
    return found


def planned(cluster: Cluster, bundle: Bundle, predictions: Iterable[Prediction], mode: str) -> list[dict[str, Any]]:
    """Return what a run would prove, for check mode. Creates nothing."""
    wanted = [found for found in predictions if changes_images(found.action, mode)]
    nodes = read_nodes(cluster) if wanted else []
    return [row_of(pod, {}, PLANNED, 0.0) for pod in pull_pods(bundle, wanted, mode, nodes)]
