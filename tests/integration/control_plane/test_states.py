# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The known states are what their names say, and an install does not touch what is somebody else's."""

from __future__ import annotations

import subprocess

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import RefusedError
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle
from tests.support.control_plane import ControlPlane
from tests.support.foreign import moved
from tests.support.known_states import HOME, JOBSET_HOME, OPENSHIFT_HOME, STATES
from tests.support.states import States, grant
from tests.support.upstream_objects import jobset_objects
from tests.unit.plugins.helpers.installing import ensure_present

# State to (what to ask kubectl for, a JSONPath, what must be in the answer).
SIGNS: dict[str, tuple[str, str, str]] = {
    "ours": (f"deployments -n {HOME}", "{.items[*].status.conditions[*].reason}", "MinimumReplicasUnavailable"),
    "ours-healthy": (f"deployments -n {HOME}", "{.items[*].status.readyReplicas}", "1 1"),
    "ours-without-controllers": (f"configmaps,deployments -n {HOME}", "{.items[*].kind}", "ConfigMap"),
    "ours-without-webhooks": (f"deployments -n {HOME}", "{.items[*].kind}", "Deployment Deployment"),
    "ours-with-users": ("trainjobs,jobsets -n team-a", "{.items[*].metadata.name}", "unfinished plain"),
    "ours-with-a-crd-terminating": ("crd", "{.items[*].metadata.deletionTimestamp}", "Z"),
    "upstream": (
        f"deployments -n {HOME}",
        "{.items[*].metadata.managedFields[?(@.operation=='Apply')].manager}",
        "kubectl",
    ),
    "upstream-healthy": (
        "validatingwebhookconfigurations validator.trainer.kubeflow.org",
        "{.webhooks[*].clientConfig.caBundle}",
        "LS0t",
    ),
    "upstream-2.1": (f"deployments -n {HOME}", "{.items[*].spec.template.spec.containers[*].image}", "manager:v2.1.0"),
    "crds-alone": ("crd trainjobs.trainer.kubeflow.org", "{..spec.properties}", "runtimePatches"),
    "crds-2.1-alone": ("crd trainjobs.trainer.kubeflow.org", "{..spec.properties}", "podTemplateOverrides"),
    "crd-terminating": ("crd trainjobs.trainer.kubeflow.org", "{.metadata.finalizers}", "example.com/held"),
    "helm": (f"deployments -n {HOME} jobset-controller", "{.metadata.labels}", '"app.kubernetes.io/managed-by":"Helm"'),
    "helm-without-jobset": (
        f"deployments -n {HOME}",
        "{.items[*].metadata.name}",
        "kubeflow-trainer-controller-manager",
    ),
    "argo-cd": (f"deployments -n {HOME}", "{.items[*].metadata.annotations}", "argocd.argoproj.io/tracking-id"),
    "flux": (f"deployments -n {HOME}", "{.items[*].metadata.labels}", "kustomize.toolkit.fluxcd.io/name"),
    "olm": (f"deployments -n {HOME}", "{.items[*].metadata.labels}", "olm.owner"),
    "juju": (f"deployments -n {HOME}", "{.items[*].metadata.labels}", "app.juju.is/created-by"),
    "jobset": (f"deployments -n {JOBSET_HOME}", "{.items[*].status.unavailableReplicas}", "1"),
    "jobset-healthy": (f"deployments -n {JOBSET_HOME}", "{.items[*].status.availableReplicas}", "1"),
    "jobset-old": (
        f"deployments -n {JOBSET_HOME}",
        "{.items[*].spec.template.spec.containers[*].image}",
        "jobset:v0.10.1",
    ),
    "jobset-old-healthy": (
        f"endpointslices -n {JOBSET_HOME} -l kubernetes.io/service-name=jobset-webhook-service",
        "{.items[*].endpoints[*].conditions.ready}",
        "true",
    ),
    "jobset-crd-alone": ("crd", "{.items[*].metadata.name}", "jobsets.jobset.x-k8s.io"),
    "jobset-split": (f"deployments -n {HOME}", "{.items[*].metadata.name}", "jobset-controller-manager"),
    "jobset-elsewhere": ("validatingwebhookconfigurations", "{..clientConfig.url}", "https://jobset.example.com"),
    "jobset-openshift": (f"deployments -n {OPENSHIFT_HOME}", "{.items[*].metadata.labels}", "olm.owner"),
    "webhooks-to-nowhere": ("validatingwebhookconfigurations", "{..clientConfig.service.namespace}", "gone"),
    "namespace-terminating": (f"namespace {HOME}", "{.status.phase}", "Terminating"),
    "kueue": ("crd", "{.items[*].metadata.name}", "workloads.kueue.x-k8s.io"),
    "training-operator": ("crd", "{.items[*].metadata.name}", "pytorchjobs.kubeflow.org"),
    "neighbours": ("deployments --all-namespaces", "{.items[*].metadata.name}", "istiod"),
    "namespace-prepared": (f"resourcequotas -n {HOME}", "{.items[*].spec.hard}", "100m"),
    "node-without-room": ("nodes", "{.items[*].status.allocatable.cpu}", "100m"),
}
# On these an install must not write anything: somebody else's is in its way, or there is no room.
REFUSED = (
    "argo-cd",
    "flux",
    "helm",
    "helm-without-jobset",
    "jobset",
    "jobset-elsewhere",
    "jobset-old",
    "jobset-old-healthy",
    "jobset-openshift",
    "jobset-split",
    "juju",
    "namespace-prepared",
    "namespace-terminating",
    "node-without-room",
    "olm",
    "crd-terminating",
    "ours-with-a-crd-terminating",
    "upstream-2.1",
    "webhooks-to-nowhere",
)
# On these it must go through: nothing of it is in its way.
CLEAR = (
    "jobset-healthy",
    "kueue",
    "neighbours",
    "ours-with-users",
    "ours-without-controllers",
    "ours-without-webhooks",
    "training-operator",
)
# On these there is no room for the controllers, which is said before anything is written.
WITHOUT_ROOM = {"namespace-prepared": "quota_exceeded", "node-without-room": "insufficient_capacity"}


def test_every_state_has_a_sign() -> None:
    assert set(SIGNS) == {state.name for state in STATES}


@pytest.mark.parametrize("name", sorted(SIGNS))
def test_state(states: States, name: str) -> None:
    what, path, sign = SIGNS[name]
    plane = states.enter(name)
    assert sign in plane.kubectl("get", *what.split(), "-o", f"jsonpath={path}")


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_in_the_way_is_left_alone(states: States, bundle: Bundle, name: str) -> None:
    plane = states.enter(name)
    mark = plane.now()
    with pytest.raises(RefusedError):
        ensure_present(plane.client(), bundle)
    assert plane.writes_since(mark) == []


@pytest.mark.parametrize("name", sorted(WITHOUT_ROOM))
def test_a_lack_of_room_is_said_before_anything_is_written(states: States, bundle: Bundle, name: str) -> None:
    plane = states.enter(name)
    mark = plane.now()
    with pytest.raises(RefusedError) as caught:
        ensure_present(plane.client(), bundle)
    assert {finding["code"] for finding in caught.value.facts["blockers"]} == {WITHOUT_ROOM[name]}
    assert plane.writes_since(mark) == []


@pytest.mark.parametrize("name", CLEAR)
def test_what_is_in_nobodys_way_stays(states: States, bundle: Bundle, name: str) -> None:
    plane = states.enter(name)
    ensure_present(plane.client(), bundle)
    what, path, sign = SIGNS[name]
    assert sign in plane.kubectl("get", *what.split(), "-o", f"jsonpath={path}")
    assert not ensure_present(plane.client(), bundle)["changed"]


def test_granted_rights_are_those_and_no_others(plane: ControlPlane) -> None:
    reads = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}]
    reader = grant(plane, "reader", reads, "default")
    assert "kube-root-ca.crt" in reader.kubectl("get", "configmaps", "-n", "default", "-o", "name")
    with pytest.raises(subprocess.CalledProcessError):
        reader.kubectl("get", "configmaps", "-n", "kube-system")


def test_jobset_moved_names_one_namespace_only() -> None:
    places = {manifest["metadata"].get("namespace", HOME) for manifest in moved(jobset_objects(), HOME)}
    assert places == {HOME}
    assert JOBSET_HOME not in str([one for one in moved(jobset_objects(), HOME) if one["kind"] != "ConfigMap"])
