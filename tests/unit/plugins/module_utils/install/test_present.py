# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import (
    ApiError,
    ConductorError,
    InputError,
    RefusedError,
    RightsError,
)
from ansible_collections.conductor.trainer.plugins.module_utils.install.apply import Applier
from ansible_collections.conductor.trainer.plugins.module_utils.names import FIELD_MANAGER, MANAGED_LABEL
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import key_of
from ansible_collections.conductor.trainer.plugins.module_utils.options.layers import with_options
from ansible_collections.conductor.trainer.plugins.module_utils.ownership.record import read_install_record
from ansible_collections.conductor.trainer.plugins.module_utils.plan.plan import Action
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import PHASES
from ansible_collections.conductor.trainer.plugins.module_utils.release.loader import load_bundle
from tests.unit.plugins.helpers.builders import (
    BUNDLE,
    CONFIG,
    DEPLOYMENT,
    HOME,
    LEASE,
    NAMESPACE,
    RECORD,
    SECRET,
    bundle,
    installed,
    obj,
    webhooks,
)
from tests.unit.plugins.helpers.fakes import FakeCluster, Request, failure
from tests.unit.plugins.helpers.installing import ensure_present

EVERYTHING = len(bundle().objects())
BEFORE_CONTROLLERS = sum(
    len(phase.objects) for phase in bundle().phases if phase.name in ("foundation", "access", "admission")
)


def fresh() -> FakeCluster:
    """A cluster on which our release was just installed, with an empty request log."""
    cluster = FakeCluster()
    ensure_present(cluster, bundle())
    cluster.requests.clear()
    return cluster


def applied(cluster: FakeCluster) -> list[str]:
    """Return the names of the written objects, except for the lease."""
    return [request.path.rpartition("/")[2] for request in cluster.applies]


def test_an_empty_cluster_gets_everything_and_a_record_of_it() -> None:
    cluster = FakeCluster()
    result = ensure_present(cluster, bundle())
    assert set(cluster.objects) == {*(key_of(manifest) for manifest in bundle().objects()), RECORD, LEASE}
    created = sorted(str(key_of(manifest)) for manifest in bundle().objects())
    assert result["changed"] is True
    assert result["actions"] == {"create": created}
    assert (result["unchanged"], result["pending_phases"]) == (0, [])
    assert (result["release"], result["namespace"], result["kubernetes"]) == ("9.9.9", NAMESPACE, "1.35.8")
    record = read_install_record(cluster, NAMESPACE)
    assert (record.release, record.profile, record.bundle) == ("9.9.9", "default", bundle().sha256)
    assert {key: entry.uid for key, entry in record.entries.items()} == {
        key: cluster.objects[key]["metadata"]["uid"] for key in cluster.objects if key not in (RECORD, LEASE)
    }
    assert all(entry.created for entry in record.entries.values())


def test_a_second_run_sends_no_write_and_asks_for_no_rights() -> None:
    cluster = fresh()
    result = ensure_present(cluster, bundle())
    assert result["changed"] is False
    assert result["actions"] == {}
    assert result["unchanged"] == EVERYTHING
    assert {request.method for request in cluster.requests} == {"GET"}


def test_before_its_first_write_a_run_sends_no_question_twice() -> None:
    cluster = FakeCluster()
    ensure_present(cluster, bundle())
    before = cluster.requests[: cluster.requests.index(cluster.writes[0])]
    questions = [(request.path, str(request.query), str(request.body), request.accept) for request in before]
    assert len(questions) == len(set(questions))


def test_a_first_install_asks_by_name_for_nothing_that_a_list_has_not() -> None:
    cluster = FakeCluster()
    ensure_present(cluster, bundle())
    before = cluster.requests[: cluster.requests.index(cluster.writes[0])]
    lists = ("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", "/api/v1/namespaces")
    assert [request.path for request in before if request.path.rpartition("/")[0] in lists] == []
    assert {*lists} <= {request.path for request in before}


def test_with_its_eight_connections_a_first_install_asks_twice_before_it_writes() -> None:
    cluster = FakeCluster(connections=8)
    ensure_present(cluster, bundle())
    before = cluster.requests[: cluster.requests.index(cluster.writes[0])]
    # Nothing is listed in a missing Namespace, except for the requests that were sent at the same time.
    assert sum(f"/namespaces/{NAMESPACE}/" in request.path for request in before) <= cluster.connections - 3
    assert len(before) <= 2 * cluster.connections


def test_what_an_inspection_reads_is_on_its_way_while_a_first_install_is_still_observed() -> None:
    cluster = FakeCluster(connections=4)
    nodes, observed = threading.Event(), threading.Event()

    def hook(request: Request) -> None:
        if request.path == "/api/v1/nodes":
            nodes.set()
        if request.path.endswith("/customresourcedefinitions") and not observed.is_set():
            # Observing continues only after the inspection has begun.
            assert nodes.wait(10)
            observed.set()

    cluster.hooks.append(hook)
    ensure_present(cluster, bundle())
    assert observed.is_set()


def test_a_failure_of_an_early_read_is_reported() -> None:
    cluster = FakeCluster()
    cluster.fail(500, method="GET", path="/api/v1/nodes", message="out of order")
    with pytest.raises(ApiError, match="out of order"):
        ensure_present(cluster, bundle())
    assert cluster.writes == []


def test_phases_are_kept_apart_by_barriers() -> None:
    cluster = FakeCluster()
    ensure_present(cluster, bundle())
    # Objects of one group are applied in any order: access with admission.
    barrier = {"foundation": 0, "access": 1, "admission": 1, "controllers": 2, "runtimes": 3}
    barrier_of = {key_of(manifest): barrier[phase.name] for phase in bundle().phases for manifest in phase.objects}
    order = [barrier_of[key] for request in cluster.applies for key in (key_of(request.body),) if key != RECORD]
    assert order == sorted(order)
    assert applied(cluster)[-1] == "conductor-install-record"


def test_crds_go_alone_so_that_the_server_can_begin_to_serve_them(monkeypatch: pytest.MonkeyPatch) -> None:
    together: list[set[str]] = []
    apply_phase = Applier.apply_phase

    def noting(self: Applier, actions: Sequence[Action]) -> None:
        together.append({action.phase for action in actions})
        apply_phase(self, actions)

    monkeypatch.setattr(Applier, "apply_phase", noting)
    ensure_present(FakeCluster(), bundle())
    # The first foundation is the operator's Namespace, for lease and record.
    assert together == [{"foundation"}, {"foundation"}, {"access", "admission"}, {"controllers"}, {"runtimes"}]


@pytest.mark.parametrize("left_out", ["", "runtimes", "controllers"])
def test_crds_are_served_before_the_controllers_and_the_runtimes_that_need_them(left_out: str) -> None:
    cluster = FakeCluster()
    ensure_present(cluster, bundle(), phases=[phase for phase in PHASES if phase != left_out])
    paths = [request.path for request in cluster.requests]
    assert paths.count("/apis/trainer.kubeflow.org/v1alpha1") == 1
    looked = paths.index("/apis/trainer.kubeflow.org/v1alpha1")
    needy = "/clustertrainingruntimes/" if left_out == "controllers" else "/deployments/manager"
    assert looked < next(index for index, path in enumerate(paths) if needy in path)
    # Meanwhile the objects that need no CRD.
    assert looked > max(index for index, path in enumerate(paths) if "/configmaps/config" in path)
    assert looked > max(index for index, path in enumerate(paths) if path.endswith("/validator"))


def test_without_controllers_and_runtimes_no_crds_are_awaited() -> None:
    cluster = FakeCluster()
    ensure_present(cluster, bundle(), phases=["foundation", "access", "admission"])
    assert not [request for request in cluster.requests if request.path == "/apis/trainer.kubeflow.org/v1alpha1"]


def test_check_mode_sends_no_write_and_says_the_same() -> None:
    cluster = FakeCluster()
    predicted = ensure_present(cluster, bundle(), check=True)
    assert cluster.writes == []
    assert cluster.objects == {}
    done = ensure_present(cluster, bundle())
    assert {**predicted, "elapsed": 0, "predicted": []} == {**done, "elapsed": 0}
    assert ensure_present(cluster, bundle(), check=True)["changed"] is False


def test_check_mode_asks_the_server_what_would_change() -> None:
    cluster = fresh()
    release = bundle("fail_open")
    result = ensure_present(cluster, release, profile="fail_open", check=True, with_diff=True)
    assert cluster.writes == []
    assert result["actions"] == {"update": ["ValidatingWebhookConfiguration validator"]}
    assert result["diff"]["after"] == (
        "ValidatingWebhookConfiguration validator: webhooks[validate.validator].failurePolicy = Ignore\n"
    )
    dry = [request for request in cluster.requests if request.method == "PATCH"]
    assert [request.query["dryRun"] for request in dry] == ["All"]


def test_without_a_record_nothing_would_change_and_the_record_is_made_again() -> None:
    cluster = fresh()
    before = read_install_record(cluster, NAMESPACE)
    del cluster.objects[RECORD]
    cluster.requests.clear()
    predicted = ensure_present(cluster, bundle(), check=True)
    assert cluster.writes == []
    result = ensure_present(cluster, bundle())
    assert result["actions"] == {}
    assert result["unchanged"] == EVERYTHING
    # The record is an additional object.
    assert (result["changed"], result["record_updated"]) == (True, True)
    assert {**predicted, "elapsed": 0} == {**result, "elapsed": 0}
    after = read_install_record(cluster, NAMESPACE)
    # They have our managedFields entry, so we created them; a namespace is applied whoever created it.
    assert {key.kind for key, entry in after.entries.items() if not entry.created} == {"Namespace"}
    assert {key: entry.uid for key, entry in after.entries.items()} == {
        key: entry.uid for key, entry in before.entries.items()
    }
    cluster.requests.clear()
    assert ensure_present(cluster, bundle())["changed"] is False
    assert cluster.writes == []


def test_a_field_taken_from_us_is_put_back() -> None:
    cluster = fresh()
    cluster.change(CONFIG, "kubectl-edit")
    result = ensure_present(cluster, bundle())
    assert result["actions"] == {"update": ["ConfigMap ops/config"]}
    assert sorted(applied(cluster)) == ["conductor-install-record", "config"]
    assert read_install_record(cluster, NAMESPACE).entries[CONFIG].created
    cluster.requests.clear()
    ensure_present(cluster, bundle())
    assert cluster.writes == []


def test_a_creation_needs_no_dry_run() -> None:
    cluster = FakeCluster()
    ensure_present(cluster, bundle())
    assert not any("dryRun" in request.query for request in cluster.requests)


def test_what_may_differ_is_asked_by_a_dry_run_before_the_first_write() -> None:
    cluster = fresh()
    result = ensure_present(cluster, bundle("fail_open"), profile="fail_open")
    assert result["actions"] == {"update": ["ValidatingWebhookConfiguration validator"]}
    assert "diff" not in result
    asked = [request for request in cluster.requests if "dryRun" in request.query]
    assert [request.path.rpartition("/")[2] for request in asked] == ["validator"]
    assert cluster.requests.index(asked[0]) < cluster.requests.index(cluster.writes[0])
    assert read_install_record(cluster, NAMESPACE).profile == "fail_open"


def test_an_apply_that_the_server_had_already_is_no_change() -> None:
    """A namespace that another installer manages as well is applied by every run."""
    cluster = FakeCluster()
    mark = {"labels": {"argocd.argoproj.io/instance": "platform"}}
    cluster.put(obj("Namespace", NAMESPACE, metadata=mark), "argocd-controller")
    assert ensure_present(cluster, bundle())["changed"] is True
    result = ensure_present(cluster, bundle())
    assert (result["changed"], result["actions"]) == (False, {})


def test_with_another_writer_under_our_name_every_run_sends_a_dry_run() -> None:
    cluster = fresh()
    metadata = cluster.objects[CONFIG]["metadata"]
    metadata["managedFields"].append({"manager": "conductor", "operation": "Update", "fieldsV1": {"f:data": {}}})
    for _time in range(2):
        assert ensure_present(cluster, bundle())["actions"] == {}
        asked = [request.path.rpartition("/")[2] for request in cluster.requests if "dryRun" in request.query]
        assert asked == ["config"]
        cluster.requests.clear()


def test_changes_under_our_name_are_reverted() -> None:
    cluster = fresh()
    cluster.objects[CONFIG]["data"] = {"a": "2"}
    cluster.change(CONFIG, FIELD_MANAGER)
    causes = [{"field": ".data.a", "message": f'conflict with "{FIELD_MANAGER}" using v1'}]

    def hook(request: Request) -> None:
        if request.path.endswith("/config") and request.query.get("force") == "false":
            raise failure(409, "Conflict", "Apply failed", causes=causes)

    cluster.hooks.append(hook)
    assert ensure_present(cluster, bundle())["actions"] == {"update": ["ConfigMap ops/config"]}
    assert cluster.objects[CONFIG]["data"] == {"a": "1"}


def test_a_deleted_object_comes_back() -> None:
    cluster = fresh()
    del cluster.objects[DEPLOYMENT]
    result = ensure_present(cluster, bundle(), with_diff=True)
    assert result["actions"] == {"create": ["Deployment ops/manager"]}
    assert result["diff"] == {
        "before": "",
        "after": "Deployment ops/manager: created\n",
    }


def test_what_controllers_write_into_our_objects_is_left_alone() -> None:
    cluster = fresh()
    metadata = cluster.objects[SECRET]["metadata"]
    cluster.objects[SECRET]["data"] = {"tls.key": "cHJpdmF0ZQ=="}
    metadata["managedFields"].append({"manager": "manager", "operation": "Update", "fieldsV1": {"f:data": {}}})
    metadata["resourceVersion"] = "999"
    assert ensure_present(cluster, bundle())["changed"] is False
    assert cluster.writes == []


def test_a_prepared_namespace_is_adopted_and_not_ours_to_delete() -> None:
    cluster = FakeCluster()
    cluster.put(obj("Namespace", NAMESPACE, metadata={"labels": {"team": "ml"}}), "kubectl-create", "Update")
    result = ensure_present(cluster, bundle())
    assert result["actions"]["adopt"] == ["Namespace ops"]
    assert cluster.objects[HOME]["metadata"]["labels"]["team"] == "ml"
    assert read_install_record(cluster, NAMESPACE).entries[HOME].created is False
    cluster.requests.clear()
    assert ensure_present(cluster, bundle())["changed"] is False
    assert cluster.writes == []


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    "manifest",
    [
        obj("ConfigMap", "config", namespace=NAMESPACE, data={"a": "2"}),
        webhooks("trainer-webhook", "x", ["trainer.kubeflow.org"], namespace="kubeflow"),
    ],
)
def test_a_trainer_of_another_owner_blocks_before_any_write(manifest: dict[str, Any], check: bool) -> None:
    cluster = FakeCluster()
    cluster.put(obj("Namespace", NAMESPACE), "somebody")
    cluster.put(manifest, "helm", "Update")
    with pytest.raises(RefusedError, match="nothing was written") as caught:
        ensure_present(cluster, bundle(), check=check)
    assert len(caught.value.facts["plan_blockers"]) == 1
    assert cluster.writes == []


def test_a_blocker_in_a_later_phase_stops_the_first_one() -> None:
    cluster = FakeCluster(version="v1.30.4-gke.1")
    with pytest.raises(RefusedError, match=r"Kubernetes is 1\.30\.4-gke\.1"):
        ensure_present(cluster, bundle(), phases=["foundation"])
    assert cluster.writes == []


def test_missing_rights_stop_everything_before_the_first_write() -> None:
    cluster = FakeCluster()
    cluster.rules = [{"verbs": ["*"], "apiGroups": ["", "apiextensions.k8s.io"], "resources": ["*"]}]
    with pytest.raises(RightsError, match=r"deployments\.apps"):
        ensure_present(cluster, bundle(), phases=["foundation", "access"])
    assert cluster.writes == []


def test_rights_to_read_and_to_write_are_named_together() -> None:
    cluster = FakeCluster()
    cluster.put(obj("Namespace", NAMESPACE), "somebody")
    cluster.fail(403, method="GET", path="/deployments")
    cluster.rules = []
    with pytest.raises(RightsError) as caught:
        ensure_present(cluster, bundle())
    missing = caught.value.facts["missing_permissions"]
    assert "list deployments.apps in namespace ops" in missing
    for words in (
        "create, patch deployments.apps",
        "create, patch customresourcedefinitions",
        "clustertrainingruntimes",
    ):
        assert any(words in line for line in missing), words
    assert str(caught.value).endswith("Next: grant them to the identity in use; nothing was written")
    assert cluster.writes == []


def test_check_mode_asks_for_rights_to_read_only() -> None:
    cluster = FakeCluster()
    cluster.put(obj("Namespace", NAMESPACE), "somebody")
    cluster.fail(403, method="GET", path="/deployments")
    cluster.rules = []
    with pytest.raises(RightsError) as caught:
        ensure_present(cluster, bundle(), check=True)
    assert caught.value.facts["missing_permissions"] == ["list deployments.apps in namespace ops"]


@pytest.mark.parametrize("allowed", [True, False])
def test_the_rights_to_read_are_named_where_those_to_write_are_not_the_matter(allowed: bool) -> None:
    cluster = FakeCluster()
    cluster.put(obj("Namespace", NAMESPACE), "somebody")
    cluster.fail(403, method="GET", path="/deployments")
    if not allowed:
        cluster.fail(500, method="POST", path="/selfsubjectrulesreviews")
    with pytest.raises(RightsError) as caught:
        ensure_present(cluster, bundle())
    assert caught.value.facts["missing_permissions"] == ["list deployments.apps in namespace ops"]


def test_the_record_needs_a_right_of_its_own() -> None:
    cluster = FakeCluster()
    everything_else = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "resourceNames": ["x"]}
    names = [manifest["metadata"]["name"] for manifest in bundle().objects()]
    cluster.rules = [{**everything_else, "resourceNames": names}]
    with pytest.raises(RightsError, match="conductor-install-record"):
        ensure_present(cluster, bundle())
    assert cluster.writes == []


def test_a_failure_names_the_written_objects_and_records_them() -> None:
    cluster = FakeCluster()
    cluster.fail(422, path="/deployments/", message="spec is wrong")
    with pytest.raises(ApiError, match="spec is wrong") as caught:
        ensure_present(cluster, bundle())
    written = sorted(str(key) for key in cluster.objects if key not in (RECORD, LEASE))
    assert len(written) == BEFORE_CONTROLLERS
    assert caught.value.facts["written"] == written
    assert "record_not_saved" not in caught.value.facts
    assert sorted(map(str, read_install_record(cluster, NAMESPACE).entries)) == written
    cluster.hooks.clear()
    cluster.requests.clear()
    result = ensure_present(cluster, bundle())
    assert result["unchanged"] == BEFORE_CONTROLLERS
    # The record is written once: the intent has not changed.
    assert len(cluster.applies) == EVERYTHING - BEFORE_CONTROLLERS + 1


def test_the_first_failure_is_the_one_to_explain_when_the_record_fails_too() -> None:
    cluster = FakeCluster()
    cluster.fail(422, path="/deployments/", message="spec is wrong")
    intents = []

    def full(request: Request) -> None:
        if request.writes and request.subject == str(RECORD):
            intents.append(request)
            if len(intents) > 1:
                raise failure(507, message="quota is used up")

    cluster.hooks.append(full)
    with pytest.raises(ApiError, match="spec is wrong") as caught:
        ensure_present(cluster, bundle())
    assert "quota is used up" in caught.value.facts["record_not_saved"]


def test_a_record_that_cannot_be_kept_after_a_good_install_is_an_error() -> None:
    cluster = FakeCluster()
    cluster.fail(507, path="/conductor-install-record", message="quota is used up")
    with pytest.raises(ConductorError, match="quota is used up"):
        ensure_present(cluster, bundle())


def test_a_manual_edit_of_the_record_is_overwritten() -> None:
    cluster = fresh()
    cluster.objects[RECORD]["data"] = {"record.json": "{}"}

    def conflict(request: Request) -> None:
        if request.path.endswith("/conductor-install-record") and request.query.get("force") == "false":
            raise failure(409, "Conflict", "conflict with kubectl-edit")

    cluster.hooks.append(conflict)
    ensure_present(cluster, bundle(), force=True)


def test_before_our_namespace_is_there_no_record_can_be() -> None:
    cluster = FakeCluster()
    cluster.fail(422, path="/namespaces/ops", message="bad name")
    with pytest.raises(ApiError, match="bad name"):
        ensure_present(cluster, bundle())
    assert RECORD not in cluster.objects
    assert not any("conductor-install-record" in path for path in applied(cluster))


@pytest.mark.parametrize("cut", [1, 2, 3, 4])
def test_phases_of_two_calls_are_one_install(cut: int) -> None:
    cluster = FakeCluster()
    first = ensure_present(cluster, bundle(), phases=PHASES[:cut])
    assert first["pending_phases"] == list(PHASES[cut:])
    count = sum(len(phase.objects) for phase in bundle().phases[:cut])
    assert (len(first["actions"]["create"]), first["unchanged"]) == (count, 0)
    second = ensure_present(cluster, bundle(), phases=PHASES[cut:])
    assert (second["pending_phases"], second["unchanged"]) == ([], count)
    assert len(read_install_record(cluster, NAMESPACE).entries) == EVERYTHING
    cluster.requests.clear()
    assert ensure_present(cluster, bundle())["changed"] is False
    assert cluster.writes == []


def test_an_unknown_phase_is_an_error_before_any_request() -> None:
    cluster = FakeCluster()
    with pytest.raises(InputError, match="unknown phases: later"):
        ensure_present(cluster, bundle(), phases=["access", "later"])
    assert cluster.requests == []


@pytest.mark.parametrize("force", [True, False])
def test_force_reaches_the_server(force: bool) -> None:
    cluster = FakeCluster()
    ensure_present(cluster, bundle(), force=force)
    objects = [request for request in cluster.applies if request.subject != str(RECORD)]
    assert {request.query["force"] for request in objects} == {str(force).lower()}


def test_a_diff_never_shows_a_secret() -> None:
    cluster = fresh()
    cluster.objects[SECRET]["data"] = {"tls.key": "cHJpdmF0ZQ=="}
    cluster.change(SECRET, "kubectl-edit")
    result = ensure_present(cluster, bundle(), with_diff=True)
    assert result["actions"] == {"update": ["Secret ops/manager-cert"]}
    assert "cHJpdmF0ZQ" not in str(result)


@pytest.mark.parametrize("profile", ["default", "fail_open"])
def test_the_bundle_of_the_collection(profile: str) -> None:
    cluster = FakeCluster(connections=8)
    real = load_bundle(str(BUNDLE), profile)
    assert len(ensure_present(cluster, real, profile=profile)["actions"]["create"]) == len(real.objects())
    assert len(cluster.objects[RECORD._replace(namespace=real.namespace)]["data"]["record.json"]) < 16 * 1024
    cluster.requests.clear()
    assert ensure_present(cluster, real, profile=profile)["changed"] is False
    assert cluster.writes == []
    assert len(cluster.requests) < 30


def test_an_installed_cluster_of_the_fake_is_what_a_run_leaves() -> None:
    assert set(installed(bundle()).objects) | {RECORD, LEASE} == set(fresh().objects)


TOLERATIONS = {"tolerations": [{"key": "x", "operator": "Exists"}]}


def test_a_result_tells_what_the_options_change_and_which_are_others() -> None:
    cluster = FakeCluster()
    laid = with_options(bundle(), TOLERATIONS)
    first = ensure_present(cluster, laid)
    assert first["options_changed"] == []
    assert first["options"]["summary"] == ["1 toleration"]
    assert [row["set_by"] for row in first["options"]["differences"]] == ["conductor_tolerations"]
    assert read_install_record(cluster, NAMESPACE).options == TOLERATIONS
    same = ensure_present(cluster, laid)
    assert (same["changed"], same["options_changed"]) == (False, [])
    other = ensure_present(cluster, bundle(), check=True, with_diff=True)
    assert other["options"] == {"digest": "", "summary": [], "fields": 0, "objects": 0, "differences": []}
    assert other["options_changed"] == ["conductor_tolerations is a list in the install record and not given here"]


def test_a_diff_names_the_variable_behind_a_field() -> None:
    cluster = FakeCluster()
    ensure_present(cluster, bundle())
    laid = with_options(bundle(), TOLERATIONS)
    lines = ensure_present(cluster, laid, check=True, with_diff=True)["diff"]["after"].splitlines()
    assert [line for line in lines if "conductor_" in line] == [
        f"{DEPLOYMENT}: spec.template.spec.tolerations = {TOLERATIONS['tolerations']}  (conductor_tolerations)"
    ]


@pytest.mark.parametrize("check", [True, False])
def test_a_run_that_stops_tells_which_options_are_others(check: bool) -> None:
    cluster = FakeCluster()
    ensure_present(cluster, with_options(bundle(), TOLERATIONS))
    cluster.fail(422, path="/deployments/", message="spec is wrong")
    with pytest.raises(ApiError) as caught:
        ensure_present(cluster, bundle(), check=check)
    [changed] = caught.value.facts["options_changed"]
    assert changed.startswith("conductor_tolerations is a list in the install record")
    assert ("`conductor_options: recorded`" in (caught.value.next_step or "")) is check
    # They can be many, and the reason may be another one.
    assert changed not in (caught.value.next_step or "")


def test_an_error_of_an_install_with_the_same_options_does_not_speak_of_them() -> None:
    cluster = FakeCluster()
    ensure_present(cluster, with_options(bundle(), TOLERATIONS))
    cluster.fail(422, path="/validatingwebhookconfigurations/", message="spec is wrong")
    with pytest.raises(ApiError) as caught:
        ensure_present(cluster, with_options(bundle("fail_open"), TOLERATIONS), check=True)
    assert "options_changed" not in caught.value.facts


def test_the_record_is_kept_if_options_change_and_no_object_does() -> None:
    cluster = FakeCluster()
    ensure_present(cluster, bundle())
    # Labels that every object has anyway.
    same = with_options(bundle(), {"labels": {MANAGED_LABEL: "true"}})
    done = ensure_present(cluster, same)
    assert (done["actions"], done["record_updated"]) == ({}, True)
    assert read_install_record(cluster, NAMESPACE).options == same.options
    assert not ensure_present(cluster, same)["changed"]
