# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check a cluster from inside its node: the API server, the node, CoreDNS."""

from __future__ import annotations

import time

from . import docker, kind
from .process import CommandFailed

POLL_SECONDS = 0.25
READY = 'jsonpath={range .items[*].status.conditions[?(@.type=="Ready")]}{.status} {.message}{end}'
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


def node_problem(ready: str) -> str:
    """Return the problem of a node from the status and message of its condition Ready; empty if it is ready."""
    status, _, message = ready.strip().partition(" ")
    return "" if status == "True" else message or status or "it has not registered"


def is_answer(reply: bytes) -> bool:
    """Return whether the first 14 bytes of ``reply`` answer our query without error and with at least one record."""
    if len(reply) < 14:
        return False
    is_response, code, records = reply[4] >> 7, reply[5] & 0xF, reply[8:10]
    return bool(reply[2:4] == QUERY_ID and is_response and code == 0 and records > b"\0\0")


def dns_answers(name: str) -> bool:
    """Return whether CoreDNS answers within two seconds through its Service, hence through kube-proxy."""
    address = kubectl(name, "-n", "kube-system", "get", "service", "kube-dns", "-o", "jsonpath={.spec.clusterIP}")
    command = ["timeout", "2", "bash", "-c", ASK, "bash", address.decode()]
    try:
        return is_answer(docker.execute(kind.node(name), command, stdin=QUERY))
    except CommandFailed:
        return False


def look(name: str) -> dict[str, str]:
    """Check the cluster once; return the problem of each part, empty if the part is healthy."""
    try:
        kubectl(name, "get", "--raw", "/readyz", timeout=8)
        ready = kubectl(name, "get", "nodes", "-o", READY).decode()
        answers = dns_answers(name)
    except CommandFailed as error:
        lines = error.output.strip().splitlines()
        return {"API server": lines[-1] if lines else str(error), "node": "unknown", "CoreDNS": "unknown"}
    return {"API server": "", "node": node_problem(ready), "CoreDNS": "" if answers else "does not answer"}


def wait(name: str, seconds: float) -> str:
    """Wait until the cluster is healthy, for ``seconds``; return what is wrong then, empty if it is healthy."""
    deadline = time.monotonic() + seconds
    while True:
        problems = [f"{part}: {problem}" for part, problem in look(name).items() if problem]
        if not problems or time.monotonic() > deadline:
            return "; ".join(problems)
        time.sleep(POLL_SECONDS)
