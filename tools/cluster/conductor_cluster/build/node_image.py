# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the node image: Debian, the Kubernetes programs, and every image that a cluster needs, already unpacked."""

from __future__ import annotations

import concurrent.futures
import hashlib
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from .. import catalogue, docker
from ..catalogue import RECIPE_LABEL, TEST_IMAGE
from ..console import Console, locked
from ..paths import Paths
from ..process import ClusterError, capture, logged
from . import go_programs, root_file_system

CONDUCTOR_FOLDER = "usr/local/lib/conductor"
NODE_PROGRAMS = {"kubelet": "usr/bin", "kubeadm": "usr/bin", "kubectl": "usr/bin", "kind": CONDUCTOR_FOLDER}
# The users that the published images of the controllers and of pause name.
CONTROLLER_USER = "65532:65532"
PAUSE_USER = "65535:65535"


def ensure(paths: Paths, console: Console) -> str:
    """Return the name of the node image of the current recipe; build it if Docker does not have it."""
    name = catalogue.node_image(paths)
    if docker.image(name) is None:
        with locked(paths.work / "build.lock", "the node image", console):
            if docker.image(name) is None:
                _build(paths, console, name)
    return name


def make_controller(paths: Paths, console: Console, name: str, controller: catalogue.Controller) -> None:
    """Make the image of a controller in Docker; build its program if the cache does not have it."""
    programs = go_programs.build(paths, console, catalogue.family(paths, controller.family), controller)
    wanted = catalogue.controller_recipe(paths, controller)
    make_image(paths, name, "/manager", programs / controller.program, user=CONTROLLER_USER, recipe=wanted)


def make_test_image(paths: Paths, console: Console, name: str) -> None:
    """Make the image of the test workload in Docker, of Debian's busybox."""
    files = root_file_system.read(paths, console, "busybox-files")
    make_image(paths, name, "/bin/sh", files=files, recipe=catalogue.root_recipe(paths))


def owned_by_root(info: tarfile.TarInfo) -> tarfile.TarInfo:
    """Return an entry of a tar without what depends on the user of this machine."""
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    info.mode = 0o755 if info.isdir() or info.mode & 0o100 else 0o644
    return info


def make_image(
    paths: Paths,
    name: str,
    entrypoint: str,
    program: Path | None = None,
    *,
    files: bytes = b"",
    user: str = "",
    recipe: str = "",
) -> None:
    """Make the image ``name`` in Docker: ``program`` at the path ``entrypoint``, and the files of a tar."""
    tar = paths.work / "image.tar"
    tar.unlink(missing_ok=True)
    if files:
        tar.write_bytes(files)
    if program is not None:
        with tarfile.open(tar, "a") as archive:
            archive.add(program, entrypoint, filter=owned_by_root)
            temporary = tarfile.TarInfo("tmp")
            temporary.type, temporary.mode = tarfile.DIRTYPE, 0o1777
            archive.addfile(temporary)
    changes = [f'ENTRYPOINT ["{entrypoint}"]', "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
    changes += ["WORKDIR /", *([f"USER {user}"] if user else [])]
    changes += [f"LABEL {RECIPE_LABEL}={recipe}"] if recipe else []
    command = ["docker", "import", *(f"--change={change}" for change in changes), str(tar), name]
    capture(f"make the image {name}", command, timeout=600)
    tar.unlink()


def control_plane_images(names: Sequence[str], programs: Mapping[str, Path]) -> dict[str, str]:
    """Return program -> image name for the image names that kubeadm lists: the program is the last part."""
    images = {name.rpartition("/")[2].partition(":")[0]: name for name in names}
    odd = [name for program, name in images.items() if program not in programs]
    if odd or "pause" not in images:
        raise ClusterError(f"kubeadm lists images whose programs are not built here, or none of pause: {names}")
    return images


def _programs(paths: Paths, console: Console) -> dict[str, Path]:
    """Build all families and return program name -> file."""
    wanted: list[tuple[str, catalogue.Controller | None]] = [(name, None) for name in catalogue.NODE_FAMILIES]
    wanted += [(controller.family, controller) for controller in catalogue.controllers(paths)]
    folders = [go_programs.build(paths, console, catalogue.family(paths, name), of) for name, of in wanted]
    return {file.name: file for folder in folders for file in folder.iterdir()}


def _make_images(
    paths: Paths, console: Console, prefix: str, programs: dict[str, Path], control_plane: dict[str, str]
) -> None:
    """Make all images of a cluster in Docker; ``prefix`` keeps them apart from published ones."""
    for program, name in control_plane.items():
        files = root_file_system.read(paths, console, "kube-proxy-files") if program == "kube-proxy" else b""
        user = PAUSE_USER if program == "pause" else ""
        make_image(paths, prefix + name, f"/usr/local/bin/{program}", programs[program], files=files, user=user)
    for controller in catalogue.controllers(paths):
        make_controller(paths, console, prefix + controller.image, controller)
    make_test_image(paths, console, prefix + docker.normalized(TEST_IMAGE))
    console.step("images made")


def _write_files(paths: Paths, programs: dict[str, Path], target: Path) -> None:
    """Write a tar of our files that lie over the root file system."""
    files = {file.name: file for file in (paths.node / "root").iterdir()}
    files["build-stage/assemble"] = paths.node / "stage" / "assemble"
    files.update({f"{folder}/{name}": programs[name] for name, folder in NODE_PROGRAMS.items()})
    with tarfile.open(target, "w") as tar:
        for name, file in files.items():
            tar.add(file, name, filter=owned_by_root)


def _build(paths: Paths, console: Console, name: str) -> None:
    console.step(f"building the node image {name}: 15 minutes with empty caches, 1 minute with full ones")
    log = paths.work / "logs" / "node-image.log"
    log.unlink(missing_ok=True)
    # Before the compiler runs for minutes: can this machine do the rest at all?
    if docker.image(root_file_system.image_name(paths)) is None:
        root_file_system.check()
    go_programs.check()
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        # mmdebstrap mostly waits for the network, the Go compiler for the processor.
        root_job = pool.submit(root_file_system.ensure, paths, console)
        programs_job = pool.submit(_programs, paths, console)
        base, programs = root_job.result(), programs_job.result()
    version = catalogue.family(paths, "kube").version
    list_images = [str(programs["kubeadm"]), "config", "images", "list", "--kubernetes-version", version]
    names = capture("list kubeadm's images", list_images).stdout.decode().split()
    # One name a cache: what an interrupted build left behind is found again, and another clone's is left alone.
    container = f"conductor-build-{hashlib.sha256(str(paths.work).encode()).hexdigest()[: catalogue.HASH_LENGTH]}"
    prefix = f"{container}.invalid/"
    control_plane = control_plane_images(names, programs)
    others = [*(controller.image for controller in catalogue.controllers(paths)), docker.normalized(TEST_IMAGE)]
    made = [prefix + image for image in (*control_plane.values(), *others)]
    archive, overlay = paths.work / "node-images.tar", paths.work / "node-files.tar"
    docker.remove([container])
    try:
        _make_images(paths, console, prefix, programs, control_plane)
        _write_files(paths, programs, overlay)
        logged("save the images", ["docker", "save", "--output", str(archive), *made], log, paths)
        start = ["docker", "run", "--detach", "--privileged", "--network", "none", "--volume", "/build"]
        start += ["--name", container, "--entrypoint", "sleep", base, "infinity"]
        capture("start a container to build in", start, timeout=120)
        with overlay.open("rb") as content:
            logged("copy files in", ["docker", "cp", "-", f"{container}:/"], log, paths, stdin=content)
        assemble = ["/build-stage/assemble", prefix, control_plane["pause"], version]
        with archive.open("rb") as content:
            command = ["docker", "exec", "--interactive", container, *assemble]
            logged("assemble the node image", command, log, paths, stdin=content)
        console.step("images unpacked")
        changes = [
            f'ENTRYPOINT ["/{CONDUCTOR_FOLDER}/entrypoint", "/sbin/init"]',
            "ENV container=docker",
            "STOPSIGNAL SIGRTMIN+3",
            f"LABEL {RECIPE_LABEL}={name.rsplit('-', 1)[-1]}",
        ]
        commit = ["docker", "commit", *(f"--change={change}" for change in changes), container, name]
        logged("commit the node image", commit, log, paths)
    finally:
        docker.remove([container])
        capture("remove the images", ["docker", "image", "rm", *made], check=False)
        archive.unlink(missing_ok=True)
        overlay.unlink(missing_ok=True)
    console.step(f"node image {name} built")
