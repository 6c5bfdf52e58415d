# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects that contradict themselves, are being deleted, or have fields of other types, in ways that chance finds.

Nothing raises. Nothing is ready unless every condition of readiness holds, and nothing has failed because of a sign
that passes: both are decided here a second time, field by field and without the code under test.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.certificates.serving import public_parts
from ansible_collections.conductor.trainer.plugins.module_utils.certificates.sources import has_certificate
from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.events import is_about, subject_of, time_of
from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.failure_sign import rejected_objects
from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.failure_tracker import FailureTracker
from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.failures import (
    failure_signs,
    newest_pods,
    start_failures,
)
from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.report import diagnose, diagnosis_lines
from ansible_collections.conductor.trainer.plugins.module_utils.errors import ConductorError
from ansible_collections.conductor.trainer.plugins.module_utils.inspection.nodes import by_free_cpu, node_facts
from ansible_collections.conductor.trainer.plugins.module_utils.inspection.rollout import ToPlace
from ansible_collections.conductor.trainer.plugins.module_utils.trainjob.state import (
    conditions_of,
    container_of,
    row_of,
    state_of,
)
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
from ansible_collections.conductor.trainer.plugins.module_utils.verdicts.nodes import may_accept_soon
from ansible_collections.conductor.trainer.plugins.module_utils.verdicts.pods import (
    in_back_off,
    is_being_made,
    is_pod_ready,
    may_run,
    pod_words,
    restarts_of,
    running_since,
)
from ansible_collections.conductor.trainer.plugins.module_utils.verdicts.webhooks import (
    endpoints_verdict,
    webhook_configuration_verdict,
)
from ansible_collections.conductor.trainer.plugins.module_utils.verdicts.workloads import (
    deployment_verdict,
    is_refused,
    lease_verdict,
    pods_of,
    present_replicaset,
    replicaset_verdict,
)
from ansible_collections.conductor.trainer.plugins.module_utils.wait.controller_rows import controller_rows
from ansible_collections.conductor.trainer.plugins.module_utils.wait.controllers import ControllersWait
from tests.unit.plugins.helpers.builders import ROOT, bundle, key, obj, serving
from tests.unit.plugins.helpers.fakes import Clock, FakeCluster
from tests.unit.plugins.module_utils.verdicts.test_recorded_phases import WEBHOOKS, judge, moments

Object = dict[str, Any]


def condition(kind: str, status: Any = "True", **more: Any) -> Object:
    return {"type": kind, "status": status, "reason": "So", "message": "it is so", **more}


def meta(**more: Any) -> Object:
    return {"name": "a", "namespace": "n", "uid": "u", "generation": 1, "labels": {"app": "a"}, **more}


# -- objects that are ready -------------------------------------------------------------------------------------------

POD: Object = {
    "metadata": meta(creationTimestamp="2026-01-01T00:00:00Z", ownerReferences=[{"kind": "ReplicaSet", "name": "r"}]),
    "spec": {"nodeName": "n", "initContainers": [{"name": "i"}], "containers": [{"name": "m", "image": "x:1"}]},
    "status": {
        "phase": "Running",
        "conditions": [condition(kind) for kind in ("PodScheduled", "Initialized", "ContainersReady", "Ready")],
        "initContainerStatuses": [
            {"name": "i", "ready": True, "state": {"terminated": {"exitCode": 0, "finishedAt": "t"}}}
        ],
        "containerStatuses": [
            {
                "name": "m",
                "image": "x:1",
                "ready": True,
                "restartCount": 1,
                "state": {"running": {"startedAt": "2026-01-01T00:00:05Z"}},
                "lastState": {"terminated": {"exitCode": 1, "reason": "Error", "message": "so"}},
            }
        ],
    },
}
SECRET_KEYS = ("tls.crt", "tls.key", "ca.crt", "ca.key")
READY: dict[str, Object] = {
    "Deployment": {
        "metadata": meta(),
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "a"}}},
        "status": {
            "observedGeneration": 1,
            "replicas": 2,
            "updatedReplicas": 2,
            "readyReplicas": 2,
            "availableReplicas": 2,
            "conditions": [condition("Available"), condition("Progressing", reason="NewReplicaSetAvailable")],
        },
    },
    "ReplicaSet": {
        "metadata": meta(),
        "spec": {"replicas": 1},
        "status": {"observedGeneration": 1, "replicas": 1, "readyReplicas": 1, "availableReplicas": 1},
    },
    "Pod": POD,
    "CustomResourceDefinition": {
        "metadata": meta(),
        "spec": {"versions": [{"name": "v1"}]},
        "status": {"conditions": [condition("NamesAccepted"), condition("Established")], "storedVersions": ["v1"]},
    },
    "Namespace": {"metadata": meta(), "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}},
    "ClusterTrainingRuntime": {"metadata": meta(finalizers=["trainer.kubeflow.org/runtime"])},
    "Lease": {"metadata": meta(), "spec": {"holderIdentity": "a_1", "acquireTime": "t", "renewTime": "t"}},
    "EndpointSlice": {
        "metadata": meta(),
        "endpoints": [
            {
                "addresses": ["10.0.0.1"],
                "conditions": {"ready": True, "serving": True, "terminating": False},
                "targetRef": {"name": "a", "uid": "u"},
            },
            {"addresses": ["10.0.0.2"], "conditions": {"ready": False}, "targetRef": {"name": "b", "uid": "v"}},
        ],
    },
    "ValidatingWebhookConfiguration": {
        "metadata": meta(),
        "webhooks": [{"name": name, "clientConfig": {"caBundle": "Y2E=", "service": {}}} for name in ("w", "x")],
    },
    "Job": {"metadata": meta(), "spec": {"parallelism": 1}, "status": {"conditions": [condition("Complete")]}},
    "JobSet": {"metadata": meta(), "spec": {}, "status": {"conditions": [condition("Completed")]}},
    "TrainJob": {"metadata": meta(), "spec": {}, "status": {"conditions": [condition("Complete")]}},
    "Node": {
        "metadata": meta(),
        "spec": {"taints": [{"key": "k", "effect": "PreferNoSchedule"}]},
        "status": {"conditions": [condition("Ready")], "allocatable": {"cpu": "8", "memory": "8Gi"}},
    },
    "Secret": {
        "metadata": meta(managedFields=[{"fieldsV1": {"f:data": {f"f:{name}": {} for name in SECRET_KEYS}}}]),
        "data": {"tls.crt": "Y2E="},
    },
}


def ready(kind: str, item: Object) -> bool:
    """Ask the code under test."""
    questions: dict[str, Callable[[], bool]] = {
        "Deployment": lambda: deployment_verdict("a", item, [POD]).ready,
        "ReplicaSet": lambda: replicaset_verdict("a", item).ready,
        "Pod": lambda: is_pod_ready(item),
        "CustomResourceDefinition": lambda: crd_verdict("a", item).ready,
        "Namespace": lambda: namespace_verdict("a", item).ready,
        "ClusterTrainingRuntime": lambda: runtime_verdict("a", item, "").ready,
        "Lease": lambda: lease_verdict("a", item, {"a": "2026-01-01T00:00:05Z"}, "n").ready,
        "EndpointSlice": lambda: endpoints_verdict("a", [item], {"u": POD}).ready,
        "ValidatingWebhookConfiguration": lambda: webhook_configuration_verdict("a", item, ["w", "x"]).ready,
        "Job": lambda: job_verdict("a", item).ready,
        "JobSet": lambda: jobset_verdict("a", item).ready,
        "TrainJob": lambda: trainjob_verdict("a", item).ready,
        "Node": lambda: node_facts([item], 1, {}, [])["schedulable"] == 1,
        "Secret": lambda: has_certificate(item),
    }
    return questions[kind]()


# -- the second opinion -----------------------------------------------------------------------------------------------


def at(item: Any, *path: Any) -> Any:
    for step in path:
        item = item.get(step) if isinstance(item, dict) else None
    return item


def each(item: Any, *path: Any) -> list[Object]:
    found = at(item, *path)
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def statuses(item: Object, kind: str) -> list[Any]:
    return [entry.get("status") for entry in each(item, "status", "conditions") if entry.get("type") == kind]


def agreed(item: Object, kind: str, status: str = "True") -> bool:
    found = statuses(item, kind)
    return bool(found) and all(one == status for one in found)


def undenied(item: Object, kind: str) -> bool:
    return all(one == "True" for one in statuses(item, kind))


def number(value: Any) -> int:
    return value if type(value) is int else 0


def stays(item: Object) -> bool:
    return not at(item, "metadata", "deletionTimestamp")


def has_numbers(item: Object, wanted: int, *names: str) -> bool:
    status = at(item, "status")
    known = [at(status, name) for name in ("readyReplicas", "fullyLabeledReplicas")]
    return (
        wanted >= 1
        and number(at(status, "observedGeneration")) >= number(at(item, "metadata", "generation")) >= 1
        and all(number(at(status, name)) == wanted for name in names)
        and all(value is None or number(value) >= wanted for value in known)
        and number(at(status, "unavailableReplicas")) <= 0
    )


def rolled_out(item: Object) -> bool:
    spec = at(item, "spec")
    wanted = number(spec.get("replicas", 1)) if isinstance(spec, dict) else 1
    progress = [entry for entry in each(item, "status", "conditions") if entry.get("type") == "Progressing"]
    return (
        stays(item)
        and has_numbers(item, wanted, "replicas", "updatedReplicas", "availableReplicas")
        and undenied(item, "Available")
        and all(
            (entry.get("status") == "True" and entry.get("reason") != "ProgressDeadlineExceeded")
            or (entry.get("status") == "Unknown" and entry.get("reason") == "DeploymentPaused")
            for entry in progress
        )
    )


def is_answering(item: Object) -> bool:
    good = 0
    for entry in each(item, "endpoints"):
        state = entry.get("conditions")
        if at(state, "terminating") is True:
            if at(state, "serving") is True or at(state, "ready") is True:
                return False
        elif at(state, "ready") is True and at(state, "serving") is not False:
            if at(entry, "targetRef", "uid") != "u":
                return False
            good += 1
    return stays(item) and good > 0


def is_schedulable(item: Object) -> bool:
    hard = [taint for taint in each(item, "spec", "taints") if taint.get("effect") in ("NoSchedule", "NoExecute")]
    return stays(item) and at(item, "spec", "unschedulable") is not True and agreed(item, "Ready") and not hard


def has_bundles(item: Object) -> bool:
    found = each(item, "webhooks")
    return stays(item) and all(
        any(hook.get("name") == name for hook in found)
        and all(
            isinstance(at(hook, "clientConfig", "caBundle"), str) and at(hook, "clientConfig", "caBundle")
            for hook in found
            if hook.get("name") == name
        )
        for name in ("w", "x")
    )


def is_led(item: Object) -> bool:
    holder = at(item, "spec", "holderIdentity")
    return stays(item) and isinstance(holder, str) and (holder == "a" or holder.startswith("a_"))


def is_served(item: Object) -> bool:
    known = [version.get("name") for version in each(item, "spec", "versions")]
    stored = at(item, "status", "storedVersions")
    return (
        stays(item)
        and agreed(item, "NamesAccepted")
        and agreed(item, "Established")
        and all(one == "False" for one in statuses(item, "NonStructuralSchema"))
        and "True" not in statuses(item, "Terminating")
        and all(version in known for version in (stored if isinstance(stored, list) else []))
    )


MAY_BE_READY: dict[str, Callable[[Object], bool]] = {
    "Deployment": rolled_out,
    "ReplicaSet": lambda item: (
        stays(item)
        and has_numbers(item, number(at(item, "spec", "replicas")), "replicas", "availableReplicas")
        and "True" not in statuses(item, "ReplicaFailure")
    ),
    "Pod": lambda item: (
        stays(item)
        and agreed(item, "Ready")
        and undenied(item, "ContainersReady")
        and at(item, "status", "phase") not in ("Failed", "Succeeded")
    ),
    "CustomResourceDefinition": is_served,
    "Namespace": lambda item: stays(item) and at(item, "status", "phase") == "Active",
    "ClusterTrainingRuntime": stays,
    "Lease": is_led,
    "EndpointSlice": is_answering,
    "ValidatingWebhookConfiguration": has_bundles,
    "Job": lambda item: agreed(item, "Complete") and not agreed(item, "Failed") and not agreed(item, "FailureTarget"),
    "JobSet": lambda item: agreed(item, "Completed") and not agreed(item, "Failed"),
    "TrainJob": lambda item: agreed(item, "Complete") and not agreed(item, "Failed"),
    "Node": is_schedulable,
    "Secret": stays,
}
# The verdicts that may be "failed", and when.
MAY_HAVE_FAILED: dict[str, tuple[Callable[[Object], str], Callable[[Object], bool]]] = {
    "CustomResourceDefinition": (
        lambda item: crd_verdict("a", item).state,
        lambda item: agreed(item, "NamesAccepted", "False") or agreed(item, "NonStructuralSchema"),
    ),
    "Job": (
        lambda item: job_verdict("a", item).state,
        lambda item: agreed(item, "Failed") or agreed(item, "FailureTarget"),
    ),
    "JobSet": (lambda item: jobset_verdict("a", item).state, lambda item: agreed(item, "Failed")),
    "TrainJob": (lambda item: trainjob_verdict("a", item).state, lambda item: agreed(item, "Failed")),
}

# -- damage -----------------------------------------------------------------------------------------------------------

ODD: tuple[Any, ...] = (
    None, {}, [], "", 0, -1, 1, 7, 10**30, True, False, 1.5, "odd", "True", "False", "Unknown", "Failed", "a",
    [None], ["odd"], [[]], {"odd": None}, {"": {}}, [{}], [{"type": "Ready", "status": "True"}],
)  # fmt: skip
STATUSES: tuple[Any, ...] = ("True", "False", "Unknown", "", "true", None, True)
KINDS = (
    "Available", "Progressing", "ReplicaFailure", "Ready", "ContainersReady", "PodScheduled", "DisruptionTarget",
    "NamesAccepted", "Established", "NonStructuralSchema", "Terminating", "Complete", "Completed", "Failed",
    "FailureTarget", "Suspended", "Unheard",
)  # fmt: skip
FIELDS = (
    "deletionTimestamp", "reason", "message", "phase", "replicas", "readyReplicas", "unavailableReplicas",
    "updatedReplicas", "availableReplicas", "observedGeneration", "generation", "suspend", "paused", "unschedulable",
    "terminating", "serving", "ready", "status", "state", "waiting", "terminated", "running", "exitCode", "name", "uid",
)  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        yield (*path, step)
        yield from places(inner, (*path, step))


def mutate(item: Object, luck: random.Random) -> None:
    """Change one thing in an object."""
    found = list(places(item))
    if not found:
        return
    *path, last = luck.choice(found)
    parent: Any = item
    for step in path:
        parent = parent[step]
    match luck.randrange(8):
        case 0:
            del parent[last]
        case 1:
            parent[last] = copy.deepcopy(luck.choice(ODD))
        case 2 if isinstance(parent, list):
            parent.insert(luck.randrange(len(parent) + 1), copy.deepcopy(parent[last]))
        case 3 if isinstance(parent, dict):
            parent[luck.choice(FIELDS)] = copy.deepcopy(luck.choice(ODD))
        case 4 if isinstance(item.get("metadata"), dict):
            item["metadata"]["deletionTimestamp"] = luck.choice(["2026-01-01T00:00:00Z", "t", 1, ["t"], None])
        case 5 if isinstance(at(item, "status", "conditions"), list):
            kind = luck.choice(KINDS)
            item["status"]["conditions"].append(condition(kind, luck.choice(STATUSES)))
        case 6:
            if every := each(item, "status", "conditions"):
                luck.choice(every)["status"] = luck.choice(STATUSES)
        case _:
            if type(parent[last]) is int:
                parent[last] += luck.choice((-1, 1, 2))
            elif type(parent[last]) is bool:
                parent[last] = not parent[last]
            elif type(parent[last]) is str:
                parent[last] = luck.choice(("", "x", parent[last].upper(), "Failed", "Terminating", "Unknown"))


def mutated(item: Object, luck: random.Random) -> Object:
    worse = copy.deepcopy(item)
    for _change in range(luck.randint(1, 4)):
        mutate(worse, luck)
    return worse


def check(kind: str, item: Object) -> None:
    if ready(kind, item):
        assert MAY_BE_READY[kind](item), (kind, item)
    if kind in MAY_HAVE_FAILED:
        state, may = MAY_HAVE_FAILED[kind]
        if state(item) == "failed":
            assert may(item), (kind, item)


def few(count: int, seed: int) -> Iterator[tuple[str, random.Random]]:
    luck = random.Random(seed)  # noqa: S311
    kinds = list(READY)
    for number_ in range(count):
        yield kinds[number_ % len(kinds)], luck


def verdicts(count: int, seed: int) -> None:
    for kind, luck in few(count, seed):
        check(kind, mutated(READY[kind], luck))


def test_the_objects_are_ready_at_first() -> None:
    for kind, item in READY.items():
        assert ready(kind, item), kind
        assert MAY_BE_READY[kind](item), kind


def test_one_damage_anywhere_makes_nothing_ready_and_raises_nothing() -> None:
    """Every place of every object, with every odd value."""
    for kind, item in READY.items():
        for *path, last in places(item):
            for odd in ("absent", *ODD):
                worse = copy.deepcopy(item)
                parent: Any = worse
                for step in path:
                    parent = parent[step]
                if odd == "absent":
                    del parent[last]
                else:
                    parent[last] = copy.deepcopy(odd)
                check(kind, worse)


def test_nothing_is_ready_without_its_evidence() -> None:
    verdicts(2_800, 1)


@pytest.mark.evidence
def test_nothing_is_ready_without_its_evidence_at_length() -> None:
    verdicts(60_000, 2)


# -- recorded objects -------------------------------------------------------------------------------------------------


def recorded(count: int, seed: int) -> None:
    """Objects of a real cluster, judged beside the others of their time."""
    luck = random.Random(seed)  # noqa: S311
    known = [
        (entry["kind"], entry["name"], cluster)
        for entry, cluster in moments()
        if entry["kind"] != "Pod" and entry["object"] is not None
    ]
    for _time in range(count):
        kind, name, cluster = luck.choice(known)
        around = dict(cluster)
        for which in dict.fromkeys([(kind, name), luck.choice(list(cluster))]):
            if which[0] != "Pod" or luck.random() < 0.5:
                around[which] = mutated(cluster[which], luck)
                around[which].setdefault("metadata", {})
                if not isinstance(around[which]["metadata"], dict):
                    around[which]["metadata"] = {}
                around[which]["metadata"].setdefault("name", "x")
                around[which]["metadata"].setdefault("uid", "x")
        item, verdict = around[kind, name], judge(kind, name, around)
        if verdict.ready:
            assert stays(item), item
            if kind in ("Deployment", "ReplicaSet", "Namespace", "CustomResourceDefinition"):
                assert MAY_BE_READY[kind](item), item
            if kind.endswith("WebhookConfiguration"):
                names = {hook.get("name") for hook in each(item, "webhooks") if at(hook, "clientConfig", "caBundle")}
                assert set(WEBHOOKS[kind, name]) <= names, item


def test_no_recorded_object_becomes_ready_by_damage() -> None:
    recorded(1_000, 3)


@pytest.mark.evidence
def test_no_recorded_object_becomes_ready_by_damage_at_length() -> None:
    recorded(20_000, 4)


# -- signs of failure -------------------------------------------------------------------------------------------------

FAILURES: dict[str, Object] = json.loads(
    (ROOT / "tests" / "unit" / "plugins" / "recorded" / "failures.json").read_text(encoding="utf-8")
)
EVENT: Object = {
    "metadata": {"name": "e", "creationTimestamp": "2026-01-01T00:00:00Z"},
    "involvedObject": {"kind": "Pod", "name": "a", "uid": "u"},
    "reason": "FailedMount",
    "message": 'MountVolume.SetUp failed for volume "cert" : secret "x" not found',
    "lastTimestamp": "2026-01-01T00:00:09Z",
    "series": {"lastObservedTime": "2026-01-01T00:00:09Z"},
}
PASSING: list[tuple[str, str]] = [
    ("CreateContainerConfigError", "failed to sync secret cache: timed out waiting for the condition"),
    ("CreateContainerConfigError", "services have not yet been read at least once, cannot construct envvars"),
    ("ErrImagePull", "dial tcp 10.0.0.1:443: connect: connection refused"),
    ("ErrImagePull", "lookup registry.example.com on 10.96.0.10:53: no such host"),
    ("ErrImagePull", "unexpected media type text/html for sha256:00: not found"),
    ("ErrImagePull", "content digest sha256:00: not found"),
    ("ImagePullBackOff", 'Back-off pulling image "x:1"'),
    ("ErrImagePull", "toomanyrequests: You have reached your pull rate limit"),
    ("CreateContainerError", "context deadline exceeded"),
    ("ContainerCreating", ""),
    ("PodInitializing", ""),
]


class Nothing(FakeCluster):
    """Answers every question about nodes and autoscalers with nothing, so that only the signs decide."""

    def __init__(self, events: list[Any] | None = None) -> None:
        super().__init__()
        self.hooks.append(lambda request: {"groups": [], "items": events or [], "metadata": {}})


def read_everything(deployment: Object, pods: list[Object], events: list[Any]) -> None:
    """Call everything that reads a Deployment, its pods and their events."""
    signs = failure_signs(deployment, pods)
    FailureTracker(Nothing(), []).certain(signs, 0.0)
    newest_pods(deployment, pods)
    is_refused(deployment)
    pods_of(deployment, pods)
    present_replicaset(deployment, pods)
    deployment_verdict("a", deployment, pods)
    row = diagnose(Nothing(events), deployment, pods, signs[0] if signs else None)
    assert diagnosis_lines([row])
    state_of(deployment, deployment, pods)
    conditions_of(deployment)
    has_missing_pods(deployment)
    rejected_objects(deployment, "forbidden")
    controller_rows(
        [{"metadata": {"name": "a"}, "spec": {"selector": {"matchLabels": {"app": "a"}}, "template": {"spec": {}}}}],
        {"a": deployment},
        pods,
    )
    for pod in pods:
        row_of(pod)
        container_of(pod)
        in_back_off(pod)
        is_being_made(pod)
        restarts_of(pod)
        pod_words(pod)
        running_since(pod, {"m"})
        may_run(pod, {"m"})
        start_failures([pod], "n")
        for event in events:
            time_of(event)
            is_about(event, subject_of(pod))


def failures(count: int, seed: int) -> None:
    luck = random.Random(seed)  # noqa: S311
    for _time in range(count):
        entry = luck.choice(list(FAILURES.values()))
        deployment, pods, events = entry["deployment"], entry["pods"] or [POD], [EVENT, {**EVENT, "involvedObject": {}}]
        whole = {"d": deployment, "p": pods, "e": events}
        worse = mutated(whole, luck)
        found = [worse.get(name) for name in ("d", "p", "e")]
        read_everything(
            found[0] if isinstance(found[0], dict) else {},
            [pod for pod in found[1] if isinstance(pod, dict)] if isinstance(found[1], list) else [],
            [event for event in found[2] if isinstance(event, dict)] if isinstance(found[2], list) else [],
        )
        node = mutated(READY["Node"], luck)
        may_accept_soon(node)
        by_free_cpu([node])
        node_facts([node], 1, {"a": [mutated(POD, luck)]}, [ToPlace("a", {"containers": []})])
        public_parts(mutated(READY["Secret"], luck))


def test_signs_and_reports_of_odd_objects_raise_nothing() -> None:
    failures(300, 5)


@pytest.mark.evidence
def test_signs_and_reports_of_odd_objects_raise_nothing_at_length() -> None:
    failures(8_000, 6)


def passing(count: int, seed: int) -> None:
    """A sign that passes is never certain, whatever else the pod has."""
    luck = random.Random(seed)  # noqa: S311
    for _time in range(count):
        reason, message = luck.choice(PASSING)
        pod = mutated(POD, luck)
        status = {
            "name": "m",
            "image": "x:1",
            "restartCount": 0,
            "state": {"waiting": {"reason": reason, "message": message}},
        }
        pod["status"] = {
            **(pod["status"] if isinstance(pod.get("status"), dict) else {}),
            luck.choice(["containerStatuses", "initContainerStatuses"]): [status],
            "conditions": [],
        }
        for kind in ("containerStatuses", "initContainerStatuses"):
            if pod["status"].get(kind) != [status]:
                pod["status"].pop(kind, None)
        tracker = FailureTracker(Nothing(), [])
        for now in (0.0, 1e6):
            assert tracker.certain(start_failures([pod], "n"), now) == [], pod


def test_a_sign_that_passes_is_never_certain() -> None:
    passing(500, 7)


@pytest.mark.evidence
def test_a_sign_that_passes_is_never_certain_at_length() -> None:
    passing(10_000, 8)


# -- whole waits ------------------------------------------------------------------------------------------------------


def judged(cluster: FakeCluster) -> bool:
    """The second opinion on the small bundle."""
    found: dict[str, list[Object]] = {}
    for one, item in cluster.objects.items():
        found.setdefault(one.kind, []).append(item)
    (deployment,) = found["Deployment"]
    (secret,) = (item for item in found["Secret"])
    slices = [
        item
        for item in found["EndpointSlice"]
        if at(item, "metadata", "labels", "kubernetes.io/service-name") == "webhook"
    ]
    endpoints = [entry for piece in slices for entry in each(piece, "endpoints")]
    return (
        rolled_out(deployment)
        and all(MAY_BE_READY["Namespace"](item) for item in found["Namespace"] if at(item, "metadata", "name") == "ops")
        and all(map(is_served, found["CustomResourceDefinition"]))
        and all(map(stays, [*slices, *found["Lease"], *found["ValidatingWebhookConfiguration"], secret]))
        and any(at(entry, "conditions", "ready") is True for entry in endpoints)
        and all(
            at(hook, "clientConfig", "caBundle")
            for item in found["ValidatingWebhookConfiguration"]
            for hook in each(item, "webhooks")
        )
    )


def waits(count: int, seed: int) -> int:
    """Wait for clusters with damage; return how many were ready."""
    luck = random.Random(seed)  # noqa: S311
    base = serving(bundle())
    lease = key("Lease", "trainer.kubeflow.org", "coordination.k8s.io/v1", "ops")
    spec = {"holderIdentity": "manager-1_u", "renewTime": "2026-01-01T00:00:09Z"}
    base.put(obj("Lease", lease.name, lease.api_version, "ops", spec=spec), "manager", "Update")
    read = [one for one in base.objects if one.kind in WAITED_FOR]
    succeeded = 0
    for _time in range(count):
        cluster = serving(bundle())
        cluster.objects[lease] = copy.deepcopy(base.objects[lease])
        for one in luck.sample(read, luck.randint(1, 2)):
            item = mutated(cluster.objects[one], luck)
            # An API server never returns an object without them.
            metadata = item["metadata"] if isinstance(item.get("metadata"), dict) else {}
            whole = cluster.objects[one]["metadata"]
            item["metadata"] = {**metadata, **{name: whole[name] for name in SERVED if name in whole}}
            # The fake server reads these itself.
            if one.kind == "CustomResourceDefinition":
                item["spec"] = cluster.objects[one]["spec"]
            if not isinstance(item["metadata"].get("labels", {}), dict):
                del item["metadata"]["labels"]
            cluster.objects[one] = item
        clock = Clock()
        try:
            ControllersWait(cluster, bundle(), monotonic=clock.monotonic).run(0)
        except ConductorError:
            continue
        succeeded += 1
        assert judged(cluster), [cluster.objects[one] for one in read]
    return succeeded


WAITED_FOR = (
    "Deployment",
    "Pod",
    "EndpointSlice",
    "Lease",
    "Namespace",
    "CustomResourceDefinition",
    "ValidatingWebhookConfiguration",
    "Secret",
)
SERVED = ("name", "namespace", "uid", "resourceVersion")


def test_a_wait_for_odd_objects_ends_as_it_should() -> None:
    assert 10 <= waits(250, 9) <= 240


@pytest.mark.evidence
def test_a_wait_for_odd_objects_ends_as_it_should_at_length() -> None:
    assert waits(6_000, 10)
