# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import ApiError, RefusedError
from ansible_collections.conductor.trainer.plugins.module_utils.ownership.record import read_install_record
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle
from tests.unit.plugins.helpers.builders import DEPLOYMENT, LEASE, NAMESPACE, RECORD, VALIDATOR, bundle
from tests.unit.plugins.helpers.fakes import FakeCluster, Request, failure
from tests.unit.plugins.helpers.installing import ensure_present

EVERYTHING = len(bundle().objects())
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
SERVER_SIDE = ("kubectl", "Apply")
CLIENT_SIDE = ("kubectl-client-side-apply", "Update")


def by_kubectl(release: Bundle | None = None, manager: str = "kubectl", operation: str = "Apply") -> FakeCluster:
    """A cluster to which kubectl applied our kustomization."""
    cluster = FakeCluster()
    for manifest in (release or bundle()).objects():
        stored = cluster.put(manifest, manager, operation)
        if operation == "Update":
            stored["metadata"]["annotations"] = {LAST_APPLIED: "{}"}
    return cluster


def managers(cluster: FakeCluster) -> set[str]:
    return {
        entry["manager"]
        for key, stored in cluster.objects.items()
        if key not in (RECORD, LEASE)
        for entry in stored["metadata"]["managedFields"]
    }


def in_the_way(cluster: FakeCluster, name: str, *owners: str, field: str = ".spec.replicas") -> None:
    """The server reports a conflict with these managers for every apply that is not forced."""
    causes = [{"message": f'conflict with "{owner}" using apps/v1', "field": field} for owner in owners]

    def hook(request: Request) -> None:
        applies = request.method == "PATCH" and isinstance(request.body, dict)
        if applies and request.path.endswith(f"/{name}") and request.query["force"] == "false":
            raise failure(409, "Conflict", "Apply failed with a conflict", causes=causes)

    cluster.hooks.append(hook)


@pytest.mark.parametrize(("manager", "operation"), [SERVER_SIDE, CLIENT_SIDE, ("kubectl-create", "Update")])
def test_all_is_taken_over_with_one_request_more_an_object(manager: str, operation: str) -> None:
    cluster = by_kubectl(manager=manager, operation=operation)
    result = ensure_present(cluster, bundle())
    assert {verb: len(names) for verb, names in result["actions"].items()} == {"adopt": EVERYTHING}
    assert (result["changed"], result["unchanged"]) == (True, 0)
    assert managers(cluster) == {"conductor"}
    assert not any(LAST_APPLIED in (stored["metadata"].get("annotations") or {}) for stored in cluster.objects.values())
    assert len(cluster.applies) == 2 * EVERYTHING + 1
    cluster.requests.clear()
    again = ensure_present(cluster, bundle())
    assert (again["changed"], again["unchanged"]) == (False, EVERYTHING)
    assert {request.method for request in cluster.requests} == {"GET"}


def test_our_apply_comes_before_the_hand_over() -> None:
    cluster = by_kubectl()
    ensure_present(cluster, bundle())
    sent = [type(request.body) for request in cluster.writes if request.path.endswith("/deployments/manager")]
    assert sent == [dict, list]


@pytest.mark.parametrize("with_diff", [True, False])
def test_check_mode_predicts_it_and_writes_nothing(with_diff: bool) -> None:
    cluster = by_kubectl()
    predicted = ensure_present(cluster, bundle(), check=True, with_diff=with_diff)
    assert cluster.writes == []
    assert managers(cluster) == {"kubectl"}
    done = ensure_present(cluster, bundle(), with_diff=with_diff)
    assert {**predicted, "elapsed": 0} == {**done, "elapsed": 0}
    if with_diff:
        lines = done["diff"]["after"].splitlines()
        assert len(lines) == EVERYTHING
        assert "Deployment ops/manager: field manager = conductor" in lines


def test_what_kubectl_applied_of_ours_is_ours_to_delete_but_for_namespaces() -> None:
    cluster = by_kubectl()
    ensure_present(cluster, bundle())
    entries = read_install_record(cluster, NAMESPACE).entries
    assert {key.kind for key, entry in entries.items() if not entry.created} == {"Namespace"}
    assert len(entries) == EVERYTHING


def test_kubectl_again_is_taken_over_again() -> None:
    cluster = FakeCluster()
    ensure_present(cluster, bundle())
    cluster.put(next(manifest for manifest in bundle().objects("Deployment")), *SERVER_SIDE)
    assert ensure_present(cluster, bundle())["actions"] == {"adopt": [str(DEPLOYMENT)]}
    assert managers(cluster) == {"conductor"}


def test_an_interrupted_take_over_is_finished_by_the_next_run() -> None:
    cluster = by_kubectl()

    def hook(request: Request) -> None:
        if isinstance(request.body, list) and request.path.endswith("/deployments/manager"):
            raise failure(503, message="gone")

    cluster.hooks.append(hook)
    with pytest.raises(ApiError, match="gone"):
        ensure_present(cluster, bundle())
    assert DEPLOYMENT not in read_install_record(cluster, NAMESPACE).entries
    cluster.hooks.clear()
    assert str(DEPLOYMENT) in ensure_present(cluster, bundle())["actions"]["adopt"]
    assert managers(cluster) == {"conductor"}


def changing_meanwhile(cluster: FakeCluster, times: int) -> None:
    """A controller changes the Deployment each time just before it is taken over."""
    left = [1] * times

    def hook(request: Request) -> None:
        if isinstance(request.body, list) and request.path.endswith("/deployments/manager") and left:
            left.pop()
            cluster.objects[DEPLOYMENT]["metadata"]["resourceVersion"] += "0"

    cluster.hooks.append(hook)


@pytest.mark.parametrize("times", [1, 4])
def test_an_object_that_changes_meanwhile_is_looked_at_again(times: int) -> None:
    cluster = by_kubectl()
    changing_meanwhile(cluster, times)
    ensure_present(cluster, bundle())
    assert managers(cluster) == {"conductor"}


def test_an_object_that_never_stops_changing_is_an_error() -> None:
    cluster = by_kubectl()
    changing_meanwhile(cluster, 99)
    with pytest.raises(ApiError, match="the object has been modified"):
        ensure_present(cluster, bundle())


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("owners", [["kubectl-edit"], ["kubectl", "kubectl-patch"]])
def test_an_edit_stops_it_and_is_named(owners: list[str], check: bool) -> None:
    cluster = by_kubectl()
    in_the_way(cluster, "manager", *owners)
    with pytest.raises(RefusedError) as caught:
        ensure_present(cluster, bundle(), check=check)
    assert f"Deployment ops/manager: .spec.replicas is managed by {owners[-1]} (1)" in str(caught.value)
    assert cluster.writes == []
    assert "force_conflicts: true" in str(caught.value)
    assert not any(request.query.get("force") == "true" for request in cluster.requests if "record" not in request.path)


def test_an_edit_gives_way_to_force() -> None:
    cluster = by_kubectl()
    in_the_way(cluster, "manager", "kubectl-edit")
    ensure_present(cluster, bundle(), force=True)
    assert managers(cluster) == {"conductor"}


@pytest.mark.parametrize("check", [True, False])
def test_a_value_of_kubectls_own_overlay_is_not_overwritten(check: bool) -> None:
    cluster = by_kubectl()
    cluster.objects[DEPLOYMENT]["spec"]["replicas"] = 3
    in_the_way(cluster, "manager", "kubectl")
    with pytest.raises(RefusedError, match=r"\.spec\.replicas is managed by kubectl \(3\); the release has 1"):
        ensure_present(cluster, bundle(), check=check)
    assert cluster.objects[DEPLOYMENT]["spec"]["replicas"] == 3


def filled_in(cluster: FakeCluster) -> None:
    """Like the API server: add a default inside an atomic list."""
    original = cluster._store

    def store(key: Any, manifest: dict[str, Any], manager: str, operation: str) -> dict[str, Any]:
        stored = original(key, manifest, manager, operation)
        if key == VALIDATOR:
            stored["webhooks"][0]["rules"][0]["scope"] = "*"
        return stored

    cluster._store = store  # type: ignore[method-assign]
    stored = cluster.objects[VALIDATOR]
    stored["webhooks"][0]["rules"][0]["scope"] = "*"


@pytest.mark.parametrize("owner", ["kubectl", "kubectl-client-side-apply"])
def test_equal_values_that_look_like_a_conflict_are_none(owner: str) -> None:
    cluster = by_kubectl()
    filled_in(cluster)
    in_the_way(cluster, "validator", owner, field=".webhooks[0].rules")
    predicted = ensure_present(cluster, bundle(), check=True)
    assert len(predicted["actions"]["adopt"]) == EVERYTHING
    ensure_present(cluster, bundle())
    assert managers(cluster) == {"conductor"}
    forced = [request for request in cluster.writes if request.query.get("force") == "true"]
    # Only this object, and only in the state that was compared.
    assert [request.path.rpartition("/")[2] for request in forced] == ["validator", RECORD.name]
    assert forced[0].body["metadata"]["resourceVersion"]


@pytest.mark.parametrize(
    ("was", "wanted", "policy"), [("fail_open", "default", None), ("default", "fail_open", "Ignore")]
)
def test_another_profile_that_kubectl_applied_gives_way(was: str, wanted: str, policy: str | None) -> None:
    cluster = by_kubectl(bundle(was))
    in_the_way(cluster, "validator", "kubectl", field=".webhooks[0].failurePolicy")
    ensure_present(cluster, bundle(wanted), profile=wanted, check=True)
    assert cluster.writes == []
    ensure_present(cluster, bundle(wanted), profile=wanted)
    assert cluster.objects[VALIDATOR]["webhooks"][0].get("failurePolicy") == policy
    assert managers(cluster) == {"conductor"}


@pytest.mark.parametrize("field", ['.webhooks[name="validate.validator"].failurePolicy', ".spec.unknown", "[odd", ""])
def test_a_conflict_with_a_value_of_no_profile_stops_it(field: str) -> None:
    cluster = by_kubectl()
    cluster.objects[VALIDATOR]["webhooks"][0]["failurePolicy"] = "Sometimes"
    in_the_way(cluster, "validator", "kubectl", field=field)
    with pytest.raises(RefusedError, match=r"is managed by kubectl.*; the release has"):
        ensure_present(cluster, bundle())


@pytest.mark.parametrize("times", [1, 4, 99])
def test_a_forced_apply_is_for_the_object_that_was_compared(times: int) -> None:
    cluster = by_kubectl()
    in_the_way(cluster, "config", "kubectl", field=".data.a")
    left = [1] * times

    def hook(request: Request) -> None:
        if isinstance(request.body, dict) and request.body.get("metadata", {}).get("resourceVersion") and left:
            left.pop()
            raise failure(409, "Conflict", "the object has been modified")

    cluster.hooks.append(hook)
    if times < 5:
        ensure_present(cluster, bundle())
        assert managers(cluster) == {"conductor"}
    else:
        with pytest.raises(ApiError, match="the object has been modified"):
            ensure_present(cluster, bundle())


def test_a_failure_of_the_server_is_no_conflict() -> None:
    cluster = by_kubectl()
    cluster.fail(422, path="/deployments/", message="spec is wrong", causes=[{"message": "no"}])
    with pytest.raises(ApiError, match="spec is wrong"):
        ensure_present(cluster, bundle())
