# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
import copy
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import InputError
from ansible_collections.conductor.trainer.plugins.module_utils.names import MANAGED_LABEL
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import key_of
from ansible_collections.conductor.trainer.plugins.module_utils.options.layers import with_options
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle
from ansible_collections.conductor.trainer.plugins.module_utils.release.loader import load_bundle
from tests.unit.plugins.helpers.builders import BUNDLE

REAL = load_bundle(str(BUNDLE))
NAME = "kubeflow-trainer-controller-manager"
PLACE = f"kubeflow-system/{NAME}"


def obj(kind: str = "ConfigMap", api_version: str = "v1", name: str = "ours", **metadata: Any) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, **metadata}}


def added(*objects: Any, recorded: bool = False, **options: Any) -> Bundle:
    return with_options(REAL, {"extra_objects": list(objects), **options}, recorded=recorded)


def places(*objects: Any) -> list[tuple[str, str]]:
    """The phase and the name of what is added."""
    laid = added(*objects)
    return [
        (phase.name, str(key_of(manifest)))
        for phase in laid.phases
        for manifest in phase.objects
        if key_of(manifest) in laid.extras
    ]


def refused(*objects: Any) -> InputError:
    with pytest.raises(InputError) as caught:
        added(*objects)
    assert caught.value.message.startswith("`conductor_extra_objects`: ")
    assert caught.value.next_step
    return caught.value


@pytest.mark.parametrize(
    ("manifest", "phase", "name"),
    [
        (obj(), "access", "ConfigMap kubeflow-system/ours"),
        (obj(namespace=None), "access", "ConfigMap kubeflow-system/ours"),
        (obj(namespace="team"), "access", "ConfigMap team/ours"),
        (obj("Namespace"), "foundation", "Namespace ours"),
        (obj("PriorityClass", "scheduling.k8s.io/v1"), "foundation", "PriorityClass ours"),
        (obj("Deployment", "apps/v1"), "controllers", "Deployment kubeflow-system/ours"),
        (obj("TrainingRuntime", "trainer.kubeflow.org/v1alpha1"), "runtimes", "TrainingRuntime kubeflow-system/ours"),
        (obj("ClusterTrainingRuntime", "trainer.kubeflow.org/v1alpha1"), "runtimes", "ClusterTrainingRuntime ours"),
        (
            obj("ValidatingWebhookConfiguration", "admissionregistration.k8s.io/v1"),
            "admission",
            "ValidatingWebhookConfiguration ours",
        ),
        # Of other kinds, only the object says whether it is in a namespace.
        (obj("Widget", "example.com/v1"), "controllers", "Widget ours"),
        (obj("Widget", "example.com/v1beta2", namespace="team"), "controllers", "Widget team/ours"),
        # A Service of the release has this name, and so has a Deployment; neither is the same object.
        (obj(name=NAME), "access", f"ConfigMap {PLACE}"),
        (obj("Deployment", "example.com/v1", NAME, namespace="kubeflow-system"), "controllers", f"Deployment {PLACE}"),
    ],
)
def test_where_an_object_goes(manifest: dict[str, Any], phase: str, name: str) -> None:
    assert places(manifest) == [(phase, name)]


def test_an_object_is_a_marked_copy_and_no_part_of_the_release() -> None:
    given = {**obj(labels={"a": "b"}), "data": {"x": "y"}}
    before = copy.deepcopy(given)
    laid = added(given, annotations={"owner": "us"})
    assert given == before
    [key] = laid.extras
    [found] = [manifest for manifest in laid.objects() if key_of(manifest) == key]
    assert found["metadata"]["labels"] == {"a": "b", MANAGED_LABEL: "true"}
    # The other layers reach it.
    assert found["metadata"]["annotations"] == {"owner": "us"}
    assert found not in laid.objects("ConfigMap")
    assert not laid.is_of_release(key)
    assert key in laid.known


def test_what_an_export_of_kubectl_leaves_empty_is_dropped() -> None:
    given = {**obj(creationTimestamp=None, finalizers=[], labels=None, annotations={}), "status": {}}
    laid = added(given)
    [found] = [manifest for manifest in laid.objects() if key_of(manifest) in laid.extras]
    assert found == {**obj(namespace="kubeflow-system", labels={MANAGED_LABEL: "true"})}


def test_lists_are_flattened() -> None:
    nested = {"apiVersion": "v1", "kind": "List", "items": [obj(name="a"), {"kind": "List", "items": [obj(name="b")]}]}
    assert [name for _phase, name in places(nested, obj(name="c"))] == [
        f"ConfigMap kubeflow-system/{name}" for name in "abc"
    ]


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ("quota.yml", "an item is no object, and no path"),
        (7, "an item is no object"),
        ({}, "an object has no apiVersion"),
        (obj(api_version="Deployment"), "an object has no apiVersion"),
        (obj(api_version="a/b/v1"), "an object has no apiVersion"),
        (obj(kind="configmap"), "an object of v1 has no kind"),
        ({"apiVersion": "v1", "kind": "ConfigMap"}, "an object of kind ConfigMap has no metadata.name"),
        (obj(name=""), "an object of kind ConfigMap has no metadata.name"),
        ({**obj(), "metadata": {"generateName": "x-"}}, "an object of kind ConfigMap has no metadata.name"),
        (obj(generateName="x-"), "ConfigMap ours has metadata.generateName"),
        (obj(uid="a", resourceVersion="1"), "ConfigMap ours has metadata.uid, metadata.resourceVersion, which only"),
        (obj(ownerReferences=[{}]), "ConfigMap ours has metadata.ownerReferences"),
        (obj(finalizers=["a/b"]), "ConfigMap ours has metadata.finalizers"),
        ({**obj(), "status": {"a": 1}}, "ConfigMap ours has status"),
        (obj(namespace=5), "the namespace of ConfigMap ours is not a text"),
        (obj(labels={"a": True}), "the labels of ConfigMap ours are not texts"),
        (obj(annotations=[1]), "the annotations of ConfigMap ours are not texts"),
        (
            obj(labels={"app.kubernetes.io/managed-by": "Helm"}),
            "ConfigMap ours has app.kubernetes.io/managed-by, by which",
        ),
        (obj(annotations={"argocd.argoproj.io/tracking-id": "x"}), "ConfigMap ours has argocd.argoproj.io/tracking-id"),
        (obj("TrainJob", "trainer.kubeflow.org/v1alpha1"), "TrainJob ours cannot be applied with a release"),
        (obj("Pod"), "Pod ours cannot be applied"),
        (obj("Job", "batch/v1"), "Job ours cannot be applied"),
        (obj("Event"), "Event ours cannot be applied"),
        (obj("TokenReview", "authentication.k8s.io/v1"), "TokenReview ours cannot be applied"),
        (
            obj(name="conductor-install-record"),
            "ConfigMap kubeflow-system/conductor-install-record belongs to Conductor",
        ),
        (obj(name="jobset-quota"), "ConfigMap kubeflow-system/jobset-quota has a name of JobSet"),
        (obj(namespace="conductor-probe"), "ConfigMap conductor-probe/ours is where Conductor tests webhooks"),
        (obj("PriorityClass", "scheduling.k8s.io/v1", namespace="a"), "PriorityClass ours is cluster-wide and has a"),
        (obj("Namespace", name="default"), "Namespace default belongs to Kubernetes"),
        (obj("Namespace", name="kube-system"), "Namespace kube-system belongs to Kubernetes"),
        (obj("Namespace", name="kubeflow-system"), "Namespace kubeflow-system belongs to the release"),
        (
            obj(name="kubeflow-trainer-config"),
            "ConfigMap kubeflow-system/kubeflow-trainer-config belongs to the release",
        ),
        (
            obj("Secret", name="kubeflow-trainer-webhook-cert"),
            "Secret kubeflow-system/kubeflow-trainer-webhook-cert belongs",
        ),
        (
            obj("ClusterTrainingRuntime", "trainer.kubeflow.org/v1", "jax-distributed"),
            "ClusterTrainingRuntime jax-distributed belongs",
        ),
        ({**obj("Secret"), "stringData": {"a": 1}}, "the stringData of Secret ours are not texts"),
    ],
)
def test_what_is_refused(item: Any, message: str) -> None:
    assert refused(item).message.removeprefix("`conductor_extra_objects`: ").startswith(message)


def test_a_runtime_that_is_not_selected_belongs_to_the_release() -> None:
    with pytest.raises(InputError, match=r"belongs to the release"):
        with_options(
            REAL.with_runtimes([]),
            {"extra_objects": [obj("ClusterTrainingRuntime", "trainer.kubeflow.org/v1alpha1", "jax-distributed")]},
        )


@pytest.mark.parametrize("same", [obj(), obj(namespace="kubeflow-system"), {**obj(), "data": {"a": "b"}}])
def test_an_object_is_there_once(same: dict[str, Any]) -> None:
    assert "ConfigMap kubeflow-system/ours is there twice" in refused(obj(), same).message
    widgets = [obj("Widget", f"example.com/{version}") for version in ("v1", "v1beta1")]
    assert "Widget ours is there twice" in refused(*widgets).message


def secret(**more: Any) -> dict[str, Any]:
    return {**obj("Secret"), "type": "Opaque", **more}


def test_string_data_becomes_data() -> None:
    given = secret(data={"a": "eA==", "b": "eQ=="}, stringData={"a": "secret"})
    [found] = [
        manifest
        for manifest in added(given).objects("Secret") + added(given).objects()
        if manifest["metadata"]["name"] == "ours"
    ]
    assert "stringData" not in found
    assert found["data"] == {"a": base64.b64encode(b"secret").decode(), "b": "eQ=="}


def test_the_record_has_no_values_of_secrets_and_no_large_objects() -> None:
    large = {**obj(name="large"), "data": {"a": "x" * 5000}}
    given = [
        secret(stringData={"a": "hunter"}),
        {"kind": "List", "items": [secret(metadata={"name": "in-list"}, data={"a": "aHVudGVy"})]},
        large,
        obj(name="small"),
    ]
    recorded = added(*given).options["extra_objects"]
    assert not any(text in str(recorded) for text in ("hunter", "aHVudGVy", "xxx"))
    assert recorded[0].keys() == {"apiVersion", "kind", "metadata", "sha256"}
    assert recorded[3] == obj(name="small")
    changed = added(secret(stringData={"a": "hunter2"}), *given[1:]).options["extra_objects"]
    assert (changed[0] != recorded[0], changed[1:] == recorded[1:]) == (True, True)


def test_with_recorded_options_what_is_only_a_digest_stays_as_it_is() -> None:
    laid = added(secret(stringData={"a": "hunter"}), obj(name="small"))
    again = added(*laid.options["extra_objects"], recorded=True)
    assert again.options == laid.options
    assert again.extras == laid.extras
    assert again.known == laid.known
    assert {manifest["metadata"]["name"] for manifest in again.objects()} == {
        *(manifest["metadata"]["name"] for manifest in laid.objects())
    } - {"ours"}


def test_a_digest_is_no_object_in_the_inventory() -> None:
    [digest] = added(secret(stringData={"a": "hunter"})).options["extra_objects"]
    [found] = [manifest for manifest in added(digest).objects() if manifest["metadata"]["name"] == "ours"]
    assert found["sha256"] == digest["sha256"]
