# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import ApiError
from ansible_collections.conductor.trainer.plugins.module_utils.inspection.inspect import facts_of
from ansible_collections.conductor.trainer.plugins.module_utils.inspection.reads import REQUEST_LIMIT, read, read_ahead
from ansible_collections.conductor.trainer.plugins.module_utils.options.layers import with_options
from tests.unit.plugins.helpers.builders import NAMESPACE, bundle, crd, deployment, obj, serving
from tests.unit.plugins.helpers.fakes import FakeCluster, Request, failure
from tests.unit.plugins.helpers.states import HOME, release


def node(name: str) -> dict[str, Any]:
    return obj(
        "Node",
        name,
        status={"allocatable": {"cpu": "4"}, "conditions": [{"type": "Ready", "status": "True"}]},
    )


def hook(place: str, group: str) -> dict[str, Any]:
    return obj(
        "MutatingWebhookConfiguration",
        f"{place}-{group}",
        "admissionregistration.k8s.io/v1",
        webhooks=[
            {
                "name": "x",
                "clientConfig": {"service": {"namespace": place, "name": "s"}},
                "rules": [{"apiGroups": [group]}],
            }
        ],
    )


def refuse(cluster: FakeCluster, needle: str, status: int = 403) -> None:
    def look(request: Request) -> dict[str, Any] | None:
        if needle in request.path:
            raise failure(status)
        return None

    cluster.hooks.append(look)


def test_an_empty_cluster_is_empty_and_not_unknown() -> None:
    readings = read(FakeCluster(), bundle())
    assert readings.denied == ()
    assert readings.version == "1.35.8"
    expected = {"jobsets.jobset.x-k8s.io", *bundle().names("CustomResourceDefinition")}
    assert readings.crds == {name: {} for name in expected}
    assert readings.configurations == []
    assert readings.namespace == readings.record == readings.public_config == {}
    for found in (readings.deployments, readings.train_jobs, readings.job_sets, readings.cluster_runtimes):
        assert found is not None
        assert (list(found.items), found.total) == ([], 0)
    assert readings.everywhere is True


@pytest.mark.parametrize("home", [True, False])
def test_the_namespace_is_read_if_it_exists(home: bool) -> None:
    cluster = FakeCluster()
    if home:
        cluster.put(obj("Namespace", NAMESPACE), "kubectl")
    found = read(cluster, bundle())
    asked = {request.path.rpartition("/")[2] for request in cluster.requests}
    assert ({"resourcequotas", "networkpolicies", "kubeflow-trainer-public"} <= asked) is home
    # Empty and not unknown.
    assert None not in (found.quotas, found.policies, found.public_config)


def test_it_reads_and_does_not_write() -> None:
    cluster = serving(bundle())
    readings = read(cluster, bundle())
    assert cluster.writes == []
    assert readings.requests == len(cluster.requests) <= REQUEST_LIMIT
    assert readings.slices is not None
    assert list(readings.slices) == [NAMESPACE]
    assert readings.groups is not None
    assert "trainjobs" in readings.groups["trainer.kubeflow.org"]


def test_only_two_schemas_are_read() -> None:
    cluster = serving(bundle())
    read(cluster, bundle())
    whole = [
        request.path.rpartition("/")[2]
        for request in cluster.requests
        if "customresourcedefinitions" in request.path and "Partial" not in request.accept
    ]
    assert sorted(whole) == ["jobsets.jobset.x-k8s.io", "trainjobs.trainer.kubeflow.org"]


RESOURCES = [
    ("customresourcedefinitions/trainjobs", "get customresourcedefinitions.apiextensions.k8s.io trainjobs.trainer"),
    ("mutatingwebhook", "list mutatingwebhookconfigurations.admissionregistration.k8s.io"),
    ("validatingwebhook", "list validatingwebhookconfigurations.admissionregistration.k8s.io"),
    ("/nodes", "list nodes"),
    ("v1alpha1/trainjobs", "list trainjobs.trainer.kubeflow.org"),
    ("v1alpha2/jobsets", "list jobsets.jobset.x-k8s.io"),
    ("v1alpha1/clustertrainingruntimes", "list clustertrainingruntimes.trainer.kubeflow.org"),
    ("/trainingruntimes", "list trainingruntimes.trainer.kubeflow.org"),
    ("/resourcequotas", f"list resourcequotas in namespace {NAMESPACE}"),
    ("/networkpolicies", f"list networkpolicies.networking.k8s.io in namespace {NAMESPACE}"),
    ("/namespaces/kube-system", "get namespaces kube-system"),
    ("configmaps/kubeflow-trainer-public", f"get configmaps kubeflow-trainer-public in namespace {NAMESPACE}"),
    ("configmaps/conductor-install-record", f"get configmaps conductor-install-record in namespace {NAMESPACE}"),
    ("/endpointslices", f"list endpointslices.discovery.k8s.io in namespace {NAMESPACE}"),
    ("/apis/apps/v1/deployments", "list deployments.apps"),
    ("selfsubjectrulesreviews", "create selfsubjectrulesreviews.authorization.k8s.io"),
]


@pytest.mark.parametrize(("path", "right"), RESOURCES)
def test_each_missing_permission_is_named_and_stops_nothing(path: str, right: str) -> None:
    cluster = serving(bundle())
    cluster.put(crd("jobsets", "JobSet", group="jobset.x-k8s.io"))
    refuse(cluster, path)
    readings = read(cluster, bundle())
    assert len(readings.denied) == 1
    assert readings.denied[0].startswith(right)
    assert readings.requests <= REQUEST_LIMIT


def test_no_permissions_at_all() -> None:
    cluster = serving(bundle())
    refuse(cluster, "/")
    readings = read(cluster, bundle())
    assert len(readings.denied) > 15
    assert (readings.configurations, readings.deployments, readings.nodes, readings.groups) == (None,) * 4
    assert readings.crds is not None
    assert set(readings.crds.values()) == {None}


def test_deployments_of_one_namespace_if_not_all_can_be_listed() -> None:
    cluster = serving(bundle())
    refuse(cluster, "/apis/apps/v1/deployments")
    readings = read(cluster, bundle())
    assert readings.everywhere is False
    assert readings.deployments is not None
    assert [item["metadata"]["name"] for item in readings.deployments.items] == ["manager"]


@pytest.mark.parametrize("status", [401, 500])
def test_other_failures_are_failures(status: int) -> None:
    cluster = FakeCluster()
    refuse(cluster, "/nodes", status)
    with pytest.raises(ApiError):
        read(cluster, bundle())


def test_never_more_requests_than_the_limit() -> None:
    cluster = FakeCluster()
    for place in "abcdefgh":
        for group in ("trainer.kubeflow.org", "jobset.x-k8s.io"):
            cluster.put(hook(place, group))
    for name in ("n1", "n2", "n3", "n4"):
        cluster.put(node(name))
    cluster.hooks.append(lambda request: {"status": {"incomplete": True}} if "rulesreviews" in request.path else None)
    readings = read(cluster, bundle())
    # One request is reserved for the autoscaler.
    assert readings.requests == len(cluster.requests) == REQUEST_LIMIT - 1
    # The most important ones come first.
    assert any("selfsubjectaccessreviews" in request.path for request in cluster.requests)


def test_pods_are_read_if_a_controller_is_still_to_be_scheduled() -> None:
    cluster = FakeCluster()
    cluster.put(node("n1"))
    readings = read(cluster, bundle())
    assert readings.pods is not None
    assert list(readings.pods) == ["n1"]
    cluster.put(obj("Namespace", NAMESPACE))
    cluster.put(deployment())
    assert read(cluster, bundle()).pods == {}


def test_a_long_list_is_counted_and_not_read() -> None:
    cluster = serving(bundle())
    cluster.hooks.append(
        lambda request: (
            {"items": [{"metadata": {"name": "a"}}], "metadata": {"remainingItemCount": 900, "continue": "x"}}
            if request.path.endswith("/trainjobs")
            else None
        )
    )
    readings = read(cluster, bundle())
    assert readings.train_jobs is not None
    assert (len(readings.train_jobs.items), readings.train_jobs.total, readings.train_jobs.whole) == (1, 901, False)


def test_an_old_server_lists_groups_without_kinds() -> None:
    cluster = FakeCluster()
    cluster.hooks.append(lambda request: {"groups": [{"name": "kubeflow.org"}]} if request.path == "/apis" else None)
    assert read(cluster, bundle()).groups == {"kubeflow.org": frozenset()}


def test_permissions_are_reviewed_cluster_wide_first() -> None:
    cluster = FakeCluster()
    readings = read(cluster, bundle())
    asked = [request.body["spec"]["namespace"] for request in cluster.requests if "rulesreviews" in request.path]
    # A namespace with such a name cannot exist, so no permission can be granted in it alone.
    assert [".." in namespace for namespace in asked] == [True]
    assert readings.rules is None
    cluster.rules = [{**rule, "apiGroups": ["apps"]} for rule in cluster.rules]
    readings = read(cluster, bundle())
    asked = [request.body["spec"]["namespace"] for request in cluster.requests if "rulesreviews" in request.path]
    assert NAMESPACE in asked
    assert readings.rules is not None


def test_read_ahead_answers_are_reused_and_contain_no_crd() -> None:
    cluster = FakeCluster()
    remembering = cluster.remembering()
    read_ahead(remembering, bundle())
    ahead = len(cluster.requests)
    assert not any("customresourcedefinitions" in request.path for request in cluster.requests)
    read(remembering, bundle())
    assert {request.path.rpartition("/")[0] for request in cluster.requests[ahead:]} >= {
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    }
    questions = [(request.path, str(request.query), str(request.body), request.accept) for request in cluster.requests]
    assert len(questions) == len(set(questions))


def test_user_objects_are_not_read_without_their_crd() -> None:
    cluster = FakeCluster()
    read(cluster, bundle())
    assert not any(
        "/v1alpha" in request.path for request in cluster.requests if "/trainingruntimes" not in request.path
    )


def test_permissions_in_the_namespace_of_the_probes_are_reviewed_if_required() -> None:
    cluster = FakeCluster()
    assert read(cluster, bundle()).probe_rules is None
    cluster.rules = []
    assert read(cluster, bundle()).probe_rules is not None
    asked = [request.body["spec"] for request in cluster.requests if request.path.endswith("rulesreviews")]
    assert asked.count({"namespace": bundle().probe_namespace}) == 1


RELEASE = {"meta.helm.sh/release-name": "r", "meta.helm.sh/release-namespace": "ml"}


@pytest.mark.parametrize(
    ("metadata", "asked"),
    [
        ({"annotations": RELEASE}, {"ml"}),
        (
            {"annotations": RELEASE, "labels": {"helm.toolkit.fluxcd.io/namespace": "flux-system"}},
            {"ml", "flux-system"},
        ),
        ({"annotations": {"meta.helm.sh/release-name": "r"}}, {""}),
        ({"annotations": {"meta.helm.sh/release-name": "r,a=b"}}, set()),
        ({"annotations": {"meta.helm.sh/release-name": ""}}, set()),
        ({"labels": {"app.kubernetes.io/managed-by": "Helm"}}, set()),
        ({"annotations": {"argocd.argoproj.io/tracking-id": "r:x"}}, set()),
    ],
)
def test_stored_releases_of_helm_are_looked_for_only_to_adopt_from_it(
    metadata: dict[str, Any], asked: set[str]
) -> None:
    cluster = serving(bundle())
    for item in [item for key, item in cluster.objects.items() if key.kind.endswith("WebhookConfiguration")]:
        item["metadata"] = {**item["metadata"], "labels": {}, "annotations": {}, **metadata}
    for adopt in ((), ("argocd", "other"), ("helm",)):
        cluster.requests.clear()
        releases = read(cluster, bundle(), adopt).helm_releases
        assert {place for place, _name in releases} == (asked if "helm" in adopt else set())
        selectors = {request.query.get("labelSelector") for request in cluster.requests}
        assert ("owner=helm,name=r" in selectors) is bool(releases)


@pytest.mark.parametrize(
    ("denied", "stored", "names"),
    [
        ((), (), []),
        ((), ("Secret",), ["r1"]),
        ((), ("Secret", "ConfigMap"), ["r1", "r1"]),
        (("secrets",), (), None),
        (("configmaps",), (), None),
        (("secrets", "configmaps"), ("Secret",), None),
        (("configmaps",), ("Secret",), ["r1"]),
        (("secrets",), ("ConfigMap",), ["r1"]),
    ],
)
def test_a_release_is_not_stored_only_if_all_its_stores_were_read(
    denied: tuple[str, ...], stored: tuple[str, ...], names: list[str] | None
) -> None:
    cluster = serving(bundle())
    for item in [item for key, item in cluster.objects.items() if key.kind.endswith("WebhookConfiguration")]:
        item["metadata"] = {**item["metadata"], "labels": {}, "annotations": RELEASE}

    def hook(request: Request) -> dict[str, Any] | None:
        plural = request.path.rpartition("/")[2]
        if request.query.get("labelSelector") != "owner=helm,name=r":
            return None
        if plural in denied:
            raise failure(403)
        kinds = {"secrets": "Secret", "configmaps": "ConfigMap"}
        items = [{"metadata": {"name": "r1", "namespace": kinds[plural]}}] if kinds[plural] in stored else []
        return {"items": items, "metadata": {}}

    cluster.hooks.append(hook)
    found = read(cluster, bundle(), ("helm",)).helm_releases["ml", "r"]
    assert (None if found is None else [item["metadata"]["name"] for item in found.items]) == names


PULLING = with_options(
    release(), {"image_pull_secrets": ["b", "a"], "jobset_controller": {"image_pull_secrets": ["c"]}}
)


def test_secrets_for_pulling_images_are_looked_for_by_name_and_without_their_content() -> None:
    cluster = FakeCluster()
    cluster.put(obj("Namespace", HOME), "kubectl")
    cluster.put(obj("Secret", "a", namespace=HOME), "kubectl")
    found = read(cluster, PULLING).pull_secrets
    assert sorted(found) == ["a", "b", "c"]
    asked = [request for request in cluster.requests if request.path.endswith("/secrets")]
    assert sorted(str(request.query["fieldSelector"]) for request in asked) == [f"metadata.name={n}" for n in "abc"]
    assert all("PartialObjectMetadata" in request.accept for request in asked)


def test_secrets_that_may_not_be_read_are_not_reported() -> None:
    cluster = FakeCluster()
    cluster.put(obj("Namespace", HOME), "kubectl")
    refuse(cluster, "/secrets")
    found = read(cluster, PULLING)
    assert (found.pull_secrets, found.denied) == (dict.fromkeys("abc"), ())
    facts = facts_of("https://c", PULLING, found, "bundled")
    assert facts["namespace"]["pull_secrets_missing"] == []


def test_no_secret_is_looked_for_without_the_option_or_the_namespace() -> None:
    for bundle_, home in ((release(), True), (PULLING, False)):
        cluster = FakeCluster()
        if home:
            cluster.put(obj("Namespace", HOME), "kubectl")
        found = read(cluster, bundle_)
        assert not [request for request in cluster.requests if request.path.endswith("/secrets")]
        missing = facts_of("https://c", bundle_, found, "bundled")["namespace"]["pull_secrets_missing"]
        assert missing == ([] if home else ["a", "b", "c"])


def test_a_secret_that_the_limit_of_requests_leaves_out_is_not_missing() -> None:
    found = replace(read(FakeCluster(), PULLING), namespace={"metadata": {"name": HOME}}, pull_secrets={})
    assert facts_of("https://c", PULLING, found, "bundled")["namespace"]["pull_secrets_missing"] == []
