# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries out what was decided: under a lease, with the intent on record first and what was done at the end.

The only place from which an install writes. Order: the operator's Namespace (lease and record live in it), lease,
intent, the phases, what is pruned in the reverse order of the phases, record.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field

from ..certificates.rotation import await_rotators_gone
from ..cluster.client import Cluster
from ..cluster.lease import Lease
from ..errors import ApiError, ConductorError
from ..objects.resources import Key
from ..ownership.record import Record, read_install_record, record_manifest
from ..plan.plan import Action
from ..release.bundle import EXTERNAL, PHASES
from .apply import Applier, Outcome, custom_resources
from .decision import Decided
from .record_updates import entries_of, intended

# What is applied at once, and what only after it. CRDs first, because the server takes half a second until it serves
# them, and a controller that starts before that finds none and ends. Meanwhile comes what needs no CRD: webhook
# configurations need no controller to be there either, and CRDs must not serve for long without the webhooks that
# validate them.
_TOGETHER = (("foundation",), ("access", "admission"), ("controllers",), ("runtimes",))
_NEED_CRDS = frozenset({"controllers", "runtimes"})


@dataclass
class Done:
    """What a run did.

    Args:
        decided: the decision that was carried out.
        changed: the actions that changed something.
        recorded: whether the record changed.
        notices: sentences for the user.
    """

    decided: Decided
    changed: list[Action] = field(default_factory=list)
    recorded: bool = False
    notices: list[str] = field(default_factory=list)


def carry_out(
    cluster: Cluster,
    decided: Decided,
    decide: Callable[[], Decided],
    *,
    force: bool,
    patience: float,
) -> Done:
    """Does it.

    Args:
        decide: decides anew; called where another run wrote meanwhile.
        force: take over fields that another manager owns.
        patience: seconds to wait for another run to end.

    Raises:
        NotReadyError: another run does not end.
        ConductorError: a write failed; C(facts["written"]) names what was written before.
    """
    done = Done(decided)
    if not (decided.changing or decided.records):
        return done
    applier = Applier(cluster, force=force)
    with ExitStack() as stack:
        try:
            made = [action for action in decided.changing if action.key == decided.home and action.verb == "create"]
            applier.apply(made)
            lease, announced = None, None
            if made or decided.home in decided.observed.metadata:
                with ThreadPoolExecutor(1) as beside:
                    announcing = beside.submit(_announce, cluster, decided) if made else None
                    lease = stack.enter_context(
                        Lease(cluster, decided.bundle.namespace, patience=patience, hopeful=bool(made))
                    )
                    announced = announcing.result() if announcing else None
                if lease.waited_for:
                    done.notices.append(f"waited for another run to end: {lease.waited_for}")
                seen = decided.observed.record.resource_version
                if not lease.is_new and _record(cluster, decided).resource_version != seen:
                    # What was decided upon is no more: another run has written since.
                    decided, announced = decide(), None
                    done.decided = decided
        except ConductorError as error:
            error.facts["written"] = _names(applier.outcomes)
            raise
        writer = _Writer(cluster, decided, applier, lease, {action.key for action in made}, announced)
        writer.run()
        done.changed = writer.changed()
        done.recorded = writer.recorded
    if lease is not None and lease.not_released:
        done.notices.append(f"the lease could not be given back and ends by itself: {lease.not_released}")
    return done


class _Writer:
    """One run through the phases, and the record of it."""

    def __init__(
        self,
        cluster: Cluster,
        decided: Decided,
        applier: Applier,
        lease: Lease | None,
        made: set[Key],
        announced: Record | None,
    ) -> None:
        self.recorded = False
        self._cluster = cluster
        self._decided = decided
        self._applier = applier
        self._lease = lease
        self._made = made
        self._pruned: list[Action] = []
        self._gone: list[Key] = []
        self._record = announced or decided.observed.record

    def run(self) -> None:
        creations = {*self._decided.creations, *self._made}
        try:
            if creations:
                decided = self._decided
                intent = intended(self._record, decided.bundle, decided.profile, decided.jobset, creations)
                if intent != self._record:
                    self._keep(intent)
            self._apply()
            self._prune()
        except ConductorError as error:
            error.facts["written"] = sorted({*_names(self._applier.outcomes), *map(_name, self._pruned)})
            try:
                self._complete(failed=True)
            except ConductorError as second:
                # The first failure is the one to explain; without the record the next run only asks more than it must.
                error.facts["record_not_saved"] = str(second)
            raise
        self._complete(failed=False)

    def changed(self) -> list[Action]:
        """The actions that changed something, in the order in which they were carried out."""
        return [*(outcome.action for outcome in self._applier.outcomes if outcome.changed), *self._pruned]

    def _apply(self) -> None:
        actions = [
            action for action in self._decided.changing if action.verb != "prune" and action.key not in self._made
        ]
        unserved = any(action.phase == "foundation" for action in actions)
        own = self._decided.bundle.certificates == EXTERNAL
        for phases in [(phase,) for phase in PHASES] if own else _TOGETHER:
            wanted = [action for action in actions if action.phase in phases]
            if wanted and unserved and _NEED_CRDS & {*phases}:
                self._applier.await_served(custom_resources(self._decided.bundle.objects("CustomResourceDefinition")))
                unserved = False
            if wanted and own and "admission" in phases:
                # A controller that still makes certificates would undo it.
                self._go_on()
                await_rotators_gone(self._cluster, self._decided.bundle)
            self._go_on()
            self._applier.apply(wanted)

    def _prune(self) -> None:
        for phase in reversed(PHASES):
            self._go_on()
            self._cluster.each(
                self._prune_one,
                [action for action in self._decided.changing if action.verb == "prune" and action.phase == phase],
            )

    def _prune_one(self, action: Action) -> None:
        try:
            self._cluster.delete(action.key, action.uid)
            self._pruned.append(action)
        except ApiError as error:
            # Gone, or another object by now.
            if error.status not in (404, 409):
                raise
        self._gone.append(action.key)

    def _go_on(self) -> None:
        if self._lease is not None:
            self._lease.require()

    def _complete(self, *, failed: bool) -> None:
        decided = self._decided
        settled = [
            (found.action, found.metadata)
            for found in decided.predictions
            if not found.changes and found.action.key not in self._made
        ]
        applied = [(outcome.action, outcome.metadata) for outcome in self._applier.outcomes]
        entries = entries_of(self._record, [*settled, *applied])
        unsure = [key for key in self._record.intent if key not in entries] if failed else []
        new = decided.new_record(self._record, entries, self._gone, unsure)
        if new != self._record:
            self._keep(new)
        self.recorded = self._record != decided.observed.record

    def _keep(self, record: Record) -> None:
        if self._lease is None or self._lease.lost:
            # There is no namespace to keep it in, or it is another run's by now.
            return
        # Whoever edited the record has no say in what it must hold.
        self._cluster.apply(record_manifest(record, self._decided.bundle.namespace), force=True)
        self._record = record


def _announce(cluster: Cluster, decided: Decided) -> Record | None:
    """Records the intent in a namespace made just now, while the lease is taken; None where that is left for later.

    It is created and never changed, so that it takes nothing from a run that gets the lease first. Rights to objects
    of a certain name do not allow that: RBAC knows no name when something is created by a POST.
    """
    intent = decided.with_intent
    try:
        cluster.create(record_manifest(intent, decided.bundle.namespace), step="record")
    except ApiError as error:
        if error.status not in (403, 409):
            raise
        return None
    return intent


def _record(cluster: Cluster, decided: Decided) -> Record:
    return read_install_record(cluster, decided.bundle.namespace)


def _name(action: Action) -> str:
    return str(action.key)


def _names(outcomes: Sequence[Outcome]) -> list[str]:
    return sorted(str(outcome.action.key) for outcome in outcomes if outcome.changed)
