# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write what was decided, while holding the install lease. Record the intent first and the outcome last.

An install writes from here only. Order: the operator's Namespace (it holds the lease and the record), the lease, the
intent, the pull proof with the objects that its pods need, the phases, the prunes in the reverse order of the phases,
the record.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from ..certificates.rotation import await_rotators_gone
from ..cluster.client import Cluster
from ..cluster.lease import Lease
from ..errors import ApiError, ConductorError
from ..objects.resources import Key
from ..ownership.record import Record, read_install_record, record_manifest
from ..plan.plan import Action
from ..release.bundle import EXTERNAL, PHASES
from ..release.components import custom_kinds
from .apply import Applier, Outcome
from .decision import Decided, Done
from .options import NO_PULL_PROOF, InstallOptions
from .record_updates import entries_of, intended

# Each group is applied at once, one group after the other. CRDs come first: the server needs half a second to serve
# them, and a controller that starts earlier exits. Objects that need no CRD are applied meanwhile. Webhook
# configurations need no running controller, and CRDs should not be served for long without their validating webhooks.
_TOGETHER = (("foundation",), ("access", "admission"), ("controllers",), ("runtimes",))
_NEED_CRDS = frozenset({"controllers", "runtimes"})


def carry_out(
    cluster: Cluster,
    decided: Decided,
    decide: Callable[[], Decided],
    options: InstallOptions,
    say: Callable[[str], None] | None = None,
) -> Done:
    """Carry out a decision that writes something.

    Args:
        decide: decides again; called if another run has written meanwhile.
        say: receives lines of progress; None for none.

    Raises:
        NotReadyError: another run holds the install lease.
        ConductorError: a write failed; C(facts["written"]) names the objects that were written before.
    """
    done = Done(decided)
    applier = Applier(cluster, force=options.force)
    with ExitStack() as stack:
        try:
            made = [action for action in decided.changing if action.key == decided.home and action.verb == "create"]
            applier.apply_phase(made)
            lease, announced = None, None
            if made or decided.home in decided.observed.metadata:
                with ThreadPoolExecutor(1) as pool:
                    announcing = pool.submit(_announce, cluster, decided) if made else None
                    lease = stack.enter_context(
                        Lease(cluster, decided.bundle.namespace, patience=options.lease_timeout, hopeful=bool(made))
                    )
                    announced = announcing.result() if announcing else None
                if lease.waited_for:
                    done.notices.append(f"waited for another run to end: {lease.waited_for}")
                seen = decided.observed.record.resource_version
                if not lease.is_new and _record(cluster, decided).resource_version != seen:
                    # The decision is outdated: another run has written since.
                    decided, announced = decide(), None
                    done.decided = decided
        except ConductorError as error:
            error.facts["written"] = _names(applier.outcomes)
            raise
        writer = _Writer(cluster, decided, applier, lease, {action.key for action in made}, announced, options, say)
        writer.run()
        done.changed = writer.changed()
        done.recorded = writer.recorded
        done.notices += writer.notices
        done.pull_proof = writer.pull_proof
    if lease is not None and lease.not_released:
        done.notices.append(f"the install lease could not be released; it expires by itself: {lease.not_released}")
    return done


class _Writer:
    """One run through the phases, with its record."""

    def __init__(
        self,
        cluster: Cluster,
        decided: Decided,
        applier: Applier,
        lease: Lease | None,
        made: set[Key],
        announced: Record | None,
        options: InstallOptions,
        say: Callable[[str], None] | None,
    ) -> None:
        self.recorded = False
        self.notices: list[str] = []
        self.pull_proof: list[dict[str, Any]] = []
        self._options = options
        self._say = say
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
                # Report the first failure. Without the record, the next run only sends more requests.
                error.facts["record_not_saved"] = str(second)
            raise
        self._complete(failed=False)

    def changed(self) -> list[Action]:
        """Return the actions that changed something, in the order of the writes."""
        return [*(outcome.action for outcome in self._applier.outcomes if outcome.changed), *self._pruned]

    def _apply(self) -> None:
        actions = [
            action for action in self._decided.changing if action.verb != "prune" and action.key not in self._made
        ]
        if self._options.pull_proof != NO_PULL_PROOF and self._lease is not None:
            actions = self._prove_pulls(actions, self._lease)
        unserved = any(action.phase == "foundation" for action in actions)
        own = self._decided.bundle.certificates == EXTERNAL
        for phases in [(phase,) for phase in PHASES] if own else _TOGETHER:
            wanted = [action for action in actions if action.phase in phases]
            if wanted and unserved and _NEED_CRDS & {*phases}:
                defined = custom_kinds(self._decided.bundle.objects())
                self._applier.await_served([resource for resource, _kind in defined])
                unserved = False
            if wanted and own and "admission" in phases:
                # A controller that still creates certificates would overwrite the caBundle.
                self._go_on()
                await_rotators_gone(self._cluster, self._decided.bundle)
            self._go_on()
            self._applier.apply_phase(wanted)

    def _prove_pulls(self, actions: list[Action], lease: Lease) -> list[Action]:
        """Prove that the images can be pulled that these actions need; return the actions that are still to be done.

        This comes before every change to what is running, so that a release stays whole if its successor cannot start.
        """
        # Most runs need neither.
        from .pull_pods import changes_images, prerequisites, pull_pods
        from .pull_proof import PullProof, read_nodes

        bundle, options = self._decided.bundle, self._options
        if not any(changes_images(action, options.pull_proof) for action in actions):
            return actions
        pods = pull_pods(bundle, self._decided.predictions, options.pull_proof, read_nodes(self._cluster))
        if not pods:
            return actions
        first = prerequisites(bundle, actions, pods)
        for phase in PHASES:
            self._go_on()
            self._applier.apply_phase([action for action in first if action.phase == phase])
        proof = PullProof(
            self._cluster,
            bundle.namespace,
            pods,
            timeout=options.pull_proof_timeout,
            owner=lease.as_owner,
            say=self._say,
            go_on=self._go_on,
        )
        proof.run()
        self.pull_proof, self.notices = proof.rows, proof.notices
        done = {action.key for action in first}
        return [action for action in actions if action.key not in done]

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
            # 404: gone. 409: another object has this name now.
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
        if failed and not any(action.key.kind == "Deployment" for action, _metadata in applied):
            # What runs has the options of the last run, for example after a pull that failed.
            new = replace(new, options=decided.observed.record.options)
        if new != self._record:
            self._keep(new)
        self.recorded = self._record != decided.observed.record

    def _keep(self, record: Record) -> None:
        if self._lease is None or self._lease.lost:
            # There is no namespace for the record, or another run holds the lease now.
            return
        # Overwrite manual edits of the record.
        self._cluster.server_side_apply(record_manifest(record, self._decided.bundle.namespace), force=True)
        self._record = record


def _announce(cluster: Cluster, decided: Decided) -> Record | None:
    """Record the intent in a namespace that was just created, while the lease is being acquired.

    The record is only created here, never changed: another run may get the lease first. RBAC rules with resourceNames
    do not allow this request, because a POST has no object name for the authorizer.

    Returns:
        the record; None if it already exists or may not be created here. It is then written later.
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
