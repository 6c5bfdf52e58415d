# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation behind C(state=present): observe, plan, ask for rights, apply, record."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ._accepted import check_accepted
from ._apply import Applier, Outcome, custom_resources
from ._bundle import PHASES, Bundle, digest
from ._client import Cluster
from ._components import Meant, is_named_jobset
from ._diff import render_diff
from ._errors import ConductorError, InputError, RightsError, missing_rights
from ._identity import identity_of, parse_pin, require_identity
from ._jobset_choice import choose_jobset
from ._observe import observe
from ._ownership import entry_digest
from ._plan import Action, Observed, Plan, make_plan
from ._predict import predict
from ._preflight import preflight
from ._record import Entry, Record, record_manifest
from ._resources import Key
from ._rights import require_rights


def ensure_present(
    cluster: Cluster,
    bundle: Bundle,
    *,
    profile: str = "default",
    jobset: str = "auto",
    phases: Sequence[str] = PHASES,
    force: bool = False,
    check: bool = False,
    with_diff: bool = False,
    cluster_uid: str | None = None,
    accept: Sequence[str] = (),
    monotonic: Callable[[], float] = time.monotonic,
) -> dict[str, Any]:
    """Makes the objects of these phases be as the bundle has them; writes nothing that is so already.

    Args:
        jobset: whose JobSet it is to be: C(bundled) with the release, C(external), or C(auto): as it was installed, or
            else external where there is one.
        phases: only these are written; the plan, and with it every refusal, always covers all of them.
        force: take over fields of objects of ours that another manager owns.
        check: write nothing; ask the server by dry runs what would change. Fails as the run would fail.
        with_diff: say which fields change.
        cluster_uid: the identity the cluster must have; None where any is right.
        accept: codes of warnings that need not be told.

    Returns:
        C(changed), C(release), C(jobset) (C(bundled) or C(external)), C(actions) (verb to object names), C(unchanged)
        (a count), C(predicted) (objects that check mode could not ask the server about), C(recorded) (whether the
        install record is written), C(pending) (phases that still hold something to write), C(cluster_uid),
        C(warnings_found) (where something is written: what a person should know before), C(elapsed) in seconds, and
        C(diff).

    Raises:
        InputError, RefusedError, RightsError: before any write.
        ConductorError: a write failed; C(facts["written"]) names what was written before.
    """
    if unknown := sorted(set(phases) - set(PHASES)):
        raise InputError(f"there is no phase {', '.join(unknown)}", hint=f"the phases are: {', '.join(PHASES)}")
    check_accepted(accept)
    pin = parse_pin(cluster_uid) if cluster_uid else None
    started = monotonic()
    try:
        observed = observe(cluster, bundle)
    except RightsError as error:
        raise error if check else _with_missing_writes(error, cluster, bundle) from error
    identity = identity_of(cluster, observed.cluster_uid)
    require_identity(pin, identity, cluster.host)
    choice = choose_jobset(cluster, bundle, jobset, observed.record, observed.webhook_configurations)
    bundle = choice.bundle
    plan = make_plan(bundle, observed)
    writes = plan.writing(phases)
    warnings = []
    if writes or plan.reasons or choice.blockers:
        warnings = preflight(
            cluster,
            bundle,
            plan,
            jobset_mode=choice.meant,
            known=choice.blockers,
            accepted=accept,
            # What differs is worth knowing to whoever may only look.
            facts={"actions": _by_verb(writes)},
        )
    predicted = []
    if check or with_diff:
        present = observed.metadata.keys()
        predicted = predict(cluster, bundle, writes, present, force=force, ask_creations=check)
    if check:
        # An object that is only re-applied because the record does not know it may well stay as it is.
        done = [prediction.action for prediction in predicted if prediction.changes]
        entries = _entries(observed.record, ((prediction.action, prediction.metadata) for prediction in predicted))
        recorded = _new_record(bundle, observed.record, entries, profile, choice.meant) is not None
    else:
        outcomes, recorded = _write(cluster, bundle, plan, phases, observed.record, profile, choice.meant, force)
        done = [outcome.action for outcome in outcomes if outcome.changed]
    result: dict[str, Any] = {
        "changed": bool(done) or recorded,
        "release": bundle.release,
        "components": {
            name: version
            for name, version in bundle.components.items()
            if name != "jobset" or choice.meant == "bundled"
        },
        "jobset": choice.meant,
        "namespace": bundle.namespace,
        "kubernetes": observed.kubernetes,
        "cluster_uid": str(identity),
        "actions": _by_verb(done),
        "unchanged": len(plan.actions) - len(done) - len(plan.writing([p for p in PHASES if p not in phases])),
        "predicted": sorted(str(prediction.action.key) for prediction in predicted if check and not prediction.asked),
        "recorded": recorded,
        "pending": [phase for phase in PHASES if phase not in phases and plan.writing([phase])],
        "warnings_found": warnings,
        "elapsed": round(monotonic() - started, 2),
    }
    if with_diff:
        changes = {prediction.action.key: prediction.changes for prediction in predicted if prediction.changes}
        result["diff"] = render_diff({action.key: changes[action.key] for action in done if action.key in changes})
    return result


def _with_missing_writes(error: RightsError, cluster: Cluster, bundle: Bundle) -> RightsError:
    """Names beside the rights to read those to write as well: what is there is unknown, so it may be all to be made."""
    try:
        require_rights(cluster, bundle, make_plan(bundle, Observed()).writing(PHASES))
    except RightsError as writes:
        return missing_rights([*error.facts["missing_rights"], *writes.facts["missing_rights"]], "read the cluster")
    except ConductorError:
        # The failure to explain is the first one.
        return error
    return error


def _write(
    cluster: Cluster,
    bundle: Bundle,
    plan: Plan,
    phases: Sequence[str],
    record: Record,
    profile: str,
    jobset: Meant,
    force: bool,
) -> tuple[list[Outcome], bool]:
    """Applies what the plan wants written and keeps the install record, also of an apply that failed half-way.

    Returns:
        what was applied, and whether the record was written.
    """
    if not plan.writing(phases):
        return [], _keep_record(cluster, bundle, record, (), profile, jobset)
    applier = Applier(cluster, force=force)
    try:
        served = True
        for phase in (phase for phase in PHASES if phase in phases):
            actions = plan.writing([phase])
            if phase not in ("foundation", "access") and actions and not served:
                applier.await_served(custom_resources(bundle.objects("CustomResourceDefinition")))
                served = True
            applier.apply(actions)
            if phase == "foundation" and actions:
                served = False
    except ConductorError as error:
        written = sorted(str(outcome.action.key) for outcome in applier.outcomes if outcome.changed)
        error.facts["written"] = written
        try:
            _keep_record(cluster, bundle, record, applier.outcomes, profile, jobset)
        except ConductorError as second:
            # The first failure is the one to explain; without the record the next run only applies more than it must.
            error.facts["record_not_kept"] = str(second)
        raise
    return applier.outcomes, _keep_record(cluster, bundle, record, applier.outcomes, profile, jobset)


def _keep_record(
    cluster: Cluster, bundle: Bundle, record: Record, outcomes: Iterable[Outcome], profile: str, jobset: Meant
) -> bool:
    entries = _entries(record, ((outcome.action, outcome.metadata) for outcome in outcomes))
    new = _new_record(bundle, record, entries, profile, jobset)
    if new is not None:
        # Whoever edited the record has no say in what it must hold.
        cluster.apply(record_manifest(new, bundle.namespace), force=True)
    return new is not None


def _new_record(
    bundle: Bundle, record: Record, entries: Mapping[Key, Entry], profile: str, jobset: Meant
) -> Record | None:
    """The record with these entries; None where it is as it was, or its namespace is not there to hold it."""
    if not entries and record.jobset in ("", jobset):
        return None
    known = {
        key: entry for key, entry in record.entries.items() if jobset == "bundled" or not is_named_jobset(key.name)
    }
    new = Record(bundle.release, profile, bundle.sha256, {**known, **entries}, jobset)
    home = any(key.kind == "Namespace" and key.name == bundle.namespace for key in new.entries)
    return new if home and new != record else None


def _entries(record: Record, applied: Iterable[tuple[Action, Mapping[str, Any]]]) -> Mapping[Key, Entry]:
    """What the record is to say of objects that were applied, from the metadata they have then."""
    found = {}
    for action, metadata in applied:
        known = record.entries.get(action.key)
        found[action.key] = Entry(
            uid=metadata["uid"],
            desired=digest(action.manifest),
            applied=entry_digest(metadata) or "",
            created=_is_ours_to_delete(action) or (known is not None and known.created),
        )
    return found


def _is_ours_to_delete(action: Action) -> bool:
    """Whether an object came with this release: created by us, or by kubectl from our own kustomization.

    A namespace that kubectl applied may have been there before, and may hold anything: it stays.
    """
    return action.verb == "create" or (action.hand_over and action.key.kind != "Namespace")


def _by_verb(actions: Iterable[Action]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for action in actions:
        grouped.setdefault(action.verb, []).append(str(action.key))
    return {verb: sorted(names) for verb, names in sorted(grouped.items())}
