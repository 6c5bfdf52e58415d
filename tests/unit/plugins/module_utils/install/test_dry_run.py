# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check mode reports what the run then does, in every state of the cluster."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import ApiError, ConductorError, RightsError
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import Key, key_of
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import PHASES, Bundle, Change
from tests.unit.plugins.helpers.builders import (
    CONFIG,
    CRD,
    DEPLOYMENT,
    HOME,
    NAMESPACE,
    RECORD,
    VALIDATOR,
    bundle,
    key,
    obj,
)
from tests.unit.plugins.helpers.fakes import FakeCluster, failure
from tests.unit.plugins.helpers.installing import ensure_present

EVERYTHING = [key_of(manifest) for manifest in bundle().objects()]
RUNTIME = key("ClusterTrainingRuntime", "torch", "trainer.kubeflow.org/v1alpha1")
RUNTIME_CRD = key("CustomResourceDefinition", "clustertrainingruntimes.trainer.kubeflow.org", "apiextensions.k8s.io/v1")
TRANSPORT = {
    "reason": "InternalError",
    "message": 'failed calling webhook "validate.validator": Post "https://manager.ops.svc:443/x": connection refused',
}


def fresh() -> FakeCluster:
    """A cluster on which our release was just installed, with an empty request log."""
    cluster = FakeCluster()
    ensure_present(cluster, bundle())
    cluster.requests.clear()
    return cluster


def gone(*keys: Key) -> Callable[[FakeCluster], None]:
    """Delete these objects; with a namespace or a CRD also its contents."""

    def drift(cluster: FakeCluster) -> None:
        for missing in keys:
            del cluster.objects[missing]
            within = [
                other
                for other in cluster.objects
                if (missing.kind == "Namespace" and other.namespace == missing.name)
                or (missing == RUNTIME_CRD and other.kind == "ClusterTrainingRuntime")
            ]
            for other in within:
                del cluster.objects[other]

    return drift


def edited(where: Key, **fields: Any) -> Callable[[FakeCluster], None]:
    """Edit an object of ours; without fields, change it and set it back."""

    def drift(cluster: FakeCluster) -> None:
        cluster.objects[where].update(fields)
        cluster.change(where, "kubectl-edit")

    return drift


def annotated(cluster: FakeCluster) -> None:
    """Add a field of another manager, which is no drift."""
    metadata = cluster.objects[CONFIG]["metadata"]
    metadata["annotations"] = {"team": "blue"}
    metadata["managedFields"].append({"manager": "team", "operation": "Apply", "fieldsV1": {"f:metadata": {}}})
    metadata["resourceVersion"] = "997"


def made_again(cluster: FakeCluster) -> None:
    """Delete an object and recreate it identically under our name."""
    cluster.objects[CONFIG]["metadata"].update(uid="uid-other", resourceVersion="998")


def shared_namespace(cluster: FakeCluster) -> None:
    """Another installer manages the namespace, too: it is applied by every run."""
    cluster.objects[HOME]["metadata"]["labels"] = {"argocd.argoproj.io/instance": "platform"}


def edited_unrecorded(cluster: FakeCluster) -> None:
    """Edit an object and delete the record: every object is applied again, one of them with effect."""
    gone(RECORD)(cluster)
    edited(CONFIG, data={})(cluster)


def nothing(_cluster: FakeCluster) -> None:
    """Leave the cluster unchanged."""


DRIFTS = {
    "nothing": nothing,
    "an object deleted": gone(DEPLOYMENT),
    "several deleted": gone(DEPLOYMENT, CONFIG, VALIDATOR),
    "the namespace deleted": gone(HOME),
    "a CRD deleted with its objects": gone(RUNTIME_CRD),
    "the record deleted": gone(RECORD),
    "record and object deleted": gone(RECORD, CONFIG),
    "a field edited": edited(CONFIG, data={"a": "2"}),
    "edited and set back": edited(CONFIG),
    "record gone and a field edited": edited_unrecorded,
    "another manager's own field": annotated,
    "made again": made_again,
    "a namespace of somebody else's, too": shared_namespace,
}


@pytest.mark.parametrize("drift", DRIFTS.values(), ids=DRIFTS)
@pytest.mark.parametrize("profile", ["default", "fail_open"])
@pytest.mark.parametrize("phases", [PHASES, PHASES[:2]], ids=["all", "two"])
def test_the_run_does_what_check_mode_predicts(
    drift: Callable[[FakeCluster], None], profile: str, phases: tuple[str, ...]
) -> None:
    cluster = fresh()
    drift(cluster)

    def run(*, check: bool) -> dict[str, Any]:
        cluster.requests.clear()
        return ensure_present(cluster, bundle(profile), profile=profile, phases=phases, check=check, with_diff=True)

    predicted = run(check=True)
    assert cluster.writes == []
    done = run(check=False)
    kept = ("changed", "actions", "unchanged", "record_updated", "pending_phases")
    assert {name: predicted[name] for name in kept} == {name: done[name] for name in kept}
    assert bool(cluster.writes) >= done["changed"]
    assert predicted["diff"]["before"] == done["diff"]["before"]
    mark = " (predicted)"
    assert predicted["diff"]["after"].replace(mark, "") == done["diff"]["after"]
    assert predicted["diff"]["after"].count(mark) == len(predicted["predicted"])
    again = run(check=True)
    assert (again["changed"], again["actions"], again["predicted"]) == (False, {}, [])


def test_the_server_is_asked_about_everything_it_can_judge() -> None:
    cluster = FakeCluster()
    predicted = ensure_present(cluster, bundle(), check=True)["predicted"]
    asked = {key_of(request.body) for request in cluster.requests if request.query.get("dryRun") == "All"}
    without = {where for where in EVERYTHING if where.namespace or where.kind == "ClusterTrainingRuntime"}
    assert set(map(str, without)) == set(predicted)
    assert asked == set(EVERYTHING) - without
    assert cluster.writes == []


def test_outside_check_mode_nothing_counts_as_predicted() -> None:
    assert ensure_present(FakeCluster(), bundle(), with_diff=True)["predicted"] == []


@pytest.mark.parametrize(
    ("status", "reason", "path"),
    [
        (403, "Forbidden", "/namespaces/ops"),
        (422, "Invalid", "/namespaces/ops"),
        (422, "Invalid", "/configmaps/config"),
        (403, "Forbidden", "/configmaps/config"),
        (409, "Conflict", "/namespaces/ops"),
    ],
)
def test_check_mode_fails_with_the_same_server_message_as_the_run(status: int, reason: str, path: str) -> None:
    cluster = fresh()
    gone(CONFIG)(cluster)
    cluster.change(HOME, "kubectl-edit")
    causes = [{"field": ".data.a", "message": 'conflict with "kubectl-edit"'}]

    def refuses(request: Any) -> None:
        if request.method == "PATCH" and request.path.endswith(path):
            raise failure(status, reason, "a policy says no", causes=causes)

    cluster.hooks.append(refuses)
    with pytest.raises(ConductorError) as in_check_mode:
        ensure_present(cluster, bundle(), check=True)
    assert cluster.writes == []
    with pytest.raises(ConductorError) as in_earnest:
        ensure_present(cluster, bundle())
    assert str(in_check_mode.value) == str(in_earnest.value)


@pytest.mark.parametrize("failed", [failure(404, "NotFound"), failure(500, **TRANSPORT)], ids=["404", "webhook"])
@pytest.mark.parametrize("drift", [gone(RUNTIME), edited(RUNTIME, spec={})], ids=["create", "update"])
def test_what_the_server_cannot_judge_yet_is_concluded(failed: ApiError, drift: Callable[[FakeCluster], None]) -> None:
    cluster = fresh()
    drift(cluster)

    def not_yet(request: Any) -> None:
        if request.method == "PATCH" and request.path.endswith("/torch"):
            raise failed

    cluster.hooks.append(not_yet)
    if RUNTIME in cluster.objects and failed.status == 404:
        with pytest.raises(ApiError):
            ensure_present(cluster, bundle(), check=True)
        return
    result = ensure_present(cluster, bundle(), check=True)
    assert result["predicted"] == ["ClusterTrainingRuntime torch"]
    assert sum(map(len, result["actions"].values())) == 1
    assert result["changed"] is True


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("name", ["inject.example.io", "validate.validator"])
def test_a_webhook_of_others_that_does_not_answer_is_reported_before_the_first_write(name: str, check: bool) -> None:
    cluster = fresh()
    edited(RUNTIME, spec={})(cluster)
    message = f'failed calling webhook "{name}": failed to call webhook: Post "https://mesh.mesh.svc:443/x": EOF'

    def rejects(request: Any) -> None:
        if request.method == "PATCH" and request.path.endswith("/torch"):
            raise failure(500, "InternalError", message)

    cluster.hooks.append(rejects)
    with pytest.raises(ApiError, match="failed calling webhook"):
        ensure_present(cluster, bundle(), check=check)
    assert cluster.writes == []


def test_check_mode_reports_missing_permissions_and_differences() -> None:
    cluster = fresh()
    gone(DEPLOYMENT)(cluster)
    cluster.rules = [{"verbs": ["get", "list", "watch"], "apiGroups": ["*"], "resources": ["*"]}]
    with pytest.raises(RightsError, match=r"deployments\.apps") as caught:
        ensure_present(cluster, bundle(), check=True)
    assert caught.value.facts["actions"] == {"create": ["Deployment ops/manager"]}
    assert caught.value.facts["missing_permissions"]
    assert not any("dryRun" in request.query for request in cluster.requests)


def test_check_mode_of_a_matching_cluster_needs_only_reads() -> None:
    cluster = fresh()
    cluster.rules = []
    assert ensure_present(cluster, bundle(), check=True)["changed"] is False


def test_a_field_set_back_shows_as_ownership() -> None:
    cluster = fresh()
    cluster.change(CONFIG, "kubectl-edit")
    diff = ensure_present(cluster, bundle(), check=True, with_diff=True)["diff"]
    assert diff["before"] == "ConfigMap ops/config: fields owned by Conductor = 1\n"
    assert diff["after"] == "ConfigMap ops/config: fields owned by Conductor = 4\n"


def test_an_object_that_vanishes_meanwhile_is_shown_whole() -> None:
    cluster = fresh()
    cluster.put(obj("ConfigMap", "config", namespace=NAMESPACE, data={"a": "2"}))

    def vanished(request: Any) -> None:
        if request.method == "GET" and request.path.endswith("/configmaps/config"):
            raise failure(404, "NotFound")

    cluster.hooks.append(vanished)
    assert "data = {'a': '1'}" in ensure_present(cluster, bundle(), check=True, with_diff=True)["diff"]["after"]


def test_a_crd_that_is_being_made_again_keeps_its_objects_from_being_asked_about() -> None:
    cluster = fresh()
    gone(RUNTIME_CRD)(cluster)
    result = ensure_present(cluster, bundle(), check=True)
    assert result["predicted"] == ["ClusterTrainingRuntime jax", "ClusterTrainingRuntime torch"]
    assert CRD in cluster.objects


def changed_by(option: str) -> Bundle:
    """Return the bundle, in which an option has changed the configuration."""
    plain = bundle()
    [manifest] = [one for one in plain.objects() if key_of(one) == CONFIG]
    return replace(plain, changes=(Change(option, CONFIG, None, manifest),))


def rejecting(words: str) -> FakeCluster:
    """Return a cluster without the configuration, which it rejects."""
    cluster = fresh()
    gone(CONFIG)(cluster)
    cluster.requests.clear()
    cluster.fail(422, path="/configmaps/config", reason="Invalid", message=words, subject=str(CONFIG))
    return cluster


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("option", ["extra_objects", "patches[3]"])
def test_what_the_server_rejects_in_a_new_object_of_the_user_is_known_before_the_first_write(
    option: str, check: bool
) -> None:
    cluster = rejecting("data: no")
    with pytest.raises(ApiError) as caught:
        ensure_present(cluster, changed_by(option), check=check)
    assert cluster.writes == []
    assert str(caught.value.next_step).endswith(f"these options change the object: `conductor_{option}`")


def test_a_new_object_is_written_if_a_webhook_cannot_be_asked_about_it() -> None:
    cluster = rejecting('admission webhook "count.example.com" does not support dry run')
    with pytest.raises(ApiError):
        ensure_present(cluster, changed_by("extra_objects"))
    assert cluster.writes != []


def test_new_objects_of_the_release_are_not_asked_about() -> None:
    cluster = fresh()
    gone(CONFIG)(cluster)
    cluster.requests.clear()
    ensure_present(cluster, changed_by("labels"))
    assert not [request for request in cluster.requests if request.query.get("dryRun")]
