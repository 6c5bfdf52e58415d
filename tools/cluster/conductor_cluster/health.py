# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check a cluster from inside its node: the API server, the node, CoreDNS."""

from __future__ import annotations

import json
import time
from typing import Any

from . import docker, kind
from .console import Console
from .process import ClusterError, CommandFailed

READY_SECONDS = 180
POLL_SECONDS = 0.25
# A DNS query over TCP for the IPv4 addresses of kubernetes.default.svc.cluster.local (RFC 1035, 4.1 and 4.2.2): its
# length, a header with the query's ID, recursion desired and one question, then the question.
QUERY_ID = b"\x12\x34"
QUERY = b"\0\x36" + QUERY_ID + b"\1\0\0\1\0\0\0\0\0\0\x0akubernetes\7default\3svc\7cluster\5local\0\0\1\0\1"
# bash opens the connection, so a node image needs no DNS tools. The answer's length and header are 14 bytes.
ASK = 'exec 3<>"/dev/tcp/$1/53"; cat >&3; head --bytes=14 <&3'


def kubectl(name: str, *arguments: str, timeout: float = 20) -> bytes:
    """Run kubectl inside the node and return its output. Raise CommandFailed with its message."""
    command = ["kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf", *arguments]
    return docker.execute(kind.node(name), command, timeout=timeout)


def node_problem(nodes: dict[str, Any]) -> str:
    """Return the problems of the nodes in a NodeList; empty if all are Ready."""
    problems = []
    for item in nodes["items"]:
        conditions = {entry["type"]: entry for entry in item.get("status", {}).get("conditions", [])}
        ready = conditions.get("Ready", {})
        if ready.get("status") != "True":
            problems.append(f"{item['metadata']['name']}: {ready.get('message') or 'not Ready'}")
    return "; ".join(problems) if nodes["items"] else "no node has registered"


def is_answer(reply: bytes) -> bool:
    """Return whether the first 14 bytes of ``reply`` answer our query without error and with at least one record."""
    if len(reply) < 14:
        return False
    is_response, code, records = reply[4] >> 7, reply[5] & 0xF, reply[8:10]
    return bool(reply[2:4] == QUERY_ID and is_response and code == 0 and records > b"\0\0")


def dns_answers(name: str, seconds: int) -> bool:
    """Return whether CoreDNS answers within ``seconds`` through its Service, hence through kube-proxy."""
    address = kubectl(name, "-n", "kube-system", "get", "service", "kube-dns", "-o", "jsonpath={.spec.clusterIP}")
    command = ["timeout", str(seconds), "bash", "-c", ASK, "bash", address.decode()]
    try:
        return is_answer(docker.execute(kind.node(name), command, stdin=QUERY, timeout=seconds + 10))
    except CommandFailed:
        return False


def look(name: str) -> dict[str, str]:
    """Check the cluster once; return the problem of each part, empty if the part is healthy."""
    try:
        kubectl(name, "get", "--raw", "/readyz", timeout=8)
        nodes = json.loads(kubectl(name, "get", "nodes", "-o", "json"))
        answers = dns_answers(name, 3)
    except CommandFailed as error:
        lines = error.output.strip().splitlines()
        return {"API server": lines[-1] if lines else str(error), "node": "unknown", "CoreDNS": "unknown"}
    return {"API server": "", "node": node_problem(nodes), "CoreDNS": "" if answers else "does not answer"}


def wait(console: Console, name: str) -> None:
    """Return when the node is Ready and CoreDNS answers. Raise ClusterError for the one that is not, in time."""
    deadline = time.monotonic() + READY_SECONDS
    ready = ["wait", "--for=condition=Ready", "node", "--all", f"--timeout={READY_SECONDS}s"]
    kubectl(name, *ready, timeout=READY_SECONDS + 20)
    console.step("node Ready")
    while not dns_answers(name, 1):
        if time.monotonic() > deadline:
            raise ClusterError(f"{name}: the node is Ready, but CoreDNS did not answer in {READY_SECONDS} s")
        time.sleep(POLL_SECONDS)
    console.step("CoreDNS answers")


def becomes_well(name: str, seconds: float) -> bool:
    """Return whether the cluster becomes healthy within ``seconds``."""
    deadline = time.monotonic() + seconds
    while any(look(name).values()):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True
