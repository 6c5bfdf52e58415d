# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a pod is not ready: its own reason, and the container that keeps it from that."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.trainjob.state import container_of, failure_of, row_of
from ansible_collections.conductor.trainer.plugins.module_utils.verdicts.pods import (
    holding_container,
    is_pod_ready,
    may_run,
    pod_reason,
    pod_words,
    running_since,
)


def waits(name: str, reason: str = "PodInitializing", **more: Any) -> dict[str, Any]:
    return {"name": name, "state": {"waiting": {"reason": reason}}, **more}


def runs(name: str, *, ready: Any = True, at: str = "2026-01-01T00:00:00Z") -> dict[str, Any]:
    return {"name": name, "ready": ready, "state": {"running": {"startedAt": at}}}


def ends(name: str, code: Any = 0, **more: Any) -> dict[str, Any]:
    return {"name": name, "state": {"terminated": {"exitCode": code, **more}}}


def crashed(code: int, reason: str = "Error", **more: Any) -> dict[str, Any]:
    return {"restartCount": 3, "lastState": {"terminated": {"exitCode": code, "reason": reason, **more}}}


def pod(*main: Any, init: Any = (), sidecars: Any = (), **status: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "p"},
        "spec": {
            "initContainers": [
                {"name": entry["name"], **({"restartPolicy": "Always"} if entry["name"] in sidecars else {})}
                for entry in init
            ],
            "containers": [{"name": entry["name"]} for entry in main],
        },
        "status": {"phase": "Pending", "initContainerStatuses": list(init), "containerStatuses": list(main), **status},
    }


READY = {"type": "Ready", "status": "True"}
LOOP = "CrashLoopBackOff"


@pytest.mark.parametrize(
    ("value", "words", "container"),
    [
        # An init container.
        (
            pod(waits("m"), init=[waits("prep", LOOP, **crashed(1))]),
            "prep: CrashLoopBackOff (last exit code 1)",
            "prep",
        ),
        (
            pod(waits("m"), init=[ends("first"), waits("second", "ImagePullBackOff")]),
            "second: ImagePullBackOff",
            "second",
        ),
        (pod(waits("m"), init=[ends("prep", 2, reason="Error")]), "prep: Error, exit code 2", "prep"),
        (pod(waits("m"), init=[runs("prep")]), "prep: the init container is still running", "prep"),
        (pod(waits("m"), init=[waits("first"), waits("second")]), "first: PodInitializing", "first"),
        # A sidecar, of either kind.
        (
            pod(runs("m"), init=[waits("proxy", LOOP, **crashed(2))], sidecars=["proxy"]),
            "proxy: CrashLoopBackOff (last exit code 2)",
            "proxy",
        ),
        (
            pod(runs("m"), waits("proxy", LOOP, **crashed(2))),
            "proxy: CrashLoopBackOff (last exit code 2)",
            "proxy",
        ),
        (
            pod(waits("m"), init=[runs("proxy", ready=False)], sidecars=["proxy"]),
            "proxy: running, not ready yet",
            "proxy",
        ),
        (
            pod(runs("m"), init=[runs("proxy", ready=False)], sidecars=["proxy"], phase="Running"),
            "proxy: running, not ready yet",
            "proxy",
        ),
        (pod(runs("m"), runs("proxy", ready=False), phase="Running"), "proxy: running, not ready yet", "proxy"),
        (pod(runs("m"), ends("proxy"), phase="Running"), "proxy: ended, exit code 0", "proxy"),
        # The main container after a good init container.
        (pod(waits("m", LOOP, **crashed(1)), init=[ends("prep")]), "m: CrashLoopBackOff (last exit code 1)", "m"),
        # The only one needs no name.
        (pod(waits("m", LOOP, **crashed(1))), "CrashLoopBackOff (last exit code 1)", "m"),
        # An ephemeral container never counts.
        (
            pod(waits("m", "ContainerCreating"), ephemeralContainerStatuses=[waits("debug", "ErrImagePull")]),
            "ContainerCreating",
            "m",
        ),
        # The reason of an exit.
        (pod(waits("m", LOOP, **crashed(137, "OOMKilled"))), f"{LOOP} (OOMKilled, last exit code 137)", "m"),
        (
            pod(waits("m", LOOP, **crashed(137, "ContainerStatusUnknown"))),
            f"{LOOP} (ContainerStatusUnknown, last exit code 137)",
            "m",
        ),
        (
            pod(waits("m", LOOP, **crashed(128, "StartError", message="exec: not found\n"))),
            f"{LOOP} (StartError, last exit code 128: exec: not found)",
            "m",
        ),
        (pod(ends("m", 137, reason="OOMKilled"), phase="Failed"), "OOMKilled, exit code 137", "m"),
    ],
)
def test_the_container_that_keeps_a_pod_from_being_ready(value: dict[str, Any], words: str, container: str) -> None:
    assert pod_words(value) == words
    assert holding_container(value).get("name") == container


KILLED = [ends("m", 137, reason="Error")]


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        ("Evicted", "The node was low on resource: memory. Threshold quantity: 100Mi, available: 80Mi."),
        ("Evicted", "Pod ephemeral local storage usage exceeds the total limit of containers 1Gi."),
        ("Evicted", "The node had condition: [DiskPressure]."),
        ("Preempting", "Preempted in order to admit critical pod"),
        ("NodeShutdown", "Pod was rejected as the node is shutting down."),
        ("Terminated", "Pod was terminated in response to imminent node shutdown."),
        ("UnexpectedAdmissionError", "Allocate failed due to no healthy devices present"),
        ("OutOfcpu", "Node didn't have enough resource: cpu, requested: 500, used: 3900, capacity: 4000"),
        ("OutOfpods", "Node didn't have enough resource: pods"),
        ("OutOfnvidia.com/gpu", "Node didn't have enough resource: nvidia.com/gpu"),
        ("NodeAffinity", "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector"),
        ("NodePorts", "Predicate NodePorts failed"),
        ("TaintToleration", "Predicate TaintToleration failed"),
        ("DeadlineExceeded", "Pod was active on the node longer than the specified deadline"),
        ("TopologyAffinityError", "Resources cannot be allocated with Topology locality"),
        ("SysctlForbidden", "forbidden sysctl"),
        ("Preempting", ""),
    ],
)
@pytest.mark.parametrize("main", [[], KILLED, [waits("m", "ContainerCreating")]])
def test_a_pod_that_is_rejected_or_ended_says_why(reason: str, message: str, main: list[Any]) -> None:
    value = pod(*main, phase="Failed", reason=reason, message=message)
    words = ": ".join(filter(None, (reason, message)))
    assert pod_words(value) == pod_reason(value) == words
    assert row_of(value)["message"] == words
    assert row_of(value)["exit_code"] == (137 if main == KILLED else None)
    assert not is_pod_ready(value)


@pytest.mark.parametrize(
    "disruption",
    ["PreemptionByScheduler", "DeletionByTaintManager", "EvictionByEvictionAPI", "DeletionByPodGC"],
)
@pytest.mark.parametrize("going", [{"phase": "Failed"}, {"phase": "Running"}])
def test_a_disrupted_pod_names_the_program(disruption: str, going: dict[str, Any]) -> None:
    said = {"type": "DisruptionTarget", "status": "True", "reason": disruption, "message": "so"}
    value = pod(*KILLED, **going, conditions=[said])
    if going["phase"] == "Running":
        value["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert pod_words(value) == f"{disruption}: so"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (pod(phase="Unknown", reason="NodeLost", message="node a is unresponsive"), "NodeLost: node a is unresponsive"),
        (pod(phase="Succeeded", reason="Odd"), "Succeeded, not ready yet"),
        (pod(runs("m", ready=False), phase="Running"), "Running, not ready yet"),
        (pod(runs("m"), phase="Running", conditions=[READY]), None),
        (
            pod(phase="Pending", conditions=[{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]),
            "SchedulingGated",
        ),
        ({}, "unknown, not ready yet"),
        (
            pod(
                runs("m"),
                phase="Running",
                conditions=[
                    {"type": "ContainersReady", "status": "True"},
                    {"type": "Ready", "status": "False", "reason": "ReadinessGatesNotReady", "message": "no balancer"},
                ],
            ),
            "Running, not ready yet: ReadinessGatesNotReady: no balancer",
        ),
        (pod(runs("m"), phase="Running", message="odd", conditions=[READY]), None),
        ({"metadata": {"deletionTimestamp": "t"}, "status": {"conditions": [READY]}}, "Terminating"),
    ],
)
def test_other_words(value: dict[str, Any], words: str | None) -> None:
    assert pod_words(value) == words


def test_words_show_no_secret() -> None:
    secret = pod(waits("m", LOOP, **crashed(128, "StartError", message="--token=hunter22")))
    assert "hunter22" not in str(pod_words(secret))
    assert "hunter22" not in str(pod_words(pod(phase="Failed", reason="Evicted", message="password: hunter22")))


@pytest.mark.parametrize(
    ("status", "ready"),
    [
        ({"conditions": [READY]}, True),
        ({"conditions": [READY, READY]}, True),
        ({"conditions": [READY, {"type": "Ready", "status": "False"}]}, False),
        ({"conditions": [{"type": "Ready", "status": "Unknown"}, READY]}, False),
        ({"conditions": [READY, {"type": "ContainersReady", "status": "False"}]}, False),
        ({"conditions": [READY, {"type": "ContainersReady", "status": "True"}]}, True),
        ({"conditions": [{"type": "Ready", "status": True}]}, False),
        ({"conditions": [READY], "phase": "Failed"}, False),
        ({"conditions": [READY], "phase": "Succeeded"}, False),
    ],
)
def test_a_ready_pod_without_contradictions(status: dict[str, Any], ready: bool) -> None:
    assert is_pod_ready({"status": status}) is ready


# -- which process may hold a Lease -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "runs_now", "since"),
    [
        (pod(runs("m"), phase="Running"), True, "2026-01-01T00:00:00Z"),
        # Its status may be older than its start.
        (pod(), True, ""),
        (pod(waits("m", LOOP)), False, ""),
        (pod(ends("m", 1)), False, ""),
        (pod(runs("m"), phase="Failed"), False, "2026-01-01T00:00:00Z"),
        # A sidecar runs on, or was restarted later.
        (pod(waits("m", LOOP), runs("proxy", at="2026-01-02T00:00:00Z")), False, ""),
        (pod(runs("m"), runs("proxy", at="2026-01-02T00:00:00Z")), True, "2026-01-01T00:00:00Z"),
    ],
)
def test_the_process_of_the_controller(value: dict[str, Any], runs_now: bool, since: str) -> None:
    assert may_run(value, {"m"}) is runs_now
    assert running_since(value, {"m"}) == since


# -- rows of a TrainJob -----------------------------------------------------------------------------------------------


def test_a_sidecar_is_killed_at_the_end_of_a_good_pod() -> None:
    value = pod(ends("node"), init=[ends("proxy", 143)], sidecars=["proxy"], phase="Succeeded")
    assert failure_of(value) is None
    assert row_of(value) | {"name": "", "node": ""} == {
        "name": "",
        "phase": "Succeeded",
        "node": "",
        "exit_code": 0,
        "restarts": 0,
        "message": "",
    }


def test_a_failed_container_counts_before_its_sidecar() -> None:
    value = pod(ends("node", 1), init=[ends("proxy", 137)], sidecars=["proxy"], phase="Failed")
    found = failure_of(value)
    assert found is not None
    assert (found.container, found.exit_code) == ("node", 1)
    assert container_of(value) == "node"
    alone = pod(ends("node"), init=[ends("proxy", 137)], sidecars=["proxy"], phase="Failed")
    assert container_of(alone) == "proxy"


def test_the_log_of_a_running_init_container_is_read() -> None:
    assert container_of(pod(waits("node"), init=[runs("prep")])) == "prep"
    assert container_of(pod(runs("node"), init=[ends("prep")], phase="Running")) == "node"
