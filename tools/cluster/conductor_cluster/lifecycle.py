# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Create, repair, remove and describe clusters."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

from . import catalogue, docker, engine, health, images, kind, state
from .build import node_image, recipe
from .catalogue import RECIPE_LABEL
from .console import Console
from .errors import ClusterError, CommandFailed
from .locking import locked
from .paths import Paths
from .process import capture
from .registry import Answer, pull

# How long a restarted node, or one that Docker is starting, may take to become healthy.
RECOVERY_SECONDS = 60
RECORD = "cluster.json"


@dataclass(frozen=True)
class NodeImage:
    """A node image in Docker."""

    name: str
    kubernetes: str
    ours: bool
    """Whether this tool built it: it contains its own network configuration and all images."""


def choose_node_image(paths: Paths, console: Console, choice: str, kubernetes: str | None) -> NodeImage:
    """Return the node image for ``choice`` (auto, stock, built or a name); pull or build it if missing.

    ``kubernetes`` (``1.35.8``) defaults to the pinned version. Raise ClusterError if the image is not available.
    """
    pinned = catalogue.kubernetes_version(paths)
    wanted = (kubernetes or pinned).lstrip("v")
    if choice not in ("auto", "stock", "built"):
        if docker.image(choice) is None and pull(paths, console, choice, ask_again=True) is not Answer.PULLED:
            raise ClusterError(f"Docker does not have the image {choice} and cannot pull it")
        return _describe(choice, wanted)
    stock = f"kindest/node:v{wanted}"
    if choice != "built" and docker.image(stock) is not None:
        return NodeImage(stock, wanted, ours=False)
    if choice == "auto" and wanted == pinned and docker.image(recipe.node_image(paths)) is not None:
        # An existing image costs nothing; a registry that does not answer costs seconds.
        return NodeImage(recipe.node_image(paths), wanted, ours=True)
    if choice != "built":
        answer = pull(paths, console, stock, ask_again=choice == "stock")
        if answer is Answer.PULLED:
            return NodeImage(stock, wanted, ours=False)
        if choice == "stock":
            raise ClusterError(
                f"the image {stock}: its registry {answer.value}; name another version with --kubernetes, "
                f"or build the image with --node-image built"
            )
    if wanted != pinned:
        raise ClusterError(
            f"Kubernetes {wanted} cannot be built here, only {pinned} is pinned in {paths.shown(paths.go_modules)}: "
            f"omit --kubernetes, or create the cluster where a container registry answers"
        )
    return NodeImage(node_image.ensure(paths, console), wanted, ours=True)


def _describe(image: str, kubernetes: str) -> NodeImage:
    """Return the facts about a node image; kind requires /kind/version in each."""
    command = ["docker", "run", "--rm", "--network", "none", "--entrypoint", "cat", image, "/kind/version"]
    version = capture(f"read the Kubernetes version of {image}", command, timeout=120).stdout.decode().strip()
    return NodeImage(image, version.lstrip("v") or kubernetes, docker.image_label(image, RECIPE_LABEL) is not None)


def up(paths: Paths, console: Console, name: str, choice: str, kubernetes: str | None) -> None:
    """Return when the cluster ``name`` is healthy, has its images, and its kubeconfig is written."""
    engine.ensure_docker(paths, console)
    folder = paths.cluster(name)
    with locked(folder / "lock", f"the cluster {name}", console):
        engine.ensure_inotify(console)
        record = state.read_record(folder / RECORD)
        container = docker.container(kind.node(name))
        seen = state.Seen(
            exists=container is not None,
            running=container is not None and container.running,
            healthy=container is not None and container.running and health.look(name).well,
            interrupted=record is not None and not record.complete,
        )
        step, why = state.decide(seen)
        if step in (state.Step.START, state.Step.WAIT):
            step, why = _revive(console, name, step, why, record)
        if step is state.Step.RECREATE:
            console.step(f"recreating {name}: {why}")
            docker.remove(docker.cluster_containers().get(name, []))
        if step in (state.Step.CREATE, state.Step.RECREATE):
            _create(paths, console, name, choose_node_image(paths, console, choice, kubernetes))
        else:
            _reuse(paths, console, name, choice, why)
        kind.close_networks(name)
        images.ensure_in_node(paths, console, name, registry=choice != "built")
        console.step(f"{name} is ready; its kubeconfig is {paths.shown(paths.kubeconfig(name))}")


def _revive(
    console: Console, name: str, step: state.Step, why: str, record: state.Record | None
) -> tuple[state.Step, str]:
    console.step(f"{name}: {why}; " + ("starting it" if step is state.Step.START else "waiting for it"))
    if step is state.Step.START:
        try:
            docker.start(kind.node(name))
        except CommandFailed as error:
            return state.Step.RECREATE, f"its node cannot be started ({error.output.strip()})"
    then = record.address if record is not None else ""
    step, why = state.after_waiting(True, then, docker.address(kind.node(name)))
    if step is state.Step.REUSE:
        well = health.becomes_well(name, RECOVERY_SECONDS)
        step, why = state.after_waiting(well, then, docker.address(kind.node(name)))
    return step, why


def _create(paths: Paths, console: Console, name: str, image: NodeImage) -> None:
    file = paths.cluster(name) / RECORD
    state.Record(complete=False, image=image.name, kubernetes=image.kubernetes).write(file)
    console.step(f"creating {name} from {image.name} (about 20 s)")
    kind.create(paths, console, name, image.name, image.kubernetes, own_network=image.ours)
    console.step("control plane started")
    health.wait(console, name)
    address = docker.address(kind.node(name))
    state.Record(True, image.name, image.kubernetes, address).write(file)


def _reuse(paths: Paths, console: Console, name: str, choice: str, why: str) -> None:
    console.step(f"{name}: {why}")
    container = docker.container(kind.node(name))
    if container is not None:
        current = recipe.node_image(paths)
        built_here = container.image.startswith("conductor/node:")
        if built_here and container.image != current and choice in ("auto", "built"):
            console.note(
                f"its image is {container.image}, the current one {current}: `cluster down {name}` before `up`"
            )
        source = container.mounts.get(kind.CONTROL_PLANE_IN_NODE)
        if source is not None and source != str(paths.control_plane):
            console.note(f"another clone created it, the one with {source}")
    kind.export_kubeconfig(paths, console, name)


def down(paths: Paths, console: Console, names: list[str]) -> None:
    """Remove clusters with everything that belongs to them; ignore those that do not exist."""
    found = docker.cluster_containers() if engine.wake_docker(paths, console) else {}
    docker.remove([container for name in names for container in found.get(name, [])])
    for name in names:
        shutil.rmtree(paths.cluster(name), ignore_errors=True)
        console.step(f"{name} removed" if name in found else f"{name} does not exist")


def own_names(paths: Paths) -> list[str]:
    """Return the names of the clusters that this clone created."""
    return sorted(record.parent.name for record in paths.clusters.glob(f"*/{RECORD}"))


def listing(paths: Paths) -> list[tuple[str, str, str]]:
    """Return all kind clusters: name, state, and whether this clone created them."""
    own = own_names(paths)
    rows = []
    for name in sorted({*docker.cluster_containers(), *own}):
        container = docker.container(kind.node(name))
        shown = "missing" if container is None else "running" if container.running else "stopped"
        rows.append((name, shown, "this clone" if name in own else "not of this clone"))
    return rows


def status(paths: Paths, name: str) -> list[tuple[str, bool, str]]:
    """Return the parts of a cluster from the bottom up: part, whether it is healthy, and a description."""
    version = docker.server_version()
    rows = [("docker", version is not None, version or "Docker does not answer: `cluster up` starts it")]
    container = docker.container(kind.node(name)) if version is not None else None
    if container is None:
        return [*rows, ("node", False, f"the cluster {name} does not exist: `cluster up {name}` creates it")]
    if not container.running:
        return [*rows, ("node", False, f"stopped: `cluster up {name}` starts it")]
    found = health.look(name)
    rows.append(("API server", not found.api, found.api or "ready"))
    rows.append(("node", not found.node, found.node or f"Ready, image {container.image}"))
    rows.append(("CoreDNS", not found.dns, found.dns or "answers"))
    known = images.in_node(name)
    missing = [image for image in images.wanted(paths) if images.normalized(image) not in known]
    rows.append(("images", not missing, f"missing: {', '.join(missing)}" if missing else "present"))
    kubeconfig = paths.kubeconfig(name)
    rows.append(("kubeconfig", kubeconfig.exists(), paths.shown(kubeconfig)))
    return rows
