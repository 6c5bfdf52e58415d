# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check a cluster from inside its node: the API server, the node, CoreDNS."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

from . import dns, docker, kind
from .console import Console
from .errors import ClusterError, CommandFailed

ADMIN = ["kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf"]
READY_SECONDS = 180
POLL_SECONDS = 0.25


@dataclass(frozen=True)
class Health:
    """The problem of each part; empty if the part is healthy."""

    api: str
    node: str
    dns: str

    @property
    def well(self) -> bool:
        """Whether all parts are healthy."""
        return not (self.api or self.node or self.dns)


def kubectl(name: str, *arguments: str, timeout: float = 20) -> bytes:
    """Run kubectl inside the node and return its output. Raise CommandFailed with its message."""
    return docker.execute(kind.node(name), [*ADMIN, *arguments], timeout=timeout)


def node_problem(nodes: dict[str, Any]) -> str:
    """Return the problems of the nodes in a NodeList; empty if all are Ready."""
    if not nodes.get("items"):
        return "no node has registered"
    problems = []
    for item in nodes["items"]:
        conditions = {entry["type"]: entry for entry in item.get("status", {}).get("conditions", [])}
        ready = conditions.get("Ready", {})
        if ready.get("status") != "True":
            problems.append(f"{item['metadata']['name']}: {ready.get('message') or 'not Ready'}")
    return "; ".join(problems)


def dns_address(name: str) -> str:
    """Return the address of the cluster's DNS Service."""
    return kubectl(name, "-n", "kube-system", "get", "service", "kube-dns", "-o", "jsonpath={.spec.clusterIP}").decode()


def look(name: str) -> Health:
    """Check the cluster once."""
    try:
        kubectl(name, "get", "--raw", "/readyz", timeout=8)
        nodes = json.loads(kubectl(name, "get", "nodes", "-o", "json"))
        answers = dns.answers(kind.node(name), dns_address(name), seconds=3)
    except CommandFailed as error:
        lines = error.output.strip().splitlines()
        return Health(lines[-1] if lines else str(error), "unknown", "unknown")
    return Health("", node_problem(nodes), "" if answers else "CoreDNS does not answer")


def wait(console: Console, name: str, seconds: float = READY_SECONDS) -> None:
    """Return when the node is Ready and CoreDNS answers. Raise ClusterError for the one that is not, in time."""
    deadline = time.monotonic() + seconds
    limit = f"--timeout={int(seconds)}s"
    kubectl(name, "wait", "--for=condition=Ready", "node", "--all", limit, timeout=seconds + 20)
    console.step("node Ready")
    address = dns_address(name)
    while not dns.answers(kind.node(name), address):
        if time.monotonic() > deadline:
            raise ClusterError(f"{name}: the node is Ready, but CoreDNS at {address} did not answer in {seconds:g} s")
        time.sleep(POLL_SECONDS)
    console.step("CoreDNS answers")


def becomes_well(name: str, seconds: float) -> bool:
    """Return whether the cluster becomes healthy within ``seconds``."""
    deadline = time.monotonic() + seconds
    while not look(name).well:
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True
