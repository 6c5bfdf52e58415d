# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The complete operation on a cluster in memory: writes, results, and that an interrupted uninstall continues."""

from __future__ import annotations

import contextlib
import copy
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import (
    ApiError,
    ConductorError,
    InputError,
    NotReadyError,
    RefusedError,
    RightsError,
    UnreachableError,
)
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import Key
from ansible_collections.conductor.trainer.plugins.module_utils.remove.absent import ensure_absent
from tests.unit.plugins.helpers.builders import KUBE_SYSTEM_UID, obj
from tests.unit.plugins.helpers.fakes import FakeCluster, Request, failure
from tests.unit.plugins.helpers.installing import ensure_present
from tests.unit.plugins.helpers.removals import (
    CRDS,
    FINALIZER,
    HOME,
    JOBSET_LEASE,
    LEASE,
    MANAGER,
    RECORD,
    TORCH,
    cluster,
    hold,
    put_job,
    put_runtime,
    put_set,
)
from tests.unit.plugins.helpers.states import release

EVERYTHING: dict[str, Any] = {"remove_crds": True, "remove_user_data": True}
PROBE = Key("v1", "Namespace", "", "conductor-probe")
KUBE_SYSTEM = Key("v1", "Namespace", "", "kube-system")


def remove(found: FakeCluster, **options: Any) -> dict[str, Any]:
    return ensure_absent(found, release(), **{"timeout": 0, **options})


def told(result: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in result.items() if key != "elapsed"}


def deleted(found: FakeCluster) -> list[str]:
    return [request.path.rpartition("/")[2] for request in found.requests if request.method == "DELETE"]


def test_nothing_of_ours_is_left_but_crds() -> None:
    found = cluster()
    result = remove(found)
    assert set(found.objects) == {KUBE_SYSTEM, *CRDS}
    assert (result["changed"], result["existed"], result["finalizers_removed"]) == (True, True, [])
    assert (result["release"], result["namespace"], result["cluster_uid"]) == ("2.3.0", HOME, KUBE_SYSTEM_UID)
    names = {str(key) for key in {*release().known, LEASE, JOBSET_LEASE} - set(CRDS)}
    assert result["actions"] == {"delete": sorted(names, key=lambda name: (name.partition(" ")[0], name))}
    (line,) = result["retained"]
    assert line.endswith("trainjobs.trainer.kubeflow.org: remove_crds is off")


def test_everything_goes() -> None:
    found = cluster()
    put_job(found)
    put_set(found)
    put_runtime(found)
    result = remove(found, **EVERYTHING)
    assert set(found.objects) == {KUBE_SYSTEM}
    assert result["retained"] == []


@pytest.mark.parametrize("options", [{}, EVERYTHING])
def test_check_mode_foretells_it_and_writes_nothing(options: dict[str, Any]) -> None:
    found = cluster()
    if options:
        put_job(found)
    foretold = remove(found, check=True, with_diff=True, **options)
    assert found.writes == []
    assert told(remove(found, with_diff=True, **options)) == told(foretold)
    assert foretold["diff"]["before"].splitlines() == foretold["actions"]["delete"]
    assert foretold["diff"]["after"] == ""


@pytest.mark.parametrize("options", [{}, EVERYTHING])
def test_a_second_run_changes_nothing(options: dict[str, Any]) -> None:
    found = cluster()
    remove(found, **options)
    found.requests.clear()
    result = remove(found, **options)
    assert (result["changed"], result["actions"]) == (False, {})
    assert found.writes == []


def test_where_nothing_is_there_nothing_is_said_to_be() -> None:
    result = remove(FakeCluster())
    assert (result["changed"], result["existed"], result["retained"]) == (False, False, [])


def test_an_install_after_a_removal_that_left_the_crds_makes_them_removable_again() -> None:
    found = cluster()
    job = put_job(found, ending="Complete")
    remove(found)
    assert job in found.objects
    ensure_present(found, release(), jobset="bundled")
    with pytest.raises(RefusedError, match="team-a/j"):
        remove(found, remove_crds=True)
    del found.objects[job]
    remove(found, remove_crds=True)
    assert set(found.objects) == {KUBE_SYSTEM}


# -- interrupted ---


class Killed(Exception):
    """The process was killed."""


def rich() -> FakeCluster:
    """A cluster with user objects and without running controllers, so that every stage has something to do."""
    found = cluster(alive=False)
    found.connections = 1
    hold(found, TORCH)
    put_job(found)
    put_set(found)
    put_set(found, "owned", owned=True)
    put_runtime(found, held=True)
    put_runtime(found, namespace="team-a")
    return found


OUR_LEASE = Key("coordination.k8s.io/v1", "Lease", HOME, "conductor-install")


def killed_after(number: int, start: FakeCluster, last: int, **options: Any) -> FakeCluster:
    """A copy of a cluster on which an uninstall was killed after its Nth write."""
    found = copy.copy(start)
    found.objects, found.requests, found.hooks = copy.deepcopy(start.objects), [], []

    def kill(request: Request) -> dict[str, Any] | None:
        if not request.writes or len(found.writes) != number:
            return None
        # The server did it, but the response is lost.
        found._answer(request)
        raise Killed

    found.hooks.append(kill)
    with contextlib.suppress(Killed):
        remove(found, **options)
        # The release of a lease that was deleted with its namespace.
        assert number == last, f"write {number}"
    found.hooks.clear()
    if OUR_LEASE in found.objects:
        # As if the process were gone: this one is still running.
        found.objects[OUR_LEASE]["spec"]["holderIdentity"] = ""
    return found


@pytest.mark.parametrize("options", [EVERYTHING, {"abandon_jobs": True}], ids=["everything", "abandoned"])
@pytest.mark.parametrize("step", [3, pytest.param(1, marks=pytest.mark.evidence)], ids=["sampled", "each"])
def test_killed_after_any_write_it_goes_on_and_ends_the_same(options: dict[str, Any], step: int) -> None:
    """A kill at a read, or before a write, leaves the same state as a kill after the previous write."""
    start, whole = rich(), rich()
    remove(whole, **options)
    for number in range(1, len(whole.writes) + 1, step):
        found = killed_after(number, start, len(whole.writes), **options)
        remove(found, **options)
        assert set(found.objects) == set(whole.objects), f"write {number}"
        mark = len(found.requests)
        assert remove(found, **options)["changed"] is False, f"write {number}"
        assert not any(request.writes for request in found.requests[mark:])


# -- blockers ---


@pytest.mark.parametrize("check", [True, False])
def test_a_blocked_uninstall_names_everything_and_writes_nothing(check: bool) -> None:
    found = cluster()
    put_job(found)
    put_set(found)
    with pytest.raises(RefusedError) as caught:
        remove(found, check=check)
    assert found.writes == []
    assert [line.partition(":")[0] for line in caught.value.facts["plan_blockers"]] == [
        "1 unfinished TrainJob (team-a/j)",
        "1 unfinished JobSet (team-a/s)",
    ]
    assert "remove_user_data: true to delete them, or abandon_jobs: true" in str(caught.value)


def test_another_cluster_than_the_pinned_one_is_left_alone() -> None:
    found = cluster()
    with pytest.raises(RefusedError, match="this is another cluster than the pinned one"):
        remove(found, cluster_uid="11111111-0000-4000-8000-000000000001")
    assert found.writes == []


def test_a_negative_timeout_fails_before_any_request() -> None:
    found = cluster()
    with pytest.raises(InputError):
        remove(found, timeout=-1)
    assert found.requests == []


def test_every_missing_right_is_named_before_the_first_write() -> None:
    found = cluster(alive=False)
    hold(found, TORCH)
    found.rules = [{"verbs": ["get", "list"], "apiGroups": ["*"], "resources": ["*"]}]
    with pytest.raises(RightsError) as caught:
        remove(found, check=True)
    missing = caught.value.facts["missing_permissions"]
    assert "patch clustertrainingruntimes.trainer.kubeflow.org (for torch-distributed)" in missing
    assert f"watch deployments.apps in namespace {HOME}" in missing
    assert f"watch pods in namespace {HOME}" in missing
    assert "watch namespaces" in missing
    assert any(
        line.startswith(f"delete secrets in namespace {HOME} (for jobset-webhook-server-cert") for line in missing
    )
    with pytest.raises(RightsError):
        remove(found)
    assert found.writes == []


def test_what_may_not_be_read_is_named_all_at_once() -> None:
    found = cluster()
    for path in ("/trainjobs", "/secrets", "/configmaps"):
        found.fail(403, method="GET", path=path)
    with pytest.raises(RightsError) as caught:
        remove(found)
    assert caught.value.facts["missing_permissions"] == [
        f"get configmaps conductor-install-record in namespace {HOME}",
        f"list configmaps in namespace {HOME}",
        f"list secrets in namespace {HOME}",
        "list trainjobs.trainer.kubeflow.org",
    ]


@pytest.mark.parametrize("path", ["/trainjobs", "/configmaps/conductor-install-record"])
def test_a_server_that_fails_is_said_to(path: str) -> None:
    found = cluster()
    found.fail(500, method="GET", path=path, message="broken")
    with pytest.raises(ApiError, match="broken"):
        remove(found)


# -- deletions that do not finish ---


def test_a_failed_request_names_the_deleted_objects() -> None:
    found = cluster()
    found.connections = 1
    found.fail(500, method="DELETE", path="/deployments/", message="broken")
    with pytest.raises(ApiError, match="broken") as caught:
        remove(found)
    written = caught.value.facts["written"]
    assert str(TORCH) in written
    assert not [name for name in written if name.startswith(("Deployment", "Secret"))]


def test_what_holds_a_runtime_is_named_and_no_later_stage_begins() -> None:
    found = cluster()
    hold(found, TORCH, "example.com/held")
    with pytest.raises(NotReadyError, match=r"ClusterTrainingRuntime torch-distributed .*example.com/held"):
        remove(found)
    assert not [name for name in deleted(found) if "validat" in name]


def test_a_finalizer_is_removed_if_no_controller_does_it() -> None:
    found = cluster(alive=False)
    hold(found, TORCH, "example.com/first", FINALIZER)
    with pytest.raises(NotReadyError, match="finalizer example"):
        remove(found)
    assert found.objects[TORCH]["metadata"]["finalizers"] == ["example.com/first"]
    hold(found, TORCH, FINALIZER)
    assert remove(found)["finalizers_removed"] == [str(TORCH)]
    assert TORCH not in found.objects


def test_what_somebody_changes_meanwhile_is_looked_at_again() -> None:
    found = cluster(alive=False)
    hold(found, TORCH)
    attempts: list[int] = []

    def hook(request: Request) -> dict[str, Any] | None:
        if request.step == "remove finalizers" and len(attempts) < 2:
            attempts.append(1)
            raise failure(422, "Invalid", "changed")
        return None

    found.hooks.append(hook)
    assert remove(found)["finalizers_removed"] == [str(TORCH)]
    assert len(attempts) == 2


def test_after_three_attempts_it_gives_up() -> None:
    found = cluster(alive=False)
    hold(found, TORCH)
    found.fail(422, method="PATCH", path="/clustertrainingruntimes/", message="changed")
    with pytest.raises(ApiError, match="changed"):
        remove(found)


def test_a_runtime_that_is_let_go_by_somebody_else_is_no_deed_of_ours() -> None:
    found = cluster(alive=False)
    hold(found, TORCH)

    def hook(request: Request) -> dict[str, Any] | None:
        if request.method == "GET" and request.path.endswith(TORCH.name) and TORCH in found.objects:
            del found.objects[TORCH]
        return None

    found.hooks.append(hook)
    assert remove(found)["finalizers_removed"] == []


def test_what_was_made_meanwhile_does_not_go_with_its_crd() -> None:
    found = cluster()

    def hook(request: Request) -> dict[str, Any] | None:
        if request.method == "DELETE" and request.path.endswith(MANAGER.name):
            put_job(found, "late")
        return None

    found.hooks.append(hook)
    with pytest.raises(RefusedError, match="team-a/late: created meanwhile"):
        remove(found, remove_crds=True)
    assert set(CRDS) <= set(found.objects)
    # The objects that are needed to continue still exist.
    assert RECORD in found.objects


def test_what_came_into_the_namespace_meanwhile_keeps_it() -> None:
    found = cluster()

    def hook(request: Request) -> dict[str, Any] | None:
        if request.method == "DELETE" and request.path.endswith(MANAGER.name):
            found.put(obj("ConfigMap", "guest", namespace=HOME), "kubectl")
        return None

    found.hooks.append(hook)
    result = remove(found)
    assert any(line.startswith(f"Namespace {HOME}: it is not empty: configmaps guest") for line in result["retained"])
    assert f"Namespace {HOME}" not in result["actions"]["delete"]
    # The record stays with the namespace.
    assert RECORD in found.objects
    assert deleted(found)[-1] == "conductor-install"
    found.hooks.clear()
    del found.objects[Key("v1", "ConfigMap", HOME, "guest")]
    again = remove(found)
    assert again["actions"] == {"delete": [f"Namespace {HOME}"]}
    assert not any("Namespace" in line for line in again["retained"])


GUESTS = {"the operator's namespace": (HOME,), "another": ("conductor-probe",), "both": (HOME, "conductor-probe")}


@pytest.mark.parametrize("case", GUESTS)
def test_killed_after_any_write_while_somebodys_objects_are_there_a_later_run_completes_it(case: str) -> None:
    """The namespaces are the last objects that the record vouches for: it must not be deleted before them."""
    guests = [Key("v1", "ConfigMap", place, "guest") for place in GUESTS[case]]

    def guarded() -> FakeCluster:
        found = cluster()
        found.connections = 1
        for guest in guests:
            found.put(obj("ConfigMap", "guest", namespace=guest.namespace), "kubectl")
        return found

    start, whole = guarded(), guarded()
    remove(whole)
    last = len(whole.writes)
    # The namespaces, the record and the lease are the last ones.
    for number in [*range(1, last - 6, 7), *range(last - 6, last + 1)]:
        found = killed_after(number, start, last)
        # Once with the guests, once without them.
        remove(found)
        mark = len(found.requests)
        assert remove(found)["changed"] is False, f"write {number}"
        assert not any(request.writes for request in found.requests[mark:])
        assert {key.name for key in found.objects if key.kind == "Namespace"} >= set(GUESTS[case])
        for guest in guests:
            del found.objects[guest]
        remove(found)
        assert {key for key in found.objects if key.kind != "CustomResourceDefinition"} == {KUBE_SYSTEM}, number


def test_pods_are_waited_for_and_named() -> None:
    found = cluster()
    uid = found.objects[MANAGER]["metadata"]["uid"]
    owner = {"ownerReferences": [{"kind": "Deployment", "uid": uid}]}
    found.put(obj("ReplicaSet", "set", "apps/v1", HOME, metadata=owner), "kube-controller-manager", "Update")
    (replica_set,) = (stored for key, stored in found.objects.items() if key.kind == "ReplicaSet")
    owner = {"ownerReferences": [{"kind": "ReplicaSet", "uid": replica_set["metadata"]["uid"]}]}
    found.put(obj("Pod", f"{MANAGER.name}-1", namespace=HOME, metadata=owner), "kubelet", "Update")
    with pytest.raises(NotReadyError, match=f"Pod {HOME}/{MANAGER.name}-1 still exists"):
        remove(found)


def test_a_deployment_that_does_not_go_is_said_with_its_pods() -> None:
    found = cluster()
    hold(found, MANAGER, "foregroundDeletion")
    found.put(obj("Pod", f"{MANAGER.name}-1", namespace=HOME), "kubelet", "Update")
    with pytest.raises(NotReadyError, match=f"remaining pods: {MANAGER.name}-1"):
        remove(found)
    found.fail(403, method="GET", path="/pods")
    with pytest.raises(ConductorError):
        remove(found)


def test_a_crd_that_does_not_go_is_said_with_the_servers_words() -> None:
    found = cluster()
    hold(found, CRDS[0], "customresourcecleanup.apiextensions.k8s.io")
    found.objects[CRDS[0]]["status"] = {
        "conditions": [{"type": "Terminating", "status": "True", "message": "one is left"}]
    }
    with pytest.raises(NotReadyError, match=r"when no custom resource remains\): one is left"):
        remove(found, remove_crds=True)


def test_the_network_may_fail() -> None:
    found = cluster()

    def hook(request: Request) -> dict[str, Any] | None:
        if request.method == "DELETE":
            raise UnreachableError("away")
        return None

    found.hooks.append(hook)
    with pytest.raises(UnreachableError) as caught:
        remove(found)
    assert caught.value.facts["written"] == []


def test_of_what_people_have_only_some_are_named() -> None:
    found = cluster()
    for number in range(25):
        put_job(found, f"j{number:02}")
    result = remove(found, check=True, remove_user_data=True)
    names = result["actions"]["delete"]
    assert result["counts"]["TrainJob"] == 25
    assert len([name for name in names if name.startswith("TrainJob ")]) == 20
    assert "TrainJob: 5 more" in names


def test_the_namespace_of_the_probes_goes_before_the_operators() -> None:
    found = cluster()
    remove(found)
    names = deleted(found)
    assert names.index(PROBE.name) < names.index(HOME)
