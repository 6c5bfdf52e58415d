# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence that contradicts itself or is being deleted proves nothing.

The cases are those of the health checks of kubectl rollout status, Argo CD, kstatus, Helm, Flux and krane.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.verdicts.api import (
    crd_verdict,
    namespace_verdict,
    runtime_verdict,
)
from ansible_collections.conductor.trainer.plugins.module_utils.verdicts.jobs import (
    has_missing_pods,
    job_verdict,
    jobset_verdict,
    trainjob_verdict,
)
from ansible_collections.conductor.trainer.plugins.module_utils.verdicts.verdict import Verdict
from ansible_collections.conductor.trainer.plugins.module_utils.verdicts.webhooks import (
    endpoints_verdict,
    webhook_configuration_verdict,
)
from ansible_collections.conductor.trainer.plugins.module_utils.verdicts.workloads import (
    deployment_verdict,
    lease_verdict,
    pods_of,
    replicaset_verdict,
)
from ansible_collections.conductor.trainer.plugins.module_utils.wait.controllers import ControllersWait
from tests.unit.plugins.helpers.builders import bundle, key, obj, pod, serving
from tests.unit.plugins.helpers.fakes import Clock
from tests.unit.plugins.helpers.stepping import Script, edit, waiting


def condition(kind: str, status: Any = "True", **more: Any) -> dict[str, Any]:
    return {"type": kind, "status": status, **more}


def deployment(wanted: Any = 1, conditions: Any = None, **status: Any) -> dict[str, Any]:
    counts = {"replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1, "observedGeneration": 1}
    found = [condition("Available"), condition("Progressing", reason="NewReplicaSetAvailable")]
    return {
        "metadata": {"name": "d", "generation": 1},
        "spec": {"replicas": wanted, "selector": {"matchLabels": {"app": "manager"}}},
        "status": {**counts, "conditions": found if conditions is None else conditions, **status},
    }


LATE = {"reason": "ProgressDeadlineExceeded", "message": 'ReplicaSet "d-1" has timed out progressing.'}


@pytest.mark.parametrize(
    ("value", "ready"),
    [
        (deployment(), True),
        (deployment(conditions=[]), True),
        (deployment(conditions=[condition("Available")]), True),
        (deployment(conditions=[condition("Available", "False", reason="MinimumReplicasUnavailable")]), False),
        (deployment(conditions=[condition("Available", "Unknown")]), False),
        (deployment(conditions=[condition("Available", "")]), False),
        (deployment(conditions=[condition("Available", None)]), False),
        (deployment(conditions=[condition("Available", "true")]), False),
        (deployment(conditions=[condition("Available", True)]), False),
        (deployment(conditions=[condition("Available"), condition("Available", "False")]), False),
        (deployment(conditions=[condition("Available", "False"), condition("Available")]), False),
        (deployment(conditions=[condition("Available"), condition("Available")]), True),
        (deployment(conditions=[condition("Available"), condition("Progressing", "False", **LATE)]), False),
        (deployment(conditions=[condition("Available"), condition("Progressing", "False")]), False),
        (deployment(conditions=[condition("Available"), condition("Progressing", "Unknown")]), False),
        (deployment(conditions=[condition("Available"), condition("Progressing", "True", **LATE)]), False),
        # A paused Deployment that was rolled out before.
        (deployment(conditions=[condition("Progressing", "Unknown", reason="DeploymentPaused")]), True),
        # Not our business.
        (deployment(conditions=[condition("Somebody/Elses", "False")]), True),
        (deployment(1, replicas=3, updatedReplicas=3, readyReplicas=1), False),
        (deployment(1, replicas=2, updatedReplicas=1), False),
        (deployment(2, replicas=2, updatedReplicas=2, readyReplicas=2, availableReplicas=1), False),
        (deployment(2, replicas=2, updatedReplicas=2, readyReplicas=1, availableReplicas=2), False),
        (deployment(2, replicas=2, updatedReplicas=2, readyReplicas=2, availableReplicas=2), True),
        (deployment(2, replicas=2, updatedReplicas=2, readyReplicas=2, availableReplicas=3), False),
        (deployment(unavailableReplicas=1), False),
        (deployment(unavailableReplicas=0), True),
        (deployment(readyReplicas=0), False),
        (deployment(0, replicas=0, updatedReplicas=0, readyReplicas=0, availableReplicas=0), False),
        (deployment("1"), False),
        (deployment(True), False),
        (deployment(observedGeneration=0), False),
    ],
)
def test_a_rollout_without_contradictions(value: dict[str, Any], ready: bool) -> None:
    verdict = deployment_verdict("d", value, [])
    assert verdict.state == ("ready" if ready else "progressing")
    assert verdict.evidence


def test_the_contradiction_is_the_evidence() -> None:
    late = deployment(conditions=[condition("Progressing", "False", **LATE)])
    assert deployment_verdict("d", late, []).evidence == (
        "1 of 1 replicas available, 1 of 1 updated, but Progressing is False: ProgressDeadlineExceeded: "
        'ReplicaSet "d-1" has timed out progressing.'
    )
    many = deployment(1, replicas=3, updatedReplicas=3)
    assert deployment_verdict("d", many, []).evidence.endswith("3 of 3 updated, 2 more than wanted")


def replica_set(conditions: Any = (), **status: Any) -> dict[str, Any]:
    counts = {"replicas": 1, "readyReplicas": 1, "availableReplicas": 1, "observedGeneration": 1}
    return {
        "metadata": {"generation": 1},
        "spec": {"replicas": 1},
        "status": {**counts, "conditions": list(conditions), **status},
    }


@pytest.mark.parametrize(
    ("value", "ready"),
    [
        (replica_set(), True),
        (replica_set([condition("ReplicaFailure")]), False),
        (replica_set([condition("ReplicaFailure", "False")]), True),
        (replica_set([condition("ReplicaFailure", "False"), condition("ReplicaFailure")]), False),
        (replica_set(readyReplicas=0), False),
        (replica_set(replicas=2, readyReplicas=2), False),
        (replica_set(fullyLabeledReplicas=0), False),
        (replica_set(fullyLabeledReplicas=1), True),
    ],
)
def test_a_replicaset_without_contradictions(value: dict[str, Any], ready: bool) -> None:
    assert replicaset_verdict("r", value).ready is ready


ACCEPTED, ESTABLISHED = condition("NamesAccepted"), condition("Established")
TAKEN = condition("NamesAccepted", "False", reason="PluralConflict", message='"trainjobs" is already in use')


def crd(*conditions: Any, **metadata: Any) -> dict[str, Any]:
    return {"metadata": {"generation": 2, **metadata}, "status": {"conditions": list(conditions)}}


@pytest.mark.parametrize(
    ("value", "state", "words"),
    [
        (crd(ACCEPTED, ESTABLISHED), "ready", ""),
        (crd(TAKEN), "failed", '"trainjobs" is already in use'),
        (crd(TAKEN, ESTABLISHED), "failed", "already in use"),
        (crd(TAKEN, condition("Established", "False", reason="NotAccepted")), "failed", "already in use"),
        (crd(ACCEPTED, condition("Established", "False", reason="Installing")), "progressing", "not Established"),
        (crd(ACCEPTED, condition("Established", "Unknown")), "progressing", "not Established"),
        (crd(condition("NamesAccepted", "Unknown"), ESTABLISHED), "progressing", "not NamesAccepted"),
        # Contradictory or outdated: not certain.
        (crd(TAKEN, ACCEPTED, ESTABLISHED), "progressing", "not NamesAccepted"),
        (crd({**TAKEN, "observedGeneration": 1}), "progressing", "not NamesAccepted"),
        (crd({**TAKEN, "observedGeneration": 2}), "failed", "already in use"),
        (
            crd(ACCEPTED, ESTABLISHED, condition("NonStructuralSchema", message="spec.versions[0]: Required value")),
            "failed",
            "not structural: spec.versions[0]: Required value",
        ),
        (crd(ACCEPTED, ESTABLISHED, condition("NonStructuralSchema", "Unknown")), "progressing", "not structural"),
        (crd(ACCEPTED, ESTABLISHED, condition("NonStructuralSchema", "False")), "ready", ""),
        (crd(ACCEPTED, ESTABLISHED, condition("Terminating", message="instances remain")), "progressing", "remain"),
        (crd(TAKEN, deletionTimestamp="t"), "progressing", "Terminating"),
        (crd(), "progressing", "not NamesAccepted"),
    ],
)
def test_a_crd_that_can_never_be_served_has_failed(value: dict[str, Any], state: str, words: str) -> None:
    verdict = crd_verdict("c", value)
    assert (verdict.state, words in verdict.evidence) == (state, True)
    assert bool(verdict.next_step) is (state == "failed")


# -- objects that are being deleted -----------------------------------------------------------------------------------

SLICE = {
    "metadata": {"name": "s"},
    "endpoints": [
        {"addresses": ["10.0.0.1"], "conditions": {"ready": True}, "targetRef": {"name": "a", "uid": "uid-a"}}
    ],
}
HOOKS = {"metadata": {"name": "h"}, "webhooks": [{"name": "w", "clientConfig": {"caBundle": "Y2E="}}]}
LEASE = {"metadata": {"name": "l"}, "spec": {"holderIdentity": "a_u"}}
PODS = {"uid-a": pod("a", "manager")}
DYING: dict[str, tuple[dict[str, Any], Callable[[Any], Verdict]]] = {
    "Deployment": (deployment(), lambda item: deployment_verdict("d", item, [])),
    "ReplicaSet": (replica_set(), lambda item: replicaset_verdict("r", item)),
    "CustomResourceDefinition": (crd(ACCEPTED, ESTABLISHED), lambda item: crd_verdict("c", item)),
    "Namespace": ({"metadata": {}, "status": {"phase": "Active"}}, lambda item: namespace_verdict("n", item)),
    "runtime": ({"metadata": {}}, lambda item: runtime_verdict("t", item, "")),
    "EndpointSlice": (SLICE, lambda item: endpoints_verdict("s", [item], PODS)),
    "second EndpointSlice": (SLICE, lambda item: endpoints_verdict("s", [SLICE, item], PODS)),
    "pod behind a Service": (PODS["uid-a"], lambda item: endpoints_verdict("s", [SLICE], {"uid-a": item})),
    "webhook configuration": (HOOKS, lambda item: webhook_configuration_verdict("h", item, ["w"])),
    "Lease": (LEASE, lambda item: lease_verdict("l", item, {"a": "2026-01-01T00:00:00Z"}, "n")),
}


@pytest.mark.parametrize("kind", DYING)
@pytest.mark.parametrize("stamp", ["2026-01-01T00:00:00Z", "t", 7, ["t"], {"t": 1}])
def test_what_is_being_deleted_is_not_ready(kind: str, stamp: Any) -> None:
    item, judge = DYING[kind]
    assert judge(item).ready
    dying = copy.deepcopy(item)
    dying["metadata"]["deletionTimestamp"] = stamp
    verdict = judge(dying)
    assert verdict.state == "progressing"
    assert verdict.evidence


WATCHED = {
    "EndpointSlice": key("EndpointSlice", "webhook-abc", "discovery.k8s.io/v1", "ops"),
    "webhook configuration": key("ValidatingWebhookConfiguration", "validator", "admissionregistration.k8s.io/v1"),
    "Lease": key("Lease", "trainer.kubeflow.org", "coordination.k8s.io/v1", "ops"),
    "Deployment": key("Deployment", "manager", "apps/v1", "ops"),
    "Pod": key("Pod", "manager-1", namespace="ops"),
    "Namespace": key("Namespace", "ops"),
}


@pytest.mark.parametrize("kind", WATCHED)
def test_a_wait_does_not_end_while_an_object_is_being_deleted(kind: str, clock: Clock, script: Script) -> None:
    cluster = serving(bundle())
    cluster.put(
        obj("Lease", "trainer.kubeflow.org", "coordination.k8s.io/v1", "ops", spec={"holderIdentity": "manager-1_u"}),
        "manager",
        "Update",
    )
    assert ControllersWait(cluster, bundle(), monotonic=clock.monotonic).run(0)["checks"]
    edit(WATCHED[kind], "metadata", "deletionTimestamp", to="2026-01-01T00:00:00Z")(cluster)
    script.append((4.0, lambda cluster: cluster.objects[WATCHED[kind]]["metadata"].pop("deletionTimestamp")))
    assert waiting(cluster, clock, 60)["elapsed"] >= 4.0


# -- endpoints and webhooks -------------------------------------------------------------------------------------------


def endpoint(addresses: Any = ("10.0.0.1",), uid: str = "uid-a", **conditions: Any) -> dict[str, Any]:
    return {"addresses": list(addresses), "conditions": conditions, "targetRef": {"name": "a", "uid": uid}}


@pytest.mark.parametrize(
    ("endpoints", "ready"),
    [
        ([endpoint(ready=True)], True),
        ([endpoint(ready=True, serving=True, terminating=False)], True),
        ([endpoint(ready=True, serving=False)], False),
        ([endpoint(ready=True, terminating=True)], False),
        ([endpoint(ready=True, serving=True, terminating=True)], False),
        ([endpoint(ready=True), endpoint(ready=True, terminating=True, uid="uid-b")], False),
        ([endpoint(ready=None)], False),
        ([endpoint(ready="True")], False),
        ([endpoint(ready=1)], False),
    ],
)
def test_conditions_of_endpoints(endpoints: list[dict[str, Any]], ready: bool) -> None:
    assert endpoints_verdict("s", [{"metadata": {}, "endpoints": endpoints}], PODS).ready is ready


def test_an_endpoint_without_a_uid_is_no_pod() -> None:
    piece = {"metadata": {}, "endpoints": [{**endpoint(ready=True), "targetRef": None}]}
    assert not endpoints_verdict("s", [piece], {"": PODS["uid-a"], **PODS}).ready


@pytest.mark.parametrize("status", ["False", "Unknown"])
def test_an_endpoint_of_a_pod_that_is_not_ready_is_old(status: str) -> None:
    unready = {**PODS["uid-a"], "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": status}]}}
    verdict = endpoints_verdict("s", [SLICE], {"uid-a": unready})
    assert (verdict.state, "not ready is still an endpoint" in verdict.evidence) == ("progressing", True)


@pytest.mark.parametrize("phase", ["Failed", "Succeeded"])
def test_a_pod_that_has_ended_is_no_endpoint(phase: str) -> None:
    ended = {**PODS["uid-a"], "status": {"phase": phase}}
    assert not endpoints_verdict("s", [SLICE], {"uid-a": ended}).ready


@pytest.mark.parametrize(
    "webhooks",
    [
        [{"name": "w", "clientConfig": {"caBundle": "Y2E="}}, {"name": "w", "clientConfig": {}}],
        [{"name": "w", "clientConfig": {}}, {"name": "w", "clientConfig": {"caBundle": "Y2E="}}],
        [{"name": "w", "clientConfig": {"caBundle": ["Y2E="]}}],
        [{"name": ["w"], "clientConfig": {"caBundle": "Y2E="}}],
        [],
    ],
)
def test_every_webhook_of_a_name_has_its_bundle(webhooks: list[dict[str, Any]]) -> None:
    assert not webhook_configuration_verdict("h", {"metadata": {}, "webhooks": webhooks}, ["w"]).ready


def test_a_configuration_without_webhooks_is_no_evidence() -> None:
    assert not webhook_configuration_verdict("h", {"metadata": {}, "webhooks": []}, []).ready


# -- the end of a job -------------------------------------------------------------------------------------------------

ENDS: dict[str, tuple[Callable[..., Verdict], str]] = {
    "Job": (job_verdict, "Complete"),
    "JobSet": (jobset_verdict, "Completed"),
    "TrainJob": (trainjob_verdict, "Complete"),
}


@pytest.mark.parametrize("kind", ENDS)
@pytest.mark.parametrize(
    ("statuses", "ended"),
    [
        (["True"], True),
        (["True", "True"], True),
        (["False"], False),
        (["Unknown"], False),
        (["true"], False),
        ([True], False),
        ([None], False),
        (["True", "False"], False),
        (["Unknown", "True"], False),
        ([], False),
    ],
)
def test_an_end_is_certain_only_if_nothing_contradicts_it(kind: str, statuses: list[Any], ended: bool) -> None:
    judge, complete = ENDS[kind]
    for name, state in ((complete, "ready"), ("Failed", "failed")):
        job = {"status": {"conditions": [condition(name, status) for status in statuses]}}
        assert judge("j", job).state == (state if ended else "progressing")


@pytest.mark.parametrize("kind", ENDS)
def test_an_end_lasts_while_the_job_is_being_deleted(kind: str) -> None:
    judge, complete = ENDS[kind]
    dying = {"metadata": {"deletionTimestamp": "t"}}
    assert judge("j", {**dying, "status": {"conditions": [condition(complete)]}}).ready
    unended = judge("j", {**dying, "status": {}})
    assert (unended.state, "being deleted" in unended.evidence) == ("progressing", True)


def test_a_job_that_is_being_deleted_gets_no_pods() -> None:
    job = {"metadata": {}, "spec": {"parallelism": 2}, "status": {"active": 1}}
    assert has_missing_pods(job)
    assert not has_missing_pods({**job, "metadata": {"deletionTimestamp": "t"}})


# -- selectors --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ({"matchLabels": {"app": "m"}}, True),
        ({"matchLabels": {"app": "other"}}, False),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["x", "m"]}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["m"]}]}, False),
        ({"matchExpressions": [{"key": "app", "operator": "Exists"}]}, True),
        ({"matchExpressions": [{"key": "other", "operator": "DoesNotExist"}]}, True),
        ({"matchLabels": {"app": "m"}, "matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}, False),
        ({"matchExpressions": [{"key": "app", "operator": "Unheard"}]}, False),
        ({}, False),
        (None, False),
        ([], False),
    ],
)
def test_the_pods_of_a_deployment(selector: Any, found: bool) -> None:
    pods = [{"metadata": {"labels": {"app": "m"}}}]
    assert bool(pods_of({"spec": {"selector": selector}}, pods)) is found


@pytest.mark.parametrize("odd", [{}, {"metadata": None}, {"metadata": ["x"]}, {"metadata": {"labels": "x"}}])
def test_pods_without_labels_match_nothing(odd: dict[str, Any]) -> None:
    assert pods_of({"spec": {"selector": {"matchLabels": {"app": "m"}}}}, [odd]) == []
