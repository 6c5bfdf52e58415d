# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import ApiError
from ansible_collections.conductor.trainer.plugins.module_utils.wait.prerequisites import Foundation
from tests.unit.plugins.helpers.builders import CRD, HOME, NAMESPACE, RUNTIME_CRD, TRAINER_CRD, bundle, serving
from tests.unit.plugins.helpers.fakes import FakeCluster, Request, failure
from tests.unit.plugins.helpers.stepping import edit

LIST = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
HOME_PATH = f"/api/v1/namespaces/{NAMESPACE}"


@pytest.fixture
def cluster() -> FakeCluster:
    return serving(bundle())


def foundation(cluster: FakeCluster) -> Foundation:
    return Foundation(cluster, NAMESPACE, [RUNTIME_CRD, TRAINER_CRD])


def asked(cluster: FakeCluster) -> list[str]:
    found = [request.path for request in cluster.requests]
    cluster.requests.clear()
    return found


def test_what_is_ready_is_asked_for_once(cluster: FakeCluster) -> None:
    watched = foundation(cluster)
    for _look in range(3):
        assert [verdict.state for verdict in watched.verdicts()] == ["ready"] * 3
    assert asked(cluster) == [LIST, HOME_PATH]
    for send in watched.requests():
        send()
    assert [verdict.subject.split()[1] for verdict in watched.verdicts()] == [NAMESPACE, RUNTIME_CRD, TRAINER_CRD]
    assert asked(cluster) == [LIST, HOME_PATH]


def test_what_is_not_ready_is_asked_for_again_and_nothing_else(cluster: FakeCluster) -> None:
    status = cluster.objects[CRD]["status"]
    edit(CRD, "status", to={})(cluster)
    watched = foundation(cluster)
    assert [verdict.state for verdict in watched.verdicts()] == ["ready", "ready", "progressing"]
    asked(cluster)
    assert [verdict.state for verdict in watched.verdicts()] == ["ready", "ready", "progressing"]
    assert asked(cluster) == [f"{LIST}/{TRAINER_CRD}"]
    edit(CRD, "status", to=status)(cluster)
    assert [verdict.state for verdict in watched.verdicts()] == ["ready"] * 3


def test_somebody_elses_crd_is_asked_for_by_name(cluster: FakeCluster) -> None:
    edit(CRD, "metadata", "labels", to={})(cluster)
    assert [verdict.state for verdict in foundation(cluster).verdicts()] == ["ready"] * 3
    assert asked(cluster) == [LIST, HOME_PATH, f"{LIST}/{TRAINER_CRD}"]


@pytest.mark.parametrize("status", [403, 503])
def test_where_crds_cannot_be_listed_each_is_asked_for(cluster: FakeCluster, status: int) -> None:
    def hook(request: Request) -> None:
        if request.path == LIST:
            raise failure(status)

    cluster.hooks.append(hook)
    assert [verdict.state for verdict in foundation(cluster).verdicts()] == ["ready"] * 3


def test_a_namespace_that_may_not_be_read_is_no_matter(cluster: FakeCluster) -> None:
    cluster.fail(403, method="GET", path="/namespaces/")
    watched = foundation(cluster)
    assert [verdict.subject.split()[0] for verdict in watched.verdicts()] == ["CustomResourceDefinition"] * 2
    asked(cluster)
    assert len(watched.verdicts()) == 2
    assert asked(cluster) == []


def test_a_crd_that_may_not_be_read_ends_it(cluster: FakeCluster) -> None:
    cluster.fail(403, method="GET", path="/customresourcedefinitions")
    with pytest.raises(ApiError):
        foundation(cluster).verdicts()


def test_a_server_that_is_away_is_a_verdict(cluster: FakeCluster) -> None:
    cluster.fail(503, method="GET", path="")
    assert {verdict.state for verdict in foundation(cluster).verdicts()} == {"unknown"}


def test_a_namespace_on_its_way_out_is_seen(cluster: FakeCluster) -> None:
    edit(HOME, "metadata", "deletionTimestamp", to="2026-01-01T00:00:00Z")(cluster)
    assert foundation(cluster).verdicts()[0].evidence == "Terminating"
