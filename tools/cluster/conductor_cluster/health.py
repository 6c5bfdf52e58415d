# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at a cluster from inside its node: the API server, the node, CoreDNS."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any, Callable

from . import dns, docker, kind
from .console import Console
from .errors import ClusterError, CommandFailed

ADMIN = ["kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf"]
READY_SECONDS = 180
POLL_SECONDS = 0.25


@dataclass(frozen=True)
class Health:
    """What was found; each part is an empty text where all is well, else what is wrong with it."""

    api: str
    node: str
    dns: str

    @property
    def well(self) -> bool:
        """Whether all parts are."""
        return not (self.api or self.node or self.dns)


def kubectl(name: str, *arguments: str, timeout: float = 20) -> bytes:
    """Runs kubectl inside the node. Raises CommandFailed with its words."""
    return docker.execute(kind.node(name), [*ADMIN, *arguments], timeout=timeout)


def node_problem(nodes: dict[str, Any]) -> str:
    """What is wrong with the nodes of a NodeList, an empty text where each is Ready."""
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
    """Address of the cluster's DNS Service."""
    return kubectl(name, "-n", "kube-system", "get", "service", "kube-dns", "-o", "jsonpath={.spec.clusterIP}").decode()


def look(name: str) -> Health:
    """Looks once."""
    try:
        kubectl(name, "get", "--raw", "/readyz", timeout=8)
        nodes = json.loads(kubectl(name, "get", "nodes", "-o", "json"))
        answers = dns.serves(kind.node(name), dns_address(name), seconds=3)
    except CommandFailed as error:
        said = error.output.strip().splitlines()
        return Health(said[-1] if said else str(error), "not known", "not known")
    return Health("", node_problem(nodes), "" if answers else "CoreDNS gives no answer")


def _until(what: str, check: Callable[[], bool], deadline: float) -> None:
    while not check():
        if time.monotonic() > deadline:
            raise ClusterError(f"{what} within {READY_SECONDS} s")
        time.sleep(POLL_SECONDS)


def wait(console: Console, name: str, seconds: float = READY_SECONDS) -> None:
    """Returns when the node is Ready and CoreDNS answers. Raises ClusterError saying which of them does not."""
    deadline = time.monotonic() + seconds
    end = f"--timeout={int(seconds)}s"
    kubectl(name, "wait", "--for=condition=Ready", "node", "--all", end, timeout=seconds + 20)
    console.step("node Ready")
    address = dns_address(name)
    _until(
        f"the node of {name} is Ready but CoreDNS does not answer at {address}",
        lambda: dns.serves(kind.node(name), address),
        deadline,
    )
    console.step("CoreDNS serves")


def becomes_well(name: str, seconds: float) -> Health:
    """Looks again and again until all is well or ``seconds`` are over; returns what was seen last."""
    deadline = time.monotonic() + seconds
    while True:
        found = look(name)
        if found.well or time.monotonic() > deadline:
            return found
        time.sleep(POLL_SECONDS)
