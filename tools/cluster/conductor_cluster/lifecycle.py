# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of a cluster: up, down, and what is known about it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

from . import catalogue, docker, engine, health, images, kind, own_networks, state
from .build import node_image, recipe
from .catalogue import RECIPE_LABEL
from .console import Console
from .errors import ClusterError, CommandFailed
from .locking import locked
from .paths import Paths
from .process import capture
from .registry import Answer, pull

# A node that was started again, or that is being started by Docker, has this long to become healthy.
RECOVERY_SECONDS = 60
RECORD = "cluster.json"


@dataclass(frozen=True)
class NodeImage:
    """A node image that Docker has."""

    name: str
    kubernetes: str
    ours: bool
    """Whether it was built by this tool: it has its own network configuration and all images in it."""


def choose_node_image(paths: Paths, console: Console, choice: str, kubernetes: str | None) -> NodeImage:
    """Returns the node image for ``choice`` (auto, stock, built or a name), pulled or built where it is missing.

    ``kubernetes`` (``1.35.8``) defaults to the version that is pinned here. Raises ClusterError where it cannot be had.
    """
    pinned = catalogue.kubernetes_version(paths)
    wanted = (kubernetes or pinned).lstrip("v")
    if choice not in ("auto", "stock", "built"):
        if docker.image(choice) is None and pull(paths, console, choice, ask_again=True) is not Answer.PULLED:
            raise ClusterError(f"Docker has no image {choice} and cannot pull it")
        return _describe(choice, wanted)
    stock = f"kindest/node:v{wanted}"
    if choice != "built" and docker.image(stock) is not None:
        return NodeImage(stock, wanted, ours=False)
    if choice == "auto" and wanted == pinned and docker.image(recipe.node_image(paths)) is not None:
        # What is there already costs nothing, and asking a registry that is silent costs seconds.
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
            f"leave --kubernetes out, or bring up the cluster where a container registry answers"
        )
    return NodeImage(node_image.ensure(paths, console), wanted, ours=True)


def _describe(image: str, kubernetes: str) -> NodeImage:
    """What a node image says about itself; kind wants the version in /kind/version of each."""
    command = ["docker", "run", "--rm", "--network", "none", "--entrypoint", "cat", image, "/kind/version"]
    said = capture(f"read the Kubernetes version of {image}", command, timeout=120).stdout.decode().strip()
    return NodeImage(image, said.lstrip("v") or kubernetes, docker.image_label(image, RECIPE_LABEL) is not None)


def up(paths: Paths, console: Console, name: str, choice: str, kubernetes: str | None) -> None:
    """Returns when the cluster ``name`` is healthy, its images are in and its kubeconfig is written."""
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
            console.step(f"removing {name} to make it anew: {why}")
            docker.remove(docker.cluster_containers(name).get(name, []))
        if step in (state.Step.CREATE, state.Step.RECREATE):
            _create(paths, console, name, choose_node_image(paths, console, choice, kubernetes))
        else:
            _reuse(paths, console, name, choice, why)
        own_networks.keep_inside(name)
        images.ensure_in_node(paths, console, name, registry=choice != "built")
        console.step(f"{name} is up; its kubeconfig is {paths.shown(paths.kubeconfig(name))}")


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
        well = health.becomes_well(name, RECOVERY_SECONDS).well
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
    container = docker.container(kind.node(name))
    console.step(f"{name}: {why}")
    current = recipe.node_image(paths)
    built_here = container is not None and container.image.startswith("conductor/node:")
    if container is not None and built_here and container.image != current and choice in ("auto", "built"):
        console.note(f"it is made of {container.image}; today's is {current}: `cluster down {name}` before `up`")
    source = container.mounts.get(kind.CONTROL_PLANE_IN_NODE) if container is not None else None
    if source is not None and source != str(paths.control_plane):
        console.note(f"another clone made it, the one with {source}")
    kind.export_kubeconfig(paths, console, name)


def down(paths: Paths, console: Console, names: list[str]) -> None:
    """Removes clusters with all that belongs to them. One that is not there is no error."""
    there = docker.cluster_containers() if engine.wake_docker(paths, console) else {}
    doomed = [container for name in names for container in there.get(name, [])]
    docker.remove(doomed)
    for name in names:
        shutil.rmtree(paths.cluster(name), ignore_errors=True)
        console.step(f"{name} removed" if name in there else f"{name} was not there")


def own_names(paths: Paths) -> list[str]:
    """Names of the clusters that this clone made."""
    return sorted(record.parent.name for record in paths.clusters.glob(f"*/{RECORD}"))


def listing(paths: Paths) -> list[tuple[str, str, str]]:
    """All kind clusters: name, state, and whose they are."""
    there, own = docker.cluster_containers(), own_names(paths)
    rows = []
    for name in sorted({*there, *own}):
        container = docker.container(kind.node(name))
        shown = "missing" if container is None else "running" if container.running else "stopped"
        rows.append((name, shown, "this clone" if name in own else "not of this clone"))
    return rows


def status(paths: Paths, name: str) -> list[tuple[str, bool, str]]:
    """What can be said about a cluster, from the bottom up: part, whether it is well, and in words."""
    version = docker.server_version()
    rows = [("docker", version is not None, version or "no Docker answers: `cluster up` starts it")]
    container = docker.container(kind.node(name)) if version is not None else None
    if container is None:
        return [*rows, ("node", False, f"there is no cluster {name}: `cluster up {name}` makes it")]
    if not container.running:
        return [*rows, ("node", False, f"stopped: `cluster up {name}` starts it")]
    found = health.look(name)
    rows.append(("API server", not found.api, found.api or "ready"))
    rows.append(("node", not found.node, found.node or f"Ready, made of {container.image}"))
    rows.append(("CoreDNS", not found.dns, found.dns or "serves"))
    known = images.in_node(name)
    missing = [image for image in images.wanted(paths) if images.normalized(image) not in known]
    rows.append(("images", not missing, f"missing: {', '.join(missing)}" if missing else "present"))
    kubeconfig = paths.kubeconfig(name)
    rows.append(("kubeconfig", kubeconfig.exists(), paths.shown(kubeconfig)))
    return rows
