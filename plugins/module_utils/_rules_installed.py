# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What speaks against an install in what is installed: Trainer, JobSet, and what people keep."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ._fields import numbers
from ._rules import Facts, Found, Rules, is_ours, is_settled, listed

RULES = Rules()

# -- Trainer ----------------------------------------------------------------------------------------------------------


@RULES.entry("trainer_foreign")
def _trainer_foreign(facts: Facts) -> Iterator[Found]:
    trainer = facts["trainer"]
    if trainer["owner"]["kind"] != "none" and not is_ours(facts):
        yield (
            "Trainer",
            {
                "release": trainer["release"] or "of an unknown release",
                "state": trainer["state"].replace("_", " "),
                "owner": trainer["owner"]["name"],
            },
        )


@RULES.entry("trainer_elsewhere")
def _trainer_elsewhere(facts: Facts) -> Iterator[Found]:
    found, wanted = facts["trainer"]["namespace"], facts["wanted"]["namespace"]
    if found and found != wanted:
        yield f"Namespace {found}", {"found": found, "wanted": wanted}


@RULES.entry("trainer_twice")
def _trainer_twice(facts: Facts) -> Iterator[Found]:
    if len(facts["trainer"]["namespaces"]) > 1:
        yield "Trainer", {"found": listed(facts["trainer"]["namespaces"])}


@RULES.entry("trainer_newer")
def _trainer_newer(facts: Facts) -> Iterator[Found]:
    found, wanted = facts["trainer"]["release"], facts["wanted"]["release"]
    # A source that knows the series only says nothing against a release of that series.
    have = numbers(found)
    if have > numbers(wanted)[: len(have)]:
        yield "Trainer", {"found": found, "wanted": wanted}


@RULES.entry("trainer_unknown")
def _trainer_unknown(facts: Facts) -> Iterator[Found]:
    if facts["trainer"]["state"] == "unknown":
        yield "Trainer", {}


@RULES.entry("trainer_adoptable")
def _trainer_adoptable(facts: Facts) -> Iterator[Found]:
    if facts["trainer"]["owner"]["adoptable"]:
        yield "Trainer", {}


@RULES.entry("trainer_half_installed")
def _trainer_half_installed(facts: Facts) -> Iterator[Found]:
    # What is somebody else's is not ours to complete.
    if facts["trainer"]["state"] == "half_installed" and is_ours(facts):
        yield "Trainer", {"missing": listed(facts["trainer"]["missing"])}


@RULES.entry("release_disagrees")
def _release_disagrees(facts: Facts) -> Iterator[Found]:
    if facts["trainer"]["agree"] is False:
        yield "Trainer", {name: said or "nothing" for name, said in facts["trainer"]["sources"].items()}


@RULES.entry("terminating")
def _terminating(facts: Facts) -> Iterator[Found]:
    for what in facts["trainer"]["terminating"]:
        yield what.partition(",")[0], {"what": what}
    if facts["jobset"]["terminating"]:
        yield facts["jobset"]["terminating"].partition(",")[0], {"what": facts["jobset"]["terminating"]}


# -- JobSet -----------------------------------------------------------------------------------------------------------


def _jobset_words(facts: Facts) -> dict[str, Any]:
    jobset = facts["jobset"]
    return {
        "version": jobset["version"] or "of an unknown version",
        "namespace": jobset["namespace"],
        "owner": jobset["owner"]["name"],
        "serves": listed(jobset["serves"]),
        "release": facts["wanted"]["release"],
        "wanted": facts["wanted"]["jobset"],
        "evidence": jobset["evidence"],
        "troubles": "; ".join(jobset["troubles"]),
        "job_sets": facts["users"]["job_sets"]["total"],
    }


def _jobset_is_theirs(facts: Facts) -> bool:
    owner = facts["jobset"]["owner"]
    return owner["kind"] not in ("none", "conductor") and not owner["adoptable"]


def _jobset_rule(code: str, holds: Callable[[Facts, Facts], bool]) -> None:
    @RULES.entry(code)
    def judged(facts: Facts) -> Iterator[Found]:
        if holds(facts, facts["jobset"]):
            yield "JobSet", _jobset_words(facts)


def _is_to_be(meant: str, facts: Facts) -> bool:
    return bool(facts["wanted"]["jobset_meant"] == meant)


def _beside(facts: Facts) -> bool:
    return bool(facts["jobset"]["state"] == "external" and _is_to_be("external", facts))


_jobset_rule(
    "jobset_external",
    lambda facts, jobset: jobset["state"] == "external" and _is_to_be("bundled", facts),
)
_jobset_rule("jobset_foreign", lambda facts, jobset: jobset["state"] == "bundled" and _jobset_is_theirs(facts))
_jobset_rule(
    "jobset_ours",
    lambda facts, jobset: (
        jobset["state"] == "bundled" and not _jobset_is_theirs(facts) and _is_to_be("external", facts)
    ),
)
# What is left of ours (a CRD) is no JobSet either.
_jobset_rule(
    "jobset_absent",
    lambda facts, jobset: (
        (jobset["state"] == "absent" or (jobset["state"] == "crd_only" and not _jobset_is_theirs(facts)))
        and _is_to_be("external", facts)
    ),
)
_jobset_rule("jobset_unhealthy", lambda facts, jobset: _beside(facts) and jobset["healthy"] is not True)
_jobset_rule("jobset_too_old", lambda facts, jobset: _beside(facts) and jobset["enough"] is not True)
_jobset_rule("jobset_split", lambda facts, jobset: jobset["state"] == "split")
# Ours without a controller is an install that was interrupted, which the next one completes.
_jobset_rule("jobset_crd_only", lambda facts, jobset: jobset["state"] == "crd_only" and _jobset_is_theirs(facts))
_jobset_rule("jobset_unknown", lambda facts, jobset: jobset["state"] == "unknown")


# -- users ------------------------------------------------------------------------------------------------------------


@RULES.entry("runtime_foreign")
def _runtime_foreign(facts: Facts) -> Iterator[Found]:
    # Where all of Trainer is somebody else's, its runtimes are no news.
    if facts["users"]["foreign_runtimes"] and facts["trainer"]["owner"]["kind"] in ("none", "conductor"):
        yield "ClusterTrainingRuntimes", {"names": listed(facts["users"]["foreign_runtimes"])}


@RULES.entry("runtimes_held")
def _runtimes_held(facts: Facts) -> Iterator[Found]:
    if facts["users"]["held_runtimes"]:
        yield "ClusterTrainingRuntimes", {"names": listed(facts["users"]["held_runtimes"])}


@RULES.entry("jobs_unfinished")
def _jobs_unfinished(facts: Facts) -> Iterator[Found]:
    jobs, trainer = facts["users"]["train_jobs"], facts["trainer"]
    if jobs["unfinished"] and is_ours(facts) and not is_settled(facts) and trainer["state"] != "absent":
        count = str(jobs["unfinished"]) if jobs["whole"] else f"at least {jobs['unfinished']}"
        yield "TrainJobs", {"count": count, "names": listed(jobs["names"])}
