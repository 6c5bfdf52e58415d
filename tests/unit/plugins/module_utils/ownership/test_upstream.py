# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.names import LAST_APPLIED
from ansible_collections.conductor.trainer.plugins.module_utils.objects.digest import digest
from ansible_collections.conductor.trainer.plugins.module_utils.ownership.upstream import (
    declared,
    edits,
    is_bare,
    leftovers,
    owner_of_field,
)
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Side

ITEM = 'k:{"name":"m"}'


def entry(manager: str, fields: dict[str, Any], operation: str = "Update", **more: Any) -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "fieldsV1": fields, **more}


def live(*entries: dict[str, Any], annotations: Any = None, kind: str = "X", **content: Any) -> dict[str, Any]:
    metadata = {"managedFields": list(entries), "annotations": annotations or {}, "labels": {"l": "1"}}
    return {"kind": kind, "metadata": metadata, "data": {"x": "upstream", "y": "only upstream"}, **content}


def wanted(found: dict[str, Any], **data: str) -> dict[str, Any]:
    """Return the object after our apply: fields of other managers stay."""
    after = copy.deepcopy(found)
    after["metadata"]["labels"]["conductor.trainer/managed"] = "true"
    after["data"].update({"x": "ours", "z": "only ours", **data})
    return after


SIDE = Side(lacks={"f:data": {"f:z": {}}}, has={"f:data": {"f:x": digest("upstream"), "f:y": digest("only upstream")}})


def test_unchanged_upstream_object_has_no_edits() -> None:
    found = live()
    assert edits(SIDE, found, wanted(found)) == {}


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("x", "edited", {"data.x": ("edited", "ours")}),
        ("x", None, {"data.x": (None, "ours")}),
        # Our manifest does not have it: it stays without a conflict.
        ("y", "edited", {}),
        ("more", "added", {}),
        # Already equal to ours.
        ("x", "ours", {}),
        ("z", "only ours", {}),
    ],
)
def test_an_edit(name: str, value: str | None, expected: dict[str, Any]) -> None:
    found = live()
    found["data"][name] = value
    if value is None:
        del found["data"][name]
    assert edits(SIDE, found, wanted(found)) == expected


def test_field_only_in_ours_is_an_edit_only_if_set_by_others() -> None:
    fields: dict[str, Any] = {"f:data": {"f:z": {}}}
    for entries, expected in (
        ((), {}),
        ((entry("kubectl-edit", fields),), {"data.z": ("3", "only ours")}),
        ((entry("kubectl", fields, "Apply"),), {"data.z": ("3", "only ours")}),
        ((entry("kubectl-create", fields),), {}),
        ((entry("kubectl-edit", fields, subresource="status"),), {}),
    ):
        found = live(*entries)
        found["data"]["z"] = "3"
        assert edits(SIDE, found, wanted(found)) == expected, entries


def test_interrupted_adoption_is_not_an_edit() -> None:
    found = live(entry("conductor", {"f:data": {"f:y": {}, "f:z": {}}}, "Apply"))
    found["data"]["z"] = "a default"
    after = wanted(found)
    del after["data"]["y"]
    assert edits(SIDE, found, after) == {}


def test_fields_only_in_ours_include_server_defaults() -> None:
    side = Side(lacks={"f:items": {ITEM: {"f:probe": {"f:path": {}}}}})
    found = live(items=[{"name": "m"}])
    after = copy.deepcopy(found)
    after["metadata"]["labels"]["conductor.trainer/managed"] = "true"
    after["items"][0]["probe"] = {"path": "/", "timeoutSeconds": 1}
    assert edits(side, found, after) == {}
    found["items"][0]["probe"] = {"port": 1}
    after["items"][0]["probe"]["port"] = 1
    assert edits(side, found, after) == {"items[m].probe.timeoutSeconds": (None, 1)}


def test_removed_item_is_an_edit() -> None:
    side = Side(has={"f:items": {ITEM: {"f:a": digest(1)}}})
    found = live(items=[])
    after = {**wanted(found), "data": found["data"], "items": [{"name": "m", "a": 2}]}
    assert list(edits(side, found, after)) == ["items[0]"]


def test_schema_descriptions_are_ignored_and_types_are_not() -> None:
    def crd(**schema: Any) -> dict[str, Any]:
        versions = [{"name": "v1", "schema": {"properties": {"a": schema, "b": [schema]}}}]
        found = live(kind="CustomResourceDefinition", spec={"versions": versions})
        found["metadata"]["labels"]["conductor.trainer/managed"] = "true"
        return found

    described = Side(described=True)
    assert edits(described, crd(type="string", description="words"), crd(type="string")) == {}
    assert edits(Side(), crd(type="string", description="words"), crd(type="string")) != {}
    changed = edits(described, crd(type="integer", description="words"), crd(type="string"))
    assert changed["spec.versions[v1].schema.properties.a.type"] == ("integer", "string")
    # A property with that name is not a description.
    assert edits(described, crd(description={"type": "string"}), crd()) != {}


def test_upstream_leftovers_are_deleted_unless_edited() -> None:
    ours = {"data": {"x": "ours", "z": "only ours"}}
    assert leftovers(SIDE, live(), ours) == ({"f:data": {"f:y": {}}}, {})
    edited = live()
    edited["data"]["y"] = "edited"
    assert leftovers(SIDE, edited, ours) == ({}, {})
    # A map that is empty in upstream's manifest may hold values of a controller.
    assert leftovers(Side(has={"f:data": ""}), live(), {}) == ({}, {"f:data": {}})


FILE = json.dumps({"data": {"x": "1"}, "ports": [{"port": 1}], "flags": ["a"]})
FIELDS: dict[str, Any] = {
    "f:data": {".": {}, "f:x": {}, "f:default": {}},
    "f:ports": {'k:{"port":1,"protocol":"TCP"}': {".": {}, "f:port": {}, "f:protocol": {}}},
    "f:flags": {'v:"a"': {}, 'v:"b"': {}},
}


@pytest.mark.parametrize(
    ("manager", "operation", "annotations", "expected"),
    [
        ("kubectl", "Apply", {}, FIELDS),
        ("kubectl-edit", "Update", {LAST_APPLIED: FILE}, FIELDS),
        ("kubectl-create", "Update", {}, {}),
        ("kubectl-client-side-apply", "Update", {LAST_APPLIED: "no JSON"}, {}),
        (
            "kubectl-client-side-apply",
            "Update",
            {LAST_APPLIED: FILE},
            {
                "f:data": {"f:x": {}},
                "f:ports": {'k:{"port":1,"protocol":"TCP"}': {"f:port": {}}},
                "f:flags": {'v:"a"': {}},
            },
        ),
    ],
)
def test_fields_of_the_author_file(
    manager: str, operation: str, annotations: dict[str, str], expected: dict[str, Any]
) -> None:
    assert declared({"annotations": annotations}, entry(manager, FIELDS, operation)) == expected


def test_owner_of_a_field() -> None:
    metadata = live(
        entry("me", {"f:spec": {"f:items": {ITEM: {"f:image": {}}}}}),
        entry("you", {"f:spec": {"f:rules": {}}}, "Apply"),
        entry("it", {"f:spec": {"f:rules": {}}}, subresource="status"),
        entry("once", {"f:spec": {".": {}}}),
    )["metadata"]
    assert owner_of_field(metadata, "spec.items[m].image") == "me"
    assert owner_of_field(metadata, "spec.items") == "me"
    assert owner_of_field(metadata, "spec.rules[0].verbs") == "you"
    assert owner_of_field(metadata, "spec") == "me, you"
    assert owner_of_field(metadata, "spec.ruless") == ""


def test_object_that_has_only_a_name() -> None:
    def named(**labels: str) -> dict[str, Any]:
        metadata = {"name": "a", "namespace": "b", "labels": {"conductor.trainer/managed": "true", **labels}}
        return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}

    lacks = Side(lacks={"f:metadata": {"f:labels": {"f:part": {}}}})
    assert is_bare(named(), Side())
    assert is_bare(named(part="x"), lacks)
    assert not is_bare(named(part="x"), Side())
    assert not is_bare({**named(), "data": {}}, Side())
