# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Patches, and objects of the user, on a real API server: applied, recorded, pruned and removed with the release."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import InputError, RefusedError
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import Key, path_of
from ansible_collections.conductor.trainer.plugins.module_utils.options.layers import with_options
from ansible_collections.conductor.trainer.plugins.module_utils.options.objects.merge import MergeKeys
from ansible_collections.conductor.trainer.plugins.module_utils.ownership.record import read_install_record
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle
from ansible_collections.conductor.trainer.plugins.module_utils.remove.absent import ensure_absent
from tests.support.control_plane import ControlPlane
from tests.unit.plugins.helpers.installing import ensure_present

HOME = "kubeflow-system"
DEPLOYMENT = Key("apps/v1", "Deployment", HOME, "kubeflow-trainer-controller-manager")
PATCHES: list[dict[str, Any]] = [
    {"target": {"kind": "Deployment", "component": "trainer"}, "merge": {"spec": {"revisionHistoryLimit": 3}}},
    {"target": {"kind": "Deployment"}, "json": [{"op": "add", "path": "/spec/minReadySeconds", "value": 1}]},
]
WORD = "correct horse"


def crd(group: str, kind: str, scope: str = "Namespaced") -> dict[str, Any]:
    plural = f"{kind.lower()}s"
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": scope,
            "names": {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }


def quota(pods: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "ours"},
        "spec": {"hard": {"count/jobs.batch": pods}},
    }


def gadget(name: str = "ours", **metadata: Any) -> dict[str, Any]:
    """An object of an operator that the cluster has."""
    return {
        "apiVersion": "gadgets.example.com/v1",
        "kind": "Gadget",
        "metadata": {"name": name, "namespace": HOME, **metadata},
        "spec": {"size": 1},
    }


EXTRAS: list[dict[str, Any]] = [
    quota("5"),
    {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": "training"},
        "value": 10,
    },
    {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "ours"}, "stringData": {"password": WORD}},
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team"}},
    {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "ours", "namespace": "team"}, "data": {"a": "b"}},
    crd("widgets.example.com", "Widget", "Cluster"),
    {"apiVersion": "widgets.example.com/v1", "kind": "Widget", "metadata": {"name": "ours"}, "spec": {"size": 1}},
    gadget(),
    {
        "apiVersion": "trainer.kubeflow.org/v1alpha1",
        "kind": "TrainingRuntime",
        "metadata": {
            "name": "ours",
            "namespace": "team",
            "labels": {"trainer.kubeflow.org/webhook-validation": "disabled"},
        },
        "spec": {"template": {"spec": {"replicatedJobs": []}}},
    },
]
NAMES = [
    "ConfigMap team/ours",
    "CustomResourceDefinition widgets.widgets.example.com",
    "Gadget kubeflow-system/ours",
    "Namespace team",
    "PriorityClass training",
    "ResourceQuota kubeflow-system/ours",
    "Secret kubeflow-system/ours",
    "TrainingRuntime team/ours",
    "Widget ours",
]
STAY = ["CustomResourceDefinition widgets.widgets.example.com", "Namespace team"]


@pytest.fixture
def equipped(plane: ControlPlane) -> ControlPlane:
    """A cluster with the operator of another kind."""
    manifest = crd("gadgets.example.com", "Gadget")
    plane.client().server_side_apply(manifest)
    plane.await_served([manifest])
    return plane


def custom(bundle: Bundle, *extras: dict[str, Any], patches: list[dict[str, Any]] | None = None) -> Bundle:
    return with_options(bundle, {"extra_objects": list(extras), "patches": PATCHES if patches is None else patches})


def of_user(names: list[str]) -> list[str]:
    return [name for name in names if name in NAMES]


def test_they_are_installed_once_and_leave_again(equipped: ControlPlane, bundle: Bundle) -> None:
    plane, wanted = equipped, custom(bundle, *EXTRAS)
    mark = plane.now()
    foretold = ensure_present(plane.client(), wanted, check=True, with_diff=True)
    assert plane.writes_since(mark) == []
    done = ensure_present(plane.client(), wanted)
    assert done["actions"] == foretold["actions"]
    assert of_user(done["actions"]["create"]) == NAMES
    assert WORD not in json.dumps([done, foretold])
    assert plane.client().get(path_of(DEPLOYMENT), step="read")["spec"]["revisionHistoryLimit"] == 3

    mark = plane.now()
    again = ensure_present(plane.client(), wanted)
    assert (again["changed"], plane.writes_since(mark)) == (False, [])

    # One that changes, one that somebody changed, and a patch that is taken back.
    plane.kubectl("annotate", "gadget", "ours", f"--namespace={HOME}", "a=b")
    plane.client().request(
        "PATCH",
        f"/apis/gadgets.example.com/v1/namespaces/{HOME}/gadgets/ours",
        query={"fieldManager": "somebody"},
        body={"spec": {"size": 2}},
        content_type="application/merge-patch+json",
        step="edit",
        subject="gadget",
    )
    other = custom(bundle, quota("7"), *EXTRAS[1:], patches=PATCHES[:1])
    with pytest.raises(RefusedError, match=r"Gadget kubeflow-system/ours"):
        ensure_present(plane.client(), other)
    updated = ensure_present(plane.client(), other, force=True)
    assert updated["actions"] == {
        "update": [
            "Deployment kubeflow-system/jobset-controller-manager",
            str(DEPLOYMENT),
            "Gadget kubeflow-system/ours",
            "ResourceQuota kubeflow-system/ours",
        ]
    }

    # Taken out of the inventory, all but CRD and namespace go, and the patched object is as before.
    left = ensure_present(plane.client(), bundle)
    assert left["actions"]["prune"] == [name for name in NAMES if name not in STAY]
    assert left["actions"]["update"] == [str(DEPLOYMENT)]
    assert [line.partition(": ")[0] for line in left["retained"]] == STAY
    mark = plane.now()
    assert ensure_present(plane.client(), bundle)["changed"] is False
    assert plane.writes_since(mark) == []


@pytest.mark.parametrize("how", ["without options", "with them", "recorded"])
def test_an_uninstall_deletes_them_and_nothing_else(equipped: ControlPlane, bundle: Bundle, how: str) -> None:
    plane, wanted = equipped, custom(bundle, *EXTRAS)
    plane.client().server_side_apply(gadget("theirs", namespace="default"))
    ensure_present(plane.client(), wanted)
    options = read_install_record(plane.client(), bundle.namespace).options
    assert WORD not in str(options)
    given = {"without options": bundle, "with them": wanted, "recorded": with_options(bundle, options, recorded=True)}
    result = ensure_absent(plane.client(), given[how], remove_crds=how == "recorded", timeout=120)
    assert result["changed"]
    assert "TrainingRuntime team/ours" not in str(result["retained"])
    there = [
        str(key)
        for key in (
            Key("v1", "ResourceQuota", HOME, "ours"),
            Key("scheduling.k8s.io/v1", "PriorityClass", "", "training"),
            Key("v1", "Secret", HOME, "ours"),
            Key("v1", "Namespace", "", "team"),
            Key("widgets.example.com/v1", "Widget", "", "ours"),
            Key("gadgets.example.com/v1", "Gadget", HOME, "ours"),
            Key("gadgets.example.com/v1", "Gadget", "default", "theirs"),
            Key("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", "widgets.widgets.example.com"),
        )
        if plane.client().find(path_of(key), metadata_only=True)
    ]
    assert there == ["Gadget default/theirs", "CustomResourceDefinition widgets.widgets.example.com"]


def test_recorded_options_are_no_change(equipped: ControlPlane, bundle: Bundle) -> None:
    plane = equipped
    ensure_present(plane.client(), custom(bundle, *EXTRAS))
    options = read_install_record(plane.client(), bundle.namespace).options
    checked = ensure_present(plane.client(), with_options(bundle, options, recorded=True), check=True)
    assert (checked["changed"], checked["actions"]) == (False, {})


def test_what_the_cluster_cannot_take_is_a_blocker(plane: ControlPlane, bundle: Bundle) -> None:
    elsewhere = {**quota("1"), "metadata": {"name": "ours", "namespace": "nowhere"}}
    mark = plane.now()
    with pytest.raises(RefusedError) as caught:
        ensure_present(plane.client(), custom(bundle, gadget(), elsewhere))
    assert {finding["code"]: finding["object"] for finding in caught.value.facts["blockers"]} == {
        "crd_missing": "Gadget kubeflow-system/ours",
        "namespace_missing": "ResourceQuota nowhere/ours",
    }
    assert plane.writes_since(mark) == []


def test_the_scope_of_a_kind_is_known_before_the_first_write(equipped: ControlPlane, bundle: Bundle) -> None:
    manifest = gadget()
    del manifest["metadata"]["namespace"]
    mark = equipped.now()
    with pytest.raises(InputError, match=r"Gadget ours needs a namespace"):
        ensure_present(equipped.client(), custom(bundle, manifest))
    assert equipped.writes_since(mark) == []


def test_an_object_of_somebody_else_is_not_taken(equipped: ControlPlane, bundle: Bundle) -> None:
    plane = equipped
    plane.kubectl("create", "priorityclass", "training", "--value=1")
    mark = plane.now()
    with pytest.raises(RefusedError, match=r"PriorityClass training: managed by another owner"):
        ensure_present(plane.client(), custom(bundle, *EXTRAS))
    assert plane.writes_since(mark) == []


def test_kinds_that_are_gone_leave_the_record(equipped: ControlPlane, bundle: Bundle) -> None:
    plane = equipped
    ensure_present(plane.client(), custom(bundle, gadget()))
    plane.kubectl("delete", "crd", "gadgets.gadgets.example.com")
    result = ensure_present(plane.client(), bundle)
    assert (result["retained"], result["record_updated"]) == ([], True)
    entries = read_install_record(plane.client(), bundle.namespace).entries
    assert not [key for key in entries if key.kind == "Gadget"]


def lists(definitions: dict[str, Any], name: str, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every list below a type of the server's OpenAPI document, with its schema."""
    for field, schema in definitions[name].get("properties", {}).items():
        here = (*path, field)
        if schema.get("type") == "array":
            yield here, schema
        inner = schema.get("items", schema).get("$ref", "").rpartition("/")[2]
        # Schemas contain themselves.
        if inner and len(here) < 12 and "JSONSchemaProps" not in inner:
            yield from lists(definitions, inner, here)


@pytest.mark.parametrize(
    ("api_version", "kind"),
    [
        ("apps/v1", "Deployment"),
        ("apps/v1", "StatefulSet"),
        ("apps/v1", "DaemonSet"),
        ("batch/v1", "CronJob"),
        ("v1", "Pod"),
        ("v1", "Service"),
        ("v1", "ServiceAccount"),
        ("v1", "ResourceQuota"),
        ("v1", "LimitRange"),
        ("networking.k8s.io/v1", "NetworkPolicy"),
        ("policy/v1", "PodDisruptionBudget"),
        ("rbac.authorization.k8s.io/v1", "ClusterRole"),
        ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
        ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"),
        ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
    ],
)
def test_the_merge_keys_are_those_of_the_server(running: ControlPlane, api_version: str, kind: str) -> None:
    definitions = json.loads(running.admin_request("/openapi/v2")[1])["definitions"]
    group, _slash, version = api_version.rpartition("/")
    [name] = [
        name
        for name, schema in definitions.items()
        for one in schema.get("x-kubernetes-group-version-kind", ())
        if (one["group"], one["version"], one["kind"]) == (group, version, kind)
    ]
    keys, differing = MergeKeys(api_version, kind), {}
    for path, schema in lists(definitions, name):
        merges = "merge" in schema.get("x-kubernetes-patch-strategy", "").split(",")
        first = schema.get("x-kubernetes-patch-merge-key")
        expected = tuple(schema.get("x-kubernetes-list-map-keys") or ([first] if first else [])) if merges else ()
        # Patches do not change the status, and this is one of the fields that only the server sets.
        is_patched = "status" not in path and path != ("metadata", "managedFields")
        if is_patched and (found := keys.of(path)) != expected:
            differing[path] = (found, expected)
    assert differing == {}
