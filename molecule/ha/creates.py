# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Create TrainJobs one after the other, and end the leaders of both controllers meanwhile.

``creates.py KUBECONFIG NAME COUNT [--end pods|processes --node CONTAINER]`` prints what became of it as JSON.
A rejected TrainJob is sent again until the lease of a leader that was ended has run out.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.inventory import Request, connected

OPERATOR = "/api/v1/namespaces/kubeflow-system"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kubeflow-system/leases"
JOBS = "/apis/trainer.kubeflow.org/v1alpha1/namespaces/training/trainjobs"
JOBSETS = "/apis/jobset.x-k8s.io/v1alpha2/namespaces/training/jobsets"
# Seconds for the new leaders to do their work, on a machine that has other work too.
PATIENCE = 180
# Seconds before a rejected TrainJob is sent again, and between two looks at the work.
PAUSE, LOOK = 0.1, 1.0


@dataclass
class Creates:
    """What became of the TrainJobs."""

    created: int = 0
    longest: float = 0
    """The most seconds from the first attempt to create a TrainJob that was rejected to the one that succeeded."""
    words: list[str] = field(default_factory=list)
    """Of each rejection."""


def create(request: Request, name: str, seconds: float, seen: Creates) -> None:
    """Create one TrainJob. It starts nothing."""
    job = {
        "apiVersion": "trainer.kubeflow.org/v1alpha1",
        "kind": "TrainJob",
        "metadata": {"name": name, "namespace": "training"},
        "spec": {"runtimeRef": {"name": "torch-distributed"}, "suspend": True},
    }
    began, answers = time.monotonic(), 0
    while (answer := request("POST", JOBS, job))[0] != 201:
        # An answer can be an error although the TrainJob was stored.
        if answers and answer[0] == 409:
            break
        answers += 1
        seen.words.append(f"{name}: {answer[0]} {answer[1].get('message')}")
        if time.monotonic() - began > seconds:
            return
        time.sleep(PAUSE)
    seen.created += 1
    seen.longest = max(seen.longest, time.monotonic() - began if answers else 0)


def leaders(request: Request) -> dict[str, dict[str, Any]]:
    """Return the leases of the controllers: name to spec."""
    pods = {item["metadata"]["name"] for item in request("GET", f"{OPERATOR}/pods", None)[1]["items"]}
    leases = {item["metadata"]["name"]: item["spec"] for item in request("GET", LEASES, None)[1]["items"]}
    return {name: lease for name, lease in leases.items() if pod_of(lease) in pods}


def pod_of(lease: dict[str, Any]) -> str:
    """Return the pod that holds a lease."""
    return str(lease.get("holderIdentity")).partition("_")[0]


def end(request: Request, lease: dict[str, Any], node: str) -> None:
    """End the pod that holds a lease, or with ``node`` its process, which the kubelet starts again."""
    path = f"{OPERATOR}/pods/{pod_of(lease)}"
    if not node:
        request("DELETE", path, {"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0})
        return
    container = request("GET", path, None)[1]["status"]["containerStatuses"][0]["containerID"].rpartition("/")[2]
    kill = ["ctr", "--namespace", "k8s.io", "tasks", "kill", "--signal", "SIGKILL", container]
    subprocess.run(["docker", "exec", node, *kill], check=True)


def main() -> int:
    """Create the TrainJobs and print what became of them."""
    parser = argparse.ArgumentParser(prog="creates", description=__doc__)
    parser.add_argument("kubeconfig", type=Path)
    parser.add_argument("name", help="what the names of the TrainJobs begin with")
    parser.add_argument("count", type=int)
    parser.add_argument("--end", choices=["pods", "processes"], help="of the leaders, after a quarter of the TrainJobs")
    parser.add_argument("--node", help="the container that they run in")
    arguments = parser.parse_args()
    seen = Creates()
    with connected(arguments.kubeconfig) as request:
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "training"}}
        request("POST", "/api/v1/namespaces", namespace)
        before = leaders(request)
        seconds = max((lease["leaseDurationSeconds"] for lease in before.values()), default=0)
        for number in range(arguments.count):
            if arguments.end and number == arguments.count // 4:
                for lease in before.values():
                    end(request, lease, arguments.node if arguments.end == "processes" else "")
            create(request, f"{arguments.name}-{number}", seconds, seen)
        # The work of the leaders.
        deadline, jobsets = time.monotonic() + PATIENCE, 0
        while jobsets < seen.created and time.monotonic() < deadline:
            time.sleep(LOOK)
            items = request("GET", JOBSETS, None)[1]["items"]
            jobsets = sum(item["metadata"]["name"].startswith(f"{arguments.name}-") for item in items)
        after = {name: lease for name, lease in leaders(request).items() if name in before}
    result = {
        "created": seen.created,
        "rejected": len(seen.words),
        "longest_seconds": round(seen.longest, 2),
        "lease_seconds": seconds,
        "jobsets": jobsets,
        "new_leaders": sum(lease["holderIdentity"] != before[name]["holderIdentity"] for name, lease in after.items()),
        "words": seen.words[:5],
    }
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
