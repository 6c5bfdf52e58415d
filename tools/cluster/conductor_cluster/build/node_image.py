# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the node image: Debian, the Kubernetes programs, and every image that a cluster needs, already unpacked."""

from __future__ import annotations

import concurrent.futures
import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path

from .. import catalogue, docker
from ..catalogue import RECIPE_LABEL
from ..console import Console
from ..locking import locked
from ..paths import Paths
from ..process import capture, logged
from . import contents, go_programs, recipe, root_file_system
from .archive import Entry, File, Image, write_archive, write_tar

CONDUCTOR_FOLDER = "usr/local/lib/conductor"
NODE_PROGRAMS = ("kubelet", "kubeadm", "kubectl")


def ensure(paths: Paths, console: Console) -> str:
    """Returns the name of the node image of today's recipe, built where Docker does not have it."""
    name = recipe.node_image(paths)
    if docker.image(name) is not None:
        return name
    with locked(paths.work / "build.lock", "the node image", console):
        if docker.image(name) is None:
            _build(paths, console, name)
    return name


def ensure_controller(paths: Paths, console: Console, controller: catalogue.Controller) -> None:
    """Returns when Docker has a controller's image that today's pins make, built here under its published name."""
    wanted = recipe.controller_recipe(paths, controller)
    with locked(paths.work / "build.lock", controller.image, console):
        if docker.image_label(controller.image, RECIPE_LABEL) == wanted:
            return
        programs = go_programs.build(paths, console, catalogue.family(paths, controller.family), controller)
        _load(paths, console, contents.controller_image(controller, programs / controller.program, wanted))


def ensure_test_image(paths: Paths, console: Console) -> None:
    """Returns when Docker has the test workload's image, made of Debian's busybox."""
    wanted = recipe.root_recipe(paths)
    with locked(paths.work / "build.lock", catalogue.TEST_IMAGE, console):
        if docker.image_label(catalogue.TEST_IMAGE, RECIPE_LABEL) == wanted:
            return
        _load(paths, console, contents.test_image(root_file_system.busybox(paths, console), wanted))


def _load(paths: Paths, console: Console, image: Image) -> None:
    archive = paths.work / "load.tar"
    write_archive(archive, [image])
    logged("load an image", ["docker", "load", "--input", str(archive)], paths.work / "logs" / "docker.log", paths)
    archive.unlink()
    console.step(f"image {image.name} built")


def _programs(paths: Paths, console: Console) -> dict[str, Path]:
    """Builds all families; program name -> file."""
    by_name: dict[str, Path] = {}
    wanted: list[tuple[str, catalogue.Controller | None]] = [(name, None) for name in recipe.NODE_FAMILIES]
    wanted += [(controller.family, controller) for controller in catalogue.controllers(paths)]
    for name, controller in wanted:
        folder = go_programs.build(paths, console, catalogue.family(paths, name), controller)
        by_name.update({file.name: file for file in folder.iterdir()})
    return by_name


@contextlib.contextmanager
def _container(name: str, image: str) -> Iterator[str]:
    """A container that does nothing, in which commands can be run; it is removed at the end."""
    docker.remove(docker.existing([name]))
    command = ["docker", "run", "--detach", "--privileged", "--network", "none", "--name", name, "--volume", "/build"]
    capture("start a container to build in", [*command, "--entrypoint", "sleep", image, "infinity"], timeout=120)
    try:
        yield name
    finally:
        docker.remove([name])


def _build(paths: Paths, console: Console, name: str) -> None:
    hashed = name.rsplit("-", 1)[-1]
    console.step(f"building the node image {name}: 15 minutes with empty caches, 1 minute with full ones")
    log = paths.work / "logs" / "node-image.log"
    log.unlink(missing_ok=True)
    # Before the compiler runs for minutes: can this machine do the rest at all?
    if docker.image(root_file_system.image_name(paths)) is None:
        root_file_system.check()
    go_programs.go_version()
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        # mmdebstrap mostly waits for the network, the Go compiler for the processor.
        root_job = pool.submit(root_file_system.ensure, paths, console)
        programs_job = pool.submit(_programs, paths, console)
        base, programs = root_job.result(), programs_job.result()
    version = catalogue.family(paths, "kube").version
    list_images = [str(programs["kubeadm"]), "config", "images", "list", "--kubernetes-version", version]
    names = capture("list kubeadm's images", list_images).stdout.decode().split()
    # One name a cache: what an interrupted build left behind is found again, and another clone's is left alone.
    of_cache = hashlib.sha256(str(paths.work).encode()).hexdigest()[: recipe.HASH_LENGTH]
    with _container(f"conductor-build-{of_cache}", base) as container:
        proxy_base = paths.work / "kube-proxy-files.tar"
        script = (paths.node / "stage" / "kube-proxy-files").read_bytes()
        proxy_base.write_bytes(docker.execute(container, ["bash", "-s"], stdin=script, timeout=120))
        images = contents.control_plane_images(names, programs, proxy_base)
        images.append(contents.test_image(root_file_system.busybox(paths, console), recipe.root_recipe(paths)))
        for controller in catalogue.controllers(paths):
            wanted = recipe.controller_recipe(paths, controller)
            images.append(contents.controller_image(controller, programs[controller.program], wanted))
        archive = paths.work / "node-images.tar"
        layers = write_archive(archive, images)
        console.step(f"{len(images)} images written")
        overlay = paths.work / "node-files.tar"
        write_tar(overlay, _node_files(paths, programs, version, contents.find_image(names, "pause")))
        with overlay.open("rb") as content:
            logged("copy files in", ["docker", "cp", "-", f"{container}:/"], log, paths, stdin=content)
        with archive.open("rb") as content:
            assemble = ["docker", "exec", "--interactive", container, "/build-stage/assemble", *layers]
            logged("assemble the node image", assemble, log, paths, stdin=content)
        docker.execute(container, ["rm", "-rf", "/build-stage"])
        console.step("images unpacked")
        changes = [
            f'ENTRYPOINT ["/{CONDUCTOR_FOLDER}/entrypoint", "/sbin/init"]',
            "ENV container=docker",
            "STOPSIGNAL SIGRTMIN+3",
            f"LABEL {RECIPE_LABEL}={hashed}",
        ]
        commit = ["docker", "commit", *(f"--change={change}" for change in changes), container, name]
        logged("commit the node image", commit, log, paths)
    for file in (archive, overlay, proxy_base):
        file.unlink()
    console.step(f"node image {name} built")


def _node_files(paths: Paths, programs: dict[str, Path], version: str, pause: str) -> list[Entry]:
    """Files of ours that lie over the root file system."""
    entries = contents.tree(paths.node / "root", {"@PAUSE_IMAGE@": pause})
    entries += [File(f"usr/bin/{name}", programs[name]) for name in NODE_PROGRAMS]
    entries.append(File(f"{CONDUCTOR_FOLDER}/kind", programs["kind"]))
    entries.append(File("kind/version", f"{version}\n".encode(), 0o644))
    entries.append(File("build-stage/assemble", paths.node / "stage" / "assemble"))
    return entries
