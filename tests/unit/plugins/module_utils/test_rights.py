# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils._errors import RightsError
from ansible_collections.conductor.trainer.plugins.module_utils._plan import Action, Verb
from ansible_collections.conductor.trainer.plugins.module_utils._rights import (
    Right,
    is_covered,
    require_rights,
    rights_for,
)
from tests.unit.plugins.builders import DEPLOYMENT, HOME, VALIDATOR
from tests.unit.plugins.fakes import FakeCluster

PATCH = Right("patch", "apps", "deployments", "ops", "manager")
RULE = {"verbs": ["patch"], "apiGroups": ["apps"], "resources": ["deployments"]}


@pytest.mark.parametrize(
    ("verb", "verbs"), [("create", ["create", "patch"]), ("update", ["patch"]), ("adopt", ["patch"])]
)
def test_an_apply_is_a_patch_and_where_nothing_is_a_create_as_well(verb: Verb, verbs: list[str]) -> None:
    rights = rights_for([Action(verb, DEPLOYMENT, "controllers", ""), Action(verb, HOME, "foundation", "")])
    assert rights == [
        *(Right(name, "apps", "deployments", "ops", "manager") for name in verbs),
        *(Right(name, "", "namespaces", "", "ops") for name in verbs),
    ]


@pytest.mark.parametrize(
    ("rule", "covered"),
    [
        (RULE, True),
        ({**RULE, "verbs": ["*"]}, True),
        ({**RULE, "apiGroups": ["*"]}, True),
        ({**RULE, "resources": ["*"]}, True),
        ({**RULE, "resourceNames": ["manager"]}, True),
        ({**RULE, "resourceNames": None}, True),
        ({**RULE, "resourceNames": ["other"]}, False),
        ({**RULE, "verbs": ["get"]}, False),
        ({**RULE, "apiGroups": [""]}, False),
        ({**RULE, "resources": ["deployments/status"]}, False),
        ({"verbs": ["*"]}, False),
        ({"verbs": None, "apiGroups": None, "resources": None}, False),
        ({}, False),
    ],
)
def test_what_a_rule_covers(rule: dict[str, Any], covered: bool) -> None:
    assert is_covered(PATCH, [rule]) is covered
    assert is_covered(PATCH, [{}, rule]) is covered


def test_two_rules_do_not_add_up_to_one() -> None:
    halves = [{**RULE, "verbs": ["get"]}, {**RULE, "resources": ["pods"]}]
    assert not is_covered(PATCH, halves)


def reviewed(*rules: dict[str, Any], incomplete: bool = False) -> FakeCluster:
    cluster = FakeCluster()
    status = {"resourceRules": list(rules), "incomplete": incomplete}
    cluster.hooks.append(
        lambda request: {"status": status} if request.path.endswith("selfsubjectrulesreviews") else None
    )
    return cluster


def test_nothing_is_asked_when_nothing_is_needed() -> None:
    cluster = FakeCluster()
    require_rights(cluster, [], "ops")
    assert cluster.requests == []


def test_one_review_is_enough_where_its_answer_is_complete() -> None:
    cluster = reviewed(RULE)
    require_rights(cluster, [PATCH], "ops")
    (request,) = cluster.requests
    assert request.body["spec"] == {"namespace": "ops"}
    assert cluster.writes == []


def test_every_missing_right_is_named() -> None:
    needed = [PATCH, *rights_for([Action("create", VALIDATOR, "", ""), Action("create", DEPLOYMENT, "", "")])]
    with pytest.raises(RightsError) as caught:
        require_rights(reviewed(), needed, "ops")
    text = str(caught.value)
    assert "rights are missing" in text
    for words in ("create", "patch", "validatingwebhookconfigurations.admissionregistration.k8s.io", "validator"):
        assert words in text
    assert "deployments.apps in namespace ops" in text
    assert len(caught.value.facts["missing_rights"]) == 2


def test_an_incomplete_answer_is_completed_right_by_right() -> None:
    cluster = reviewed(incomplete=True)
    cluster.allows = lambda attributes: attributes["verb"] == "patch"
    require_rights(cluster, [PATCH], "ops")
    assert cluster.requests[-1].body["spec"] == {
        "resourceAttributes": {
            "verb": "patch",
            "group": "apps",
            "resource": "deployments",
            "namespace": "ops",
            "name": "manager",
        }
    }
    with pytest.raises(RightsError, match=r"create deployments\.apps"):
        require_rights(cluster, [PATCH, PATCH._replace(verb="create")], "ops")


@pytest.mark.parametrize("answer", [{}, {"status": None}, {"status": {"resourceRules": None}}])
def test_an_empty_review_allows_nothing(answer: dict[str, Any]) -> None:
    cluster = FakeCluster()
    cluster.hooks.append(lambda request: answer or {"kind": "SelfSubjectRulesReview"})
    with pytest.raises(RightsError):
        require_rights(cluster, [PATCH], "ops")
