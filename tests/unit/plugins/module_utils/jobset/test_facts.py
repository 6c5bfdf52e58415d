# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.jobset.facts import jobset_facts
from ansible_collections.conductor.trainer.plugins.module_utils.release.recognition import JOBSET_GROUP, is_webhook_of
from tests.unit.plugins.helpers.states import HOME, crds, endpoints, jobset_controller, webhooks

CRD = crds()["jobsets.jobset.x-k8s.io"]
HELM: dict[str, Any] = {"annotations": {"meta.helm.sh/release-name": "jobset"}}


def hooks(home: str = HOME) -> list[dict[str, Any]]:
    return [
        item
        for kind in ("Mutating", "Validating")
        for item in webhooks(kind, home=home)
        if is_webhook_of(item, JOBSET_GROUP)
    ]


def facts(**changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "crd": CRD,
        "configurations": hooks(),
        "deployments": [jobset_controller(HOME)],
        "everywhere": True,
        "slices": {},
        "home": HOME,
        "wanted": "0.12.0",
    }
    return jobset_facts(**{**values, **changes})


ELSEWHERE: dict[str, Any] = {
    "configurations": hooks("jobset-system"),
    "deployments": [jobset_controller("jobset-system", **HELM)],
}
THEIRS = crds("helm", **HELM)["jobsets.jobset.x-k8s.io"]
RENAMED = jobset_controller("jobset-system")
RENAMED["metadata"]["name"] = "my-release-controller"


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, "bundled"),
        ({"crd": {}, "configurations": [], "deployments": []}, "absent"),
        ({"crd": {}}, "bundled"),  # ours in part: the next install completes it
        ({"deployments": []}, "bundled"),
        ({"configurations": []}, "bundled"),
        (ELSEWHERE, "external"),
        ({**ELSEWHERE, "deployments": [RENAMED]}, "external"),  # found by its image
        ({**ELSEWHERE, "configurations": []}, "external"),
        ({"configurations": [], "deployments": []}, "crd_only"),
        ({**ELSEWHERE, "deployments": [jobset_controller(HOME)]}, "split"),
        ({**ELSEWHERE, "deployments": []}, "split"),  # webhooks that point to nothing
        ({"deployments": [jobset_controller(HOME), jobset_controller("jobset-system")]}, "split"),
        ({"deployments": [jobset_controller("a"), jobset_controller("b")], "configurations": []}, "split"),
        ({"configurations": [*hooks(), *hooks("jobset-system")], "deployments": []}, "split"),
        ({"crd": None}, "unknown"),
        ({"configurations": None}, "unknown"),
        ({"deployments": None, "everywhere": False}, "unknown"),
        # No controller here, and other namespaces are unreadable: matters only if the other objects have another owner.
        ({"deployments": [], "everywhere": False}, "bundled"),
        ({"crd": THEIRS, "deployments": [], "everywhere": False}, "unknown"),
        ({"crd": {}, "configurations": [], "deployments": [], "everywhere": False}, "absent"),
        ({"everywhere": False}, "bundled"),
    ],
)
def test_states(changes: dict[str, Any], state: str) -> None:
    assert facts(**changes)["state"] == state


def test_an_external_jobset_is_described() -> None:
    found = facts(**ELSEWHERE)
    assert found["owner"]["kind"] == "helm"
    assert (found["namespace"], found["version"], found["sufficient"]) == ("jobset-system", "0.12.0", True)
    assert found["healthy"] is True


def test_a_neighbour_that_handles_jobsets_is_not_jobset() -> None:
    rules = [{"apiGroups": ["jobset.x-k8s.io", "batch"]}]
    client = {"service": {"namespace": "kueue-system", "name": "kueue"}}
    kueue = {"metadata": {"name": "kueue"}, "webhooks": [{"clientConfig": client, "rules": rules}]}
    assert facts(configurations=[*hooks(), kueue])["state"] == "bundled"
    assert facts(crd={}, configurations=[kueue], deployments=[])["state"] == "absent"


def test_webhooks_behind_a_url_are_not_ours() -> None:
    by_url = hooks()
    for item in by_url:
        for webhook in item["webhooks"]:
            webhook["clientConfig"] = {"url": "https://example.com"}
    assert facts(configurations=by_url)["state"] == "split"
    # Without a controller in the cluster, it may run outside.
    found = facts(configurations=by_url, deployments=[])
    assert found["state"] == "unknown"
    assert "https://example.com" in found["evidence"]


@pytest.mark.parametrize(
    ("version", "served", "enough"),
    [
        ("v0.12.0", True, True),
        ("v0.12.1", True, True),
        ("v1.0.0", True, True),
        ("v0.11.9", True, False),
        ("v0.12.0", False, False),
        ("main", True, True),  # its CRD is of 0.12
    ],
)
def test_new_enough(version: str, served: bool, enough: bool) -> None:
    controller = jobset_controller("jobset-system")
    controller["spec"]["template"]["spec"]["containers"][0]["image"] = f"x/jobset:{version}"
    versions = [{**entry, "served": served} for entry in CRD["spec"]["versions"]]
    crd = {**CRD, "spec": {**CRD["spec"], "versions": versions}}
    assert facts(**{**ELSEWHERE, "deployments": [controller]}, crd=crd)["sufficient"] is enough


def test_an_unknown_version_is_not_known_to_be_new_enough() -> None:
    controller = jobset_controller("jobset-system")
    controller["spec"]["template"]["spec"]["containers"][0]["image"] = "x/jobset"
    crd = {**CRD, "spec": {"versions": [{"name": "v1alpha2", "served": True}]}}
    assert facts(**{**ELSEWHERE, "deployments": [controller]}, crd=crd)["sufficient"] is None


def broken_rollout() -> dict[str, Any]:
    controller = jobset_controller(HOME)
    controller["status"]["availableReplicas"] = 0
    return controller


def bare_webhooks() -> list[dict[str, Any]]:
    bare = hooks()
    del bare[0]["webhooks"][0]["clientConfig"]["caBundle"]
    return bare


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"crd": {}}, "CRD is missing"),
        ({"crd": {**CRD, "status": {}}}, "not Established"),
        ({"crd": {**CRD, "metadata": {**CRD["metadata"], "deletionTimestamp": "t"}}}, "CRD is Terminating"),
        ({"deployments": []}, "controller is missing"),
        ({"configurations": []}, "webhook configurations are missing"),
        ({"deployments": [broken_rollout()]}, "0 of 1 replicas available"),
        ({"configurations": bare_webhooks()}, "no caBundle on mjobset.kb.io"),
        ({"slices": {HOME: []}}, "no ready endpoint"),
    ],
)
def test_problems_that_keep_it_from_being_ready(changes: dict[str, Any], words: str) -> None:
    found = facts(**changes)
    assert found["healthy"] is False
    assert words in "; ".join(found["problems"])


def test_endpoints_that_were_read_and_are_ready() -> None:
    slices = {HOME: endpoints(HOME, "jobset-webhook-service")[HOME].items}
    assert facts(slices=slices)["problems"] == []
    assert facts(slices={HOME: None})["problems"] == []
