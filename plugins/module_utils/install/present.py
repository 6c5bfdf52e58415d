# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation behind C(state=present): observe, plan, inspect the cluster, send dry runs, write."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from ..certificates.external import certify
from ..cluster.client import Cluster
from ..cluster.identity import identity_of, parse_pin, require_expected
from ..errors import ApiError, ConductorError, RightsError, missing_permissions
from ..jobset.choice import choose_jobset
from ..ownership.record import Record
from ..plan.observe import observe
from ..plan.plan import Action, Observed, make_plan
from ..release.bundle import PHASES, Bundle
from .decision import Decided, Done
from .options import NO_PULL_PROOF, InstallOptions
from .preserved_fields import preserved_fields

if TYPE_CHECKING:
    from ..cluster.access_reviews import Right
    from .dry_run import Prediction

_DEFAULTS = InstallOptions()


def ensure_present(
    cluster: Cluster,
    bundle: Bundle,
    options: InstallOptions = _DEFAULTS,
    *,
    say: Callable[[str], None] | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> dict[str, Any]:
    """Make the objects of the selected phases match the bundle; objects that match already are not written.

    Args:
        say: receives lines of progress; None for none.
        monotonic: seconds; injected by tests.

    Returns:
        C(changed), C(release), C(components), C(jobset) (C(bundled) or C(external)), C(namespace), C(kubernetes),
        C(actions) (verb to object names), C(unchanged) (a count), C(retained) (objects of an earlier release that
        stay, with the reason), C(predicted) (objects for which check mode could not ask the server),
        C(record_updated), C(pending_phases) (phases that still have something to write), C(cluster_uid),
        C(warnings_found) (only if something is to be written), C(notices), C(preserved_fields) (fields of other
        managers on objects that were taken over), C(pull_proof) (which images are on nodes), C(options) (what options
        change; see C(explained)), C(options_changed) (the options that differ from those of the last run), C(elapsed)
        in seconds, and C(diff).

    Raises:
        InputError, RefusedError, RightsError: before any write.
        NotReadyError: another run holds the install lease.
        ConductorError: a write failed; C(facts["written"]) names the objects that were written before.
    """
    options.validate()
    started = monotonic()
    run = InstallRun(cluster, bundle, options)
    try:
        decided = run.decide()
        done = run.predicted(decided) if options.check else run.carry_out(decided, say)
    except ApiError as error:
        _name_options(error, bundle)
        raise
    return {**run.result(decided, done), "elapsed": round(monotonic() - started, 2)}


class InstallRun:
    """One run of an installation on one cluster."""

    def __init__(self, cluster: Cluster, bundle: Bundle, options: InstallOptions) -> None:
        self._cluster = cluster
        self._bundle = bundle
        self._options = options
        self._pin = parse_pin(options.cluster_uid) if options.cluster_uid else None

    def decide(self) -> Decided:
        """Decide what to do, from the current state of the cluster. Writes nothing.

        Raises:
            RefusedError, RightsError: the install is blocked.
            ApiError, UnreachableError: the server failed.
        """
        options = self._options
        asked = self._cluster.remembering()
        # A first install always needs an inspection: send its reads while the plan's reads are still running. The
        # cluster remembers the responses, failures included, until the inspection asks for them.
        with ThreadPoolExecutor(1) as ahead:
            try:
                observed = observe(
                    asked,
                    self._bundle,
                    may_be_external=options.jobset != "bundled",
                    prune=options.prune,
                    prune_crds=options.prune_crds,
                    unrecorded=lambda: ahead.submit(_read_ahead, asked, self._bundle),
                )
            except RightsError as error:
                raise error if options.check else _with_missing_writes(error, asked, self._bundle) from error
            return self._decide_by(asked, observed)

    def predicted(self, decided: Decided) -> Done:
        """Return what a run would do, for check mode."""
        done = Done(decided, decided.changing, decided.records)
        if self._options.pull_proof != NO_PULL_PROOF and done.changed:
            from .pull_proof import planned

            done.pull_proof = planned(self._cluster, decided.bundle, decided.predictions, self._options.pull_proof)
        return done

    def carry_out(self, decided: Decided, say: Callable[[str], None] | None = None) -> Done:
        """Write what was decided. See C(execute.carry_out)."""
        if not decided.writes:
            return Done(decided)
        # A late import: a no-op needs nothing that writes.
        from .execute import carry_out

        return carry_out(self._cluster, decided, self.decide, self._options, say)

    def result(self, decided: Decided, done: Done) -> dict[str, Any]:
        """Return the result of the run without C(elapsed). See C(ensure_present)."""
        phases, check = self._options.phases, self._options.check
        bundle, plan = decided.bundle, decided.plan
        others = [phase for phase in PHASES if phase not in phases]
        changed = sum(action.verb != "prune" for action in done.changed)
        now = plan.writing(phases)
        waiting = {action.phase for action in plan.writing(PHASES) if action not in now}
        later = sum(action.verb != "prune" for action in plan.writing(others))
        return {
            "changed": bool(done.changed) or done.recorded,
            "release": bundle.release,
            "components": {
                name: version
                for name, version in bundle.components.items()
                if name != "jobset" or decided.jobset == "bundled"
            },
            "jobset": decided.jobset,
            "namespace": bundle.namespace,
            "kubernetes": decided.observed.kubernetes,
            "actions": _by_verb(done.changed),
            "unchanged": len(bundle.objects()) - changed - later,
            "retained": [f"{leftover.key}: {leftover.reason}" for leftover in plan.retained],
            "predicted": sorted(str(found.action.key) for found in decided.predictions if check and not found.asked),
            "record_updated": done.recorded,
            "pending_phases": [phase for phase in PHASES if phase in waiting],
            "notices": [*done.notices, *_unused(decided)],
            "pull_proof": done.pull_proof,
            "preserved_fields": preserved_fields((found.action, found.metadata) for found in decided.predictions),
            "cluster_uid": str(identity_of(self._cluster, decided.observed.cluster_uid)),
            "warnings_found": list(done.decided.warnings),
            "options": _explained(bundle),
            "options_changed": _changed_options(decided.observed.record, bundle),
            **({"diff": _diff(decided, done)} if self._options.with_diff else {}),
        }

    def _decide_by(self, asked: Cluster, observed: Observed) -> Decided:
        require_expected(self._cluster, self._pin, observed.cluster_uid)
        try:
            return self._decide_with(asked, observed)
        except ConductorError as error:
            if changed := _changed_options(observed.record, self._bundle):
                error.facts["options_changed"] = changed
                if self._options.check:
                    from ..options.record import OTHER_OPTIONS_NEXT

                    error.next_step = "; ".join(filter(None, (error.next_step, OTHER_OPTIONS_NEXT)))
            raise

    def _decide_with(self, asked: Cluster, observed: Observed) -> Decided:
        options = self._options
        choice = choose_jobset(
            asked, self._bundle, options.jobset, observed.record, observed.webhook_configurations, options.adopt
        )
        certified = certify(asked, choice.bundle, observed.metadata)
        plan = make_plan(certified.bundle, observed, options.adopt)
        writes = plan.writing(options.phases)
        known = (*choice.blockers, *certified.blockers)
        warnings: list[dict[str, str]] = []
        if writes or plan.blockers or known:
            # A late import keeps a no-op quick: preflight pulls in a quarter of all modules.
            from .preflight import preflight

            warnings = preflight(
                asked,
                certified.bundle,
                plan,
                jobset_mode=choice.meant,
                known=known,
                accepted=options.accept,
                adopt=options.adopt,
                # Useful to an identity that may only read.
                facts={"actions": _by_verb(writes)},
                also=self._rights_to_prove(writes),
            )
        return Decided(
            certified.bundle,
            options.profile,
            choice.meant,
            observed,
            plan,
            self._predictions(asked, certified.bundle, writes, observed),
            tuple(warnings),
        )

    def _predictions(
        self, asked: Cluster, bundle: Bundle, writes: Sequence[Action], observed: Observed
    ) -> list[Prediction]:
        if not writes:
            return []
        # A late import: a no-op sends no dry run.
        from .dry_run import predict

        force, check = self._options.force, self._options.check
        return predict(asked, bundle, writes, observed.metadata, force=force, ask_creations=check)

    def _rights_to_prove(self, writes: Iterable[Action]) -> list[Right]:
        """Return the permissions for the pull proof that these actions need."""
        if self._options.pull_proof == NO_PULL_PROOF:
            return []
        from ..rights.required import to_prove_pulls
        from .pull_pods import changes_images

        needed = any(changes_images(action, self._options.pull_proof) for action in writes)
        return to_prove_pulls(self._bundle) if needed else []


def _name_options(error: ApiError, bundle: Bundle) -> None:
    """Add the options behind an object that the server rejects: its words name the field, but not the variable."""
    if names := {change.option for change in bundle.changes if str(change.key) == error.subject}:
        words = ", ".join(f"`conductor_{name}`" for name in sorted(names))
        error.next_step = "; ".join(filter(None, (error.next_step, f"these options change the object: {words}")))


def _unused(decided: Decided) -> list[str]:
    """Return a notice about the options that have no effect on this cluster."""
    if not decided.bundle.changes or decided.jobset != "external":
        return []
    from ..options.unused import without_effect

    names = without_effect(decided.bundle)
    return [f"this cluster has an external JobSet, on which these have no effect: {', '.join(names)}"] if names else []


def _diff(decided: Decided, done: Done) -> dict[str, str]:
    # A late import: only diff mode needs it.
    from ..objects.diff import render_diff

    changes = {found.action.key: found.changes for found in decided.predictions if found.changes}
    shown = {action.key: changes[action.key] for action in done.changed if action.key in changes}
    if not decided.bundle.changes:
        return render_diff(shown)
    from ..options.installed.explain import variable_of, variables_behind

    behind = variables_behind(decided.bundle)
    return render_diff(shown, lambda key, path: variable_of(path, behind[key]) if key in behind else "")


def _explained(bundle: Bundle) -> dict[str, Any]:
    """Return what the options change; see C(explained). Without options, nothing is imported for it."""
    if not bundle.options:
        return {"digest": "", "summary": [], "fields": 0, "objects": 0, "differences": []}
    from ..options.installed.explain import explained

    return explained(bundle)


def _changed_options(record: Record, bundle: Bundle) -> list[str]:
    """Return how the options differ from those of the last run; nothing if there was none."""
    if not record.entries or record.options == bundle.options:
        return []
    from ..options.record import changed_options

    return changed_options(record.options, bundle.options)


def _read_ahead(cluster: Cluster, bundle: Bundle) -> None:
    from ..inspection.reads import read_ahead

    read_ahead(cluster, bundle)


def _with_missing_writes(error: RightsError, cluster: Cluster, bundle: Bundle) -> RightsError:
    """Add the missing write permissions to the missing read permissions.

    The state of the cluster is unknown, so this assumes that every object has to be created.
    """
    from ..rights.check import require_rights

    try:
        require_rights(cluster, bundle, make_plan(bundle, Observed()).writing(PHASES))
    except RightsError as writes:
        return missing_permissions(
            [*error.facts["missing_permissions"], *writes.facts["missing_permissions"]], "read the cluster"
        )
    except ConductorError:
        # Report the first failure.
        return error
    return error


def _by_verb(actions: Iterable[Action]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for action in actions:
        grouped.setdefault(action.verb, []).append(str(action.key))
    return {verb: sorted(names) for verb, names in sorted(grouped.items())}
