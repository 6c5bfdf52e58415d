# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation behind C(state=present): observe, plan, look at the whole cluster, ask by dry runs, carry out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ..certificates.external import certify
from ..cluster.client import Cluster
from ..cluster.identity import identity_of, parse_pin, require_identity
from ..errors import ConductorError, InputError, RightsError, missing_permissions
from ..findings.accepted import check_accepted
from ..jobset.choice import choose_jobset
from ..objects.diff import render_diff
from ..plan.observe import observe
from ..plan.plan import Action, Observed, make_plan
from ..release.bundle import PHASES, Bundle
from .decision import Decided
from .dry_run import predict
from .execute import Done, carry_out
from .preserved_fields import preserved_fields

# Seconds to wait for another run to end: longer than an apply on a slow cluster takes.
LEASE_TIMEOUT = 120.0


def ensure_present(
    cluster: Cluster,
    bundle: Bundle,
    *,
    profile: str = "default",
    jobset: str = "auto",
    phases: Sequence[str] = PHASES,
    force: bool = False,
    prune: bool = True,
    prune_crds: bool = False,
    check: bool = False,
    with_diff: bool = False,
    cluster_uid: str | None = None,
    accept: Sequence[str] = (),
    adopt: Sequence[str] = (),
    lease_timeout: float = LEASE_TIMEOUT,
    monotonic: Callable[[], float] = time.monotonic,
) -> dict[str, Any]:
    """Makes the objects of these phases be as the bundle has them; writes nothing that is so already.

    Args:
        jobset: whose JobSet it is to be: C(bundled) with the release, C(external), or C(auto): as it was installed, or
            else external where there is one.
        phases: only these are written; the plan, and with it every refusal, always covers all of them.
        force: take over fields of objects of ours that another manager owns.
        prune: delete what an earlier release had and this one has not; CRDs only with C(prune_crds).
        check: write nothing; ask the server by dry runs what would change. Fails as the run would fail.
        with_diff: say which fields change.
        cluster_uid: the identity the cluster must have; None where any is right.
        accept: codes of warnings that need not be told.
        adopt: the installers whose objects are taken over; some of C(_owners.ADOPTABLE).
        lease_timeout: seconds to wait for another run on the same cluster to end.

    Returns:
        C(changed), C(release), C(jobset) (C(bundled) or C(external)), C(actions) (verb to object names), C(unchanged)
        (a count), C(kept) (what an earlier release left and stays, with the reason), C(predicted) (objects that check
        mode could not ask the server about), C(recorded) (whether the install record is written), C(pending) (phases
        that still hold something to write), C(cluster_uid), C(warnings_found) (where something is written: what a
        person should know before), C(remarks) (what a person should know afterwards), C(preserved_fields) (what
        others still own of objects that were taken over), C(elapsed) in seconds, and
        C(diff).

    Raises:
        InputError, RefusedError, RightsError: before any write.
        NotReadyError: another run does not end.
        ConductorError: a write failed; C(facts["written"]) names what was written before.
    """
    if unknown := sorted(set(phases) - set(PHASES)):
        raise InputError(f"there is no phase {', '.join(unknown)}", next_step=f"the phases are: {', '.join(PHASES)}")
    check_accepted(accept)
    pin = parse_pin(cluster_uid) if cluster_uid else None
    started = monotonic()
    warnings: list[dict[str, str]] = []

    def decide() -> Decided:
        """What is to be done, by what is on the cluster now."""
        asked = cluster.remembering()
        # A first install is inspected in any case: what an inspection reads is on its way while the rest is observed.
        # The answers, failures included, are there when they are asked for.
        with ThreadPoolExecutor(1) as ahead:
            try:
                observed = observe(
                    asked,
                    bundle,
                    beside=jobset != "bundled",
                    prune=prune,
                    prune_crds=prune_crds,
                    unrecorded=lambda: ahead.submit(_read_ahead, asked, bundle),
                )
            except RightsError as error:
                raise error if check else _with_missing_writes(error, asked, bundle) from error
            return decide_by(asked, observed)

    def decide_by(asked: Cluster, observed: Observed) -> Decided:
        require_identity(pin, identity_of(cluster, observed.cluster_uid), cluster.host)
        choice = choose_jobset(asked, bundle, jobset, observed.record, observed.webhook_configurations, adopt)
        certified = certify(asked, choice.bundle, observed.metadata)
        plan = make_plan(certified.bundle, observed, adopt)
        writes = plan.writing(phases)
        known = (*choice.blockers, *certified.blockers)
        if writes or plan.blockers or known:
            # Not at the top: what only a run with something to do needs is a quarter of all that is to be imported.
            from .preflight import preflight

            warnings[:] = preflight(
                asked,
                certified.bundle,
                plan,
                jobset_mode=choice.meant,
                known=known,
                accepted=accept,
                adopt=adopt,
                # What differs is worth knowing to whoever may only look.
                facts={"actions": _by_verb(writes)},
            )
        predictions = predict(asked, certified.bundle, writes, observed.metadata, force=force, ask_creations=check)
        return Decided(certified.bundle, profile, choice.meant, observed, plan, predictions)

    decided = decide()
    if check:
        done = Done(decided.changing, decided.records)
    else:
        done = carry_out(cluster, decided, decide, force=force, patience=lease_timeout)
    return {
        **_result(decided, done, phases, check=check),
        "cluster_uid": str(identity_of(cluster, decided.observed.cluster_uid)),
        "warnings_found": warnings,
        "elapsed": round(monotonic() - started, 2),
        **({"diff": _diff(decided, done)} if with_diff else {}),
    }


def _result(decided: Decided, done: Done, phases: Sequence[str], *, check: bool) -> dict[str, Any]:
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
        "notices": done.remarks,
        "preserved_fields": preserved_fields((found.action, found.metadata) for found in decided.predictions),
    }


def _diff(decided: Decided, done: Done) -> dict[str, str]:
    changes = {found.action.key: found.changes for found in decided.predictions if found.changes}
    return render_diff({action.key: changes[action.key] for action in done.changed if action.key in changes})


def _read_ahead(cluster: Cluster, bundle: Bundle) -> None:
    from ..inspection.reads import read_ahead

    read_ahead(cluster, bundle)


def _with_missing_writes(error: RightsError, cluster: Cluster, bundle: Bundle) -> RightsError:
    """Names beside the rights to read those to write as well: what is there is unknown, so it may be all to be made."""
    from ..rights.check import require_rights

    try:
        require_rights(cluster, bundle, make_plan(bundle, Observed()).writing(PHASES))
    except RightsError as writes:
        return missing_permissions(
            [*error.facts["missing_permissions"], *writes.facts["missing_permissions"]], "read the cluster"
        )
    except ConductorError:
        # The failure to explain is the first one.
        return error
    return error


def _by_verb(actions: Iterable[Action]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for action in actions:
        grouped.setdefault(action.verb, []).append(str(action.key))
    return {verb: sorted(names) for verb, names in sorted(grouped.items())}
