# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of an earlier release are read, pruned or retained, and reported."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import ApiError
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import RESOURCES, Key
from ansible_collections.conductor.trainer.plugins.module_utils.ownership.record import read_install_record
from tests.unit.plugins.helpers.builders import NAMESPACE, bundle, content, crd, key, obj, runtime
from tests.unit.plugins.helpers.fakes import FakeCluster, failure
from tests.unit.plugins.helpers.installing import ensure_present

OLD_SERVICE = Key("v1", "Service", NAMESPACE, "old")
OLD_RUNTIME = key("ClusterTrainingRuntime", "old", "trainer.kubeflow.org/v1alpha1")
OLD_CRD = key("CustomResourceDefinition", "jobsets.jobset.x-k8s.io", "apiextensions.k8s.io/v1")
ALL = sorted(map(str, (OLD_SERVICE, OLD_RUNTIME, OLD_CRD)))


def older(kind: str = "Service") -> Any:
    """A release with three more objects, one of them of this kind."""
    phases = {phase["name"]: list(phase["objects"]) for phase in content()["phases"]}
    job_sets = crd("jobsets", "JobSet", group="jobset.x-k8s.io")
    job_sets["spec"]["versions"] = [{"name": "v1alpha2", "served": True}]
    phases["foundation"].append(job_sets)
    api_version = next(version for version, known in RESOURCES if known == kind)
    phases["access"].append(obj(kind, "old", api_version, NAMESPACE, spec={}))
    phases["runtimes"].append(runtime("old"))
    return bundle(release="9.9.8", phases=[{"name": name, "objects": items} for name, items in phases.items()])


def upgraded_from_older(kind: str = "Service") -> FakeCluster:
    cluster = FakeCluster()
    ensure_present(cluster, older(kind))
    cluster.requests.clear()
    return cluster


def job(**status: Any) -> dict[str, Any]:
    return obj(
        "TrainJob", "mine", "trainer.kubeflow.org/v1alpha1", "team", spec={"runtimeRef": {"name": "old"}}, status=status
    )


def test_what_the_release_has_no_more_goes_in_the_reverse_order() -> None:
    cluster = upgraded_from_older()
    foretold = ensure_present(cluster, bundle(), prune_crds=True, check=True, with_diff=True)
    assert cluster.writes == []
    done = ensure_present(cluster, bundle(), prune_crds=True, with_diff=True)
    assert foretold["actions"] == done["actions"] == {"prune": ALL}
    assert foretold["diff"] == done["diff"]
    assert "Service ops/old: pruned" in done["diff"]["after"]
    deleted = [request.path.rpartition("/")[2] for request in cluster.writes if request.method == "DELETE"]
    assert deleted == ["old", "old", "jobsets.jobset.x-k8s.io"]
    assert not {OLD_SERVICE, OLD_RUNTIME, OLD_CRD} & {
        *cluster.objects,
        *read_install_record(cluster, NAMESPACE).entries,
    }
    assert ensure_present(cluster, bundle())["changed"] is False


def test_crds_stay_and_stay_on_record() -> None:
    cluster = upgraded_from_older()
    result = ensure_present(cluster, bundle())
    assert result["actions"] == {"prune": sorted(map(str, (OLD_SERVICE, OLD_RUNTIME)))}
    assert result["retained"] == [f"{OLD_CRD}: CRDs are pruned only with prune_crds: true"]
    assert OLD_CRD in read_install_record(cluster, NAMESPACE).entries
    again = ensure_present(cluster, bundle())
    assert (again["changed"], again["retained"]) == (False, result["retained"])


def test_nothing_is_pruned_unasked_or_outside_of_the_phases() -> None:
    cluster = upgraded_from_older()
    assert ensure_present(cluster, bundle(), prune=False)["actions"] == {}
    result = ensure_present(cluster, bundle(), phases=["access"])
    assert result["actions"] == {"prune": [str(OLD_SERVICE)]}
    assert result["pending_phases"] == ["runtimes"]


def test_runtimes_that_were_not_chosen_belong_to_the_release() -> None:
    cluster = FakeCluster()
    ensure_present(cluster, bundle())
    assert ensure_present(cluster, bundle().with_runtimes(["jax"]))["actions"] == {}


@pytest.mark.parametrize(
    ("status", "goes"), [({}, False), ({"conditions": [{"type": "Failed", "status": "True"}]}, True)]
)
def test_a_runtime_goes_when_no_unfinished_job_needs_it(status: dict[str, Any], goes: bool) -> None:
    cluster = upgraded_from_older()
    cluster.put(job(**status), "user")
    result = ensure_present(cluster, bundle())
    assert (OLD_RUNTIME not in cluster.objects) is goes
    assert (f"{OLD_RUNTIME}: TrainJob team/mine needs it" in result["retained"]) is not goes


def test_a_job_that_names_another_kind_of_runtime_needs_none_of_ours() -> None:
    cluster = upgraded_from_older()
    other = job()
    other["spec"]["runtimeRef"]["kind"] = "TrainingRuntime"
    cluster.put(other, "user")
    ensure_present(cluster, bundle())
    assert OLD_RUNTIME not in cluster.objects


def test_a_crd_with_an_object_stays_and_names_it() -> None:
    cluster = upgraded_from_older()
    cluster.put(obj("JobSet", "mine", "jobset.x-k8s.io/v1alpha2", "team"), "user")
    result = ensure_present(cluster, bundle(), prune_crds=True)
    assert f"{OLD_CRD}: JobSet team/mine needs it" in result["retained"]
    assert OLD_CRD in cluster.objects


@pytest.mark.parametrize(
    ("path", "said"),
    [
        # The release has no object of this type; the other types were listed.
        ("/networkpolicies/old", "no permission to read it"),
        ("/trainjobs", "possibly a TrainJob (no permission to list them) needs it"),
        ("/apis/jobset.x-k8s.io/v1alpha2/jobsets", "(no permission to list them) needs it"),
    ],
)
def test_what_may_not_be_read_stays(path: str, said: str) -> None:
    cluster = upgraded_from_older("NetworkPolicy")

    def forbidden(request: Any) -> None:
        if request.method == "GET" and request.path.endswith(path):
            raise failure(403, "Forbidden")

    cluster.hooks.append(forbidden)
    result = ensure_present(cluster, bundle(), prune_crds=True)
    assert any(said in line for line in result["retained"])
    assert len(result["actions"]["prune"]) == 2


@pytest.mark.parametrize("path", ["/networkpolicies/old", "/trainjobs", "/jobsets"])
def test_a_server_that_fails_stops_it(path: str) -> None:
    cluster = upgraded_from_older("NetworkPolicy")
    cluster.fail(500, method="GET", path=path)
    with pytest.raises(ApiError):
        ensure_present(cluster, bundle(), prune_crds=True)
    assert cluster.writes == []


def test_where_its_types_are_gone_a_runtime_is_gone_too() -> None:
    cluster = upgraded_from_older()
    for name in ("trainjobs", "clustertrainingruntimes"):
        cluster.fail(404, method="GET", path=f"/apis/trainer.kubeflow.org/v1alpha1/{name}")
    result = ensure_present(cluster, bundle(), check=True)
    assert str(OLD_RUNTIME) not in result["actions"]["prune"]


def test_a_crd_that_serves_nothing_holds_nothing() -> None:
    cluster = upgraded_from_older()
    cluster.objects[OLD_CRD]["spec"]["versions"] = [{"name": "v0", "served": False}]
    assert str(OLD_CRD) in ensure_present(cluster, bundle(), prune_crds=True)["actions"]["prune"]


@pytest.mark.parametrize("status", [404, 409])
def test_what_went_meanwhile_is_no_work_of_ours(status: int) -> None:
    cluster = upgraded_from_older()
    cluster.fail(status, method="DELETE", path="/services/old")
    result = ensure_present(cluster, bundle())
    assert result["actions"] == {"prune": [str(OLD_RUNTIME)]}
    assert OLD_SERVICE not in read_install_record(cluster, NAMESPACE).entries


def test_a_prune_that_fails_says_what_went() -> None:
    cluster = upgraded_from_older()
    cluster.fail(500, method="DELETE", path="/services/old", message="no luck")
    with pytest.raises(ApiError, match="no luck") as caught:
        ensure_present(cluster, bundle())
    assert caught.value.facts["written"] == [str(OLD_RUNTIME)]
    record = read_install_record(cluster, NAMESPACE)
    assert OLD_SERVICE in record.entries
    assert OLD_RUNTIME not in record.entries
