# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from tests.support.inventory import at_rest, difference, digest, inventory, reset

WEBHOOKS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
NODE = "/api/v1/nodes/node"
# What the server serves: the path of a version, and its resources.
SERVED = {
    "/api/v1": ("nodes", "pods", "events", "configmaps"),
    "/apis/admissionregistration.k8s.io/v1": ("validatingwebhookconfigurations",),
    "/apis/apiextensions.k8s.io/v1": ("customresourcedefinitions",),
    "/apis/coordination.k8s.io/v1": ("leases",),
    "/apis/coordination.k8s.io/v1beta1": ("leases", "leasecandidates"),
}


class Server:
    """An API server of a few resources: objects by path, and what it was asked to do."""

    def __init__(self, *paths: str) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.deleted: list[str] = []
        for path in paths:
            self.add(path)

    def add(self, path: str, finalizers: list[str] | None = None, **content: Any) -> None:
        words = path.split("/")
        metadata: dict[str, Any] = {"name": words[-1]}
        if "namespaces" in words[:-2]:
            metadata["namespace"] = words[words.index("namespaces") + 1]
        if finalizers:
            metadata["finalizers"] = finalizers
        self.objects[path] = {"metadata": metadata, **content}

    def __call__(self, method: str, path: str, body: dict[str, Any] | None) -> tuple[int, dict[str, Any]]:
        if method == "GET":
            return self._get(path)
        assert body is not None
        if method == "PATCH":
            assert body == {"metadata": {"finalizers": None}}
            self.objects.pop(path)
            return 200, {}
        assert (body["gracePeriodSeconds"], body["propagationPolicy"]) == (0, "Background")
        self.deleted.append(path)
        if path not in self.objects:
            return 404, {}
        if self.objects[path]["metadata"].get("finalizers"):
            return 200, self.objects[path]
        return 200, self.objects.pop(path)

    def _get(self, path: str) -> tuple[int, dict[str, Any]]:
        if path == "/apis":
            groups: dict[str, list[str]] = {}
            for version in SERVED:
                if version != "/api/v1":
                    groups.setdefault(version.split("/")[2], []).append(version.removeprefix("/apis/"))
            return 200, {"groups": [{"versions": [{"groupVersion": one} for one in all_]} for all_ in groups.values()]}
        if path in SERVED:
            entries = [{"name": name, "verbs": ["get", "list", "delete"]} for name in SERVED[path]]
            # A question that is answered, and stores nothing.
            return 200, {"resources": [*entries, {"name": "bindings", "verbs": ["create"]}]}
        version, _, resource = path.rpartition("/")
        found = [
            item for name, item in self.objects.items() if name.startswith(version) and name.split("/")[-2] == resource
        ]
        return 200, {"items": found}


def test_all_objects_are_listed_once_but_for_events() -> None:
    paths = [NODE, "/api/v1/namespaces/a/pods/one", "/apis/coordination.k8s.io/v1/namespaces/a/leases/one"]
    server = Server(*paths, "/api/v1/namespaces/a/events/one")
    assert sorted(inventory(server)) == sorted(paths)


@pytest.mark.parametrize(
    "change", [{"spec": {"unschedulable": True}}, {"data": {"a": "b"}}, {"metadata": {"name": "node", "labels": {}}}]
)
def test_changed_content_is_a_difference(change: dict[str, Any]) -> None:
    before = {"metadata": {"name": "node"}, "spec": {}}
    assert digest(before) != digest(before | change)


def test_status_and_bookkeeping_are_not() -> None:
    before = {"metadata": {"name": "node", "resourceVersion": "1"}, "spec": {}, "status": {"phase": "a"}}
    assert digest(before) == digest(before | {"metadata": {"name": "node", "resourceVersion": "2"}, "status": {}})


def test_a_difference_names_what_is_extra_missing_and_changed() -> None:
    found = difference({"a": "1", "b": "1", "c": "1"}, {"b": "2", "c": "1", "d": "1", "x/webhookconfigurations/e": "1"})
    assert (found.extra, found.missing, found.changed) == (("x/webhookconfigurations/e", "d"), ("a",), ("b",))
    assert found
    assert not difference({"a": "1"}, {"a": "1"})


def test_a_reset_deletes_everything_that_was_not_there_and_nothing_else() -> None:
    server = Server(NODE)
    fresh = at_rest(server)
    server.add("/api/v1/namespaces/a/pods/held", ["batch.kubernetes.io/job-tracking"])
    server.add(f"{WEBHOOKS}/ours")
    server.add("/api/v1/namespaces/a/configmaps/one", data={"a": "b"})
    reset(server, fresh)
    assert list(server.objects) == [NODE]
    # A webhook could reject the other deletions.
    assert server.deleted[0] == f"{WEBHOOKS}/ours"
    assert NODE not in server.deleted


def test_the_objects_of_a_crd_are_left_to_the_server() -> None:
    """Without its finalizer a CRD would be gone before them, and they would stay in the store."""
    server = Server(NODE)
    fresh = at_rest(server)
    server.add(f"{CRDS}/jobsets", ["customresourcecleanup.apiextensions.k8s.io"])
    with pytest.raises(TimeoutError, match="customresourcedefinitions/jobsets"):
        reset(server, fresh, seconds=0)
    assert f"{CRDS}/jobsets" in server.objects


@pytest.mark.parametrize(
    ("content", "words"), [({"spec": {"unschedulable": True}}, r"changed=\('/api/v1/nodes/node'"), (None, "missing=")]
)
def test_what_cannot_be_put_back_is_an_error(content: dict[str, Any] | None, words: str) -> None:
    server = Server(NODE)
    fresh = at_rest(server)
    del server.objects[NODE]
    if content:
        server.add(NODE, **content)
    with pytest.raises(TimeoutError, match=words):
        reset(server, fresh, seconds=0)
