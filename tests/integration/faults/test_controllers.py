# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controllers that cannot start: the wait ends early, with cause and remedy."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.faults.bundles import JOBSET, TRAINER, altered_bundle, cpu, image
from tests.integration.faults.faults import NAMESPACE, Faults
from tests.integration.faults.registry import NAME, Registry, silent_registry

JOBSET_IMAGE = "registry.k8s.io/jobset/jobset:v0.12.0"


def test_an_image_that_does_not_exist(faults: Faults, registry: Registry, tmp_path: Path) -> None:
    bundle = altered_bundle(tmp_path, image(f"{NAME}/jobset:absent"))
    faults.fails(
        f"Deployment {NAMESPACE}/{JOBSET}: its image is not in the registry",
        f"{NAME}/jobset:absent: not found",
        f"check the name and tag of {NAME}/jobset:absent",
        bundle=bundle,
    )
    registry.push(JOBSET_IMAGE, "jobset:absent")
    # The same bundle: the pod that is in a back-off must not be waited for, nor its old words be believed.
    faults.heals(bundle)


@pytest.mark.evidence
def test_a_registry_that_does_not_answer(installed: Faults, tmp_path: Path) -> None:
    with silent_registry(installed.cluster.name) as host:
        name = f"{host}/jobset:v0.12.0"
        bundle = altered_bundle(tmp_path, image(name))
        installed.fails(
            "not ready after 12 s",
            f'image "{name}"',
            bundle=bundle,
            conductor_wait_timeout=12,
        )
    installed.heals()


@pytest.mark.evidence
def test_a_quota_without_room(installed: Faults) -> None:
    """One that came after the install, so that there is nothing to write and nobody looks before."""
    kubectl = installed.cluster.kubectl
    kubectl("create", "quota", "none", "-n", NAMESPACE, "--hard=pods=0")
    installed.until(
        "the quota is counted",
        lambda: "used" in installed.cluster.get("quota", "none", "-n", NAMESPACE)["status"],
    )
    installed.end_pods()
    installed.fails("a ResourceQuota rejects its pods", "exceeded quota: none", "describe resourcequota")
    kubectl("delete", "quota", "none", "-n", NAMESPACE)
    installed.heals()


@pytest.mark.evidence
def test_a_cordoned_node(installed: Faults) -> None:
    kubectl = installed.cluster.kubectl
    node = f"{installed.cluster.name}-control-plane"
    kubectl("cordon", node)
    installed.end_pods()
    installed.fails(
        "no node has enough capacity for it, or no node accepts it", "1 node(s) were unschedulable", "uncordon a node"
    )
    kubectl("uncordon", node)
    installed.heals()


@pytest.mark.evidence
def test_a_node_without_room(installed: Faults, tmp_path: Path) -> None:
    bundle = altered_bundle(tmp_path, cpu("999"))
    installed.fails("no node has enough capacity for it", "Insufficient cpu", "free capacity", bundle=bundle)
    # The same is only slow where the cluster autoscaler tells of itself.
    kubectl = installed.cluster.kubectl
    kubectl("create", "configmap", "cluster-autoscaler-status", "-n", "kube-system")
    try:
        installed.waits("not ready after 10 s", "Insufficient cpu", bundle=bundle, conductor_wait_timeout=10)
    finally:
        kubectl("delete", "configmap", "cluster-autoscaler-status", "-n", "kube-system")
    installed.heals()


def test_a_service_without_endpoints(installed: Faults) -> None:
    """Somebody let the webhook's Service select something else."""
    kubectl = installed.cluster.kubectl
    selector = json.dumps({"spec": {"selector": {"control-plane": "nobody"}}})
    kubectl("patch", "service", "jobset-webhook-service", "-n", NAMESPACE, "--type=merge", "-p", selector)
    installed.fails("jobset-webhook-service", "field conflicts with other managers", "force_conflicts")
    installed.heals(conductor_force_conflicts=True)


@pytest.mark.evidence
def test_controllers_scaled_to_nothing(installed: Faults) -> None:
    """The other way to a webhook Service without endpoints."""
    kubectl = installed.cluster.kubectl
    kubectl("scale", "deployment", TRAINER, "-n", NAMESPACE, "--replicas=0")
    installed.until("no endpoint is left", lambda: not any(TRAINER in name for name in installed.pods()))
    next_step = f"run `kubectl -n {NAMESPACE} scale deployment/{TRAINER} --replicas=1`"
    installed.fails("it is scaled to 0 replicas", next_step)
    kubectl("scale", "deployment", TRAINER, "-n", NAMESPACE, "--replicas=1")
    installed.heals()


@pytest.mark.evidence
def test_a_crd_that_is_missing(installed: Faults) -> None:
    """Nothing fails: the run puts it back, and the controllers find it again."""
    for name in ("jobsets.jobset.x-k8s.io", "trainjobs.trainer.kubeflow.org"):
        installed.cluster.kubectl("delete", "crd", name)
    played = installed.heals()
    assert played.recap["localhost"]["changed"] == 1
    installed.is_settled()
