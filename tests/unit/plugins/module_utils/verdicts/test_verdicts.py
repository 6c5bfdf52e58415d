# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy
import dataclasses
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.verdicts.api import crd_verdict
from ansible_collections.conductor.trainer.plugins.module_utils.verdicts.pods import (
    is_pod_ready,
    pod_trouble,
    running_since,
)
from ansible_collections.conductor.trainer.plugins.module_utils.verdicts.verdict import Verdict, words_of
from ansible_collections.conductor.trainer.plugins.module_utils.verdicts.webhooks import (
    endpoints_verdict,
    webhook_configuration_verdict,
)
from ansible_collections.conductor.trainer.plugins.module_utils.verdicts.workloads import deployment_verdict
from tests.unit.plugins.helpers.builders import (
    ESTABLISHED,
    READY_STATUS,
    crd,
    deployment,
    endpoint_slice,
    pod,
    webhooks,
)


def rolled_out(**status: Any) -> dict[str, Any]:
    value = deployment()
    value["metadata"]["generation"] = 1
    return {**value, "status": {**READY_STATUS, **status}}


def changed(value: dict[str, Any], path: str, part: Any) -> dict[str, Any]:
    """Return a copy with one part replaced; None becomes null."""
    value = copy.deepcopy(value)
    at: Any = value
    *names, last = path.split(".")
    for name in names:
        at = at[int(name) if name.isdigit() else name]
    at[int(last) if last.isdigit() else last] = part
    return value


# -- Deployments -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "state", "evidence"),
    [
        (rolled_out(), "ready", "1 of 1 replicas available"),
        (None, "progressing", "missing"),
        ({}, "progressing", "has not observed its newest generation"),
        (rolled_out(observedGeneration=0), "progressing", "has not observed its newest generation"),
        (rolled_out(observedGeneration=None), "progressing", "has not observed its newest generation"),
        (rolled_out(observedGeneration=2), "ready", ""),
        (changed(rolled_out(), "metadata.generation", 2), "progressing", "has not observed its newest generation"),
        (changed(rolled_out(), "metadata.deletionTimestamp", "t"), "progressing", "Terminating"),
        (changed(rolled_out(), "spec.replicas", 0), "progressing", "scaled to 0"),
        (changed(rolled_out(), "spec.replicas", 2), "progressing", "1 of 2 replicas available, 1 of 1 updated"),
        (rolled_out(availableReplicas=0), "progressing", "0 of 1 replicas available"),
        (rolled_out(availableReplicas=None), "progressing", "0 of 1 replicas available"),
        (rolled_out(updatedReplicas=0), "progressing", "0 of 1 updated"),
        (rolled_out(replicas=2), "progressing", "1 of 2 updated"),
        (
            rolled_out(
                availableReplicas=0,
                conditions=[{"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}],
            ),
            "progressing",
            "exceeded quota",
        ),
    ],
)
def test_a_rollout(value: dict[str, Any] | None, state: str, evidence: str) -> None:
    verdict = deployment_verdict("manager", value, [])
    assert (verdict.subject, verdict.rule, verdict.state) == ("Deployment manager", "rollout", state)
    assert evidence in verdict.evidence
    assert verdict.ready is (state == "ready")


CONDITIONS = [
    {"type": "Available", "status": "True", "reason": "ProgressDeadlineExceeded", "message": "not this"},
    {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable", "message": "nor this"},
    {"type": "ReplicaFailure", "status": "False", "message": "no failure any more"},
]


def test_only_matching_conditions_are_reported() -> None:
    quiet = deployment_verdict("manager", rolled_out(availableReplicas=0, conditions=CONDITIONS), [])
    assert quiet.evidence == "0 of 1 replicas available, 1 of 1 updated"
    late = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "too late"}
    failed = {"type": "ReplicaFailure", "status": "True", "message": "quota"}
    loud = deployment_verdict("manager", rolled_out(availableReplicas=0, conditions=[late, failed]), [])
    assert loud.evidence == "0 of 1 replicas available, 1 of 1 updated; too late; quota"


def test_one_replica_is_the_default() -> None:
    value = rolled_out()
    del value["spec"]["replicas"]
    assert deployment_verdict("manager", value, []).evidence == "1 of 1 replicas available"


def test_condition_text_is_limited_and_malformed_text_left_out() -> None:
    assert len(words_of({"reason": "x" * 2000})) == 1000
    assert words_of({"reason": ["odd"], "message": ""}) == words_of({"reason": None, "message": 7}) == ""
    assert words_of({"reason": "", "message": "so"}) == "so"


def test_since_is_taken_from_the_server() -> None:
    conditions = [{"type": "Progressing", "lastTransitionTime": "p"}, {"type": "Available", "lastTransitionTime": "a"}]
    assert deployment_verdict("manager", rolled_out(conditions=conditions), []).since == "a"
    assert deployment_verdict("manager", rolled_out(conditions=[{"type": "Available"}]), []).since == ""
    assert deployment_verdict("manager", None, []).since == ""
    whole = {**crd("trainjobs", "TrainJob"), "status": copy.deepcopy(ESTABLISHED)}
    assert crd_verdict("c", whole).since == ""
    for number, when in enumerate(("n", "e")):
        whole["status"]["conditions"][number]["lastTransitionTime"] = when
    assert crd_verdict("c", whole).since == "e"
    whole["status"]["conditions"][0]["status"] = "False"
    assert crd_verdict("c", whole).since == "n"
    whole["metadata"]["deletionTimestamp"] = "d"
    assert crd_verdict("c", whole).since == "d"


def test_a_verdict_does_not_change() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Verdict("a", "b", "ready").state = "failed"  # type: ignore[misc]


def test_stuck_rollout_reports_its_pods() -> None:
    waiting = {"name": "manager", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "not found"}}}
    pods = [pod("a", "manager"), {**pod("b", "manager"), "status": {"containerStatuses": [waiting]}}]
    verdict = deployment_verdict("manager", rolled_out(availableReplicas=0), pods)
    assert verdict.evidence.endswith("; pod b: ImagePullBackOff not found")


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ({"containerStatuses": [{"state": {"waiting": {"reason": "ContainerCreating"}}}]}, "pod p: ContainerCreating"),
        (
            {
                "containerStatuses": [
                    {
                        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}},
                        "lastState": {"terminated": {"exitCode": 137}},
                    }
                ]
            },
            "pod p: CrashLoopBackOff back-off 10s (last exit code 137)",
        ),
        (
            {"containerStatuses": [{"state": {"terminated": {"reason": "OOMKilled", "exitCode": 137}}}]},
            "pod p: OOMKilled, exit code 137",
        ),
        ({"containerStatuses": [{"state": {"terminated": {"exitCode": 1}}}]}, "pod p: ended, exit code 1"),
        (
            {
                "phase": "Pending",
                "conditions": [
                    {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no cpu"}
                ],
            },
            "pod p: Unschedulable no cpu",
        ),
        ({"phase": "Pending"}, "pod p: Pending, not ready yet"),
        (
            {
                "phase": "Running",
                "containerStatuses": [{"state": {"running": {"startedAt": "t"}}}],
                "conditions": [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": "False"}],
            },
            "pod p: Running, not ready yet",
        ),
        ({}, "pod p: unknown, not ready yet"),
        ({"conditions": [{"type": "Ready", "status": "True"}]}, ""),
    ],
)
def test_reason_why_a_pod_is_not_running(status: dict[str, Any], words: str) -> None:
    assert pod_trouble({"metadata": {"name": "p"}, "status": status}) == words


@pytest.mark.parametrize(
    ("value", "ready"),
    [
        (pod("p", "a"), True),
        (pod("p", "a", ready=False), False),
        (pod("p", "a", deletionTimestamp="t"), False),
        ({"status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}}, False),
        ({"status": {"conditions": [{"type": "Initialized", "status": "True"}]}}, False),
        ({"status": {"conditions": None}}, False),
        ({}, False),
    ],
)
def test_a_ready_pod(value: dict[str, Any], ready: bool) -> None:
    assert is_pod_ready(value) is ready


# -- CRDs --------------------------------------------------------------------------------------------------------

CRD = {**crd("trainjobs", "TrainJob"), "status": ESTABLISHED}
NOT_ACCEPTED = {
    "conditions": [
        {"type": "NamesAccepted", "status": "False", "message": "plural is taken"},
        {"type": "Established", "status": "True"},
    ]
}


@pytest.mark.parametrize(
    ("value", "state", "evidence"),
    [
        (CRD, "ready", ""),
        (None, "progressing", "missing"),
        ({**CRD, "metadata": {"deletionTimestamp": "t"}}, "progressing", "Terminating"),
        ({**CRD, "status": NOT_ACCEPTED}, "failed", "not NamesAccepted plural is taken"),
        ({**CRD, "status": {"conditions": ESTABLISHED["conditions"][:1]}}, "progressing", "not Established"),
        ({**CRD, "status": {"conditions": ESTABLISHED["conditions"][1:]}}, "progressing", "not NamesAccepted"),
        ({**CRD, "status": None}, "progressing", "not NamesAccepted"),
        ({}, "progressing", "not NamesAccepted"),
    ],
)
def test_an_established_crd(value: dict[str, Any] | None, state: str, evidence: str) -> None:
    verdict = crd_verdict("trainjobs", value)
    assert (verdict.state, verdict.evidence) == (state, evidence)
    assert verdict.subject == "CustomResourceDefinition trainjobs"


# -- webhook configurations --------------------------------------------------------------------------------------

FILLED = webhooks("v", "webhook", ["g"], clientConfig={"caBundle": "Y2E="})


@pytest.mark.parametrize(
    ("value", "state", "evidence"),
    [
        (FILLED, "ready", ""),
        (None, "progressing", "missing"),
        ({"webhooks": None}, "progressing", "missing webhook validate.v"),
        ({}, "progressing", "missing webhook validate.v"),
        (changed(FILLED, "webhooks.0.name", "other"), "progressing", "missing webhook validate.v"),
        (changed(FILLED, "webhooks.0.clientConfig", {}), "progressing", "no caBundle yet on validate.v"),
        (changed(FILLED, "webhooks.0.clientConfig", None), "progressing", "no caBundle yet on validate.v"),
        (changed(FILLED, "webhooks.0.clientConfig.caBundle", ""), "progressing", "no caBundle yet on validate.v"),
        (changed(FILLED, "webhooks.0.clientConfig.caBundle", None), "progressing", "no caBundle yet on validate.v"),
    ],
)
def test_a_webhook_configuration(value: dict[str, Any] | None, state: str, evidence: str) -> None:
    verdict = webhook_configuration_verdict("v", value, ["validate.v"])
    assert (verdict.state, verdict.evidence) == (state, evidence)


def test_every_webhook_needs_its_bundle() -> None:
    value = {
        "webhooks": [{"name": "a", "clientConfig": {"caBundle": "x"}}, {"name": "b", "clientConfig": {}}, {"name": "c"}]
    }
    verdict = webhook_configuration_verdict("v", value, ["a", "b", "c"])
    assert verdict.evidence == "no caBundle yet on b, c"
    assert webhook_configuration_verdict("v", value, ["a"]).ready


# -- endpoints ---------------------------------------------------------------------------------------------------

PODS = {"uid-a": pod("a", "manager"), "uid-b": pod("b", "manager")}
SLICE = endpoint_slice("webhook", "a")


@pytest.mark.parametrize(
    ("slices", "state", "evidence"),
    [
        ([SLICE], "ready", "1 ready"),
        ([endpoint_slice("webhook", "a", "b")], "ready", "2 ready"),
        ([SLICE, endpoint_slice("webhook", "b")], "ready", "2 ready"),
        ([], "progressing", "no ready endpoint"),
        ([endpoint_slice("webhook")], "progressing", "no ready endpoint"),
        ([{"endpoints": None}], "progressing", "no ready endpoint"),
        ([changed(SLICE, "endpoints.0.conditions.ready", False)], "progressing", "no ready endpoint"),
        # A missing value means unknown. The API says to treat it as ready, but here unknown is never ready.
        ([changed(SLICE, "endpoints.0.conditions", None)], "progressing", "no ready endpoint"),
        ([changed(SLICE, "endpoints.0.conditions.ready", "true")], "progressing", "no ready endpoint"),
        ([endpoint_slice("webhook", "a", "stranger")], "progressing", "controller: stranger"),
        ([changed(SLICE, "endpoints.0.targetRef", None)], "progressing", "controller: 10.0.0.1"),
        (
            [changed(changed(SLICE, "endpoints.0.targetRef", None), "endpoints.0.addresses", ["10.0.0.9"])],
            "progressing",
            "controller: 10.0.0.9",
        ),
    ],
)
def test_ready_endpoints(slices: list[dict[str, Any]], state: str, evidence: str) -> None:
    verdict = endpoints_verdict("webhook", slices, PODS)
    assert verdict.state == state
    assert evidence in verdict.evidence


@pytest.mark.parametrize(
    ("conditions", "state"),
    [
        ({"ready": False, "serving": True, "terminating": True}, "progressing"),
        # It no longer serves, or its node has died: no call is sent to it.
        ({"ready": False, "serving": False, "terminating": True}, "ready"),
        # A pod that is starting.
        ({"ready": False, "serving": True, "terminating": False}, "ready"),
    ],
)
def test_terminating_pod_must_leave_its_service(conditions: dict[str, bool], state: str) -> None:
    piece = endpoint_slice("webhook", "a", "old")
    piece["endpoints"][1]["conditions"] = conditions
    verdict = endpoints_verdict("webhook", [piece], PODS)
    assert verdict.state == state
    assert ("still an endpoint: old" in verdict.evidence) is (state == "progressing")


def test_starting_pods_are_ignored_and_foreign_endpoints_named() -> None:
    piece = endpoint_slice("webhook", "a", "a", "stranger")
    piece["endpoints"][0]["conditions"] = {"ready": False}
    assert endpoints_verdict("webhook", [{**piece, "endpoints": piece["endpoints"][:2]}], PODS).evidence == "1 ready"
    assert "controller: stranger" in endpoints_verdict("webhook", [piece], PODS).evidence
    for addresses, words in ((["10.0.0.9", "10.0.0.8"], "10.0.0.9"), ([], "an address"), (None, "an address")):
        piece["endpoints"][2] = {"conditions": {"ready": True}, "addresses": addresses}
        assert endpoints_verdict("webhook", [piece], PODS).evidence.endswith(f"not a pod of its controller: {words}")


@pytest.mark.parametrize(
    ("status", "spec", "evidence"),
    [
        (
            {"storedVersions": ["v1alpha1", "v1"]},
            {"versions": [{"name": "v1"}]},
            "stored in missing versions: v1alpha1",
        ),
        ({"storedVersions": ["v1"]}, {}, "stored in missing versions: v1"),
        ({"storedVersions": ["v1"]}, {"versions": [{"name": "v1"}, {"name": "v2"}]}, ""),
    ],
)
def test_a_crd_has_every_version_that_objects_are_stored_in(
    status: dict[str, Any], spec: dict[str, Any], evidence: str
) -> None:
    verdict = crd_verdict("c", {**CRD, "spec": spec, "status": {**CRD["status"], **status}})
    assert verdict.ready is (evidence == "")
    assert evidence in verdict.evidence


@pytest.mark.parametrize(("status", "ready"), [("True", False), ("False", True)])
def test_a_schema_is_structural(status: str, ready: bool) -> None:
    conditions = [*CRD["status"]["conditions"], {"type": "NonStructuralSchema", "status": status, "message": "no"}]
    assert crd_verdict("c", {**CRD, "status": {"conditions": conditions}}).ready is ready


def test_exceeded_progress_deadline_is_reported() -> None:
    late = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "timed out"}
    verdict = deployment_verdict("m", rolled_out(availableReplicas=0, conditions=[late]), [])
    assert verdict.evidence.endswith("; timed out")
    # The numbers of a rollout do not show that the controller has given it up.
    assert not deployment_verdict("m", rolled_out(conditions=[late]), []).ready


@pytest.mark.parametrize("field", ["observedGeneration", "updatedReplicas", "availableReplicas"])
def test_value_that_is_not_a_number_counts_as_zero(field: str) -> None:
    assert not deployment_verdict("m", rolled_out(**{field: True}), []).ready


@pytest.mark.parametrize(
    ("states", "since"),
    [
        ([{"running": {"startedAt": "2026-01-01T00:00:05Z"}}], "2026-01-01T00:00:05Z"),
        ([{"running": {"startedAt": "2026-01-01"}}, {"running": {"startedAt": "2026-01-02"}}], "2026-01-02"),
        ([{"waiting": {}}], ""),
        ([{"running": {"startedAt": None}}], ""),
        ([], ""),
    ],
)
def test_start_of_the_newest_container(states: list[dict[str, Any]], since: str) -> None:
    assert running_since({"status": {"containerStatuses": [{"state": state} for state in states]}}) == since


def test_unknown_is_never_ready() -> None:
    assert not Verdict("a", "b", "unknown").ready
    assert str(Verdict("a", "b", "ready")) == "a: b"
    assert str(Verdict("a", "b", "ready", "c")) == "a: c"


# -- malformed and missing fields --------------------------------------------------------------------------------

Judge = Callable[[Any], Verdict]
SUBJECTS: dict[str, tuple[dict[str, Any], Judge]] = {
    "deployment": (rolled_out(), lambda value: deployment_verdict("m", value, [pod("p", "m", ready=False)])),
    "pod": (pod("p", "m"), lambda value: deployment_verdict("m", rolled_out(availableReplicas=0), [value])),
    "crd": (CRD, lambda value: crd_verdict("c", value)),
    "webhooks": (FILLED, lambda value: webhook_configuration_verdict("v", value, ["validate.v"])),
    "slice": (SLICE, lambda value: endpoints_verdict("s", [value], PODS)),
}
# The fields required for readiness: without any one of them the verdict must not be ready.
NEEDED: dict[str, list[tuple[Any, ...]]] = {
    "deployment": [
        ("metadata", "generation"),
        ("status",),
        *(("status", name) for name in ("observedGeneration", "updatedReplicas", "availableReplicas")),
    ],
    "crd": [("status",), ("status", "conditions"), *(("status", "conditions", i, "status") for i in (0, 1))],
    "webhooks": [("webhooks",), ("webhooks", 0, "name"), ("webhooks", 0, "clientConfig")],
    "slice": [("endpoints",), ("endpoints", 0, "conditions"), ("endpoints", 0, "targetRef")],
}
ABSENT = object()
ODD: tuple[Any, ...] = (None, {}, [], "", 0, -1, True, False, 1.5, "odd", [None], ["odd"], {"odd": None})


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in parts:
        yield (*at, name)
        yield from places(part, (*at, name))


def damaged(value: Any, place: tuple[Any, ...], part: Any) -> Any:
    value = copy.deepcopy(value)
    at = value
    for name in place[:-1]:
        at = at[name]
    if part is ABSENT:
        del at[place[-1]]
    else:
        at[place[-1]] = part
    return value


def emptied(value: Any, place: tuple[Any, ...]) -> list[Any]:
    """Yield the forms of an empty field: missing, null, or empty in its own type."""
    for name in place:
        value = value[name]
    own = [] if isinstance(value, int) else [type(value)()]
    return [ABSENT, *own, *([None] if isinstance(place[-1], str) else [])]


@pytest.mark.parametrize("subject", NEEDED)
def test_nothing_is_ready_without_each_required_field(subject: str) -> None:
    value, judge = SUBJECTS[subject]
    assert judge(value).ready
    for place in NEEDED[subject]:
        for part in emptied(value, place):
            assert not judge(damaged(value, place, part)).ready, (place, part)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_absent_null_or_empty_fields_never_raise(subject: str) -> None:
    value, judge = SUBJECTS[subject]
    for place in places(value):
        for part in emptied(value, place):
            judge(damaged(value, place, part))


@pytest.mark.parametrize("subject", SUBJECTS)
def test_malformed_fields_never_raise(subject: str) -> None:
    value, judge = SUBJECTS[subject]
    luck = random.Random(20260101)  # noqa: S311
    for _time in range(1000):
        worse = value
        for _damage in range(luck.randint(1, 3)):
            worse = damaged(worse, luck.choice(list(places(worse)) or [("x",)]), luck.choice(ODD))
        judge(worse)
