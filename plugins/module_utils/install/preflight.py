# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collect the blockers of the plan and the findings of an inspection before the first write, without duplicates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ..cluster.access_reviews import Right
from ..cluster.client import Cluster
from ..errors import ApiError, ConductorError, RefusedError, RightsError, listed
from ..findings.accepted import not_accepted
from ..findings.catalogue import BY_CODE
from ..findings.rules import is_ours
from ..inspection.inspect import inspect
from ..objects.line import about
from ..plan.plan import Blocker, Plan
from ..rejections.rejection import rejection_of
from ..release.bundle import PHASES, Bundle
from ..rights.check import require_rights

Finding = dict[str, str]

# The plan checks exactly the permissions that its writes need; an inspection checks those of a complete install.
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
    also: Sequence[Right] = (),
) -> list[Finding]:
    """Inspect the cluster before the first write of a plan, and check the permissions for the complete release.

    Args:
        jobset_mode: C(bundled) or C(external).
        known: blockers that are known already.
        accepted: warning codes to suppress.
        adopt: the installers whose objects may be adopted.
        facts: additional facts for the error.
        also: further permissions that the run needs.

    Returns:
        the warnings to report.

    Raises:
        RefusedError: the install is blocked; names all blockers.
        RightsError: only permissions are missing; names all of them.
        ApiError, UnreachableError: the server failed.
    """
    try:
        with ThreadPoolExecutor(1) as pool:
            # Check for the complete release: a partial install is worse than none.
            asked = pool.submit(_missing, cluster, bundle, plan, also)
            found = inspect(cluster, bundle, jobset_mode=jobset_mode, adopt=adopt)
        missing = asked.result()
    except ConductorError as error:
        if plan.blockers or known:
            # These blockers are enough: nothing will be written.
            raise _refused(merged(_joined([], known), plan.blockers), plan, None, {}) from error
        raise
    blockers, warnings = (
        [finding for finding in found[name] if finding["code"] not in _ASKED_EXACTLY]
        for name in ("blockers", "warnings_found")
    )
    blockers = merged(_joined(blockers, known), plan.blockers)
    if is_ours(found):
        # This run completes what Conductor began.
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


def merged(blockers: Sequence[Finding], plan_blockers: Sequence[Blocker]) -> list[Finding]:
    """Merge the findings of an inspection with the blockers of a plan; report each problem once. Pure."""
    findings = [dict(finding) for finding in blockers]
    for blocker in plan_blockers:
        same = [finding for finding in findings if _is_same(finding, blocker)]
        if not same:
            findings.append(_finding(blocker))
        elif blocker.code == "terminating":
            # The blocker of the plan has the server's message about what the object waits for.
            findings[findings.index(same[0])] = _finding(blocker)
        elif blocker.about:
            # The blocker of the plan has the names of the objects.
            same[0]["object"] += f" ({blocker.subject})"
    return findings


def _missing(cluster: Cluster, bundle: Bundle, plan: Plan, also: Sequence[Right]) -> RightsError | None:
    try:
        require_rights(cluster, bundle, plan.writing(PHASES), also)
    except RightsError as error:
        return error
    except ApiError as error:
        # The review only helps. The inspection reports the webhook or policy that rejects it.
        if not rejection_of(error.message, error.status, error.reason).is_admission:
            raise
    return None


def _joined(blockers: Sequence[Finding], known: Sequence[Mapping[str, str]]) -> list[Finding]:
    """Return the blockers and those known ones whose code is not among them."""
    codes = {finding["code"] for finding in blockers}
    return [*blockers, *(dict(finding) for finding in known if finding["code"] not in codes)]


def _is_same(finding: Finding, blocker: Blocker) -> bool:
    if blocker.about:
        # Compare owner and place: a finding about a complete Trainer or JobSet has them, too.
        return not blocker.about.isdisjoint(about(finding["object"], finding["cause"]))
    return finding["code"] == blocker.code


def _finding(blocker: Blocker) -> Finding:
    return {"code": blocker.code, "object": blocker.subject, "cause": blocker.cause, "next_step": blocker.next_step}


def _of_missing_rights(error: ConductorError) -> list[Finding]:
    """Return the findings about missing permissions."""
    entry = BY_CODE["permissions_missing"]
    return [entry.finding("this identity", permission=permission) for permission in error.facts["missing_permissions"]]


def _refused(
    blockers: Sequence[Finding], plan: Plan, missing: ConductorError | None, facts: dict[str, Any]
) -> ConductorError:
    lines = [f"{finding['code']}, {finding['object']}: {finding['cause']}" for finding in blockers]
    error = RefusedError(
        listed("install blocked, nothing was written:", lines),
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
