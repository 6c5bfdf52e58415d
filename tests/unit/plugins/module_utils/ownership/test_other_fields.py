# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

from ansible_collections.conductor.trainer.plugins.module_utils.ownership.other_fields import fields_of_others

REPLICAS: dict[str, Any] = {"f:spec": {"f:replicas": {}}}


def entry(manager: str, fields: dict[str, Any], operation: str = "Update", **more: Any) -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "fieldsV1": fields, **more}


def test_fields_that_others_added_are_listed_by_manager() -> None:
    ours = entry("conductor", {"f:spec": {"f:paused": {}}}, "Apply")
    metadata = {
        "managedFields": [
            ours,
            entry("kubectl-patch", {"f:spec": {"f:paused": {}, "f:replicas": {}}}),
            entry("site", {"f:metadata": {"f:labels": {".": {}, "f:team": {}}}}, "Apply"),
        ]
    }
    assert fields_of_others(metadata) == {"kubectl-patch": ["spec.replicas"], "site": ["metadata.labels.team"]}


def test_controllers_conductor_and_the_status_do_not_count() -> None:
    metadata = {
        "managedFields": [
            entry("kube-controller-manager", REPLICAS),
            entry("conductor", REPLICAS),
            entry("kubectl-edit", REPLICAS, subresource="status"),
            entry("kubectl-last-applied", REPLICAS, "Apply"),
        ]
    }
    assert fields_of_others(metadata) == {}
    assert fields_of_others({}) == {}
