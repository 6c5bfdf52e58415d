# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make sure that a Docker for kind nodes answers: use the running one, start the installed one, or install one."""

from __future__ import annotations

import enum
import os
import re
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from . import debian, docker
from .console import Console, locked
from .paths import Paths
from .process import ClusterError, capture, tail

START_SECONDS = 60
# 20.10 fails on `--privileged` without CAP_SYS_RESOURCE, 26.1 does not; the versions between them were not tested.
OLDEST_ANYWHERE = 23
DEFAULT_SOCKETS = ("unix:///var/run/docker.sock", "unix:///run/docker.sock")
PID_FILES = (Path("/var/run/docker.pid"), Path("/var/run/docker/containerd/containerd.pid"))
SYSTEMD = Path("/run/systemd/system")
# Linux, include/uapi/linux/capability.h.
CAP_SYS_RESOURCE = 24
# A cluster's systemd, kubelet, containerd and CNI use about 60 instances. The kernel's default of 128 per user
# is enough for one cluster; the kubelet of a second one fails with "too many open files".
INOTIFY_INSTANCES = Path("/proc/sys/fs/inotify/max_user_instances")
INOTIFY_WANTED = 1024


# How to make Docker answer.
Action = enum.Enum("Action", ["NOTHING", "START", "INSTALL", "REFUSE"])


@dataclass(frozen=True)
class Host:
    """The facts about this machine on which the decision depends."""

    # Versions of the Docker that answers and of the installed one; Debian's code name.
    answers: str | None
    installed: str | None
    codename: str | None
    root: bool
    # Whether the capability CAP_SYS_RESOURCE is available.
    may_exceed_limits: bool
    # DOCKER_HOST, or an empty text.
    docker_host: str


def decide(host: Host) -> tuple[Action, str]:
    """Return the action and its reason."""

    def too_old(version: str) -> bool:
        return docker.major_version(version) < OLDEST_ANYWHERE and not host.may_exceed_limits

    if host.answers is not None:
        if too_old(host.answers):
            return Action.REFUSE, (
                f"Docker {host.answers} answers, but without the capability CAP_SYS_RESOURCE it cannot start "
                f"privileged containers: install Docker {OLDEST_ANYWHERE} or later and try again"
            )
        return Action.NOTHING, f"Docker {host.answers} answers"
    if host.docker_host and host.docker_host not in DEFAULT_SOCKETS:
        return Action.REFUSE, f"no Docker answers at DOCKER_HOST={host.docker_host}: start it, or unset DOCKER_HOST"
    if not host.root:
        return Action.REFUSE, "no Docker answers: start it (or install it) as root, or set DOCKER_HOST, and try again"
    if host.installed is not None and not too_old(host.installed):
        return Action.START, f"Docker {host.installed} is installed but does not answer"
    if host.codename is None:
        return Action.REFUSE, (
            f"no Docker answers, and only Debian's can be installed here: install Docker {OLDEST_ANYWHERE} or later, "
            f"start it and try again"
        )
    if host.installed is None:
        return Action.INSTALL, "no Docker is installed"
    return Action.INSTALL, f"the installed Docker {host.installed} cannot start privileged containers here"


def has_capability(status: str, bit: int) -> bool:
    """Return whether the bounding set in the text of /proc/self/status contains the capability ``bit``."""
    match = re.search(r"^CapBnd:\s*([0-9a-f]+)$", status, re.MULTILINE)
    return bool(match and int(match.group(1), 16) >> bit & 1)


def look() -> Host:
    """Return the facts about this machine."""
    installed: str | None = None
    if shutil.which("dockerd"):
        done = capture("dockerd --version", ["dockerd", "--version"], check=False)
        match = re.search(r"version (\S+?),", done.stdout.decode())
        installed = match.group(1) if match else None
    status = Path("/proc/self/status")
    return Host(
        answers=docker.server_version() if shutil.which("docker") else None,
        installed=installed,
        codename=debian.this_codename(),
        root=os.geteuid() == 0,
        may_exceed_limits=has_capability(status.read_text(), CAP_SYS_RESOURCE) if status.exists() else True,
        docker_host=os.environ.get("DOCKER_HOST", ""),
    )


def ensure_docker(paths: Paths, console: Console) -> None:
    """Return when a usable Docker answers. Raise ClusterError with the next step if that is impossible."""
    with locked(paths.clusters / "docker.lock", "Docker", console):
        host = look()
        action, why = decide(host)
        if action is Action.REFUSE:
            raise ClusterError(why)
        if action is Action.NOTHING:
            return
        console.step(why)
        if action is Action.INSTALL:
            debian.install_docker(paths, console, host.codename or "", with_client=shutil.which("docker") is None)
        # The package may have started it.
        if docker.server_version() is None:
            _start(paths, console)


def wake_docker(paths: Paths, console: Console) -> bool:
    """Start an installed Docker, which has the nodes of its last run; return whether there is any."""
    if decide(look())[0] is Action.INSTALL:
        return False
    ensure_docker(paths, console)
    return True


def _pid(file: Path, program: str) -> int | None:
    """Return the process ID in ``file`` if it belongs to a running ``program``, else None."""
    try:
        pid = int(file.read_text())
        return pid if Path(f"/proc/{pid}/comm").read_text().strip() == program else None
    except (OSError, ValueError):
        return None


def _wait_for_answer(running: Callable[[], bool]) -> str | None:
    """Return Docker's version when it answers; None if the daemon ends first, or after START_SECONDS."""
    deadline = time.monotonic() + START_SECONDS
    while running() and time.monotonic() < deadline:
        version = docker.server_version(timeout=5)
        if version is not None:
            return version
        time.sleep(0.2)
    return None


def _clear_leftovers(console: Console) -> None:
    """Remove what a killed Docker left behind and what prevents a new one from starting."""
    # dockerd does not start if its pid file names any living process, and a containerd that outlived its dockerd holds
    # the lock of its database.
    for file in PID_FILES:
        pid = _pid(file, "containerd")
        if pid is not None:
            console.step(f"ending the containerd (pid {pid}) of an earlier dockerd")
            os.kill(pid, signal.SIGTERM)
            deadline = time.monotonic() + 10
            while _pid(file, "containerd") == pid and time.monotonic() < deadline:
                time.sleep(0.1)
        elif file.exists():
            console.step(f"removing the stale {file}")
        file.unlink(missing_ok=True)


def _start(paths: Paths, console: Console) -> None:
    if SYSTEMD.is_dir():
        console.step("starting Docker: systemctl start docker")
        capture("start Docker", ["systemctl", "start", "docker"], timeout=START_SECONDS)
        return
    # One that runs without answering may be starting, or stopping its containers before it ends.
    pid = _pid(PID_FILES[0], "dockerd")
    if pid is not None:
        console.step(f"waiting for a dockerd (pid {pid}) that is running but does not answer")
        if _wait_for_answer(lambda: _pid(PID_FILES[0], "dockerd") == pid) is not None:
            return
        if _pid(PID_FILES[0], "dockerd") == pid:
            raise ClusterError(
                f"a dockerd (pid {pid}) is running but did not answer for {START_SECONDS} s: look at its log, end it "
                f"with `kill {pid}` and try again"
            )
    _clear_leftovers(console)
    log = paths.clusters / "dockerd.log"
    console.step(f"starting dockerd (it keeps running; its log is {paths.shown(log)})")
    # A session of its own, without the caller's terminal and pipes: the daemon outlives the shell of a CI job, must not
    # keep that job's output open, and must not use its temporary folder, which may be deleted earlier.
    variables, null = {name: value for name, value in os.environ.items() if name != "TMPDIR"}, subprocess.DEVNULL
    with log.open("wb") as out:
        daemon = subprocess.Popen(
            ["dockerd"], stdin=null, stdout=out, stderr=out, start_new_session=True, cwd="/", env=variables
        )
    version = _wait_for_answer(lambda: daemon.poll() is None)
    if version is None:
        code = daemon.poll()
        how = f"did not answer within {START_SECONDS} s" if code is None else f"ended with exit code {code}"
        raise ClusterError(
            f"start Docker: dockerd {how}; the log is {paths.shown(log)}, its last lines are:\n"
            f"{tail(log.read_text(errors='replace'))}"
        )
    console.step(f"Docker {version} answers")


def ensure_inotify(console: Console) -> None:
    """Raise the kernel's limit of inotify instances, and report it, if it is too low for a second cluster."""
    now = int(INOTIFY_INSTANCES.read_text()) if INOTIFY_INSTANCES.exists() else INOTIFY_WANTED
    if now >= INOTIFY_WANTED:
        return
    said = f"raised fs.inotify.max_user_instances from {now} to {INOTIFY_WANTED} (until the next boot)"
    try:
        INOTIFY_INSTANCES.write_text(str(INOTIFY_WANTED))
    except OSError as error:
        said = (
            f"fs.inotify.max_user_instances is {now} and cannot be raised ({error.strerror}): "
            f"more than one cluster requires `sysctl fs.inotify.max_user_instances={INOTIFY_WANTED}`"
        )
    console.step(said)
