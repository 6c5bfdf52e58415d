# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the controllers on a real API server: applied, changed, taken back."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import RefusedError
from ansible_collections.conductor.trainer.plugins.module_utils.inspection.inspect import inspect
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import Key, path_of
from ansible_collections.conductor.trainer.plugins.module_utils.options.layers import with_options
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle
from ansible_collections.conductor.trainer.plugins.module_utils.remove.absent import ensure_absent
from tests.support.control_plane import ControlPlane
from tests.unit.plugins.helpers.installing import ensure_present

HOME = "kubeflow-system"
TRAINER, JOBSET = "kubeflow-trainer-controller-manager", "jobset-controller-manager"
NAMES = (JOBSET, TRAINER)
POD = "spec.template.spec"
PLACED: dict[str, Any] = {
    "replicas": 2,
    "tolerations": [{"key": "dedicated", "operator": "Exists"}],
    "resources": {"requests": {"cpu": "1000m"}},
    "node_selector": {"pool": "system"},
}
EVERYTHING: dict[str, Any] = {
    **PLACED,
    "disruption_budget": {"max_unavailable": "50%"},
    "spread": [{"topologyKey": "rack", "maxSkew": 2}],
    "affinity": {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]}]
            }
        }
    },
    "priority_class": "system-cluster-critical",
    "host_network": True,
    "log_level": "4",
    "trainer_controller": {
        "pod_labels": {"network": "restricted"},
        "pod_annotations": {"sidecar.istio.io/inject": "false"},
        "env": [{"name": "A", "value": "b"}, {"name": "P", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}],
        "env_from": [{"configMapRef": {"name": "proxy", "optional": True}}],
        "volumes": [{"name": "ca", "configMap": {"name": "company-ca", "optional": True}}],
        "volume_mounts": [{"name": "ca", "mountPath": "/etc/ssl/company", "readOnly": True}],
    },
}


def live(plane: ControlPlane, kind: str, name: str, api_version: str = "v1") -> dict[str, Any] | None:
    namespace = HOME
    return plane.client().find(path_of(Key(api_version, kind, namespace, name)))


def deployment(plane: ControlPlane, name: str) -> dict[str, Any]:
    found = live(plane, "Deployment", name, "apps/v1")
    assert found is not None
    return found


def budget(plane: ControlPlane, name: str) -> dict[str, Any] | None:
    return live(plane, "PodDisruptionBudget", name, "policy/v1")


def put(plane: ControlPlane, bundle: Bundle, options: dict[str, Any]) -> dict[str, Any]:
    """Install with options, and again, which writes nothing."""
    done = ensure_present(plane.client(), with_options(bundle, options))
    mark = plane.now()
    again = ensure_present(plane.client(), with_options(bundle, options))
    assert not again["changed"]
    assert plane.writes_since(mark) == []
    return done


def test_placement_and_availability_are_applied_changed_and_taken_back(plane: ControlPlane, bundle: Bundle) -> None:
    put(plane, bundle, PLACED)
    for name in NAMES:
        found = deployment(plane, name)
        assert found["spec"]["replicas"] == 2
        pod = found["spec"]["template"]["spec"]
        assert pod["tolerations"] == PLACED["tolerations"]
        assert pod["nodeSelector"] == {"pool": "system"}
        assert pod["containers"][0]["resources"]["requests"]["cpu"] == "1"
        limits = budget(plane, name)
        assert limits is not None
        assert limits["spec"]["maxUnavailable"] == 1
        assert limits["spec"]["selector"] == found["spec"]["selector"]

    changed = put(plane, bundle, {**PLACED, "trainer_controller": {"node_selector": {"disk": "ssd"}}})
    assert changed["actions"] == {"update": [f"Deployment {HOME}/{TRAINER}"]}
    assert deployment(plane, TRAINER)["spec"]["template"]["spec"]["nodeSelector"] == {"pool": "system", "disk": "ssd"}

    back = put(plane, bundle, {})
    assert back["actions"] == {
        "prune": [f"PodDisruptionBudget {HOME}/{name}" for name in NAMES],
        "update": [f"Deployment {HOME}/{name}" for name in NAMES],
    }
    for name in NAMES:
        found = deployment(plane, name)
        assert found["spec"]["replicas"] == 1
        assert (
            not {"tolerations", "nodeSelector", "topologySpreadConstraints"} & found["spec"]["template"]["spec"].keys()
        )
        assert budget(plane, name) is None


def test_an_uninstall_without_the_options_removes_what_they_added(plane: ControlPlane, bundle: Bundle) -> None:
    put(plane, bundle, PLACED)
    ensure_absent(plane.client(), bundle, timeout=60)
    assert [budget(plane, name) for name in NAMES] == [None, None]


def test_every_option_of_the_controllers_is_accepted_and_taken_back(plane: ControlPlane, bundle: Bundle) -> None:
    put(plane, bundle, {})
    before = {name: deployment(plane, name)["spec"] for name in NAMES}
    service = live(plane, "Service", "jobset-webhook-service")
    put(plane, bundle, EVERYTHING)
    moved = live(plane, "Service", "jobset-webhook-service")
    assert moved is not None
    assert moved["spec"]["ports"][0]["targetPort"] == "webhook-server"
    # The server adds its defaults, and nothing counts as changed by them.
    nodes = inspect(plane.client(), with_options(bundle, EVERYTHING))["nodes"]
    assert nodes["controllers_to_schedule"] == 0
    put(plane, bundle, {})
    assert {name: deployment(plane, name)["spec"] for name in NAMES} == before
    back = live(plane, "Service", "jobset-webhook-service")
    assert back is not None
    assert service is not None
    assert back["spec"]["ports"] == service["spec"]["ports"]


def scale(plane: ControlPlane, name: str, replicas: int) -> None:
    """Scale a Deployment as kubectl does."""
    plane.client().request(
        "PATCH",
        path_of(Key("apps/v1", "Deployment", HOME, name)) + "/scale",
        query={"fieldManager": "kubectl"},
        body={"spec": {"replicas": replicas}},
        content_type="application/merge-patch+json",
        step="scale",
        subject=name,
    )


def test_scaling_by_hand_lasts_until_the_option_says_otherwise(plane: ControlPlane, bundle: Bundle) -> None:
    put(plane, bundle, {})
    for name in NAMES:
        scale(plane, name, 3)
    put(plane, bundle, {"log_level": "4"})
    assert {deployment(plane, name)["spec"]["replicas"] for name in NAMES} == {3}
    put(plane, bundle, {"jobset_controller": {"replicas": 2}})
    assert [deployment(plane, name)["spec"]["replicas"] for name in NAMES] == [2, 3]


def test_a_priority_class_that_is_missing_is_reported_before_anything_is_written(
    plane: ControlPlane, bundle: Bundle
) -> None:
    options = {"priority_class": "gold"}
    mark = plane.now()
    with pytest.raises(RefusedError) as caught:
        ensure_present(plane.client(), with_options(bundle, options))
    assert {finding["code"] for finding in caught.value.facts["blockers"]} == {"priority_class_missing"}
    assert plane.writes_since(mark) == []
