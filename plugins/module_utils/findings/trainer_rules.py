# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about the installed Trainer and the objects that people created. JobSet: C(jobset_rules.py)."""

from __future__ import annotations

from collections.abc import Iterator

from ..objects.fields import numbers
from ..objects.line import Line, about, about_places
from .other_tools import detach_advice, removal_advice, upgrade_advice, warning_about
from .rules import Facts, RuleMatch, Rules, enumerated, is_ours, is_settled

RULES = Rules()

# -- Trainer ----------------------------------------------------------------------------------------------------------


@RULES.entry("trainer_other_owner")
def _trainer_other_owner(facts: Facts) -> Iterator[RuleMatch]:
    trainer = facts["trainer"]
    if trainer["owner"]["kind"] != "none" and not is_ours(facts):
        yield (
            "Trainer",
            {
                "release": trainer["release"] or "of an unknown release",
                "state": trainer["state"].replace("_", " "),
                "owner": trainer["owner"]["name"],
                "removal": removal_advice(trainer["owner"]["name"]),
            },
        )


@RULES.entry("trainer_other_namespace")
def _trainer_other_namespace(facts: Facts) -> Iterator[RuleMatch]:
    found, wanted = facts["trainer"]["namespace"], facts["wanted"]["namespace"]
    if found and found != wanted:
        owner = facts["trainer"]["owner"]
        words = {name: _namespaces(where) for name, where in (("found", found), ("wanted", wanted))}
        yield f"Namespace {found}", {**words, "owner": owner["name"], "removal": removal_advice(owner["name"])}


@RULES.entry("trainer_duplicate")
def _trainer_duplicate(facts: Facts) -> Iterator[RuleMatch]:
    if len(facts["trainer"]["namespaces"]) > 1:
        words = {"found": _namespaces(*facts["trainer"]["namespaces"])}
        yield "Trainer", {**words, "removal": removal_advice(facts["trainer"]["owner"]["name"])}


@RULES.entry("trainer_newer")
def _trainer_newer(facts: Facts) -> Iterator[RuleMatch]:
    found, wanted = facts["trainer"]["release"], facts["wanted"]["release"]
    # A source that knows only the series (2.3) does not rule out a release of that series (2.3.1).
    have = numbers(found)
    if have > numbers(wanted)[: len(have)]:
        yield "Trainer", {"found": found, "wanted": wanted}


@RULES.entry("trainer_unknown")
def _trainer_unknown(facts: Facts) -> Iterator[RuleMatch]:
    if facts["trainer"]["state"] == "unknown":
        yield "Trainer", {}


@RULES.entry("trainer_takeover")
def _trainer_takeover(facts: Facts) -> Iterator[RuleMatch]:
    owner = facts["trainer"]["owner"]
    if owner["adoptable"] and not _is_adopted(facts, owner):
        yield "Trainer", {"warning": warning_about(owner["name"])}


@RULES.entry("trainer_other_release")
def _trainer_other_release(facts: Facts) -> Iterator[RuleMatch]:
    owner, found, wanted = facts["trainer"]["owner"], facts["trainer"]["release"], facts["wanted"]["release"]
    if _is_older(facts):
        words = {"found": found, "owner": owner["name"], "wanted": wanted}
        yield "Trainer", {**words, "upgrade": upgrade_advice(owner["name"])}


def _is_older(facts: Facts) -> bool:
    """Return whether an older release would be taken over. A newer one is a downgrade, which trainer_newer reports."""
    have = numbers(facts["trainer"]["release"])
    older = have < numbers(facts["wanted"]["release"])[: len(have)]
    return bool(facts["trainer"]["owner"]["adoptable"] and older)


@RULES.entry("adopted_from_tool")
def _adopted_from_tool(facts: Facts) -> Iterator[RuleMatch]:
    for subject in ("trainer", "jobset"):
        owner = facts[subject]["owner"]
        if owner["adoptable"] and _is_adopted(facts, owner):
            words = {"owner": owner["name"], "detach": detach_advice(owner["name"])}
            yield {"trainer": "Trainer", "jobset": "JobSet"}[subject], words


@RULES.entry("helm_release_stored")
def _helm_release_stored(facts: Facts) -> Iterator[RuleMatch]:
    for release in facts["helm_releases"]:
        if release["stored_in"]:
            words = {"name": release["name"], "namespace": release["namespace"] or "NAMESPACE"}
            yield f"Helm release {release['name']}", {**words, "stored": enumerated(release["stored_in"])}


@RULES.entry("helm_release_unknown")
def _helm_release_unknown(facts: Facts) -> Iterator[RuleMatch]:
    for release in facts["helm_releases"]:
        if release["stored_in"] is None:
            words = {"name": release["name"], "namespace": release["namespace"] or "NAMESPACE"}
            yield f"Helm release {release['name']}", words


@RULES.entry("immutable_field")
def _immutable_field(facts: Facts) -> Iterator[RuleMatch]:
    # The objects of an older release are upgraded by its owner first.
    for found in () if _is_older(facts) else facts["immutable_fields"]:
        kind, _space, name = found["object"].partition(" ")
        place, _slash, last = name.rpartition("/")
        if kind == "CustomResourceDefinition":
            way = (
                "back up all objects of this kind, because deleting the CRD deletes every one of them, with the pods "
                "of TrainJobs, then run the install again"
            )
        else:
            where = f" --namespace {place}" if place else ""
            way = (
                f"delete this object alone with `kubectl delete {kind.lower()} {last}{where}`, then run the install "
                "again, which creates it: pods of TrainJobs continue, and new TrainJobs are rejected until it is done"
            )
            if ("owner", "conductor", "") not in about(found["owner"]):
                way += f"; before that, {detach_advice(found['owner'])}"
        yield found["object"], {**found, "way": way}


@RULES.entry("second_controller")
def _second_controller(facts: Facts) -> Iterator[RuleMatch]:
    for what in () if _is_older(facts) else facts["second_controllers"]:
        yield str(what), {"what": what, "removal": removal_advice(what)}


def _namespaces(*names: str) -> Line:
    return Line(enumerated(names), about=about_places(*names))


def _is_adopted(facts: Facts, owner: dict[str, str]) -> bool:
    """Return whether adoptable objects belong to a tool in C(adopt); objects of kubectl are adoptable without it."""
    return bool(facts["wanted"]["adopt"]) and owner["kind"] != "kubectl"


@RULES.entry("trainer_incomplete")
def _trainer_incomplete(facts: Facts) -> Iterator[RuleMatch]:
    # An installation of another owner is not ours to complete.
    if facts["trainer"]["state"] == "incomplete" and is_ours(facts):
        yield "Trainer", {"missing": enumerated(facts["trainer"]["missing"])}


@RULES.entry("release_inconsistent")
def _release_inconsistent(facts: Facts) -> Iterator[RuleMatch]:
    if facts["trainer"]["sources_agree"] is False:
        yield "Trainer", {name: release or "unknown" for name, release in facts["trainer"]["sources"].items()}


@RULES.entry("terminating")
def _terminating(facts: Facts) -> Iterator[RuleMatch]:
    for what in (*facts["trainer"]["terminating"], facts["jobset"]["terminating"]):
        if what:
            yield what.subject, {"what": what}


# -- user objects-----------------------------------------------------------------------------------------------------


@RULES.entry("runtime_other_owner")
def _runtime_other_owner(facts: Facts) -> Iterator[RuleMatch]:
    # If all of Trainer has another owner, trainer_other_owner covers its runtimes.
    if facts["user_objects"]["runtimes_of_other_owners"] and facts["trainer"]["owner"]["kind"] in ("none", "conductor"):
        yield "ClusterTrainingRuntimes", {"names": enumerated(facts["user_objects"]["runtimes_of_other_owners"])}


@RULES.entry("runtime_finalizers")
def _runtime_finalizers(facts: Facts) -> Iterator[RuleMatch]:
    if facts["user_objects"]["runtimes_with_finalizer"]:
        yield "ClusterTrainingRuntimes", {"names": enumerated(facts["user_objects"]["runtimes_with_finalizer"])}


@RULES.entry("jobs_unfinished")
def _jobs_unfinished(facts: Facts) -> Iterator[RuleMatch]:
    jobs, trainer = facts["user_objects"]["train_jobs"], facts["trainer"]
    if jobs["unfinished"] and is_ours(facts) and not is_settled(facts) and trainer["state"] != "absent":
        count = str(jobs["unfinished"]) if jobs["whole"] else f"at least {jobs['unfinished']}"
        yield "TrainJobs", {"count": count, "names": enumerated(jobs["names"])}
