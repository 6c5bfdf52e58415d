# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.cluster.namespace_contents import (
    Contents,
    Item,
    read_contents,
)
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import Resource
from tests.unit.plugins.helpers.builders import CONFIG, NAMESPACE, bundle, installed, obj
from tests.unit.plugins.helpers.fakes import FakeCluster, Request

CONFIGS = Resource("", "v1", "configmaps", True)
PODS = Resource("", "v1", "pods", True)


def item(name: str, *owners: str, of: Resource = CONFIGS) -> Item:
    return Item(of, name, f"uid-{name}", owners)


def test_remaining_objects_are_named_by_type_and_name() -> None:
    assert Contents((item("mine"),)).left(()) == ["configmaps mine"]
    assert Contents((item("mine"),)).left({"uid-mine"}) == []


def test_owned_objects_count_as_deleted() -> None:
    chain = (item("pod", "uid-set", of=PODS), item("set", "uid-deployment"), item("deployment"))
    assert Contents(chain).left({"uid-deployment"}) == []
    # The owner is deleted, but its dependent is not yet.
    assert Contents(chain[:2]).left({"uid-deployment"}) == []
    assert Contents(chain).left({"uid-other"}) == ["configmaps deployment", "configmaps set", "pods pod"]


def test_what_the_install_lease_owns_goes_with_it() -> None:
    """Nobody names the lease, because it goes last. Pods of a pull proof that was killed are owned by it."""
    leases = Resource("coordination.k8s.io", "v1", "leases", True)
    left = item("left", "uid-conductor-install", of=PODS)
    assert Contents((left, item("conductor-install", of=leases))).left(()) == []
    assert Contents((left, item("conductor-install"))).left(()) != []
    assert Contents((item("left", "uid-other", of=PODS), item("other", of=leases))).left(()) != []


def test_objects_without_owners_are_garbage() -> None:
    orphan, gone = item("pod", "uid-job", of=PODS), item("other", "uid-gone")
    assert Contents((orphan,)).is_garbage(())
    assert Contents((orphan, gone)).is_garbage({"uid-gone"})
    # Its owner exists, or one of two does; it had no owner; there are no objects; it will be deleted anyway.
    assert not Contents((orphan, item("job"))).is_garbage(())
    assert not Contents((item("pod", "uid-gone", "uid-job"), item("job", "uid-set"))).is_garbage(())
    assert not Contents((orphan, item("mine"))).is_garbage(())
    assert not Contents(()).is_garbage(())
    assert not Contents((orphan,), ("nobody knows",)).is_garbage(())
    assert not Contents((gone,)).is_garbage({"uid-gone"})


@pytest.mark.parametrize(
    ("group", "plural", "name"),
    [
        ("", "serviceaccounts", "default"),
        ("", "configmaps", "kube-root-ca.crt"),
        ("", "configmaps", "openshift-service-ca.crt"),
        ("", "configmaps", "istio-ca-root-cert"),
        ("", "configmaps", "conductor-install-record"),
        ("coordination.k8s.io", "leases", "conductor-install"),
    ],
)
def test_objects_of_every_namespace_are_ignored(group: str, plural: str, name: str) -> None:
    assert Contents((item(name, of=Resource(group, "v1", plural, True)),)).left(()) == []
    assert Contents((item(f"{name}-2", of=Resource(group, "v1", plural, True)),)).left(()) != []


def test_unknown_contents_count_as_remaining() -> None:
    assert Contents(unknown=("nobody knows",)).left(()) == ["nobody knows"]


def test_only_a_few_are_named() -> None:
    assert Contents(tuple(item(str(number)) for number in range(9))).left(())[-1] == "and 4 more"


def test_everything_in_a_namespace_is_found() -> None:
    cluster = installed(bundle())
    cluster.put(obj("TrainJob", "mine", "trainer.kubeflow.org/v1alpha1", NAMESPACE), "kubectl")
    cluster.put(obj("Event", "e", namespace=NAMESPACE), "kubelet", "Update")
    cluster.put(obj("ConfigMap", "elsewhere", namespace="other"))
    found = read_contents(cluster, NAMESPACE)
    names = {str(one) for one in found.items}
    assert names == {
        "configmaps config",
        "secrets manager-cert",
        "services webhook",
        "deployments.apps manager",
        "trainjobs.trainer.kubeflow.org mine",
    }
    assert found.unknown == ()
    assert cluster.objects[CONFIG]["metadata"]["uid"] in {one.uid for one in found.items}


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (403, f"missing permission to list configmaps in namespace {NAMESPACE}"),
        (503, f"configmaps in namespace {NAMESPACE} could not be listed: no"),
    ],
)
def test_types_without_permission_are_unknown(status: int, words: str) -> None:
    cluster = installed(bundle())
    cluster.fail(status, method="GET", path="/configmaps")
    assert read_contents(cluster, NAMESPACE).unknown == (words,)


@pytest.mark.parametrize("status", [404, 405])
def test_removed_type_has_no_objects(status: int) -> None:
    cluster = installed(bundle())
    cluster.fail(status, method="GET", path="/configmaps")
    assert read_contents(cluster, NAMESPACE).unknown == ()


def discovered(cluster: FakeCluster, document: dict[str, Any]) -> Contents:
    def hook(request: Request) -> dict[str, Any] | None:
        return document if request.path == "/apis" else None

    cluster.hooks.append(hook)
    return read_contents(cluster, NAMESPACE)


def test_an_api_that_does_not_answer_is_unknown() -> None:
    stale = {"metadata": {"name": "metrics.k8s.io"}, "versions": [{"version": "v1", "freshness": "Stale"}]}
    found = discovered(FakeCluster(), {"kind": "APIGroupDiscoveryList", "items": [stale]})
    assert found.unknown == ("the API metrics.k8s.io does not answer",)


def test_server_without_aggregated_discovery_is_unknown() -> None:
    found = discovered(FakeCluster(), {"kind": "APIGroupList", "groups": []})
    assert found.unknown == ("the server does not list its resource types",)


def test_each_deletable_type_is_listed_once() -> None:
    verbs = ["delete", "list"]
    both = [
        {"version": version, "resources": [{"resource": "things", "scope": "Namespaced", "verbs": verbs}]}
        for version in ("v2", "v1")
    ]
    metrics = {"version": "v1", "resources": [{"resource": "pods", "scope": "Namespaced", "verbs": ["get", "list"]}]}
    cluster = FakeCluster()
    asked: list[str] = []

    def hook(request: Request) -> dict[str, Any] | None:
        asked.append(request.path)
        return {} if "example.com/" in request.path else None

    cluster.hooks.append(hook)
    items = [
        {"metadata": {"name": "example.com"}, "versions": both},
        {"metadata": {"name": "metrics.example.com"}, "versions": [metrics]},
    ]
    discovered(cluster, {"kind": "APIGroupDiscoveryList", "items": items})
    assert [path for path in asked if "example.com" in path] == [f"/apis/example.com/v2/namespaces/{NAMESPACE}/things"]


@pytest.mark.parametrize(
    "group",
    [
        {},
        {"metadata": {"name": "example.com"}},
        {"metadata": {"name": "example.com"}, "versions": 7},
        {"metadata": {"name": "example.com"}, "versions": ["v1"]},
        {"metadata": {"name": "example.com"}, "versions": [{"version": "v1", "resources": {}}]},
        {"metadata": {"name": "example.com"}, "versions": [{"version": "v1", "resources": ["things"]}]},
        {"metadata": {"name": "example.com"}, "versions": [{"version": "v1", "resources": [{"scope": "Namespaced"}]}]},
        {"metadata": {"name": "example.com"}, "versions": [{"resources": []}]},
        {"versions": [{"version": "v1", "resources": []}]},
    ],
)
def test_types_that_are_not_described_are_unknown(group: dict[str, Any]) -> None:
    found = discovered(FakeCluster(), {"kind": "APIGroupDiscoveryList", "items": [group]})
    assert found.unknown == ("the server does not list its resource types",)


def test_a_server_without_core_types_is_unknown() -> None:
    cluster = installed(bundle())
    cluster.hooks.append(
        lambda request: {"kind": "APIGroupDiscoveryList", "items": []} if request.path == "/api" else None
    )
    assert read_contents(cluster, NAMESPACE).unknown == ("the server does not list its resource types",)


def test_objects_on_later_pages_are_found() -> None:
    cluster = installed(bundle())

    def hook(request: Request) -> dict[str, Any] | None:
        if not request.path.endswith(f"/namespaces/{NAMESPACE}/secrets"):
            return None
        first = "continue" not in request.query
        name, metadata = ("first", {"continue": "more"}) if first else ("second", {})
        return {"items": [{"metadata": {"name": name, "uid": name}}], "metadata": metadata}

    cluster.hooks.append(hook)
    names = {item.name for item in read_contents(cluster, NAMESPACE).items if item.resource.plural == "secrets"}
    assert names == {"first", "second"}
