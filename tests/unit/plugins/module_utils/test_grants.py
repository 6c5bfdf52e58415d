# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils._grants import Reviews, grant_facts
from tests.unit.plugins.states import EVERYTHING, release

RBAC = "rbac.authorization.k8s.io"
APPLY = ["create", "patch"]
# What an install takes, and no more: see the kinds of the bundle.
CLUSTERWIDE = [
    {"verbs": APPLY, "apiGroups": [""], "resources": ["namespaces"]},
    {"verbs": APPLY, "apiGroups": ["apiextensions.k8s.io"], "resources": ["customresourcedefinitions"]},
    {"verbs": [*APPLY, "escalate", "bind"], "apiGroups": [RBAC], "resources": ["clusterroles"]},
    {"verbs": APPLY, "apiGroups": [RBAC], "resources": ["clusterrolebindings"]},
    {
        "verbs": APPLY,
        "apiGroups": ["admissionregistration.k8s.io"],
        "resources": ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"],
    },
    {"verbs": APPLY, "apiGroups": ["trainer.kubeflow.org"], "resources": ["clustertrainingruntimes"]},
]
NAMESPACED = [
    {"verbs": APPLY, "apiGroups": [""], "resources": ["configmaps", "secrets", "services", "serviceaccounts"]},
    {"verbs": APPLY, "apiGroups": ["apps"], "resources": ["deployments"]},
    {"verbs": [*APPLY, "escalate", "bind"], "apiGroups": [RBAC], "resources": ["roles"]},
    {"verbs": APPLY, "apiGroups": [RBAC], "resources": ["rolebindings"]},
]


def reviews(cluster: list[dict[str, Any]], namespace: list[dict[str, Any]], **more: Any) -> Reviews:
    # What is granted cluster-wide shows in both.
    return Reviews({"resourceRules": [*cluster, *namespace], **more}, {"resourceRules": cluster, **more})


def facts(cluster: Any = None, namespace: Any = None, **more: Any) -> dict[str, Any]:
    given = reviews(CLUSTERWIDE if cluster is None else cluster, NAMESPACED if namespace is None else namespace, **more)
    return grant_facts(release(), given)


def test_enough_is_enough() -> None:
    assert facts() == {"known": True, "missing": [], "ungrantable": [], "escalate": True, "bind": True}
    assert grant_facts(release(), Reviews(EVERYTHING, EVERYTHING)) == facts()


EACH = [
    (where, number, verb, resource)
    for where, rules in (("cluster", CLUSTERWIDE), ("namespace", NAMESPACED))
    for number, rule in enumerate(rules)
    for verb in APPLY
    for resource in rule["resources"]
]


@pytest.mark.parametrize(("where", "number", "verb", "resource"), EACH)
def test_each_right_missing_in_turn_is_named(where: str, number: int, verb: str, resource: str) -> None:
    rules = copy.deepcopy({"cluster": CLUSTERWIDE, "namespace": NAMESPACED})
    rule = rules[where][number]
    others = {**rule, "resources": [name for name in rule["resources"] if name != resource]}
    less = {**rule, "verbs": [name for name in rule["verbs"] if name != verb], "resources": [resource]}
    rules[where] = [*rules[where][:number], others, less, *rules[where][number + 1 :]]
    (line,) = facts(**rules)["missing"]
    assert line.startswith(f"{verb} {resource}")


@pytest.mark.parametrize(("verb", "kind"), [("escalate", "clusterroles"), ("bind", "clusterroles")])
def test_roles_that_may_not_be_granted(verb: str, kind: str) -> None:
    rules = copy.deepcopy(CLUSTERWIDE)
    rules[2]["verbs"].remove(verb)
    found = facts(rules)
    assert found[verb] is False
    assert found["missing"] == []
    assert found["ungrantable"] == sorted(
        f"{verb} {kind}.{RBAC} {role['metadata']['name']}" for role in release().objects("ClusterRole")
    )


def test_roles_of_the_namespace_may_be_ungrantable_as_well() -> None:
    rules = copy.deepcopy(NAMESPACED)
    rules[2]["verbs"] = APPLY
    assert {line.split()[0] for line in facts(namespace=rules)["ungrantable"]} == {"escalate", "bind"}


def test_who_has_all_the_rights_of_a_role_may_grant_it() -> None:
    own = [rule for role in release().objects("ClusterRole") for rule in role["rules"] if "resources" in rule]
    urls = [{"verbs": ["get"], "nonResourceURLs": ["/metr*"]}]
    rules = copy.deepcopy(CLUSTERWIDE)
    rules[2]["verbs"] = APPLY
    assert facts([*rules, *own], nonResourceRules=urls)["ungrantable"] == []
    (left,) = {line.split()[-1] for line in facts([*rules, *own])["ungrantable"]}
    assert left == "jobset-metrics-reader"


def test_everything_in_one_namespace_is_not_everything() -> None:
    found = grant_facts(release(), Reviews(EVERYTHING, {"resourceRules": []}))
    assert any("clusterroles" in line for line in found["missing"])
    assert any("customresourcedefinitions" in line for line in found["missing"])
    assert not any("deployments" in line for line in found["missing"])


@pytest.mark.parametrize("names", [["other"], [1], 7, [None]])
def test_a_rule_for_certain_names_is_not_one_for_all(names: Any) -> None:
    limited = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "resourceNames": names}
    assert facts([limited], [])["missing"]


@pytest.mark.parametrize(
    ("answers", "known"),
    [
        (Reviews(None, None), False),
        (Reviews(EVERYTHING, None), False),
        (Reviews({"incomplete": True}, {"incomplete": True}), False),
        (Reviews({"incomplete": True, **EVERYTHING}, {"incomplete": True, **EVERYTHING}), True),
        (Reviews({"incomplete": True}, {}, anything=True), True),
        (Reviews({}, {}), True),
    ],
)
def test_what_the_server_does_not_say(answers: Reviews, known: bool) -> None:
    assert grant_facts(release(), answers)["known"] is known
