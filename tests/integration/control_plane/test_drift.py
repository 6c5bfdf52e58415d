# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every object of the bundle, changed by every kind of writer: found and repaired, or rightly left.

What is ours is put back: after a stop that names field, owner and both values where somebody else owns it by now, and
at once where nobody does. What is not ours stays, and is no reason to write.
"""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.cluster.client import Cluster
from ansible_collections.conductor.trainer.plugins.module_utils.errors import RefusedError
from ansible_collections.conductor.trainer.plugins.module_utils.names import LAST_APPLIED, MANAGED_LABEL
from ansible_collections.conductor.trainer.plugins.module_utils.objects.diff import changed_fields
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import Key, key_of, path_of
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle
from tests.support.control_plane import ControlPlane
from tests.support.sampled import sampled
from tests.unit.plugins.helpers.installing import ensure_present

Object = dict[str, Any]
NOTE = "example.com/note"
FRAMEWORK = "trainer.kubeflow.org/framework"
GONE_SECONDS = 30.0


def change(live: Object) -> Object:
    """A merge patch (RFC 7386) that changes something of ours, the weightiest that a person would."""
    kind = live["kind"]
    if kind == "ConfigMap":
        return {"data": {next(iter(live["data"])): "changed: true\n"}}
    if kind == "Deployment":
        first, *rest = live["spec"]["template"]["spec"]["containers"]
        containers = [{**first, "image": "registry.invalid/edited:1"}, *rest]
        return {"spec": {"template": {"spec": {"containers": containers}}}}
    if kind in ("Role", "ClusterRole"):
        first, *rest = live["rules"]
        return {"rules": [{**first, "verbs": ["get", "deletecollection"]}, *rest]}
    if kind in ("RoleBinding", "ClusterRoleBinding"):
        return {"subjects": [{**live["subjects"][0], "name": "edited"}]}
    if kind == "Service":
        return {"spec": {"selector": {"app.kubernetes.io/name": "edited"}}}
    if kind.endswith("WebhookConfiguration"):
        first, *rest = live["webhooks"]
        return {"webhooks": [{**first, "failurePolicy": "Ignore"}, *rest]}
    label = FRAMEWORK if FRAMEWORK in live["metadata"]["labels"] else MANAGED_LABEL
    return {"metadata": {"labels": {label: "edited"}}}


def note(live: Object) -> Object:
    """A merge patch that adds what is not ours."""
    return {"metadata": {"annotations": {NOTE: "mine"}, "labels": {"team": live["kind"].lower()}}}


def merged(value: Any, patch: Any) -> Any:
    if not isinstance(value, dict) or not isinstance(patch, dict):
        return patch
    return {**value, **{name: merged(value.get(name), part) for name, part in patch.items()}}


def send(cluster: Cluster, method: str, key: Key, manager: str, body: Object, form: str, below: str = "") -> None:
    query = {"fieldManager": manager, **({"force": "true"} if "apply" in form else {})}
    cluster.request(
        method,
        path_of(key) + below,
        query=query,
        body=body,
        content_type=f"application/{form}",
        step="write",
        subject=str(key),
    )


def identified(key: Key, patch: Object) -> Object:
    names = {"name": key.name, **({"namespace": key.namespace} if key.namespace else {})}
    return {
        "apiVersion": key.api_version,
        "kind": key.kind,
        **patch,
        "metadata": {**patch.get("metadata", {}), **names},
    }


# A writer gets the object, our manifest of it, and a patch.
Writer = Callable[[Cluster, Key, Object, Object, Object], None]


def by_patch(manager: str) -> Writer:
    def write(cluster: Cluster, key: Key, _live: Object, _manifest: Object, patch: Object) -> None:
        send(cluster, "PATCH", key, manager, patch, "merge-patch+json")

    return write


def by_client_side_apply(cluster: Cluster, key: Key, _live: Object, manifest: Object, patch: Object) -> None:
    file = json.dumps(manifest if len(json.dumps(manifest)) < 200_000 else identified(key, patch))
    annotated = merged(patch, {"metadata": {"annotations": {LAST_APPLIED: file}}})
    send(cluster, "PATCH", key, "kubectl-client-side-apply", annotated, "merge-patch+json")


def by_replace(cluster: Cluster, key: Key, live: Object, _manifest: Object, patch: Object) -> None:
    send(cluster, "PUT", key, "kubectl-replace", merged(live, patch), "json")


def by_another_apply(cluster: Cluster, key: Key, _live: Object, _manifest: Object, patch: Object) -> None:
    send(cluster, "PATCH", key, "another", identified(key, patch), "apply-patch+yaml")


def by_our_apply(cluster: Cluster, key: Key, _live: Object, manifest: Object, patch: Object) -> None:
    """Our own name, and a manifest that lacks our label besides."""
    other = merged(manifest, patch)
    del other["metadata"]["labels"][MANAGED_LABEL]
    send(cluster, "PATCH", key, "conductor", other, "apply-patch+yaml")


# Where somebody else owns what was ours, a run stops; by whose name.
OWNED_BY: dict[str, tuple[Writer, str]] = {
    "kubectl edit": (by_patch("kubectl-edit"), "kubectl-edit"),
    "kubectl patch": (by_patch("kubectl-patch"), "kubectl-patch"),
    "kubectl apply": (by_client_side_apply, "kubectl-client-side-apply"),
    "kubectl replace": (by_replace, "kubectl-replace"),
    "another that applies": (by_another_apply, "another"),
}
# Our own name is in nobody's way.
IN_OUR_NAME: dict[str, Writer] = {"an update": by_patch("conductor"), "an apply": by_our_apply}


class Objects:
    """All objects of the bundle on a control plane, as they are."""

    def __init__(self, plane: ControlPlane, bundle: Bundle) -> None:
        self.plane, self.bundle = plane, bundle
        self.cluster = plane.client()
        self.manifests = {key_of(manifest): manifest for manifest in bundle.objects()}
        self.before = self.read()

    def read(self) -> dict[Key, Object]:
        return dict(self.cluster.each(lambda key: (key, self.cluster.get(path_of(key))), self.manifests))

    def write(self, writer: Writer, patch: Callable[[Object], Object]) -> None:
        self.cluster.each(
            lambda key: writer(
                self.cluster,
                key,
                copy.deepcopy(self.before[key]),
                copy.deepcopy(self.manifests[key]),
                patch(self.before[key]),
            ),
            self.manifests,
        )

    def run(self, **options: Any) -> dict[str, Any]:
        return ensure_present(self.plane.client(), self.bundle, **options)

    def differing(self, *ignored: str, now: dict[Key, Object] | None = None) -> dict[Key, list[str]]:
        """What is not as it was, apart from what nobody of us owns."""
        now = now or self.read()
        found = {}
        for key, before in self.before.items():
            fields = changed_fields(before, now[key])
            left = [name for name in fields if not name.startswith((REVISION, *ignored))]
            if left:
                found[key] = left
        return found

    def assert_at_rest(self) -> None:
        mark = self.plane.now()
        assert not self.run()["changed"]
        assert self.plane.writes_since(mark) == []


@pytest.fixture
def objects(installed: ControlPlane, bundle: Bundle) -> Objects:
    return Objects(installed, bundle)


# The Deployment controller counts what it rolled out.
REVISION = "metadata.annotations.deployment.kubernetes.io/revision"
NOT_OURS = ("metadata.annotations", "metadata.labels.team")


@pytest.mark.parametrize("writer", sampled(OWNED_BY, ["kubectl edit", "kubectl apply"]))
def test_what_somebody_else_owns_now_stops_a_run_and_is_put_back_by_force(objects: Objects, writer: str) -> None:
    write, manager = OWNED_BY[writer]
    objects.write(write, lambda live: merged(change(live), note(live)))
    assert len(objects.differing(*NOT_OURS)) == len(objects.manifests)
    mark = objects.plane.now()
    with pytest.raises(RefusedError) as caught:
        objects.run()
    assert objects.plane.writes_since(mark) == []
    assert {found["owner"] for found in caught.value.facts["conflicts"]} == {manager}
    # Of many conflicts a few are in the result; each object is in the text, or counted there.
    assert all(found["live"] and found["wanted"] for found in caught.value.facts["conflicts"])
    done = objects.run(force=True)
    now = objects.read()
    repaired = {name for verb in ("update", "adopt") for name in done["actions"].get(verb, [])}
    assert repaired == {str(key) for key in objects.manifests}
    assert objects.differing(*NOT_OURS, now=now) == {}
    assert all(found["metadata"]["annotations"][NOTE] == "mine" for found in now.values())
    objects.assert_at_rest()


@pytest.mark.parametrize("writer", sampled(IN_OUR_NAME, ["an update"]))
def test_what_was_written_in_our_name_is_put_back(objects: Objects, writer: str) -> None:
    objects.write(IN_OUR_NAME[writer], change)
    assert len(objects.differing()) == len(objects.manifests)
    foretold = objects.run(check=True)
    done = objects.run()
    assert foretold["actions"] == done["actions"]
    assert done["actions"] == {"update": sorted(str(key) for key in objects.manifests)}
    assert objects.differing() == {}
    objects.assert_at_rest()


@pytest.mark.parametrize("label", [MANAGED_LABEL, "team"])
def test_a_label_of_ours_is_put_back_and_another_stays(objects: Objects, label: str) -> None:
    objects.write(by_patch("kubectl-label"), lambda _live: {"metadata": {"labels": {label: "edited"}}})
    if label == MANAGED_LABEL:
        with pytest.raises(RefusedError) as caught:
            objects.run()
        assert {found["field"] for found in caught.value.facts["conflicts"]} == {f".metadata.labels.{label}"}
        assert len(objects.run(force=True)["actions"]["update"]) == len(objects.manifests)
        assert objects.differing() == {}
    objects.assert_at_rest()


def test_a_label_of_ours_that_is_taken_away_is_put_back(objects: Objects) -> None:
    objects.write(by_patch("kubectl-label"), lambda _live: {"metadata": {"labels": {MANAGED_LABEL: None}}})
    assert len(objects.run()["actions"]["update"]) == len(objects.manifests)
    assert objects.differing() == {}
    objects.assert_at_rest()


def test_a_number_of_replicas_is_left_alone(objects: Objects) -> None:
    deployments = [key for key in objects.manifests if key.kind == "Deployment"]
    for key in deployments:
        send(objects.cluster, "PATCH", key, "kubectl", {"spec": {"replicas": 3}}, "merge-patch+json", "/scale")
    assert objects.run()["actions"] == {}
    assert {objects.read()[key]["spec"]["replicas"] for key in deployments} == {3}


def test_what_is_not_ours_is_left_alone_whoever_writes_it(objects: Objects) -> None:
    for write, _manager in OWNED_BY.values():
        if write is by_replace:
            objects.before = objects.read()
        objects.write(write, note)
    objects.write(by_patch("kubectl-annotate"), note)
    objects.assert_at_rest()
    assert all(found["metadata"]["annotations"][NOTE] == "mine" for found in objects.read().values())


@pytest.mark.parametrize("made_again", [False, True])
def test_what_was_deleted_is_made_again_and_what_somebody_made_in_its_place_is_taken_over(
    objects: Objects, made_again: bool
) -> None:
    home = Key("v1", "Namespace", "", objects.bundle.namespace)
    # With a namespace or a CRD all that is in it goes; those two are told apart from the rest.
    containers = [key for key in objects.manifests if key.kind in ("Namespace", "CustomResourceDefinition")]
    deleted = [key for key in objects.manifests if key not in containers] if made_again else list(objects.manifests)
    deleted = [key for key in deleted if key != home]
    objects.cluster.each(lambda key: delete(objects.cluster, key), sorted(deleted, key=lambda key: key in containers))
    deadline = time.monotonic() + GONE_SECONDS
    while any(objects.cluster.find(path_of(key)) for key in deleted):
        assert time.monotonic() < deadline
    if made_again:
        objects.cluster.each(lambda key: create(objects.cluster, key, objects.manifests[key]), deleted)
    done = objects.run()
    assert done["actions"] == {"adopt" if made_again else "create": sorted(str(key) for key in deleted)}
    objects.assert_at_rest()


def delete(cluster: Cluster, key: Key) -> None:
    cluster.request(
        "DELETE", path_of(key), body={"kind": "DeleteOptions", "apiVersion": "v1"}, step="delete", subject=str(key)
    )


def create(cluster: Cluster, key: Key, manifest: Object) -> None:
    collection = path_of(key).rpartition("/")[0]
    query = {"fieldManager": "kubectl-create"}
    cluster.request("POST", collection, query=query, body=manifest, step="create", subject=str(key))
