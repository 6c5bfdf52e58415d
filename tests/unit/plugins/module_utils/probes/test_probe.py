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
        (DENIED, BY_ANOTHER, "progressing", "did not reach it"),
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
    verdict = judge(probe, answer)
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
    assert verdict.state == "progressing"
