# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Create, repair, remove and describe clusters."""

from __future__ import annotations

import shutil
import time

from . import catalogue, docker, engine, images, kind
from .build import node_image
from .catalogue import RECIPE_LABEL
from .console import Console, locked
from .images import pull
from .paths import Paths
from .process import ClusterError, CommandFailed, capture

# How long a restarted node, or one that Docker is starting, may take to become healthy.
RECOVERY_SECONDS = 60
READY_SECONDS = 180
# In the folder of a cluster that this clone created: the node's address, empty while it is being created.
RECORD = "node-address"
POLL_SECONDS = 0.25
READY = 'jsonpath={range .items[*].status.conditions[?(@.type=="Ready")]}{.status} {.message}{end}'
# A DNS query over TCP for the IPv4 addresses of kubernetes.default.svc.cluster.local (RFC 1035, 4.1 and 4.2.2): its
# length, a header with the query's ID, recursion desired and one question, then the question.
QUERY = b"\0\x36\x12\x34\1\0\0\1\0\0\0\0\0\0\x0akubernetes\7default\3svc\7cluster\5local\0\0\1\0\1"
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


def dns_answers(name: str) -> bool:
    """Return whether CoreDNS answers within two seconds through its Service, hence through kube-proxy."""
    address = kubectl(name, "-n", "kube-system", "get", "service", "kube-dns", "-o", "jsonpath={.spec.clusterIP}")
    command = ["timeout", "2", "bash", "-c", ASK, "bash", address.decode()]
    try:
        reply = docker.execute(kind.node(name), command, stdin=QUERY)
    except CommandFailed:
        return False
    # No error code, and at least one record.
    return len(reply) == 14 and reply[5] & 0xF == 0 and reply[8:10] > b"\0\0"


def problems(name: str) -> dict[str, str]:
    """Check the cluster once; return the problem of each part, empty if the part is healthy."""
    try:
        kubectl(name, "get", "--raw", "/readyz", timeout=8)
        ready = kubectl(name, "get", "nodes", "-o", READY).decode()
        answers = dns_answers(name)
    except CommandFailed as error:
        lines = error.output.strip().splitlines()
        return {"API server": lines[-1] if lines else str(error), "node": "unknown", "CoreDNS": "unknown"}
    return {"API server": "", "node": node_problem(ready), "CoreDNS": "" if answers else "does not answer"}


def wait_until_healthy(name: str, seconds: float) -> str:
    """Wait until the cluster is healthy, for ``seconds``; return what is wrong then, empty if it is healthy."""
    deadline = time.monotonic() + seconds
    while True:
        found = [f"{part}: {problem}" for part, problem in problems(name).items() if problem]
        if not found or time.monotonic() > deadline:
            return "; ".join(found)
        time.sleep(POLL_SECONDS)


def choose_node_image(paths: Paths, console: Console, choice: str) -> str:
    """Return the name of the node image for ``choice``; pull or build it if missing, or raise ClusterError."""
    stock, built = f"kindest/node:v{catalogue.kubernetes_version(paths)}", catalogue.node_image(paths)
    if choice in ("auto", "built"):
        # An existing image costs nothing; a registry that does not answer costs seconds.
        existing = [image for image in (stock, built) if choice == "auto" and docker.image(image) is not None]
        if existing or (choice == "auto" and pull(paths, console, stock)):
            return existing[0] if existing else stock
        return node_image.ensure(paths, console)
    image = stock if choice == "stock" else choice
    if docker.image(image) is None and not pull(paths, console, image, ask_again=True):
        raise ClusterError(
            f"Docker does not have the image {image} and cannot pull it: name another one, or build it with "
            f"--node-image built"
        )
    return image


def up(paths: Paths, console: Console, name: str, choice: str) -> None:
    """Return when the cluster ``name`` is healthy, has its images, and its kubeconfig is written."""
    engine.ensure_docker(paths, console)
    folder = paths.cluster(name)
    with locked(folder / "lock", f"the cluster {name}", console):
        engine.ensure_inotify(console)
        container = docker.container(kind.node(name))
        record = (folder / RECORD).read_text() if (folder / RECORD).exists() else None
        why = "" if container is None else repair(console, name, container, record)
        if container is None or why:
            console.step(f"recreating {name}: {why}" if why else f"creating {name} (about 20 s)")
            docker.remove(docker.cluster_containers().get(name, []))
            _create(paths, console, name, choose_node_image(paths, console, choice))
        else:
            current, built_here = catalogue.node_image(paths), container.image.startswith("conductor/node:")
            if built_here and container.image != current and choice in ("auto", "built"):
                console.step(f"its image is {container.image}, now {current}: `cluster down {name}` before `up`")
            kind.export_kubeconfig(paths, console, name)
        kind.close_networks(name)
        images.ensure_in_node(paths, console, name, registry=choice != "built")
        console.step(f"{name} is ready; its kubeconfig is {paths.shown(paths.kubeconfig(name))}")


def repair(console: Console, name: str, container: docker.Container, record: str | None) -> str:
    """Make an existing cluster healthy; return why it must be recreated, or nothing. ``record``: what RECORD says."""
    if record == "":
        return "an earlier `up` was interrupted"
    if not container.running:
        console.step(f"{name}: its node is stopped; starting it")
        try:
            capture(f"start {name}", ["docker", "start", kind.node(name)])
        except CommandFailed as error:
            return f"its node cannot be started ({error.output.strip()})"
        container = docker.container(kind.node(name)) or container
    # etcd and the API server are bound to the address that the node had when it was created. Docker may have assigned
    # another one.
    if record and container.address and record != container.address:
        return f"its node came back with the address {container.address} instead of {record}"
    problem = wait_until_healthy(name, RECOVERY_SECONDS)
    return problem and f"it does not become healthy ({problem})"


def _create(paths: Paths, console: Console, name: str, image: str) -> None:
    record = paths.cluster(name) / RECORD
    record.write_text("")
    console.step(f"creating the node from {image}")
    kind.create(paths, console, name, image, own_network=docker.image_label(image, RECIPE_LABEL) is not None)
    console.step("control plane started")
    problem = wait_until_healthy(name, READY_SECONDS)
    if problem:
        raise ClusterError(f"{name} did not become healthy within {READY_SECONDS} s: {problem}")
    made = docker.container(kind.node(name))
    record.write_text((made and made.address) or "none")


def down(paths: Paths, console: Console, name: str) -> None:
    """Remove a cluster with everything that belongs to it, if it exists."""
    found = docker.cluster_containers() if engine.wake_docker(paths, console) else {}
    docker.remove(found.get(name, []))
    shutil.rmtree(paths.cluster(name), ignore_errors=True)
    console.step(f"{name} removed" if name in found else f"{name} does not exist")


def status(paths: Paths, name: str) -> list[tuple[str, bool, str]]:
    """Return the parts of a cluster from the bottom up: part, whether it is healthy, and a description."""
    version = docker.server_version()
    rows = [("docker", version is not None, version or "Docker does not answer: `cluster up` starts it")]
    container = docker.container(kind.node(name)) if version is not None else None
    if container is None:
        return [*rows, ("node", False, f"the cluster {name} does not exist: `cluster up {name}` creates it")]
    if not container.running:
        return [*rows, ("node", False, f"stopped: `cluster up {name}` starts it")]
    rows.append(("node image", True, container.image))
    rows += [(part, not problem, problem or "healthy") for part, problem in problems(name).items()]
    known = images.in_node(name)
    missing = [image for image in images.wanted(paths) if docker.normalized(image) not in known]
    rows.append(("images", not missing, f"missing: {', '.join(missing)}" if missing else "present"))
    rows.append(("kubeconfig", paths.kubeconfig(name).exists(), paths.shown(paths.kubeconfig(name))))
    return rows
