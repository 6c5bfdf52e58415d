# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about the installed JobSet.

Separate from the other rules, because an install applies them before it makes its plan and a wait applies no others:
Ansible packs and sends only the files that a module imports.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..objects.line import Line, about_places
from ..release.bundle import Bundle
from .catalogue import CATALOGUE
from .other_tools import removal_advice
from .rules import Facts, RuleMatch, Rules, enumerated

RULES = Rules()


def judge_jobset(
    jobset: Mapping[str, Any], bundle: Bundle, meant: str, job_sets: int | None = None
) -> list[dict[str, str]]:
    """Return the blockers that the installed JobSet alone raises.

    Args:
        jobset: the facts about the installed JobSet.
        meant: the selected JobSet, C(bundled) or C(external).
        job_sets: the number of JobSets; None if unknown.
    """
    facts = {
        "jobset": jobset,
        "wanted": {
            "release": bundle.release,
            "jobset": bundle.components.get("jobset", ""),
            "jobset_selected": meant,
        },
        "user_objects": {"job_sets": {"total": job_sets}},
    }
    return [finding for entry in CATALOGUE if entry.code in RULES for finding in RULES.findings(entry, facts)]


def _words(facts: Facts) -> dict[str, Any]:
    jobset, job_sets = facts["jobset"], facts["user_objects"]["job_sets"]["total"]
    return {
        "version": jobset["version"] or "of an unknown version",
        "namespace": Line(jobset["namespace"], about=about_places(jobset["namespace"])),
        "owner": jobset["owner"]["name"],
        "served_versions": enumerated(jobset["served_versions"]),
        "release": facts["wanted"]["release"],
        "wanted": facts["wanted"]["jobset"],
        "evidence": jobset["evidence"],
        "problems": "; ".join(jobset["problems"]),
        "job_sets": "an unknown number of" if job_sets is None else job_sets,
        "removal": removal_advice(jobset["owner"]["name"]),
    }


def _has_other_owner(facts: Facts) -> bool:
    owner = facts["jobset"]["owner"]
    return owner["kind"] not in ("none", "conductor") and not owner["adoptable"]


def _rule(code: str, holds: Callable[[Facts, Facts], bool]) -> None:
    @RULES.entry(code)
    def judged(facts: Facts) -> Iterator[RuleMatch]:
        if holds(facts, facts["jobset"]):
            yield "JobSet", _words(facts)


def _is_selected(meant: str, facts: Facts) -> bool:
    return bool(facts["wanted"]["jobset_selected"] == meant)


def _uses_external(facts: Facts) -> bool:
    return bool(facts["jobset"]["state"] == "external" and _is_selected("external", facts))


_rule(
    "jobset_external",
    lambda facts, jobset: jobset["state"] == "external" and _is_selected("bundled", facts),
)
_rule("jobset_other_owner", lambda facts, jobset: jobset["state"] == "bundled" and _has_other_owner(facts))
_rule(
    "jobset_bundled",
    lambda facts, jobset: (
        jobset["state"] == "bundled" and not _has_other_owner(facts) and _is_selected("external", facts)
    ),
)
# A CRD that Conductor left behind is not a JobSet either.
_rule(
    "jobset_absent",
    lambda facts, jobset: (
        (jobset["state"] == "absent" or (jobset["state"] == "crd_only" and not _has_other_owner(facts)))
        and _is_selected("external", facts)
    ),
)
_rule("jobset_unhealthy", lambda facts, jobset: _uses_external(facts) and jobset["healthy"] is not True)
_rule("jobset_too_old", lambda facts, jobset: _uses_external(facts) and jobset["sufficient"] is not True)
_rule("jobset_split", lambda facts, jobset: jobset["state"] == "split")
# A CRD of Conductor without a controller is an interrupted install, which the next install completes.
_rule("jobset_crd_only", lambda facts, jobset: jobset["state"] == "crd_only" and _has_other_owner(facts))
_rule("jobset_unknown", lambda facts, jobset: jobset["state"] == "unknown")
