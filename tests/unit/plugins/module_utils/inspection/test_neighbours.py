# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.inspection.neighbours import (
    neighbour_facts,
    trainer_of_kueue,
)


def facts(*groups: str, deployments: Any = (), configurations: Any = (), kubeflow: Any = None) -> dict[str, Any]:
    served = {group: frozenset[str]() for group in groups}
    if kubeflow is not None:
        served["kubeflow.org"] = kubeflow
    return neighbour_facts(served, deployments, configurations, "2.3.0")


def controller(image: str) -> dict[str, Any]:
    return {"spec": {"template": {"spec": {"containers": [{"image": image}]}}}}


@pytest.mark.parametrize(
    ("version", "series"),
    [
        ("0.13.9", ""),
        ("0.14.0", "2.0"),
        ("0.14.4", "2.0"),
        ("0.14.5", "2.1"),
        ("0.15.2", "2.1"),
        ("0.16.0", "2.1"),
        ("0.17.1", "2.2"),
        ("0.19.0", "2.2"),
        ("0.20.0", ""),
        ("", ""),
        ("main", ""),
    ],
)
def test_the_matrix_of_kueue(version: str, series: str) -> None:
    assert trainer_of_kueue(version) == series


@pytest.mark.parametrize(
    ("groups", "image", "fits"),
    [
        (["kueue.x-k8s.io"], "registry.k8s.io/kueue/kueue:v0.17.0", False),
        (["kueue.x-k8s.io"], "registry.k8s.io/kueue/kueue:v0.99.0", None),
        (["kueue.x-k8s.io"], "registry.k8s.io/kueue/kueue:main", None),
        ([], "registry.k8s.io/kueue/kueue:v0.17.0", None),
    ],
)
def test_whether_kueue_fits(groups: list[str], image: str, fits: bool | None) -> None:
    assert facts(*groups, deployments=[controller(image)])["kueue"]["fits"] is fits


def test_kueue_that_handles_train_jobs() -> None:
    rules = [{"apiGroups": ["kueue.x-k8s.io"]}, {"apiGroups": ["trainer.kubeflow.org"]}]
    hooks = [{"webhooks": [{"rules": rules}]}]
    assert facts(configurations=hooks)["kueue"]["handles_train_jobs"] is True
    assert facts(configurations=[{"webhooks": [{"rules": rules[:1]}]}])["kueue"]["handles_train_jobs"] is False
    assert facts(configurations=None)["kueue"]["handles_train_jobs"] is None


def test_others_by_their_api_groups() -> None:
    found = facts(
        "leaderworkerset.x-k8s.io",
        "cert-manager.io",
        "networking.istio.io",
        "scheduling.volcano.sh",
        "scheduling.x-k8s.io",
        deployments=[
            controller("registry.k8s.io/lws/lws:v0.8.0"),
            controller("quay.io/jetstack/cert-manager-controller:v1.18.2"),
        ],
    )
    assert found["leader_worker_set"] == {"present": True, "version": "0.8.0"}
    assert found["cert_manager"] == {"present": True, "version": "1.18.2"}
    assert found["istio"]["present"] is True
    assert found["gang_schedulers"] == ["coscheduling", "volcano"]


@pytest.mark.parametrize(
    ("kinds", "present"),
    [
        (frozenset({"pytorchjobs", "notebooks"}), True),
        (frozenset({"notebooks", "mpijobs"}), False),
        (frozenset[str](), None),  # an old server that lists no kinds
    ],
)
def test_training_operator_is_recognised_by_its_kinds(kinds: frozenset[str], present: bool | None) -> None:
    assert facts("apps", kubeflow=kinds)["training_operator"]["present"] is present


def test_unknown_groups_are_not_missing_groups() -> None:
    found = neighbour_facts(None, None, None, "2.3.0")
    names = ("kueue", "cert_manager", "istio", "training_operator")
    assert [found[name]["present"] for name in names] == [None] * len(names)
    assert facts()["training_operator"]["present"] is False
