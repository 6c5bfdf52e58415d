# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import RefusedError
from ansible_collections.conductor.trainer.plugins.module_utils.install.preflight import preflight
from ansible_collections.conductor.trainer.plugins.module_utils.jobset.choice import choose_jobset, of_jobset
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import key_of
from ansible_collections.conductor.trainer.plugins.module_utils.ownership.record import Record, read_install_record
from ansible_collections.conductor.trainer.plugins.module_utils.plan.plan import Observed, make_plan
from ansible_collections.conductor.trainer.plugins.module_utils.release.components import is_named_jobset
from tests.unit.plugins.helpers.builders import obj
from tests.unit.plugins.helpers.fakes import FakeCluster
from tests.unit.plugins.helpers.installing import ensure_present
from tests.unit.plugins.helpers.states import HOME, crds, endpoints, jobset_controller, managed, release, webhooks

ELSEWHERE = "jobset-system"
HOOKS = [*webhooks("Mutating", "kubectl", ELSEWHERE), *webhooks("Validating", "kubectl", ELSEWHERE)]
CONFIGURATIONS = of_jobset(HOOKS)
OURS = of_jobset([*webhooks("Mutating"), *webhooks("Validating")])


def with_jobset(home: str = ELSEWHERE, **changes: Any) -> FakeCluster:
    """Return a cluster with a healthy external JobSet."""
    cluster = FakeCluster()
    controller = {**jobset_controller(home, manager="kubectl"), **changes}
    (slices,) = endpoints(home, "jobset-webhook-service").values()
    stored = [crds("kubectl")["jobsets.jobset.x-k8s.io"], *CONFIGURATIONS, controller]
    for manifest in stored:
        cluster.objects[key_of(copy.deepcopy(dict(manifest)))] = copy.deepcopy(dict(manifest))
    for piece in slices.items:
        whole = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", **piece}
        cluster.objects[key_of(whole)] = whole
    return cluster


def test_an_empty_cluster_takes_four_reads() -> None:
    cluster = FakeCluster()
    choice = choose_jobset(cluster, release(), "auto", Record(), [])
    assert (choice.meant, choice.blockers, choice.bundle) == ("bundled", (), release())
    assert len(cluster.requests) == 4


def test_a_healthy_external_jobset_is_used() -> None:
    cluster = with_jobset()
    choice = choose_jobset(cluster, release(), "auto", Record(), CONFIGURATIONS)
    assert (choice.meant, choice.blockers) == ("external", ())
    assert choice.facts["namespace"] == ELSEWHERE
    assert choice.bundle.names("Deployment") == ["kubeflow-trainer-controller-manager"]
    assert len(cluster.requests) == 7
    assert cluster.writes == []


@pytest.mark.parametrize(
    ("mode", "recorded", "configurations"),
    [
        ("auto", "bundled", OURS),
        ("bundled", "bundled", OURS),
        ("auto", "bundled", []),  # the plan puts them back
        ("auto", "external", CONFIGURATIONS),
        ("external", "external", CONFIGURATIONS),
    ],
)
def test_nothing_is_read_if_all_is_as_recorded(mode: str, recorded: str, configurations: list[Any]) -> None:
    cluster = with_jobset()
    choice = choose_jobset(cluster, release(), mode, Record(jobset=recorded), configurations)
    assert choice.meant == recorded
    assert cluster.requests == []


@pytest.mark.parametrize(
    ("mode", "recorded", "configurations", "code"),
    [
        ("bundled", "external", CONFIGURATIONS, "jobset_external"),
        ("external", "bundled", OURS, "jobset_bundled"),
        ("auto", "external", [], "jobset_absent"),
        ("auto", "external", OURS, "jobset_bundled"),
        ("auto", "external", [*OURS, *CONFIGURATIONS], "jobset_split"),
    ],
)
def test_a_difference_from_the_record_is_read(mode: str, recorded: str, configurations: list[Any], code: str) -> None:
    if not configurations:
        cluster = FakeCluster()
    elif configurations is OURS:
        cluster = FakeCluster()
        mine = jobset_controller(HOME)
        cluster.objects[key_of(mine)] = mine
        cluster.put(managed(crds()["jobsets.jobset.x-k8s.io"]))
    else:
        cluster = with_jobset()
    choice = choose_jobset(cluster, release(), mode, Record(jobset=recorded), configurations)
    assert [blocker["code"] for blocker in choice.blockers] == [code]
    assert choice.refusals
    assert choice.next_steps


def test_missing_permissions_are_named_and_stop_the_install() -> None:
    cluster = with_jobset()
    cluster.fail(403, method="GET", path="/deployments")
    choice = choose_jobset(cluster, release(), "bundled", Record(), CONFIGURATIONS)
    assert [blocker["code"] for blocker in choice.blockers] == ["jobset_unknown"]
    assert "list deployments.apps in namespace jobset-system" in choice.refusals[0]
    assert choice.next_steps


def test_permissions_in_one_namespace_are_sufficient_on_an_empty_cluster() -> None:
    cluster = FakeCluster()
    cluster.fail(403, method="GET", path="/apis/apps/v1/deployments")
    choice = choose_jobset(cluster, release(), "auto", Record(), [])
    assert (choice.meant, choice.blockers) == ("bundled", ())


def test_an_install_beside_an_external_jobset_records_it_and_does_not_change_it() -> None:
    cluster = with_jobset()
    theirs = {key: copy.deepcopy(stored) for key, stored in cluster.objects.items()}
    result = ensure_present(cluster, release())
    assert (result["jobset"], result["components"]) == ("external", {"trainer": "2.3.0"})
    assert {key: cluster.objects[key] for key in theirs} == theirs

    asked, written = len(cluster.requests), len(cluster.writes)
    again = ensure_present(cluster, release())
    assert (again["changed"], again["jobset"]) == (False, "external")
    assert len(cluster.writes) == written
    # No more requests than with a bundled JobSet.
    assert len(cluster.requests) - asked <= 18


def handed_over() -> FakeCluster:
    """Return a cluster whose bundled JobSet was replaced by an external one."""
    cluster = FakeCluster()
    ensure_present(cluster, release())
    for key in [key for key in cluster.objects if is_named_jobset(key.name)]:
        del cluster.objects[key]
    cluster.objects.update(with_jobset().objects)
    return cluster


def test_a_requested_change_to_an_external_jobset_is_recorded() -> None:
    cluster = handed_over()
    theirs = {key: copy.deepcopy(stored) for key, stored in cluster.objects.items() if is_named_jobset(key.name)}
    before = len(cluster.applies)
    foretold = ensure_present(cluster, release(), jobset="external", check=True)
    assert (foretold["actions"], foretold["record_updated"]) == ({}, True)
    assert len(cluster.applies) == before

    done = ensure_present(cluster, release(), jobset="external")
    assert (done["jobset"], done["actions"], done["record_updated"]) == ("external", {}, True)
    # Only the record, without any object of the external JobSet.
    assert len(cluster.applies) == before + 1
    record = read_install_record(cluster, HOME)
    assert record.jobset == "external"
    assert [key for key in record.entries if is_named_jobset(key.name)] == []

    again = ensure_present(cluster, release())
    assert (again["jobset"], again["changed"]) == ("external", False)
    assert {key: cluster.objects[key] for key in theirs} == theirs


def test_a_change_to_an_external_jobset_without_a_request_stops() -> None:
    cluster = handed_over()
    before = len(cluster.writes)
    with pytest.raises(RefusedError, match="installing a second JobSet would break it") as caught:
        ensure_present(cluster, release())
    assert "conductor_jobset: external" in str(caught.value)
    assert len(cluster.writes) == before


def test_all_blockers_are_reported_at_once() -> None:
    cluster = with_jobset(status={})
    cluster.put(obj("Namespace", release().namespace), "helm")
    cluster.put(release().objects("ConfigMap")[0], "helm")
    with pytest.raises(RefusedError) as caught:
        ensure_present(cluster, release())
    assert {"jobset_unhealthy", "trainer_other_owner"} <= {found["code"] for found in caught.value.facts["blockers"]}
    assert cluster.writes == []


def test_blockers_of_the_choice_stop_even_if_the_inspection_finds_none() -> None:
    cluster = FakeCluster()
    known = {
        "code": "jobset_split",
        "object": "JobSet",
        "cause": "the installed JobSet is inconsistent: x",
        "next_step": "find out",
    }
    plan = make_plan(release(), Observed(kubernetes="1.35.8"))
    with pytest.raises(RefusedError, match="jobset_split, JobSet: the installed JobSet is inconsistent: x"):
        preflight(cluster, release(), plan, known=[known])
    assert cluster.writes == []
