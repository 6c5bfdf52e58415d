# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.cluster.access_reviews import Reviews, Right
from ansible_collections.conductor.trainer.plugins.module_utils.rights.grants import grant_facts, has_every_right
from ansible_collections.conductor.trainer.plugins.module_utils.rights.required import (
    optional_for_install,
    required_for_install,
)
from tests.unit.plugins.helpers.states import EVERYTHING, HOME, release

RBAC = "rbac.authorization.k8s.io"
PROBES = release().probe_namespace


def rules_of(rights: list[Right]) -> list[dict[str, Any]]:
    """Return a rule for each resource type, with the object names of the permissions."""
    grouped: dict[tuple[str, str, str], set[str]] = {}
    for right in rights:
        grouped.setdefault((right.verb, right.group, right.resource), set()).add(right.name)
    return [
        # If all names are allowed, the rule has no names.
        {
            "verbs": [verb],
            "apiGroups": [group],
            "resources": [resource],
            "resourceNames": [] if "" in names else sorted(names),
        }
        for (verb, group, resource), names in grouped.items()
    ]


RIGHTS = [*required_for_install(release()), *(optional.right for optional in optional_for_install(release()))]
# Exactly the permissions of an install.
CLUSTERWIDE, NAMESPACED, PROBING = (
    rules_of([right for right in RIGHTS if right.namespace == namespace]) for namespace in ("", HOME, PROBES)
)
GRANTS = [{"verbs": ["escalate", "bind"], "apiGroups": [RBAC], "resources": ["clusterroles"]}]
GRANTS_AT_HOME = [{"verbs": ["escalate", "bind"], "apiGroups": [RBAC], "resources": ["roles"]}]


def reviews(
    cluster: list[dict[str, Any]], home: list[dict[str, Any]], probes: list[dict[str, Any]], **more: Any
) -> Reviews:
    # Cluster-wide permissions count in each namespace.
    namespaced = {HOME: [*cluster, *home], PROBES: [*cluster, *probes]}
    return Reviews(
        {"resourceRules": cluster, **more}, {name: {"resourceRules": rules} for name, rules in namespaced.items()}
    )


def facts(
    cluster: Any = (*CLUSTERWIDE, *GRANTS),
    home: Any = (*NAMESPACED, *GRANTS_AT_HOME),
    probes: Any = PROBING,
    **more: Any,
) -> dict[str, Any]:
    return grant_facts(release(), reviews([*cluster], [*home], [*probes], **more))


def test_enough_is_enough() -> None:
    assert facts() == {
        "known": True,
        "missing": [],
        "not_grantable": [],
        "optional": [],
        "escalate": True,
        "bind": True,
    }
    assert grant_facts(release(), Reviews(EVERYTHING, {HOME: EVERYTHING})) == facts()


@pytest.mark.parametrize("right", sorted(set(required_for_install(release()))), ids=str)
def test_each_right_missing_in_turn_is_named(right: Right) -> None:
    left = [other for other in RIGHTS if other != right]
    rules = [rules_of([other for other in left if other.namespace == name]) for name in ("", HOME, PROBES)]
    found = facts([*rules[0], *GRANTS], [*rules[1], *GRANTS_AT_HOME], rules[2])
    everywhere = (right.verb, right.namespace) == ("list", HOME) and right._replace(namespace="") in left
    if everywhere or (right.name and right._replace(name="") in left):
        # A cluster-wide permission includes a namespace; a permission without names includes this name.
        assert found["missing"] == []
    else:
        (line,) = found["missing"]
        assert line.startswith(f"{right.verb} {right.resource}")
        assert right.name in line
        assert (f" in namespace {right.namespace}" in line) is bool(right.namespace)
    assert found["not_grantable"] == []


def test_each_right_one_can_do_without_is_named_with_what_it_is_good_for() -> None:
    for one in optional_for_install(release()):
        left = [other for other in RIGHTS if other != one.right]
        rules = [rules_of([other for other in left if other.namespace == name]) for name in ("", HOME, PROBES)]
        found = facts([*rules[0], *GRANTS], [*rules[1], *GRANTS_AT_HOME], rules[2])
        assert [entry["consequence"] for entry in found["optional"]] == [one.without]
        (line,) = found["optional"][0]["permissions"]
        assert line.startswith(f"{one.right.verb} {one.right.resource}")
        assert one.right.name in line


@pytest.mark.parametrize("verb", ["escalate", "bind"])
def test_roles_that_may_not_be_granted(verb: str) -> None:
    other = {"escalate": "bind", "bind": "escalate"}[verb]
    found = facts([*CLUSTERWIDE, {**GRANTS[0], "verbs": [other]}])
    assert (found[verb], found[other]) == (False, True)
    assert found["missing"] == []
    names = ", ".join(sorted(role["metadata"]["name"] for role in release().objects("ClusterRole")))
    assert found["not_grantable"] == [f"{verb} clusterroles.{RBAC} (for {names})"]


def test_roles_may_be_granted_by_name() -> None:
    names = [role["metadata"]["name"] for role in release().objects("ClusterRole")]
    assert facts([*CLUSTERWIDE, {**GRANTS[0], "resourceNames": names}])["not_grantable"] == []
    (_bind, line) = facts([*CLUSTERWIDE, {**GRANTS[0], "resourceNames": names[1:]}])["not_grantable"]
    assert line == f"escalate clusterroles.{RBAC} (for {names[0]})"


def test_roles_of_the_namespace_may_be_ungrantable_as_well() -> None:
    found = facts(home=NAMESPACED)["not_grantable"]
    assert {line.split()[0] for line in found} == {"escalate", "bind"}
    assert all(f"roles.{RBAC} in namespace {HOME}" in line for line in found)


def test_who_has_all_the_rights_of_a_role_may_grant_it() -> None:
    own = [rule for role in release().objects("ClusterRole") for rule in role["rules"] if "resources" in rule]
    urls = [{"verbs": ["get"], "nonResourceURLs": ["/metr*"]}]
    assert facts([*CLUSTERWIDE, *own], nonResourceRules=urls)["not_grantable"] == []
    assert facts([*CLUSTERWIDE, *own])["not_grantable"] == [
        f"{verb} clusterroles.{RBAC} (for jobset-metrics-reader)" for verb in ("bind", "escalate")
    ]


def test_everything_in_one_namespace_is_not_everything() -> None:
    found = grant_facts(release(), Reviews({"resourceRules": []}, {HOME: EVERYTHING}))
    for words in ("clusterroles", "customresourcedefinitions", f"in namespace {PROBES}"):
        assert any(words in line for line in found["missing"])
    assert not any(f"in namespace {HOME}" in line for line in found["missing"])


@pytest.mark.parametrize("names", [["other"], [1], 7, [None]])
def test_a_rule_for_certain_names_is_not_one_for_all(names: Any) -> None:
    limited = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "resourceNames": names}
    assert facts([limited], [], [])["missing"]


@pytest.mark.parametrize(
    ("answers", "known"),
    [
        (Reviews(None), False),
        (Reviews(None, {HOME: EVERYTHING}), False),
        (Reviews(EVERYTHING, {HOME: None}), False),
        (Reviews({"incomplete": True}, {HOME: {"incomplete": True}}), False),
        (Reviews({"incomplete": True, **EVERYTHING}, {HOME: {"incomplete": True, **EVERYTHING}}), True),
        (Reviews({"incomplete": True}, anything=True), True),
        (Reviews({}), True),
    ],
)
def test_what_the_server_does_not_say(answers: Reviews, known: bool) -> None:
    assert grant_facts(release(), answers)["known"] is known


@pytest.mark.parametrize("without", ["nothing", "a right", "a right it can do without", "the grants"])
def test_further_reviews_are_needed_where_something_lacks(without: str) -> None:
    cluster, home, probes = (list(rules) for rules in (CLUSTERWIDE, NAMESPACED, PROBING))
    rules = [*cluster, *home, *probes, *GRANTS, *GRANTS_AT_HOME]
    if without == "a right":
        rules = [rule for rule in rules if "deployments" not in rule["resources"]]
    if without == "a right it can do without":
        rules = [rule for rule in rules if "events" not in rule["resources"]]
    if without == "the grants":
        rules = [rule for rule in rules if rule not in GRANTS]
    assert has_every_right(release(), Reviews({"resourceRules": rules})) is (without == "nothing")
