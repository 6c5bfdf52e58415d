# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Upstream's own install becomes ours on a real API server, by whatever tool it came; what people added stays."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils._bundle import Bundle
from ansible_collections.conductor.trainer.plugins.module_utils._errors import RefusedError
from ansible_collections.conductor.trainer.plugins.module_utils._install import ensure_present
from ansible_collections.conductor.trainer.plugins.module_utils._resources import Key, key_of, path_of
from tests.support.control_plane import ControlPlane
from tests.support.known_states import HOME
from tests.support.states import States

TRAINER = Key("apps/v1", "Deployment", HOME, "kubeflow-trainer-controller-manager")
JOBSET = Key("apps/v1", "Deployment", HOME, "jobset-controller-manager")
# What upstream does not ship: nobody can have applied it from there.
ADDED = {"Namespace conductor-probe", "ClusterTrainingRuntime mpi-distributed"}


def get(plane: ControlPlane, key: Key) -> dict[str, Any]:
    return plane.client().get(path_of(key))


def edit(plane: ControlPlane, key: Key, patch: dict[str, Any], manager: str = "kubectl-edit") -> None:
    plane.client().request(
        "PATCH",
        path_of(key),
        query={"fieldManager": manager},
        body=patch,
        content_type="application/strategic-merge-patch+json",
        step="edit",
        subject=str(key),
    )


def managers(found: dict[str, Any]) -> set[str]:
    return {entry["manager"] for entry in found["metadata"]["managedFields"] if not entry.get("subresource")}


def test_upstreams_own_install_becomes_ours(states: States, bundle: Bundle) -> None:
    plane = states.enter("upstream")
    mark = plane.now()
    foretold = ensure_present(plane.client(), bundle, check=True, with_diff=True)
    assert plane.writes_since(mark) == []
    done = ensure_present(plane.client(), bundle, with_diff=True)
    assert {**foretold, "elapsed": 0, "predicted": []} == {**done, "elapsed": 0, "predicted": []}
    assert set(done["actions"]["create"]) == ADDED
    assert len(done["actions"]["adopt"]) == len(bundle.objects()) - len(ADDED)
    assert done["kept_edits"] == []
    for manifest in bundle.objects():
        found = get(plane, key_of(manifest))
        assert not any(name.startswith("kubectl") for name in managers(found)), manifest["metadata"]["name"]
    probe = get(plane, TRAINER)["spec"]["template"]["spec"]["containers"][0]["readinessProbe"]
    assert "initialDelaySeconds" not in probe
    mark = plane.now()
    assert not ensure_present(plane.client(), bundle)["changed"]
    assert plane.writes_since(mark) == []


def test_what_people_added_stays_and_is_listed(states: States, bundle: Bundle) -> None:
    plane = states.enter("upstream")
    toleration = {"key": "dedicated", "operator": "Exists"}
    edit(plane, TRAINER, {"spec": {"template": {"spec": {"tolerations": [toleration]}}}})
    edit(plane, TRAINER, {"metadata": {"labels": {"team": "ml"}}}, "somebody")
    limits = {"name": "manager", "resources": {"limits": {"cpu": "3"}}}
    edit(plane, JOBSET, {"spec": {"template": {"spec": {"containers": [limits]}}}}, "kubectl-patch")
    foretold = ensure_present(plane.client(), bundle, check=True)
    done = ensure_present(plane.client(), bundle)
    kept = {(edit["object"], edit["owner"]): edit["fields"] for edit in done["kept_edits"]}
    assert kept == {
        (str(JOBSET), "kubectl-patch"): ["spec.template.spec.containers[manager].resources.limits.cpu"],
        (str(TRAINER), "kubectl-edit"): ["spec.template.spec.tolerations"],
        (str(TRAINER), "somebody"): ["metadata.labels.team"],
    }
    assert foretold["kept_edits"] == done["kept_edits"]
    pod = get(plane, TRAINER)["spec"]["template"]["spec"]
    assert pod["tolerations"] == [toleration]
    assert pod["containers"][0]["resources"] == {"requests": {"cpu": "100m", "memory": "128Mi"}}
    assert get(plane, JOBSET)["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["cpu"] == "3"
    assert not ensure_present(plane.client(), bundle)["changed"]


CONTAINERS = ("spec", "template", "spec", "containers")
EDITS: dict[str, tuple[Key, dict[str, Any], str]] = {
    "a number": (JOBSET, {"spec": {"replicas": 3}}, ".spec.replicas"),
    "an image": (
        JOBSET,
        {"spec": {"template": {"spec": {"containers": [{"name": "manager", "image": "registry.example/jobset:1"}]}}}},
        ".spec.template.spec.containers[manager].image",
    ),
    "a text that ours has in another layout": (
        Key("v1", "ConfigMap", HOME, "kubeflow-trainer-config"),
        {"data": {"controller_manager_config.yaml": "changed: true\n"}},
        ".data.controller_manager_config.yaml",
    ),
    "what only ours has": (
        TRAINER,
        {
            "spec": {
                "template": {"spec": {"containers": [{"name": "manager", "resources": {"requests": {"cpu": "2"}}}]}}
            }
        },
        ".spec.template.spec.containers[manager].resources.requests.cpu",
    ),
    "what the server had filled in": (
        TRAINER,
        {
            "spec": {
                "template": {"spec": {"containers": [{"name": "manager", "readinessProbe": {"failureThreshold": 4}}]}}
            }
        },
        ".spec.template.spec.containers[manager].readinessProbe.failureThreshold",
    ),
    "a label taken away": (
        JOBSET,
        {"metadata": {"labels": {"app.kubernetes.io/component": None}}},
        ".metadata.labels.app.kubernetes.io/component",
    ),
}


@pytest.mark.parametrize("name", EDITS)
def test_a_field_of_the_release_that_was_edited_stops_it(states: States, bundle: Bundle, name: str) -> None:
    key, patch, field = EDITS[name]
    plane = states.enter("upstream")
    edit(plane, key, patch)
    mark = plane.now()
    with pytest.raises(RefusedError) as caught:
        ensure_present(plane.client(), bundle)
    assert plane.writes_since(mark) == []
    [conflict] = caught.value.facts["conflicts"]
    owner = "nobody" if conflict["live"] == "" else "kubectl-edit"
    assert (conflict["object"], conflict["field"], conflict["owner"]) == (str(key), field, owner)
    assert "force_conflicts" in str(caught.value)
    assert ensure_present(plane.client(), bundle, force=True)["kept_edits"] == []
    assert not ensure_present(plane.client(), bundle)["changed"]
