# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import (
    ConductorError,
    RightsError,
    UnreachableError,
)
from ansible_collections.conductor.trainer.plugins.module_utils.probes.probe import (
    has_pointer,
    judge,
    prove_webhooks,
    useful_probes,
)
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Probe
from tests.unit.plugins.helpers.builders import DENIAL, RUNTIME_CRD, bundle, content, obj
from tests.unit.plugins.helpers.fakes import FakeCluster, failure

JOB = obj("TrainJob", "probe", "trainer.kubeflow.org/v1alpha1", "probe")
DENIED = Probe("validate.validator", "validator", "denied", JOB, says="must be created")
ALLOWED = Probe("validate.validator", "validator", "allowed", JOB)
MUTATED = Probe("mutate.defaulter", "defaulter", "mutated", JOB, adds=("/spec/a", "/spec/b/0"))

OURS = {name: frozenset({("ops", "manager")}) for name in ("validate.validator", "mutate.defaulter")}
BY_US = failure(400, message=DENIAL)
OTHER_WORDS = failure(400, message='admission webhook "validate.validator" denied the request: bad name')
BY_ANOTHER = failure(400, message='admission webhook "policy" denied the request: it must be created before')
AWAY = failure(500, message='failed calling webhook "validate.validator": connection refused')
FORBIDDEN = failure(403, message='trainjobs is forbidden: User "u" cannot create resource "trainjobs" in API group "g"')
NO_NAMESPACE = failure(404, message='namespaces "probe" not found')
GONE = UnreachableError("server is gone")


@pytest.mark.parametrize(
    ("probe", "answer", "state", "evidence"),
    [
        (DENIED, BY_US, "ready", "rejected an invalid object"),
        (DENIED, {}, "progressing", "it accepted an invalid object"),
        (DENIED, OTHER_WORDS, "progressing", "an unexpected reason"),
        (DENIED, BY_ANOTHER, "failed", "did not reach it: the webhook policy rejects the test object"),
        (DENIED, AWAY, "progressing", "cannot be called"),
        (DENIED, NO_NAMESPACE, "progressing", "did not reach it"),
        (DENIED, failure(403, message="forbidden: it must be created"), "progressing", "did not reach it"),
        (DENIED, GONE, "unknown", "server is gone"),
        (ALLOWED, {}, "ready", "accepted a valid object"),
        (ALLOWED, BY_US, "progressing", "an unexpected reason"),
        (ALLOWED, AWAY, "progressing", "cannot be called"),
        (ALLOWED, GONE, "unknown", "server is gone"),
        (MUTATED, {"spec": {"a": 1, "b": [{}]}}, "ready", "set the defaults"),
        (MUTATED, {"spec": {"a": 1, "b": []}}, "progressing", "it did not set /spec/b/0"),
        (MUTATED, {"spec": {"a": None, "b": [1]}}, "progressing", "it did not set /spec/a:"),
        (MUTATED, {}, "progressing", "it did not set /spec/a, /spec/b/0"),
        (MUTATED, BY_US, "progressing", "did not reach it"),
        (MUTATED, GONE, "unknown", "server is gone"),
    ],
)
def test_what_an_answer_proves(
    probe: Probe, answer: dict[str, Any] | ConductorError, state: str, evidence: str
) -> None:
    verdict = judge(probe, answer, OURS)
    assert verdict.state == state
    assert evidence in verdict.evidence
    assert (verdict.subject, verdict.rule) == (f"webhook {probe.webhook}", f"probe: {probe.expect}")


@pytest.mark.parametrize(
    ("document", "pointer", "found"),
    [
        ({"a": 1}, "/a", True),
        ({"a": None}, "/a", False),
        ({"a": [0]}, "/a/0", True),
        ({"a": [0]}, "/a/1", False),
        ({"a": [0]}, "/a/-", False),
        ({"a/b": {"c~d": False}}, "/a~1b/c~0d", True),
        ({"a~1b": 1}, "/a~01b", True),
        ({"a": "text"}, "/a/0", False),
        ({}, "/a/b", False),
        ({"a": 1}, "", True),
        (None, "/a", False),
    ],
)
def test_json_pointers(document: Any, pointer: str, found: bool) -> None:
    assert has_pointer(document, pointer) is found


def probing(*needs: str) -> tuple[FakeCluster, Any]:
    cluster = FakeCluster()
    for manifest in bundle().objects("CustomResourceDefinition"):
        cluster.put(manifest)
    first = content()["probes"][0]
    second = {"webhook": "d", "configuration": "d", "expect": "allowed", "object": JOB}
    more = [{**second, "webhook": name, "needs": {"name": name}} for name in needs]
    return cluster, bundle(probes=[first, *more])


def test_probes_are_dry_runs_and_each_gets_a_verdict() -> None:
    cluster, release = probing("torch")
    verdicts = prove_webhooks(cluster, release, useful_probes(release, frozenset({"torch"})))
    assert [(v.subject, v.state) for v in verdicts] == [
        ("webhook validate.validator", "progressing"),
        ("webhook torch", "ready"),
    ]
    assert cluster.writes == []
    assert {request.query["dryRun"] for request in cluster.requests} == {"All"}


def test_of_a_cluster_wide_object_the_server_is_told_the_name() -> None:
    cluster, _release = probing()
    runtime = obj("ClusterTrainingRuntime", "conductor-probe", "trainer.kubeflow.org/v1alpha1")
    release = bundle(probes=[{"webhook": "v", "configuration": "v", "expect": "allowed", "object": runtime}])
    assert [verdict.state for verdict in prove_webhooks(cluster, release, useful_probes(release, frozenset()))] == [
        "ready"
    ]
    (request,) = cluster.requests
    assert (request.method, request.path.rpartition("/")[2]) == ("PATCH", "conductor-probe")
    assert request.query["dryRun"] == "All"

    cluster.fail(
        403, path="clustertrainingruntimes", message='User "u" cannot patch resource "clustertrainingruntimes"'
    )
    with pytest.raises(RightsError) as caught:
        prove_webhooks(cluster, release, useful_probes(release, frozenset()))
    assert caught.value.facts["missing_permissions"] == [
        "patch clustertrainingruntimes.trainer.kubeflow.org (for conductor-probe)"
    ]


def test_a_probe_that_needs_a_runtime_that_is_not_there_is_left_out() -> None:
    cluster, release = probing("torch", "jax")
    assert len(prove_webhooks(cluster, release, useful_probes(release, frozenset({"jax"})))) == 2
    assert len(prove_webhooks(cluster, release, useful_probes(release, frozenset()))) == 1


def test_failures_are_judged_not_raised() -> None:
    cluster, release = probing()
    cluster.fail(400, method="POST", message=DENIAL)
    assert prove_webhooks(cluster, release, useful_probes(release, frozenset()))[0].ready
    cluster.hooks.clear()
    del cluster.objects[next(key for key in cluster.objects if key.name != RUNTIME_CRD)]
    assert prove_webhooks(cluster, release, useful_probes(release, frozenset()))[0].state == "progressing"


def test_a_right_that_is_missing_for_a_probe_is_not_waited_for() -> None:
    cluster = FakeCluster()
    cluster.fail(403, method="POST", path="/trainjobs", message=FORBIDDEN.message)
    with pytest.raises(RightsError, match="then run this again") as caught:
        prove_webhooks(cluster, bundle(), useful_probes(bundle(), frozenset()))
    assert caught.value.facts["missing_permissions"] == ["create trainjobs.trainer.kubeflow.org in namespace probe"]


def test_a_refusal_by_admission_is_no_missing_right() -> None:
    cluster = FakeCluster()
    cluster.fail(403, method="POST", path="/trainjobs", message="trainjobs is forbidden: exceeded quota: none")
    (verdict,) = prove_webhooks(cluster, bundle(), useful_probes(bundle(), frozenset()))
    assert verdict.state == "failed"
    assert "the ResourceQuota none" in verdict.evidence


AT_OTHERS = 'failed calling webhook "{}": failed to call webhook: Post "https://mesh.mesh.svc:443/x?timeout=10s": {}'
POLICY = "ValidatingAdmissionPolicy 'labels' with binding 'all' denied request: needs a team"


@pytest.mark.parametrize(
    ("message", "state", "words", "next_step"),
    [
        # Ours: its Service is known.
        (
            'failed calling webhook "validate.validator": Post "https://manager.ops.svc:443/x": connect: '
            "connection refused",
            "progressing",
            "it cannot be called: nothing listens",
            "read the log of the controller",
        ),
        (
            'failed calling webhook "mutate.defaulter": Post "https://manager.ops.svc:443/x": connect: '
            "connection refused",
            "progressing",
            "mutate.defaulter cannot be called: nothing listens",
            "read the log of the controller",
        ),
        # The same name, another Service.
        (
            AT_OTHERS.format("validate.validator", "connect: connection refused"),
            "progressing",
            "did not reach it: the webhook validate.validator does not answer",
            "repair Service mesh/mesh",
        ),
        (
            AT_OTHERS.format("inject.example.io", "x509: certificate signed by unknown authority"),
            "progressing",
            "did not reach it: the webhook inject.example.io does not answer",
            "exempt the namespace probe",
        ),
        (
            AT_OTHERS.format("inject.example.io", 'service "mesh" not found'),
            "failed",
            "the webhook inject.example.io does not answer",
            "delete its webhook configuration",
        ),
        (POLICY, "failed", "the ValidatingAdmissionPolicy labels", "exempt the namespace probe from the Validating"),
        (
            "policy 'm' with binding 'b' denied request: x",
            "failed",
            "MutatingAdmissionPolicy m",
            "correct the Mutating",
        ),
        (
            'pods "x" is forbidden: violates PodSecurity "restricted:latest": x',
            "failed",
            "Pod Security (restricted:latest)",
            "keep the Pod Security level",
        ),
        (
            'pods "x" is forbidden: error looking up service account probe/default: serviceaccount "default" not found',
            "progressing",
            "does not exist",
            "wait until",
        ),
        (
            'pods "x" is forbidden: exceeded quota: small, requested: pods=1, used: pods=0, limited: pods=0',
            "failed",
            "the ResourceQuota small is used up",
            "remove the ResourceQuota small from the namespace probe",
        ),
        (
            "unable to create new content in namespace probe because it is being terminated",
            "progressing",
            "is being deleted",
            "wait until",
        ),
        ('namespaces "probe" not found', "progressing", "does not exist", "run the install"),
        ("the server could not find the requested resource", "progressing", "did not reach it", "run the install"),
        ("etcdserver: leader changed", "progressing", "did not reach it", "wait a moment"),
        ("something new", "progressing", "did not reach it", "search the log"),
    ],
)
def test_whose_fault_it_is(message: str, state: str, words: str, next_step: str) -> None:
    verdict = judge(DENIED, failure(500, message=message), OURS)
    assert verdict.state == state
    assert words in verdict.evidence
    assert verdict.next_step.startswith(next_step) or next_step in verdict.next_step


def test_an_external_jobset_is_not_restored_by_an_install() -> None:
    message = (
        'failed calling webhook "validate.validator": Post "https://hook.jobset.svc:443/x": service "hook" not found'
    )
    verdict = judge(DENIED, failure(500, message=message), {"validate.validator": frozenset()})
    assert "it cannot be called: the Service hook" in verdict.evidence
    assert verdict.next_step == "repair Service jobset/hook of the JobSet that another owner manages"


def test_a_webhook_that_says_cannot_create_resource_is_no_missing_right() -> None:
    cluster = FakeCluster()
    cluster.fail(
        403,
        method="POST",
        path="/trainjobs",
        message='admission webhook "a.b.c" denied the request: User "u" cannot create resource "trainjobs"',
    )
    (verdict,) = prove_webhooks(cluster, bundle(), useful_probes(bundle(), frozenset()))
    assert "the webhook a.b.c rejects the test object" in verdict.evidence
