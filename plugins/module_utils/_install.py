# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation behind C(state=present): observe, plan, ask for rights, apply, record."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ._apply import Applier, Outcome, custom_resources, explained
from ._bundle import PHASES, Bundle, digest
from ._client import FIELD_MANAGER, Cluster
from ._diff import changed_fields, render_diff
from ._errors import ApiError, ConductorError, InputError, RefusedError, RightsError, missing_rights
from ._observe import observe
from ._ownership import entry_digest
from ._plan import Action, Observed, Plan, make_plan
from ._record import Entry, Record, record_manifest
from ._resources import Key, path_of
from ._rights import record_rights, require_rights, rights_for
from ._takeover import predict_take_over


def ensure_present(
    cluster: Cluster,
    bundle: Bundle,
    *,
    profile: str = "default",
    phases: Sequence[str] = PHASES,
    force: bool = False,
    check: bool = False,
    with_diff: bool = False,
    monotonic: Callable[[], float] = time.monotonic,
) -> dict[str, Any]:
    """Makes the objects of these phases be as the bundle has them; writes nothing that is so already.

    Args:
        phases: only these are written; the plan, and with it every refusal, always covers all of them.
        force: take over fields of objects of ours that another manager owns.
        check: write nothing; ask the server by dry runs what would change.
        with_diff: say which fields change.

    Returns:
        C(changed), C(release), C(actions) (verb to object names), C(unchanged) (a count), C(pending) (phases that still
        hold something to write), C(elapsed) in seconds, and C(diff).

    Raises:
        InputError, RefusedError, RightsError: before any write.
        ConductorError: a write failed; C(facts["written"]) names what was written before.
    """
    if unknown := sorted(set(phases) - set(PHASES)):
        raise InputError(f"there is no phase {', '.join(unknown)}", hint=f"the phases are: {', '.join(PHASES)}")
    started = monotonic()
    try:
        observed = observe(cluster, bundle)
    except RightsError as error:
        raise error if check else _with_missing_writes(error, cluster, bundle) from error
    plan = make_plan(bundle, observed)
    if plan.refusals:
        raise RefusedError(
            "\n  ".join(["nothing was written, because", *plan.refusals]),
            step="plan",
            hint="; ".join(plan.remedies),
            facts={"refusals": list(plan.refusals)},
        )
    writes = plan.writing(phases)
    changes: dict[Key, dict[str, tuple[Any, Any]] | str] = {}
    if check or with_diff:
        changes = _predict(cluster, writes, force)
    if check:
        # An object that is only re-applied because the record does not know it may well stay as it is.
        done = [action for action in writes if action.key in changes]
        changed = bool(done)
    else:
        outcomes = _write(cluster, bundle, plan, phases, observed.record, profile, force)
        done = [outcome.action for outcome in outcomes if outcome.changed]
        changed = bool(outcomes) and (bool(done) or _record_grew(observed.record, outcomes))
    result: dict[str, Any] = {
        "changed": changed,
        "release": bundle.release,
        "components": dict(bundle.components),
        "namespace": bundle.namespace,
        "kubernetes": observed.kubernetes,
        "actions": _by_verb(done),
        "unchanged": len(plan.actions) - len(done) - len(plan.writing([p for p in PHASES if p not in phases])),
        "pending": [phase for phase in PHASES if phase not in phases and plan.writing([phase])],
        "elapsed": round(monotonic() - started, 2),
    }
    if with_diff:
        result["diff"] = render_diff({action.key: changes[action.key] for action in done if action.key in changes})
    return result


def _with_missing_writes(error: RightsError, cluster: Cluster, bundle: Bundle) -> RightsError:
    """Names beside the rights to read those to write as well: what is there is unknown, so it may be all to be made."""
    needed = rights_for(make_plan(bundle, Observed()).writing(PHASES)) + record_rights(bundle.namespace)
    try:
        require_rights(cluster, needed, bundle.namespace)
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
    force: bool,
) -> list[Outcome]:
    """Applies what the plan wants written and keeps the install record, also of an apply that failed half-way."""
    writes = plan.writing(phases)
    if not writes:
        return []
    # Rights for the phases of a later call as well: better none of the release than half of it.
    needed = rights_for(plan.writing(PHASES)) + record_rights(bundle.namespace)
    require_rights(cluster, needed, bundle.namespace)
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
            _keep_record(cluster, bundle, record, applier.outcomes, profile)
        except ConductorError as second:
            # The first failure is the one to explain; without the record the next run only applies more than it must.
            error.facts["record_not_kept"] = str(second)
        raise
    _keep_record(cluster, bundle, record, applier.outcomes, profile)
    return applier.outcomes


def _keep_record(cluster: Cluster, bundle: Bundle, record: Record, outcomes: Iterable[Outcome], profile: str) -> None:
    entries = {**record.entries, **_entries(record, outcomes)}
    new = Record(release=bundle.release, profile=profile, bundle=bundle.sha256, entries=entries)
    if new != record and any(key.kind == "Namespace" and key.name == bundle.namespace for key in entries):
        # Whoever edited the record has no say in what it must hold.
        cluster.apply(record_manifest(new, bundle.namespace), force=True)


def _entries(record: Record, outcomes: Iterable[Outcome]) -> Mapping[Key, Entry]:
    found = {}
    for outcome in outcomes:
        action, known = outcome.action, record.entries.get(outcome.action.key)
        found[action.key] = Entry(
            uid=outcome.metadata["uid"],
            desired=digest(action.manifest),
            applied=entry_digest(outcome.metadata) or "",
            created=_is_ours_to_delete(action) or (known is not None and known.created),
        )
    return found


def _is_ours_to_delete(action: Action) -> bool:
    """Whether an object came with this release: created by us, or by kubectl from our own kustomization.

    A namespace that kubectl applied may have been there before, and may hold anything: it stays.
    """
    return action.verb == "create" or (action.hand_over and action.key.kind != "Namespace")


def _record_grew(record: Record, outcomes: Iterable[Outcome]) -> bool:
    return any(record.entries.get(key) != entry for key, entry in _entries(record, outcomes).items())


def _predict(cluster: Cluster, writes: Sequence[Action], force: bool) -> dict[Key, dict[str, tuple[Any, Any]] | str]:
    """What the server would change, object by object; those that would not change are left out.

    Creations are said as such, because their namespace or CRD may be of the same run; of the rest the server's dry run
    is compared with what it has.
    """

    def one(action: Action) -> tuple[Key, dict[str, tuple[Any, Any]] | str]:
        if action.verb == "create":
            return action.key, "created"
        live = cluster.find(path_of(action.key)) or {}
        try:
            if action.hand_over:
                after = predict_take_over(cluster, action, live, force=force)
                return action.key, {"field manager": ("kubectl", FIELD_MANAGER), **changed_fields(live, after)}
            after = cluster.apply(action.manifest, dry_run=True, force=force, whole_answer=True)
        except ApiError as error:
            raise explained(error) from error
        return action.key, changed_fields(live, after)

    return {key: fields for key, fields in cluster.each(one, writes) if fields}


def _by_verb(actions: Iterable[Action]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for action in actions:
        grouped.setdefault(action.verb, []).append(str(action.key))
    return {verb: sorted(names) for verb, names in sorted(grouped.items())}
