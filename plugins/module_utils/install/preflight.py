# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The look before an install leaps: what the plan refuses and what an inspection finds, as one list without doubles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ..cluster.client import Cluster
from ..errors import ConductorError, RefusedError, RightsError, listed
from ..findings.accepted import not_accepted
from ..findings.catalogue import BY_CODE
from ..findings.rules import is_ours
from ..inspection.inspect import inspect
from ..objects.line import about
from ..plan.plan import Blocker, Plan
from ..release.bundle import PHASES, Bundle
from ..rights.check import require_rights

Finding = dict[str, str]

# The plan knows what is to be written, and asks for the rights to that; an inspection knows only all that could be.
_ASKED_EXACTLY = frozenset({"permissions_missing", "role_not_grantable", "repair_not_permitted", "permissions_unknown"})


def preflight(
    cluster: Cluster,
    bundle: Bundle,
    plan: Plan,
    *,
    jobset_mode: str = "bundled",
    known: Sequence[Mapping[str, str]] = (),
    accepted: Sequence[str] = (),
    adopt: Sequence[str] = (),
    facts: Mapping[str, Any] | None = None,
) -> list[Finding]:
    """Inspects the cluster before the first write of a plan, and asks for the rights that the whole release needs.

    Args:
        jobset_mode: whose JobSet it is to be, C(bundled) or C(external).
        known: blockers that choosing it brought up.
        accepted: codes of warnings that need not be told.
        adopt: the installers whose objects are taken over.
        facts: for the error, beside those of the findings.

    Returns:
        the warnings to tell.

    Raises:
        RefusedError: names everything that stands against it, at once.
        RightsError: where that is nothing but rights.
        ApiError, UnreachableError: the server failed.
    """
    try:
        with ThreadPoolExecutor(1) as pool:
            # Of the whole release: better none of it than half of it.
            asked = pool.submit(_missing, cluster, bundle, plan)
            found = inspect(cluster, bundle, jobset_mode=jobset_mode, adopt=adopt)
        missing = asked.result()
    except ConductorError as error:
        if plan.blockers or known:
            # They are enough, and nothing is to be written.
            raise _refused(merged(_joined([], known), plan.blockers), plan, None, {}) from error
        raise
    blockers, warnings = (
        [finding for finding in found[name] if finding["code"] not in _ASKED_EXACTLY]
        for name in ("blockers", "warnings_found")
    )
    blockers = merged(_joined(blockers, known), plan.blockers)
    if is_ours(found):
        # What Conductor began it is about to complete.
        warnings = [finding for finding in warnings if finding["code"] != "trainer_incomplete"]
    if missing is not None and not blockers:
        missing.facts |= facts or {}
        missing.facts["blockers"] = _of_missing_rights(missing)
        raise missing
    if missing is not None:
        blockers = [*blockers, *_of_missing_rights(missing)]
    if blockers:
        raise _refused(blockers, plan, missing, {} if plan.blockers else dict(facts or {}))
    return not_accepted(warnings, accepted)


def merged(blockers: Sequence[Finding], reasons: Sequence[Blocker]) -> list[Finding]:
    """The findings of an inspection and the refusals of a plan; what both say is said once. Pure."""
    findings = [dict(finding) for finding in blockers]
    for reason in reasons:
        same = [finding for finding in findings if _is_same(finding, reason)]
        if not same:
            findings.append(_finding(reason))
        elif reason.code == "terminating":
            # The plan has the server's words for what it waits for.
            findings[findings.index(same[0])] = _finding(reason)
        elif reason.about:
            # The plan has the names of the objects.
            same[0]["object"] += f" ({reason.subject})"
    return findings


def _missing(cluster: Cluster, bundle: Bundle, plan: Plan) -> RightsError | None:
    try:
        require_rights(cluster, bundle, plan.writing(PHASES))
    except RightsError as error:
        return error
    return None


def _joined(blockers: Sequence[Finding], known: Sequence[Mapping[str, str]]) -> list[Finding]:
    """All of them; of two with one code the first."""
    codes = {finding["code"] for finding in blockers}
    return [*blockers, *(dict(finding) for finding in known if finding["code"] not in codes)]


def _is_same(finding: Finding, reason: Blocker) -> bool:
    if reason.about:
        # Whose it is and where it is; a finding about a whole Trainer or JobSet says that as well.
        return not reason.about.isdisjoint(about(finding["object"], finding["cause"]))
    return finding["code"] == reason.code


def _finding(reason: Blocker) -> Finding:
    return {"code": reason.code, "object": reason.subject, "cause": reason.cause, "next_step": reason.next_step}


def _of_missing_rights(error: ConductorError) -> list[Finding]:
    """The findings for rights that are missing."""
    entry = BY_CODE["permissions_missing"]
    return [entry.finding("this identity", right=right) for right in error.facts["missing_permissions"]]


def _refused(
    blockers: Sequence[Finding], plan: Plan, missing: ConductorError | None, facts: dict[str, Any]
) -> ConductorError:
    lines = [f"{finding['code']}, {finding['object']}: {finding['cause']}" for finding in blockers]
    error = RefusedError(
        listed("nothing was written, because", lines),
        step="preflight",
        next_step="; ".join(dict.fromkeys(finding["next_step"] for finding in blockers)),
        facts=facts,
    )
    error.facts["blockers"] = list(blockers)
    if plan.blockers:
        error.facts["plan_blockers"] = list(plan.blocker_lines)
    if missing is not None:
        error.facts["missing_permissions"] = missing.facts["missing_permissions"]
    return error
