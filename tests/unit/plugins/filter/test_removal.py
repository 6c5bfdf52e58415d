# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.filter.removal import FilterModule, removal

RESULT: dict[str, Any] = {
    "existed": True,
    "release": "2.3.0",
    "namespace": "kubeflow-system",
    "kubernetes": "1.35.8",
    "cluster_uid": "0f9c/8d1f",
    "actions": {"delete": ["Secret a/b", "Secret a/c", "TrainJob t/x", "TrainJob: 5 more"]},
    "counts": {"Secret": 2, "TrainJob": 6},
    "finalizers_removed": [],
    "retained": ["CustomResourceDefinition x: remove_crds is off"],
    "elapsed": 6.04,
}


@pytest.mark.parametrize(("check_mode", "verb"), [(False, "Deleted"), (True, "To delete")])
def test_deleted_objects_are_counted_by_kind_and_retained_ones_have_the_reason(check_mode: bool, verb: str) -> None:
    assert removal(RESULT, check_mode).splitlines() == [
        "Trainer 2.3.0 in kubeflow-system, Kubernetes 1.35.8",
        "Cluster 0f9c/8d1f",
        verb,
        "  Secret                            2",
        "  TrainJob                          6",
        "Retained",
        "  CustomResourceDefinition x: remove_crds is off",
        "Took 6.0 s",
    ]


def test_nothing_to_delete() -> None:
    lines = removal({**RESULT, "actions": {}, "counts": {}, "retained": []}).splitlines()
    assert lines[2:] == ["Nothing to delete", "Took 6.0 s"]


def test_nothing_of_conductor_existed() -> None:
    lines = removal({**RESULT, "actions": {}, "counts": {}, "retained": [], "existed": False}).splitlines()
    assert lines[2:] == ["No objects of Conductor found", "Took 6.0 s"]


@pytest.mark.parametrize(("check_mode", "words"), [(False, "Finalizer removed, "), (True, "Finalizer to remove, ")])
def test_runtimes_whose_finalizer_was_removed_are_named(check_mode: bool, words: str) -> None:
    lines = removal({**RESULT, "finalizers_removed": ["ClusterTrainingRuntime torch"]}, check_mode).splitlines()
    assert f"{words}because no controller is left to do it: ClusterTrainingRuntime torch" in lines


def test_it_is_what_ansible_loads() -> None:
    assert FilterModule().filters() == {"removal": removal}
