# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.cluster.access_reviews import (
    NOWHERE,
    Reviews,
    Right,
    ask,
    is_allowed,
    is_covered,
)
from tests.unit.plugins.helpers.fakes import FakeCluster

PATCH = Right("patch", "apps", "deployments", "ops", "manager")
RULE = {"verbs": ["patch"], "apiGroups": ["apps"], "resources": ["deployments"]}


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
        ({**RULE, "resources": ["*/status"]}, False),
        ({"verbs": ["*"]}, False),
        ({"verbs": None, "apiGroups": None, "resources": None}, False),
        ({}, False),
    ],
)
def test_permissions_covered_by_a_rule(rule: dict[str, Any], covered: bool) -> None:
    assert is_covered(PATCH, [rule]) is covered
    assert is_covered(PATCH, [{}, rule]) is covered


def test_two_rules_do_not_add_up_to_one() -> None:
    halves = [{**RULE, "verbs": ["get"]}, {**RULE, "resources": ["pods"]}]
    assert not is_covered(PATCH, halves)


@pytest.mark.parametrize(
    ("resource", "covered"), [("deployments/status", True), ("*/status", True), ("*", True), ("deployments", False)]
)
def test_subresource_needs_its_own_permission(resource: str, covered: bool) -> None:
    status = PATCH._replace(resource="deployments/status")
    assert is_covered(status, [{**RULE, "resources": [resource]}]) is covered


def test_rule_with_resource_names_does_not_allow_list() -> None:
    everything = PATCH._replace(verb="list", name="")
    listing = {**RULE, "verbs": ["list"]}
    assert is_covered(everything, [listing])
    assert not is_covered(everything, [{**listing, "resourceNames": ["manager"]}])


def test_each_namespace_has_its_own_rules() -> None:
    elsewhere, clusterwide = PATCH._replace(namespace="other"), PATCH._replace(namespace="")
    rights = [PATCH, elsewhere, clusterwide]
    rules = {"resourceRules": [RULE]}
    assert Reviews({}, {"ops": rules, "other": {}}).lacking(rights) == [elsewhere, clusterwide]
    # For a namespace without a review, the cluster-wide permissions are known.
    assert Reviews(rules, {"ops": {}}).lacking(rights) == [PATCH]
    assert Reviews({}, {"ops": {}}, anything=True).lacking(rights) == []


@pytest.mark.parametrize(
    ("reviews", "answered", "incomplete"),
    [
        (Reviews({}), True, False),
        (Reviews(None), False, False),
        (Reviews({}, {"ops": None}), False, False),
        (Reviews({}, {"ops": {"incomplete": True}}), True, True),
        (Reviews({"incomplete": True}, {"ops": None}), False, True),
    ],
)
def test_missing_and_incomplete_reviews(reviews: Reviews, answered: bool, incomplete: bool) -> None:
    assert (reviews.answered, reviews.incomplete) == (answered, incomplete)


def test_one_review_is_sent_per_namespace() -> None:
    cluster = FakeCluster()
    cluster.hooks.append(
        lambda request: {
            "status": {"resourceRules": [RULE] if request.body["spec"].get("namespace") == "ops" else None},
        }
    )
    reviews = ask(cluster, ["ops", "", "ops"])
    assert sorted(request.body["spec"]["namespace"] for request in cluster.requests) == [NOWHERE, "ops"]
    assert reviews.lacking([PATCH, PATCH._replace(namespace="")]) == [PATCH._replace(namespace="")]
    assert cluster.writes == []


@pytest.mark.parametrize(
    ("answer", "allowed"), [({"status": {"allowed": True}}, True), ({"status": {"allowed": False}}, False), ({}, False)]
)
def test_access_review_asks_for_one_permission(answer: dict[str, Any], allowed: bool) -> None:
    cluster = FakeCluster()
    cluster.hooks.append(lambda request: answer or {"status": None})
    assert is_allowed(cluster, PATCH) is allowed
    assert cluster.requests[0].body["spec"]["resourceAttributes"] == PATCH._asdict()
    assert is_allowed(cluster, PATCH._replace(group="", name="")) is allowed
    assert set(cluster.requests[1].body["spec"]["resourceAttributes"]) == {"verb", "resource", "namespace"}
