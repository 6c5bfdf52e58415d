# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.cluster.access_reviews import NOWHERE
from ansible_collections.conductor.trainer.plugins.module_utils.errors import RightsError
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import key_of
from ansible_collections.conductor.trainer.plugins.module_utils.plan.plan import Action
from ansible_collections.conductor.trainer.plugins.module_utils.rights.check import require_rights
from ansible_collections.conductor.trainer.plugins.module_utils.rights.required import record_rights, to_read, to_write
from tests.unit.plugins.helpers.fakes import FakeCluster
from tests.unit.plugins.helpers.states import EVERYTHING, HOME, release

LEASES = {"verbs": ["*"], "apiGroups": ["coordination.k8s.io"], "resources": ["leases"]}
ALL: list[dict[str, Any]] = EVERYTHING["resourceRules"]


def actions(*kinds: str) -> list[Action]:
    """Return the actions that create the release, or its objects of these kinds."""
    return [
        Action("create", key_of(manifest), phase.name, "", manifest)
        for phase in release().phases
        for manifest in phase.objects
        if not kinds or manifest["kind"] in kinds
    ]


def reviewed(
    clusterwide: list[dict[str, Any]], home: list[dict[str, Any]] | None = None, *, incomplete: bool = False
) -> FakeCluster:
    """Return a cluster with these rules; C(home) are those of the operator's namespace."""
    cluster = FakeCluster()
    rules = {NOWHERE: clusterwide, HOME: [*clusterwide, *(home or [])]}

    def answer(request: Any) -> dict[str, Any] | None:
        if not request.path.endswith("selfsubjectrulesreviews"):
            return None
        return {"status": {"resourceRules": rules[request.body["spec"]["namespace"]], "incomplete": incomplete}}

    cluster.hooks.append(answer)
    return cluster


def missing(cluster: FakeCluster, wanted: list[Action]) -> list[str]:
    with pytest.raises(RightsError) as caught:
        require_rights(cluster, release(), wanted)
    assert cluster.writes == []
    lines: list[str] = caught.value.facts["missing_permissions"]
    assert all(line in str(caught.value) for line in lines)
    return lines


def test_nothing_is_asked_when_nothing_is_written() -> None:
    cluster = FakeCluster()
    require_rights(cluster, release(), [])
    assert cluster.requests == []


def test_a_review_is_enough_where_all_is_given_for_the_whole_cluster() -> None:
    cluster = reviewed(ALL)
    require_rights(cluster, release(), actions())
    assert len(cluster.requests) == 1
    assert cluster.writes == []


def test_what_comes_into_a_new_namespace_must_be_readable() -> None:
    rules = [{**ALL[0], "verbs": ["create", "patch", "escalate", "bind"]}, LEASES]
    lines = missing(reviewed(rules), actions())
    assert {line.split()[0] for line in lines} == {"list", "get"}
    assert all(f"in namespace {HOME}" in line for line in lines)
    assert any("secrets" in line for line in lines)
    # In an existing namespace, the reads have shown it already.
    require_rights(reviewed(rules), release(), [action for action in actions() if action.key.kind != "Namespace"])


def test_every_missing_right_is_named() -> None:
    lines = missing(reviewed([]), actions())
    types = {(right.resource, right.namespace) for right in to_write(release())}
    read = [right for right in to_read(release()) if right.namespace]
    # Also to grant the roles (escalate and bind, in the cluster and in the namespace) and to watch the lease.
    assert len(lines) == len(types) + len(read) + 4 + 2
    for right in to_write(release()):
        assert any(right.verb in line and right.resource in line and right.name in line for line in lines)


def test_an_administrator_of_the_namespace_is_none_of_the_cluster() -> None:
    lines = missing(reviewed([], ALL), actions())
    assert lines
    assert not [line for line in lines if f"in namespace {HOME}" in line]


def test_an_administrator_of_the_namespace_may_write_in_it() -> None:
    require_rights(reviewed([], ALL), release(), actions("Deployment", "Service", "Role", "RoleBinding"))


def test_roles_that_may_be_written_and_not_granted() -> None:
    rules = [{**ALL[0], "verbs": ["create", "patch", "list", "get"]}, LEASES]
    lines = missing(reviewed(rules), actions())
    assert {line.split()[0] for line in lines} == {"escalate", "bind"}
    assert missing(reviewed(rules), actions("ClusterRole", "Service")) == [lines[2]]
    require_rights(reviewed(rules), release(), actions("Service"))


def test_the_record_is_written_too() -> None:
    rules = [{"verbs": ["*"], "apiGroups": ["apps"], "resources": ["*"]}, LEASES]
    (line,) = missing(reviewed(rules), actions("Deployment"))
    assert line.startswith(f"create, patch configmaps in namespace {HOME}")
    assert record_rights(HOME)[0].name in line
    assert any("leases" in line for line in missing(reviewed(rules[:1]), actions("Deployment")))


def test_an_incomplete_answer_is_completed_right_by_right() -> None:
    cluster = reviewed([], incomplete=True)
    cluster.allows = lambda attributes: attributes["verb"] == "patch"
    lines = missing(cluster, actions("Deployment"))
    assert all(line.startswith(("create ", "get leases", "watch leases")) for line in lines)
    assert cluster.requests[-1].body["kind"] == "SelfSubjectAccessReview"
    cluster.allows = lambda attributes: attributes["verb"] in ("create", "patch", "get", "list", "watch")
    # It is unknown whether roles may be granted; the server decides when they are applied.
    require_rights(cluster, release(), actions())


def test_who_may_do_anything_is_asked_that_alone() -> None:
    cluster = reviewed([], incomplete=True)
    cluster.allows = lambda attributes: attributes["verb"] == "*"
    require_rights(cluster.remembering(), release(), actions())
    assert len(cluster.requests) == 3
    assert cluster.requests[-1].body["kind"] == "SelfSubjectAccessReview"


@pytest.mark.parametrize("answer", [{}, {"status": None}, {"status": {"resourceRules": None}}])
def test_an_empty_review_allows_nothing(answer: dict[str, Any]) -> None:
    cluster = FakeCluster()
    cluster.hooks.append(lambda request: answer or {"kind": "SelfSubjectRulesReview"})
    assert missing(cluster, actions("Service"))
