# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Strategic merges. tests/component/fidelity compares them with those of kustomize."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.options.objects.merge import (
    MergeError,
    MergeKeys,
    merged,
)
from ansible_collections.conductor.trainer.plugins.module_utils.release.loader import load_bundle
from tests.unit.plugins.helpers.builders import BUNDLE

REAL = load_bundle(str(BUNDLE))
CRDS = REAL.objects("CustomResourceDefinition")


def pod(**spec: Any) -> dict[str, Any]:
    return {"kind": "Deployment", "spec": {"template": {"spec": spec}}}


def pods(before: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """The pod spec of a Deployment with a patch of it."""
    found = merged(pod(**before), pod(**patch), MergeKeys("apps/v1", "Deployment"))
    spec: dict[str, Any] = found["spec"]["template"]["spec"]
    return spec


@pytest.mark.parametrize(
    ("before", "patch", "expected"),
    [
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": 1}, {"a": 2}, {"a": 2}),
        ({"a": 1}, {"a": None}, {}),
        ({"a": {"b": 1}}, {"a": {"c": None}}, {"a": {"b": 1}}),
        ({}, {"a": {"b": None}}, {"a": {}}),
        ({"a": {"b": 1}}, {"a": {"$patch": "delete"}}, {}),
        ({"a": {"b": 1}}, {"a": {"$patch": "replace", "c": 2}}, {"a": {"c": 2}}),
        ({"a": {"b": 1}}, {"a": {"$patch": "merge", "c": 2}}, {"a": {"b": 1, "c": 2}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": [{"name": "x"}]}, {"a": [{"name": "y"}]}, {"a": [{"name": "y"}]}),
        ({"a": [1]}, {"a": []}, {"a": []}),
        ({"a": "text"}, {"a": {"b": 1}}, {"a": {"b": 1}}),
        ({"a": "text"}, {"a": [1]}, {"a": [1]}),
    ],
)
def test_values(before: dict[str, Any], patch: dict[str, Any], expected: dict[str, Any]) -> None:
    assert pods(before, patch) == expected


def test_items_are_merged_by_their_key_and_those_of_the_patch_come_first() -> None:
    before = {"containers": [{"name": "a", "env": [{"name": "X", "value": "1"}]}, {"name": "b", "image": "old"}]}
    patch = {"containers": [{"name": "c"}, {"name": "b", "image": "new"}]}
    assert pods(before, patch) == {
        "containers": [{"name": "c"}, {"name": "b", "image": "new"}, before["containers"][0]]
    }


@pytest.mark.parametrize(
    ("patch", "left"),
    [
        ([{"name": "a", "$patch": "delete"}], ["b"]),
        ([{"name": "x", "$patch": "delete"}], ["a", "b"]),
        ([{"$patch": "replace"}, {"name": "x"}], ["x"]),
        ([{"$patch": "replace"}], []),
        ([], ["a", "b"]),
    ],
)
def test_directives_in_lists(patch: list[dict[str, Any]], left: list[str]) -> None:
    found = pods({"containers": [{"name": "a"}, {"name": "b"}]}, {"containers": patch})
    assert [item["name"] for item in found["containers"]] == left


def test_an_item_or_a_list_is_replaced_or_deleted() -> None:
    before = {"containers": [{"name": "a", "image": "x"}]}
    assert pods(before, {"containers": [{"name": "a", "$patch": "replace", "tty": True}]}) == {
        "containers": [{"name": "a", "tty": True}]
    }
    assert pods(before, {"containers": [{"$patch": "delete"}]}) == {}
    assert pods(before, {"containers": None}) == {}


def test_the_protocol_of_a_port_is_tcp_unless_it_says_so() -> None:
    before = {"containers": [{"name": "a", "ports": [{"containerPort": 1, "protocol": "TCP"}]}]}
    patch = {
        "containers": [
            {"name": "a", "ports": [{"containerPort": 1, "name": "x"}, {"containerPort": 1, "protocol": "UDP"}]}
        ]
    }
    assert pods(before, patch)["containers"][0]["ports"] == [
        {"containerPort": 1, "protocol": "TCP", "name": "x"},
        {"containerPort": 1, "protocol": "UDP"},
    ]


@pytest.mark.parametrize(
    ("patch", "message"),
    [
        ({"a": {"$patch": "remove"}}, r"\$patch is 'remove', and not one of delete, replace, merge"),
        ({"containers": [{"image": "x"}]}, "an item has no name"),
        ({"topologySpreadConstraints": [{"maxSkew": 1}]}, "an item has no topologyKey"),
        ({"$setElementOrder/containers": []}, r"directive \$setElementOrder is not supported"),
        ({"a": {"$retainKeys": []}}, r"directive \$retainKeys is not supported"),
    ],
)
def test_what_cannot_be_merged(patch: dict[str, Any], message: str) -> None:
    with pytest.raises(MergeError, match=message) as caught:
        pods({"containers": [{"name": "a"}]}, patch)
    assert caught.value.where.startswith("/spec/template/spec")


@pytest.mark.parametrize("directive", ["delete", "replace"])
def test_a_whole_object_is_not_replaced(directive: str) -> None:
    with pytest.raises(MergeError, match="not for the whole"):
        merged(pod(), {"$patch": directive}, MergeKeys("apps/v1", "Deployment"))


def test_nothing_is_shared_and_nothing_is_changed() -> None:
    before, patch = pod(containers=[{"name": "a", "args": ["x"]}]), pod(volumes=[{"name": "v", "emptyDir": {}}])
    copies = copy.deepcopy((before, patch))
    found = merged(before, patch, MergeKeys("apps/v1", "Deployment"))
    found["spec"]["template"]["spec"]["containers"][0]["args"].append("y")
    found["spec"]["template"]["spec"]["volumes"][0]["emptyDir"]["z"] = 1
    assert (before, patch) == copies


@pytest.mark.parametrize(
    ("kind", "path", "keys"),
    [
        ("ClusterTrainingRuntime", "spec/template/spec/replicatedJobs", ("name",)),
        (
            "ClusterTrainingRuntime",
            "spec/template/spec/replicatedJobs/template/spec/template/spec/containers/ports",
            ("containerPort", "protocol"),
        ),
        ("ClusterTrainingRuntime", "spec/template/spec/replicatedJobs/template/spec/template/spec/tolerations", ()),
        ("ClusterTrainingRuntime", "metadata/ownerReferences", ("uid",)),
        ("TrainJob", "spec/nowhere", ()),
    ],
)
def test_the_keys_of_custom_kinds_are_those_of_their_crds(kind: str, path: str, keys: tuple[str, ...]) -> None:
    assert MergeKeys("trainer.kubeflow.org/v1alpha1", kind, CRDS).of(path.split("/")) == keys


@pytest.mark.parametrize(
    ("kind", "path", "keys"),
    [
        ("Service", "spec/ports", ("port", "protocol")),
        ("ValidatingWebhookConfiguration", "webhooks", ("name",)),
        ("CronJob", "spec/jobTemplate/spec/template/spec/volumes", ("name",)),
        ("Pod", "spec/topologySpreadConstraints", ("topologyKey", "whenUnsatisfiable")),
        ("Role", "rules", ()),
        ("Deployment", "spec/template/spec/tolerations", ()),
        ("Deployment", "spec/volumes", ()),
        ("Deployment", "metadata/ownerReferences", ("uid",)),
        ("Deployment", "spec/template/metadata/ownerReferences", ("uid",)),
    ],
)
def test_the_keys_of_kinds_of_kubernetes(kind: str, path: str, keys: tuple[str, ...]) -> None:
    assert MergeKeys("v1", kind, CRDS).of(path.split("/")) == keys


def test_the_crd_of_the_kind_and_the_version_counts() -> None:
    path = ["spec", "replicatedJobs"]
    assert MergeKeys("jobset.x-k8s.io/v1alpha2", "JobSet", CRDS).of(path) == ("name",)
    for version, kind in (("v1alpha2", "Other"), ("v1", "JobSet")):
        assert MergeKeys(f"jobset.x-k8s.io/{version}", kind, CRDS).of(path) == ()
    assert MergeKeys("other.io/v1alpha2", "JobSet", CRDS).of(path) == ()


def test_an_item_with_an_odd_name_is_another_item() -> None:
    found = pods({"containers": [{"name": "a"}]}, {"containers": [{"name": ["a"]}, {"name": {"b": 1}}]})
    assert [item["name"] for item in found["containers"]] == [["a"], {"b": 1}, "a"]
