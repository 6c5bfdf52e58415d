# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which images a run proves, by which pods; and what an install does around the proof."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import InputError, NotReadyError, RightsError
from ansible_collections.conductor.trainer.plugins.module_utils.install import pull_proof
from ansible_collections.conductor.trainer.plugins.module_utils.install.dry_run import CREATED, Changes, Prediction
from ansible_collections.conductor.trainer.plugins.module_utils.install.pull_pods import (
    COMMAND,
    CONTAINER,
    PullPod,
    prerequisites,
    pull_pods,
)
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import Key, key_of
from ansible_collections.conductor.trainer.plugins.module_utils.options.layers import with_options
from ansible_collections.conductor.trainer.plugins.module_utils.ownership.record import read_install_record
from ansible_collections.conductor.trainer.plugins.module_utils.plan.plan import Action, Verb
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle, Phase
from tests.unit.plugins.helpers.builders import HOME, LEASE, NAMESPACE, bundle, deployment, obj
from tests.unit.plugins.helpers.fakes import Clock, FakeCluster
from tests.unit.plugins.helpers.installing import ensure_present
from tests.unit.plugins.helpers.kubelet import ARCH, Fate, Playing, node, waits

IMAGE = "registry.invalid/manager:1"
JOB = {"name": "node", "image": "registry.invalid/torch:1"}


def found(manifest: dict[str, Any], changes: Changes = CREATED, verb: Verb = "create") -> Prediction:
    return Prediction(Action(verb, key_of(manifest), "controllers", "", manifest), changes, {})


def controller(**pod: Any) -> dict[str, Any]:
    manifest = deployment()
    manifest["spec"]["template"]["spec"].update(pod)
    return manifest


def runtime(*jobs: dict[str, Any], name: str = "torch") -> dict[str, Any]:
    """A ClusterTrainingRuntime with these pod specs."""
    replicated = [{"name": "node", "template": {"spec": {"template": {"spec": job}}}} for job in jobs]
    spec = {"template": {"spec": {"replicatedJobs": replicated}}}
    return obj("ClusterTrainingRuntime", name, "trainer.kubeflow.org/v1alpha1", spec=spec)


def pods(*predictions: Prediction, mode: str = "all", nodes: Any = (), release: Bundle | None = None) -> list[PullPod]:
    return pull_pods(release or bundle(), predictions, mode, nodes)


def test_a_pod_is_placed_and_identified_as_the_controller_and_has_nothing_else_of_it() -> None:
    copied = {
        "serviceAccountName": "manager",
        "imagePullSecrets": [{"name": "mirror"}],
        "nodeSelector": {"pool": "system"},
        "tolerations": [{"operator": "Exists"}],
        "priorityClassName": "system-cluster-critical",
        "runtimeClassName": "gvisor",
        "schedulerName": "second",
        "os": {"name": "linux"},
        "securityContext": {"runAsNonRoot": True},
    }
    near: dict[str, Any] = {"preferredDuringSchedulingIgnoredDuringExecution": []}
    far: dict[str, Any] = {"requiredDuringSchedulingIgnoredDuringExecution": []}
    left_out = {
        "hostNetwork": True,
        "topologySpreadConstraints": [{}],
        "initContainers": [],
        "terminationGracePeriodSeconds": 10,
    }
    manifest = controller(**copied, **left_out, affinity={"nodeAffinity": near, "podAntiAffinity": far})
    template = manifest["spec"]["template"]
    template["metadata"] = {"labels": {"app": "manager", "team": "a"}, "annotations": {"inject": "no"}}
    template["spec"]["containers"][0] |= {
        "imagePullPolicy": "Always",
        "securityContext": {"privileged": False},
        "resources": {"limits": {"cpu": "2"}},
        "env": [{"name": "A", "value": "1"}],
        "livenessProbe": {},
        "args": ["--serve"],
    }
    [pod] = pods(found(manifest))
    tiny = {"cpu": "1m", "memory": "16Mi"}
    assert pod.spec == {
        **copied,
        "affinity": {"nodeAffinity": near},
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 1,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "containers": [
            {
                "name": CONTAINER,
                "image": IMAGE,
                "command": [COMMAND],
                "imagePullPolicy": "Always",
                "securityContext": {"privileged": False},
                "resources": {"requests": tiny, "limits": tiny},
            }
        ],
    }
    made = pod.manifest(NAMESPACE, "x", 60, {"uid": "1"}, own=True)
    # The Service selects by app, and so does the Deployment.
    assert made["metadata"]["labels"] == {"team": "a", "conductor.trainer/pull-proof": "true"}
    assert made["metadata"]["annotations"]["inject"] == "no"
    assert made["spec"]["containers"][0]["resources"] == {"limits": {"cpu": "2"}}
    assert pod.spec["containers"][0]["resources"]["requests"] == tiny
    assert "ownerReferences" not in pod.manifest(NAMESPACE, "x", 60, None)["metadata"]


def test_pods_of_runtimes_are_accepted_in_any_namespace() -> None:
    spec = {
        "containers": [JOB, {"name": "set by the job"}],
        "initContainers": [{"name": "first", "image": "registry.invalid/first:1"}],
        "serviceAccountName": "of-the-user",
        "nodeSelector": {"gpu": "yes"},
        "securityContext": {"runAsUser": 0},
    }
    second, first = pods(found(runtime(spec)))
    assert [pod.image for pod in (first, second)] == ["registry.invalid/first:1", "registry.invalid/torch:1"]
    assert second.is_choice
    assert second.spec["nodeSelector"] == {"gpu": "yes"}
    assert "serviceAccountName" not in second.spec
    assert second.spec["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    security = second.spec["containers"][0]["securityContext"]
    assert security == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def test_images_that_are_no_containers() -> None:
    volume = {"name": "model", "image": {"reference": "registry.invalid/model:1", "pullPolicy": "Always"}}
    container = {**JOB, "env": [{"name": "CACHE_IMAGE", "value": "registry.invalid/cache:1"}]}
    spec = {"containers": [container], "volumes": [volume]}
    made = {pod.image: pod for pod in pods(found(runtime(spec)))}
    assert sorted(made) == [f"registry.invalid/{name}:1" for name in ("cache", "model", "torch")]
    assert made["registry.invalid/model:1"].spec["containers"][0]["imagePullPolicy"] == "Always"
    # A controller starts them in pods of jobs.
    made = {pod.image: pod for pod in pods(found(controller(**spec)))}
    assert sorted(made) == [f"registry.invalid/{name}:1" for name in ("model", "torch")]


def test_one_pod_for_each_image_and_architecture() -> None:
    nodes = [node(), node("b"), node("c", "arm64"), node("d", "s390x", taints=[{"key": "x", "effect": "NoSchedule"}])]
    both = [runtime({"containers": [JOB]}, {"containers": [JOB]}), runtime({"containers": [JOB]}, name="jax")]
    made = pods(found(controller()), *map(found, both), nodes=nodes)
    assert [(pod.image, pod.architecture, pod.group) for pod in made] == [
        (IMAGE, "amd64", 0),
        (IMAGE, "arm64", 0),
        (JOB["image"], "amd64", 1),
        (JOB["image"], "arm64", 1),
    ]
    assert made[2].needed_by == ("ClusterTrainingRuntime torch", "ClusterTrainingRuntime jax")
    assert [pod.spec["nodeSelector"] for pod in made[:2]] == [{ARCH: "amd64"}, {ARCH: "arm64"}]
    # Another placement may be another network.
    other = runtime({"containers": [JOB], "nodeSelector": {"zone": "b"}})
    assert len(pods(*map(found, [*both, other]), nodes=[node(labels={"zone": "b"})])) == 2


@pytest.mark.parametrize("nodes", [[], [node(unschedulable=True)], [node(architecture="")]])
def test_without_a_known_node_one_pod_stands_for_all(nodes: list[dict[str, Any]]) -> None:
    [pod] = pods(found(controller()), nodes=nodes)
    assert (pod.architecture, pod.place, "nodeSelector" in pod.spec) == ("", IMAGE, False)


@pytest.mark.parametrize(
    ("changes", "verb", "proven"),
    [
        (CREATED, "create", True),
        ({"spec.template.spec.containers[manager].image": ("a", "b")}, "update", True),
        ({"spec.template.spec.tolerations": (None, [])}, "adopt", True),
        ({"spec.template": (None, {})}, "update", True),
        ({"spec.replicas": (1, 2)}, "update", False),
        ({"metadata.labels.a": (None, "1")}, "update", False),
        ({"spec.templates": (None, {})}, "update", False),
        ({}, "update", False),
        ("pruned", "prune", False),
    ],
)
def test_what_rolls_nothing_out_needs_no_proof(changes: Changes, verb: Verb, proven: bool) -> None:
    assert bool(pods(found(controller(), changes, verb))) is proven


@pytest.mark.parametrize(("mode", "count"), [("none", 0), ("controllers", 1), ("all", 2)])
def test_modes(mode: str, count: int) -> None:
    other = found(obj("ConfigMap", "config", namespace=NAMESPACE))
    assert len(pods(found(controller()), found(runtime({"containers": [JOB]})), other, mode=mode)) == count


def test_objects_of_the_user_are_not_proven() -> None:
    mine = controller()
    release = dataclasses.replace(bundle(), extras=frozenset({key_of(mine)}))
    assert pods(found(mine), release=release) == []


def test_what_the_pods_need_comes_first() -> None:
    account = obj("ServiceAccount", "manager", namespace=NAMESPACE, imagePullSecrets=[{"name": "of-account"}])
    quota = obj("ResourceQuota", "quota", namespace=NAMESPACE)
    job = obj("Job", "job", "batch/v1", NAMESPACE)
    secrets = [obj("Secret", name, namespace=NAMESPACE) for name in ("mirror", "of-account", "manager-cert")]
    manifests = {
        "access": [account, quota, *secrets],
        "runtimes": [job],
        "foundation": [obj("Namespace", "ops")],
    }
    release = dataclasses.replace(
        bundle(), phases=(Phase("access", (account,)),), extras=frozenset({key_of(quota), key_of(job)})
    )
    actions = [Action("update", key_of(one), phase, "", one) for phase, of in manifests.items() for one in of]
    actions.append(Action("prune", key_of(secrets[0]), "access", ""))
    spec = {"serviceAccountName": "manager", "imagePullSecrets": [{"name": "mirror"}]}
    first = prerequisites(release, actions, [PullPod(IMAGE, (), False, spec)])
    assert [action.key.name for action in first] == ["manager", "quota", "mirror", "of-account", "ops"]
    assert all(action.verb == "update" for action in first)
    # A Secret in use stays as it is until the release is proven.
    assert "manager-cert" not in [action.key.name for action in first]


# -- the install ---------------------------------------------------------------------------------------------------


@pytest.fixture
def fates(monkeypatch: pytest.MonkeyPatch) -> dict[str, Fate]:
    """What becomes of pods by their image; without a fate an image is there at the next look."""
    given: dict[str, Fate] = {}
    watcher = type("Watching", (Playing,), {"clock": Clock(), "script": [], "fates": given})
    monkeypatch.setattr(pull_proof, "Watcher", watcher)
    return given


def written(cluster: FakeCluster) -> list[str]:
    return [request.subject for request in cluster.writes if "/leases" not in request.path]


def rolled_out(image: str) -> Bundle:
    """The small bundle, with another image of the controller."""
    changed = copy.deepcopy(deployment())
    changed["spec"]["template"]["spec"]["containers"][0]["image"] = image
    release = bundle()
    return dataclasses.replace(
        release,
        phases=tuple(
            Phase(phase.name, (changed,)) if phase.name == "controllers" else phase for phase in release.phases
        ),
    )


@pytest.mark.usefixtures("fates")
def test_the_proof_comes_before_everything_but_what_it_needs() -> None:
    cluster = FakeCluster()
    result = ensure_present(cluster, bundle(), pull_proof="controllers")
    subjects = written(cluster)
    pod = next(subject for subject in subjects if subject.startswith("Pod "))
    assert set(subjects[: subjects.index(pod)]) == {str(HOME), f"ConfigMap {NAMESPACE}/conductor-install-record"}
    assert subjects.count(pod) == 2
    assert [(row["image"], row["outcome"]) for row in result["pull_proof"]] == [(IMAGE, "available")]
    [made] = [request.body for request in cluster.writes if request.method == "POST" and "/pods" in request.path]
    [owner] = made["metadata"]["ownerReferences"]
    assert owner["uid"] == cluster.objects[LEASE]["metadata"]["uid"]
    assert {key.kind for key in cluster.objects} >= {"Deployment", "CustomResourceDefinition"}
    # The record holds what an install holds without a proof.
    plain = FakeCluster()
    ensure_present(plain, bundle())
    assert set(cluster.objects) == set(plain.objects)
    assert result["actions"] == ensure_present(FakeCluster(), bundle())["actions"]


@pytest.mark.usefixtures("fates")
def test_what_the_pods_need_is_written_once_and_before_them() -> None:
    release = bundle()
    account = obj("ServiceAccount", "manager", namespace=NAMESPACE)
    changed = {"access": account, "controllers": controller(serviceAccountName="manager")}
    phases = {phase.name: phase.objects for phase in release.phases}
    phases |= {"access": (*phases["access"], account), "controllers": (changed["controllers"],)}
    release = dataclasses.replace(release, phases=tuple(Phase(*phase) for phase in phases.items()))
    cluster = FakeCluster()
    ensure_present(cluster, release, pull_proof="controllers")
    subjects = written(cluster)
    pod = next(subject for subject in subjects if subject.startswith("Pod "))
    assert subjects.index(str(key_of(account))) < subjects.index(pod)
    assert sorted(subjects) == sorted(
        [*(str(key_of(manifest)) for manifest in release.objects()), pod, pod]
        + [f"ConfigMap {NAMESPACE}/conductor-install-record"] * 2
    )


def test_a_failed_proof_leaves_a_running_release_as_it_is(fates: dict[str, Fate]) -> None:
    cluster = FakeCluster()
    ensure_present(cluster, bundle())
    before = copy.deepcopy(cluster.objects)
    cluster.requests.clear()
    fates["registry.invalid/manager:2"] = waits("ErrImageNeverPull")
    with pytest.raises(NotReadyError) as caught:
        ensure_present(cluster, rolled_out("registry.invalid/manager:2"), pull_proof="controllers")
    assert caught.value.facts["written"] == []
    del before[LEASE], cluster.objects[LEASE]
    assert cluster.objects == before
    # The next run proves it again.
    del fates["registry.invalid/manager:2"]
    result = ensure_present(cluster, rolled_out("registry.invalid/manager:2"), pull_proof="controllers")
    assert [row["outcome"] for row in result["pull_proof"]] == ["available"]
    assert result["changed"]


def test_after_a_failed_proof_the_record_has_the_options_of_what_runs(fates: dict[str, Fate]) -> None:
    def options() -> object:
        return read_install_record(cluster, NAMESPACE).options

    cluster = FakeCluster()
    ensure_present(cluster, with_options(bundle(), {"labels": {"team": "one"}}))
    fates["registry.invalid/manager:2"] = waits("ErrImageNeverPull")
    other = with_options(rolled_out("registry.invalid/manager:2"), {"labels": {"team": "two"}})
    with pytest.raises(NotReadyError):
        ensure_present(cluster, other, pull_proof="controllers")
    assert options() == {"labels": {"team": "one"}}
    fates.clear()
    ensure_present(cluster, other, pull_proof="controllers")
    assert options() == {"labels": {"team": "two"}}


@pytest.mark.usefixtures("fates")
@pytest.mark.parametrize("mode", ["controllers", "all"])
def test_a_run_that_rolls_nothing_out_asks_for_nothing_more(mode: str) -> None:
    cluster = FakeCluster()
    ensure_present(cluster, bundle(), pull_proof=mode)
    sent = []
    for given in ("none", mode):
        cluster.requests.clear()
        result = ensure_present(cluster, bundle(), pull_proof=given)
        sent.append(sorted((request.method, request.path) for request in cluster.requests))
        assert (result["changed"], result["pull_proof"]) == (False, [])
    assert sent[0] == sent[1]
    # What no pod needs is written without a proof.
    sent.clear()
    for given in ("none", mode):
        cluster.change(Key("v1", "ConfigMap", NAMESPACE, "config"), "kubectl-edit")
        cluster.requests.clear()
        result = ensure_present(cluster, bundle(), pull_proof=given)
        sent.append(sorted((request.method, request.path) for request in cluster.requests))
        assert (result["changed"], result["pull_proof"]) == (True, [])
    assert sent[0] == sent[1]


@pytest.mark.usefixtures("fates")
def test_check_mode_tells_what_would_be_proven_and_creates_nothing() -> None:
    cluster = FakeCluster()
    cluster.put(node())
    result = ensure_present(cluster, bundle(), pull_proof="controllers", check=True)
    [row] = result["pull_proof"]
    assert (row["image"], row["architecture"], row["outcome"]) == (IMAGE, "amd64", "planned")
    assert cluster.writes == []


@pytest.mark.usefixtures("fates")
@pytest.mark.parametrize(("mode", "missing"), [("none", []), ("controllers", ["create pods in namespace ops"])])
def test_permissions_are_missing_before_the_first_write(mode: str, missing: list[str]) -> None:
    cluster = FakeCluster()
    verbs = ["get", "list", "watch", "patch", "delete", "escalate", "bind"]
    others = ["configmaps", "secrets", "namespaces", "leases", "customresourcedefinitions", "deployments", "services"]
    others += ["validatingwebhookconfigurations", "clustertrainingruntimes", "events"]
    cluster.rules = [
        {"verbs": verbs, "apiGroups": ["*"], "resources": ["*"]},
        {"verbs": ["create"], "apiGroups": ["*"], "resources": others},
    ]
    if not missing:
        ensure_present(cluster, bundle(), pull_proof=mode)
        return
    with pytest.raises(RightsError) as caught:
        ensure_present(cluster, bundle(), pull_proof=mode)
    assert caught.value.facts["missing_permissions"] == missing
    assert cluster.writes == []


def test_a_proof_needs_time() -> None:
    with pytest.raises(InputError, match="some time"):
        ensure_present(FakeCluster(), bundle(), pull_proof="all", pull_proof_timeout=0)
