# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import ApiError, RightsError
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import key_of
from ansible_collections.conductor.trainer.plugins.module_utils.ownership.record import (
    Record,
    RecordEntry,
    read_install_record,
    record_manifest,
)
from ansible_collections.conductor.trainer.plugins.module_utils.plan.observe import observe
from tests.unit.plugins.helpers.builders import (
    CONFIG,
    CRD,
    DEPLOYMENT,
    HOME,
    KUBE_SYSTEM_UID,
    bundle,
    identified,
    installed,
    obj,
    webhooks,
)
from tests.unit.plugins.helpers.fakes import FakeCluster, Request, failure


def test_an_empty_cluster() -> None:
    seen = observe(FakeCluster(version="v1.35.8+k3s1"), bundle())
    assert seen.metadata == {}
    assert seen.webhook_configurations == []
    assert seen.record == Record()
    assert seen.kubernetes == "1.35.8+k3s1"


def test_every_object_of_the_bundle_and_none_else() -> None:
    cluster = installed(bundle())
    cluster.put(obj("ConfigMap", "other", namespace="ops"))
    cluster.put(obj("ConfigMap", "config", namespace="elsewhere"))
    seen = observe(cluster, bundle())
    assert set(seen.metadata) == {key_of(manifest) for manifest in bundle().objects()}
    assert seen.metadata[CONFIG] == cluster.objects[CONFIG]["metadata"]


def test_one_list_a_type_and_only_metadata_but_for_webhooks() -> None:
    cluster = installed(bundle())
    observe(cluster, bundle())
    assert cluster.writes == []
    lists = [request for request in cluster.requests if request.step == "list" and "fieldSelector" not in request.query]
    assert len(lists) == len({request.path for request in lists})
    assert {request.path.rpartition("/")[2] for request in lists if "Partial" not in request.accept} == {
        "validatingwebhookconfigurations"
    }
    # No namespaced type is read outside of our namespace.
    assert all("/namespaces/ops/" in r.path for r in lists if "configmaps" in r.path or "deployments" in r.path)


def test_what_has_our_label_is_enough_where_it_is_all_of_it() -> None:
    cluster = installed(bundle())
    cluster.put(record_manifest(Record(), "ops"))
    whole = observe(cluster, bundle())
    selected = [request.path for request in cluster.requests if request.query.get("labelSelector")]
    assert sorted(path.rpartition("/")[2] for path in selected) == [
        "customresourcedefinitions",
        "namespaces",
    ]
    # Objects of other owners do not matter; one of ours that lost its label is found by the second list.
    cluster.requests.clear()
    cluster.put(obj("Namespace", "elsewhere"), "somebody")
    crd = next(key for key in cluster.objects if key.kind == "CustomResourceDefinition")
    for key in (HOME, crd):
        del cluster.objects[key]["metadata"]["labels"]
    found = observe(cluster, bundle())
    assert found.metadata.keys() == whole.metadata.keys()
    again = [request.path.rpartition("/")[2] for request in cluster.requests]
    # One list by our label and one without; Namespaces are selected by name.
    assert (again.count("customresourcedefinitions"), again.count("namespaces")) == (2, 1)


def denied() -> None:
    raise failure(403)


def test_which_cluster_it_is_takes_the_right_to_list_namespaces() -> None:
    cluster = identified(installed(bundle()))
    seen = observe(cluster, bundle())
    assert seen.cluster_uid == KUBE_SYSTEM_UID
    # It is read in addition to the objects of the bundle and is none of them.
    assert {key.name for key in seen.metadata if key.kind == "Namespace"} == {*bundle().names("Namespace")}
    cluster.hooks.append(lambda request: denied() if request.path == "/api/v1/namespaces" else None)
    with pytest.raises(RightsError) as caught:
        observe(cluster, bundle())
    assert caught.value.facts["missing_permissions"] == ["list namespaces"]
    # It is unknown whether the Namespace exists, so its contents are listed anyway.
    cluster.fail(403, method="GET", path="/secrets")
    with pytest.raises(RightsError) as caught:
        observe(cluster, bundle())
    assert sorted(caught.value.facts["missing_permissions"]) == ["list namespaces", "list secrets in namespace ops"]


def test_in_a_namespace_that_is_not_there_nothing_is_looked_for() -> None:
    cluster = FakeCluster(connections=3)
    assert observe(cluster, bundle()).metadata == {}
    # Only the record is missing: the Namespaces were read at the same time.
    assert [request.path for request in cluster.requests if "/namespaces/ops/" in request.path] == [
        "/api/v1/namespaces/ops/configmaps/conductor-install-record"
    ]


def test_without_a_record_the_callback_runs_early_and_everything_is_listed() -> None:
    cluster, told = FakeCluster(connections=1), list[list[str]]()
    observe(cluster, bundle(), unrecorded=lambda: told.append([request.path for request in cluster.requests]))
    # Called when the record, the version and the Namespaces are known.
    [before] = told
    assert sorted(path.rpartition("/")[2] for path in before) == ["conductor-install-record", "namespaces", "version"]
    after = cluster.requests[len(before) :]
    assert any(request.path.endswith("/customresourcedefinitions") for request in after)
    assert not any("labelSelector" in request.query for request in after)
    paths = [request.path for request in cluster.requests if "fieldSelector" not in request.query]
    assert len(paths) == len(set(paths))


@pytest.mark.parametrize("content", [Record(), None])
def test_the_callback_does_not_run_with_a_record_or_without_permission_to_read_it(content: Record | None) -> None:
    cluster, told = installed(bundle()), list[int]()
    if content is None:
        cluster.fail(403, method="GET", path="/configmaps/conductor-install")
        with pytest.raises(RightsError):
            observe(cluster, bundle(), unrecorded=lambda: told.append(1))
    else:
        cluster.put(record_manifest(content, "ops"))
        observe(cluster, bundle(), unrecorded=lambda: told.append(1))
    assert told == []


def test_foreign_webhook_configurations_are_seen_whole() -> None:
    cluster = installed(bundle())
    cluster.put(webhooks("foreign", "x", ["trainer.kubeflow.org"]), "helm")
    found = {entry["metadata"]["name"] for entry in observe(cluster, bundle()).webhook_configurations}
    assert found == {"validator", "foreign"}


def test_the_record_is_read() -> None:
    cluster = installed(bundle())
    record = Record("2.3.0", "default", "sum", {DEPLOYMENT: RecordEntry("u", "d", "a", True)})
    cluster.put(record_manifest(record, "ops"))
    assert observe(cluster, bundle()).record == record
    assert read_install_record(cluster, "elsewhere") == Record()


def test_every_right_to_read_that_is_missing_is_named() -> None:
    cluster = installed(bundle())
    for path in ("/deployments", "/customresourcedefinitions", "/conductor-install-record"):
        cluster.fail(403, method="GET", path=path)
    with pytest.raises(RightsError) as caught:
        observe(cluster, bundle())
    missing = caught.value.facts["missing_permissions"]
    assert len(missing) == 3
    for words in (
        "list deployments.apps in namespace ops",
        "list customresourcedefinitions.apiextensions.k8s.io",
        "configmaps conductor-install-record in namespace ops",
    ):
        assert any(words in line for line in missing)
        assert words in str(caught.value)


CONDITIONS = {
    "conditions": [
        {"type": "NamespaceFinalizersRemaining", "status": "True", "message": "a/b in 1 resource instances"},
        {"type": "NamespaceContentRemaining", "status": "True", "message": "configmaps. has 1 resource instances"},
        {"type": "NamespaceDeletionContentFailure", "status": "False", "message": "all is deleted"},
        {"type": "Other", "status": "True", "message": "of no interest"},
    ]
}


def test_a_terminating_object_reports_what_it_waits_for() -> None:
    cluster = installed(bundle())
    cluster.objects[HOME]["metadata"]["deletionTimestamp"] = "t"
    cluster.objects[HOME]["status"] = CONDITIONS
    cluster.objects[CRD]["metadata"]["deletionTimestamp"] = "t"
    cluster.objects[DEPLOYMENT]["metadata"]["deletionTimestamp"] = "t"
    state = observe(cluster, bundle())
    assert state.endings == {HOME: "a/b in 1 resource instances; configmaps. has 1 resource instances", CRD: ""}


def test_what_may_not_be_read_is_terminating_all_the_same() -> None:
    cluster = installed(bundle())
    cluster.objects[HOME]["metadata"]["deletionTimestamp"] = "t"

    def deny(request: Request) -> None:
        if request.path.endswith(f"/namespaces/{HOME.name}"):
            raise failure(403)

    cluster.hooks.append(deny)
    assert observe(cluster, bundle()).endings == {HOME: ""}


def test_nothing_more_is_read_where_nothing_is_terminating() -> None:
    cluster = installed(bundle())
    assert observe(cluster, bundle()).endings == {}
    assert not [request for request in cluster.requests if request.path.endswith("/namespaces/ops")]


@pytest.mark.parametrize("path", ["/version", "/deployments", "/conductor-install-record"])
def test_a_server_that_fails_is_no_empty_cluster(path: str) -> None:
    cluster = installed(bundle())
    cluster.fail(500, method="GET", path=path, message="etcd is on fire")
    with pytest.raises(ApiError, match="on fire"):
        observe(cluster, bundle())


@pytest.mark.parametrize(("answer", "version"), [({}, ""), ({"gitVersion": "v1.31.0"}, "1.31.0")])
def test_the_version_of_the_server(answer: dict[str, Any], version: str) -> None:
    cluster = FakeCluster()
    cluster.hooks.append(lambda request: {"x": 1, **answer} if request.path == "/version" else None)
    assert observe(cluster, bundle()).kubernetes == version
