# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What speaks against an install in the JobSet that is there.

Apart from the other rules, because an install asks this before its plan, and a wait asks nothing else: what a module
does not import need not be packed and sent with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..objects.line import Line, about_places
from ..release.bundle import Bundle
from .catalogue import CATALOGUE
from .rules import Facts, RuleMatch, Rules, enumerated

RULES = Rules()


def judge_jobset(
    jobset: Mapping[str, Any], bundle: Bundle, meant: str, job_sets: int | None = None
) -> list[dict[str, str]]:
    """The blockers in the JobSet that is there alone.

    Args:
        jobset: the facts about it.
        meant: C(bundled) or C(external).
        job_sets: how many JobSets there are; None where that is not known.
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
    jobset = facts["jobset"]
    return {
        "version": jobset["version"] or "of an unknown version",
        "namespace": Line(jobset["namespace"], about=about_places(jobset["namespace"])),
        "owner": jobset["owner"]["name"],
        "served_versions": enumerated(jobset["served_versions"]),
        "release": facts["wanted"]["release"],
        "wanted": facts["wanted"]["jobset"],
        "evidence": jobset["evidence"],
        "problems": "; ".join(jobset["problems"]),
        "job_sets": facts["user_objects"]["job_sets"]["total"],
    }


def _is_theirs(facts: Facts) -> bool:
    owner = facts["jobset"]["owner"]
    return owner["kind"] not in ("none", "conductor") and not owner["adoptable"]


def _rule(code: str, holds: Callable[[Facts, Facts], bool]) -> None:
    @RULES.entry(code)
    def judged(facts: Facts) -> Iterator[RuleMatch]:
        if holds(facts, facts["jobset"]):
            yield "JobSet", _words(facts)


def _is_to_be(meant: str, facts: Facts) -> bool:
    return bool(facts["wanted"]["jobset_selected"] == meant)


def _beside(facts: Facts) -> bool:
    return bool(facts["jobset"]["state"] == "external" and _is_to_be("external", facts))


_rule(
    "jobset_external",
    lambda facts, jobset: jobset["state"] == "external" and _is_to_be("bundled", facts),
)
_rule("jobset_other_owner", lambda facts, jobset: jobset["state"] == "bundled" and _is_theirs(facts))
_rule(
    "jobset_bundled",
    lambda facts, jobset: jobset["state"] == "bundled" and not _is_theirs(facts) and _is_to_be("external", facts),
)
# What is left of ours (a CRD) is no JobSet either.
_rule(
    "jobset_absent",
    lambda facts, jobset: (
        (jobset["state"] == "absent" or (jobset["state"] == "crd_only" and not _is_theirs(facts)))
        and _is_to_be("external", facts)
    ),
)
_rule("jobset_unhealthy", lambda facts, jobset: _beside(facts) and jobset["healthy"] is not True)
_rule("jobset_too_old", lambda facts, jobset: _beside(facts) and jobset["sufficient"] is not True)
_rule("jobset_split", lambda facts, jobset: jobset["state"] == "split")
# Ours without a controller is an install that was interrupted, which the next one completes.
_rule("jobset_crd_only", lambda facts, jobset: jobset["state"] == "crd_only" and _is_theirs(facts))
_rule("jobset_unknown", lambda facts, jobset: jobset["state"] == "unknown")
