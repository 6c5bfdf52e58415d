# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.inspection.trainer import trainer_facts
from ansible_collections.conductor.trainer.plugins.module_utils.release.recognition import TRAINER_GROUP, is_webhook_of
from tests.unit.plugins.helpers.states import HOME, crds, deployments, release, webhooks

HELM: dict[str, Any] = {"annotations": {"meta.helm.sh/release-name": "trainer"}}
DYING: dict[str, Any] = {
    "deletionTimestamp": "2026-01-01T00:00:00Z",
    "finalizers": ["customresourcecleanup.apiextensions.k8s.io"],
}


def hooks(**changes: Any) -> list[dict[str, Any]]:
    return [
        item
        for kind in ("Mutating", "Validating")
        for item in webhooks(kind, **changes)
        if is_webhook_of(item, TRAINER_GROUP)
    ]


def controllers(**changes: Any) -> list[dict[str, Any]]:
    return [item for item in deployments(**changes) if "trainer" in item["metadata"]["name"]]


def facts(**changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "crds": crds(),
        "configurations": hooks(),
        "deployments": controllers(),
        "everywhere": True,
        "slices": {},
        "namespace": {"metadata": {"name": HOME}},
        "public_config": {"data": {"kubeflow_trainer_version": "v2.3.0"}},
    }
    return trainer_facts(release(), **{**values, **changes})


NOTHING: dict[str, Any] = {
    "crds": {name: {} for name in crds()},
    "configurations": [],
    "deployments": [],
    "public_config": {},
}
WITHOUT_ONE = {**crds(), "trainjobs.trainer.kubeflow.org": {}}
UNREADABLE = {**crds(), "trainjobs.trainer.kubeflow.org": None}


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, "complete"),
        (NOTHING, "absent"),
        ({**NOTHING, "namespace": {}}, "absent"),
        ({**NOTHING, "namespace": {"metadata": {"name": HOME, **DYING}}}, "terminating"),
        ({**NOTHING, "crds": crds()}, "incomplete"),
        ({**NOTHING, "configurations": hooks()}, "incomplete"),
        ({**NOTHING, "deployments": controllers()}, "incomplete"),
        ({"crds": WITHOUT_ONE}, "incomplete"),
        ({"deployments": []}, "incomplete"),
        ({"configurations": hooks()[:1]}, "incomplete"),
        ({"crds": crds(**DYING)}, "terminating"),
        ({"deployments": controllers(**DYING)}, "terminating"),
        ({"crds": UNREADABLE}, "unknown"),
        ({"configurations": None}, "unknown"),
        ({"deployments": None, "everywhere": False}, "unknown"),
        # No controller here, and other namespaces are unreadable: matters only if the other objects have another owner.
        ({"deployments": [], "everywhere": False}, "incomplete"),
        ({"crds": crds("helm", **HELM), "deployments": [], "everywhere": False}, "unknown"),
        ({**NOTHING, "everywhere": False}, "absent"),
        ({"everywhere": False}, "complete"),
    ],
)
def test_states(changes: dict[str, Any], state: str) -> None:
    assert facts(**changes)["state"] == state


def test_a_healthy_one() -> None:
    found = facts()
    assert (found["healthy"], found["problems"], found["missing"], found["terminating"]) == (True, [], [], [])
    assert (found["release"], found["sources_agree"], found["owner"]["kind"]) == ("2.3.0", True, "conductor")
    assert (found["namespace"], found["namespaces"]) == (HOME, [HOME])


def test_missing_objects_are_named() -> None:
    assert facts(crds=WITHOUT_ONE, deployments=[], configurations=hooks()[:1])["missing"] == [
        "CustomResourceDefinition trainjobs.trainer.kubeflow.org",
        "ValidatingWebhookConfiguration validator.trainer.kubeflow.org",
        "Deployment kubeflow-trainer-controller-manager",
    ]
    assert facts(**NOTHING)["missing"] == []


@pytest.mark.parametrize(("tag", "state"), [("v2.1.0", "complete"), ("v2.2.1", "incomplete")])
def test_older_releases_have_no_mutating_webhook(tag: str, state: str) -> None:
    older = controllers()
    older[0]["spec"]["template"]["spec"]["containers"][0]["image"] = f"x/trainer-controller-manager:{tag}"
    assert facts(deployments=older, configurations=hooks()[1:])["state"] == state


def test_terminating_objects_are_named_with_their_finalizers() -> None:
    found = facts(crds={**crds(), "trainjobs.trainer.kubeflow.org": crds(**DYING)["trainjobs.trainer.kubeflow.org"]})
    assert found["terminating"] == [
        "CustomResourceDefinition trainjobs.trainer.kubeflow.org, which waits for "
        "customresourcecleanup.apiextensions.k8s.io"
    ]
    assert found["healthy"] is False


def test_charts_name_the_controller_as_they_like() -> None:
    named = controllers(home="ml", **HELM)
    named[0]["metadata"]["name"] = "my-release-kubeflow-trainer-manager"
    found = facts(crds=crds("helm", **HELM), configurations=hooks(home="ml", manager="helm", **HELM), deployments=named)
    assert (found["state"], found["namespace"], found["owner"]["kind"]) == ("complete", "ml", "helm")
    assert "Helm release trainer" in found["owner"]["name"]


def test_two_of_them() -> None:
    assert facts(deployments=[*controllers(), *controllers(home="ml")])["namespaces"] == [HOME, "ml"]
