# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.names import MANAGED_LABEL
from ansible_collections.conductor.trainer.plugins.module_utils.ownership.kubectl import (
    kubectl_applied,
    take_over_entries,
    take_over_patch,
)

LABELLED: dict[str, Any] = {"f:metadata": {"f:labels": {f"f:{MANAGED_LABEL}": {}}}}
DATA: dict[str, Any] = {"f:data": {"f:a": {}}}
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def entry(manager: str, operation: str = "Apply", fields: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "time": "t0", "fieldsV1": LABELLED | (fields or {}), **more}


def without_label(manager: str, operation: str = "Update") -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "fieldsV1": DATA}


def metadata(*entries: dict[str, Any], label: str = "true", **more: Any) -> dict[str, Any]:
    return {
        "labels": {MANAGED_LABEL: label},
        "resourceVersion": "7",
        "annotations": {"a": "b"},
        "managedFields": list(entries),
        **more,
    }


KUBECTL = entry("kubectl", fields=DATA)
CLIENT_SIDE = entry("kubectl-client-side-apply", "Update", DATA)
OURS = entry("conductor", fields=DATA)
KEEPER = {
    "manager": "kubectl-last-applied",
    "operation": "Apply",
    "fieldsV1": {"f:metadata": {"f:annotations": {f"f:{LAST_APPLIED}": {}}}},
}
STATUS = {"manager": "kubectl", "operation": "Update", "subresource": "status", "fieldsV1": {"f:status": {}}}


@pytest.mark.parametrize(
    ("entries", "applied"),
    [
        ([KUBECTL], True),
        ([CLIENT_SIDE], True),
        ([entry("kubectl-create", "Update")], True),
        ([entry("kubectl-replace", "Update")], True),
        ([KUBECTL, KEEPER], True),
        ([KUBECTL, CLIENT_SIDE], True),
        # It was edited later, or another manager owns parts of it.
        ([KUBECTL, without_label("kubectl-edit")], True),
        ([KUBECTL, without_label("manager")], True),
        ([CLIENT_SIDE, without_label("k9s")], True),
        # kubectl applied it again, together with us or after us.
        ([OURS, KUBECTL], True),
        ([OURS, CLIENT_SIDE], True),
        ([OURS, entry("argocd-controller"), KUBECTL], True),
        # Taken over: kubectl keeps the fields that are not ours.
        ([OURS, without_label("kubectl", "Apply")], False),
        ([OURS], False),
        # Our label, set by another manager.
        ([without_label("kubectl", "Apply"), entry("kubectl-label", "Update")], False),
        ([entry("kubectl-edit", "Update")], False),
        ([entry("kubectl-patch", "Update")], False),
        ([entry("kubectl", "Update")], False),
        ([entry("kubectl-client-side-apply")], False),
        ([entry("me")], False),
        # Another installer applies it too.
        ([KUBECTL, entry("argocd-controller")], False),
        ([CLIENT_SIDE, without_label("terraform", "Apply")], False),
        ([{**KUBECTL, "subresource": "status"}], False),
        ([{"manager": "kubectl", "operation": "Apply"}], False),
        ([], False),
    ],
)
def test_objects_applied_by_kubectl(entries: list[dict[str, Any]], applied: bool) -> None:
    assert kubectl_applied(metadata(*entries)) is applied


@pytest.mark.parametrize(
    "found",
    [
        metadata(KUBECTL, label="false"),
        {"managedFields": [KUBECTL]},
        {"labels": None, "managedFields": None},
        {"labels": {MANAGED_LABEL: "true"}, "managedFields": None},
        {},
    ],
)
def test_object_without_our_label_has_another_owner(found: dict[str, Any]) -> None:
    assert kubectl_applied(found) is False


def left(*entries: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    patch = take_over_patch(metadata(*entries, **more))
    assert [operation["path"] for operation in patch[:2]] == ["/metadata/managedFields", "/metadata/resourceVersion"]
    assert patch[1] == {"op": "replace", "path": "/metadata/resourceVersion", "value": "7"}
    value: list[dict[str, Any]] = patch[0]["value"]
    return value


@pytest.mark.parametrize(
    "theirs",
    [
        KUBECTL,
        CLIENT_SIDE,
        KEEPER,
        entry("kubectl-create", "Update", {"f:spec": {"f:defaulted": {}}}),
        entry("kubectl-replace", "Update"),
        without_label("kubectl", "Apply"),
    ],
)
def test_take_over_removes_our_fields_from_kubectl(theirs: dict[str, Any]) -> None:
    others = [without_label("kubectl-edit"), without_label("manager"), STATUS]
    assert left(others[0], theirs, *others[1:], OURS) == [*others, OURS]


def test_further_fields_of_server_side_kubectl_stay() -> None:
    theirs = entry("kubectl", fields={"f:data": {"f:a": {}, "f:b": {}}})
    assert left(theirs, OURS) == [{**theirs, "fieldsV1": {"f:data": {"f:b": {}}}}, OURS]


def test_last_applied_annotation_is_removed() -> None:
    for theirs in ([CLIENT_SIDE], [KUBECTL, KEEPER]):
        patch = take_over_patch(metadata(*theirs, OURS, annotations={LAST_APPLIED: "{}", "a": "b"}))
        assert patch[2:] == [
            {
                "op": "remove",
                "path": "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration",
            }
        ]


@pytest.mark.parametrize(
    "entries",
    [
        [OURS],
        [OURS, without_label("kubectl-edit"), STATUS],
        # Before our apply nothing can be taken over: the fields would have no owner.
        [KUBECTL],
        # kubectl applies further fields.
        [OURS, {"manager": "kubectl", "operation": "Apply", "fieldsV1": {"f:data": {"f:b": {}}}}],
    ],
)
def test_no_patch_without_anything_to_take_over(entries: list[dict[str, Any]]) -> None:
    assert take_over_patch(metadata(*entries)) == []


def test_no_patch_after_a_take_over() -> None:
    mixed = [entry("kubectl", fields={"f:data": {"f:b": {}}}), CLIENT_SIDE, KEEPER, OURS, without_label("kubectl-edit")]
    after = metadata(*left(*mixed))
    assert take_over_patch(after) == []
    assert kubectl_applied(metadata(*mixed)) is True
    assert kubectl_applied(after) is False


def test_managed_fields_are_never_left_empty() -> None:
    """If managedFields are empty at an apply, the server creates an owner of its own, "before-first-apply"."""
    metadata = {
        "uid": "u",
        "managedFields": [
            {
                "manager": "kubectl-client-side-apply",
                "operation": "Update",
                "apiVersion": "v1",
                "fieldsV1": {
                    "f:metadata": {"f:annotations": {"f:kubectl.kubernetes.io/last-applied-configuration": {}}}
                },
            }
        ],
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"},
    }
    ours: dict[str, Any] = {"f:metadata": {"f:labels": {"f:conductor.trainer/managed": {}}}}
    (entry,) = take_over_entries(metadata, {"apiVersion": "v1"}, ours, ({}, {}))
    assert (entry["manager"], entry["operation"], entry["fieldsV1"]) == ("conductor", "Apply", ours)
