# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes sure that a Docker answers which can run kind nodes: the one there is, else one started or installed here."""

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

from . import debian, docker
from .console import Console
from .errors import ClusterError
from .locking import locked
from .paths import Paths
from .process import capture, tail

START_SECONDS = 60
# 20.10 fails on `--privileged` without CAP_SYS_RESOURCE, 26.1 does not; those between were not tried.
OLDEST_ANYWHERE = 23
DEFAULT_SOCKETS = ("unix:///var/run/docker.sock", "unix:///run/docker.sock")
PID_FILES = (Path("/var/run/docker.pid"), Path("/var/run/docker/containerd/containerd.pid"))
# Linux, include/uapi/linux/capability.h.
CAP_SYS_RESOURCE = 24
# A cluster's systemd, kubelet, containerd and CNI take about 60 instances; the kernel's default of 128 a user
# is enough for one cluster, and the second one's kubelet fails with "too many open files".
INOTIFY_INSTANCES = Path("/proc/sys/fs/inotify/max_user_instances")
INOTIFY_WANTED = 1024


class Action(enum.Enum):
    """What has to be done so that Docker answers."""

    NOTHING = "nothing"
    START = "start"
    INSTALL = "install"
    REFUSE = "refuse"


@dataclass(frozen=True)
class Host:
    """What the decision needs to know about this machine."""

    answers: str | None
    """Version of the Docker that answers."""
    installed: str | None
    """Version of the Docker daemon that is installed."""
    codename: str | None
    """Debian's code name, None where this is no Debian."""
    root: bool
    may_exceed_limits: bool
    """Whether the capability CAP_SYS_RESOURCE is there."""
    docker_host: str
    """DOCKER_HOST, or an empty text."""


def decide(host: Host) -> tuple[Action, str]:
    """What to do, and the sentence that says why."""

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
        return Action.REFUSE, "no Docker answers and this is no Debian: install Docker 23 or later, start it, try again"
    return Action.INSTALL, "no usable Docker is installed" if host.installed is None else (
        f"Docker {host.installed} is installed, which cannot start privileged containers here"
    )


def has_capability(status: str, bit: int) -> bool:
    """Whether capability ``bit`` is in the bounding set that the text of /proc/self/status shows."""
    match = re.search(r"^CapBnd:\s*([0-9a-f]+)$", status, re.MULTILINE)
    return bool(match and int(match.group(1), 16) >> bit & 1)


def look() -> Host:
    """Looks at this machine."""
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
    """Returns when a usable Docker answers. Raises ClusterError with the one sentence that helps where it cannot."""
    action, why = decide(look())
    if action is Action.NOTHING:
        return
    if action is Action.REFUSE:
        raise ClusterError(why)
    with locked(paths.clusters / "docker.lock", "Docker", console):
        host = look()
        action, why = decide(host)
        if action is Action.NOTHING:
            return
        console.step(why)
        if action is Action.INSTALL:
            debian.install_docker(paths, console, host.codename or "", with_client=shutil.which("docker") is None)
            if docker.server_version() is not None:
                return
        _start(paths, console)


def wake_docker(paths: Paths, console: Console) -> bool:
    """Whether this machine has a Docker that could hold clusters; on True it answers. Nothing is installed for that.

    A Docker that merely does not run still has the nodes of its last run on its disk. Raises ClusterError where
    there may be one that cannot be asked.
    """
    if decide(look())[0] is Action.INSTALL:
        return False
    ensure_docker(paths, console)
    return True


def _program_of(pid: int) -> str:
    """Name of the running program ``pid``, an empty text where there is none."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def _await_running(console: Console) -> str | None:
    """Waits for a dockerd that runs without answering: it may be starting, or ending its containers before it ends.

    Returns its version once it answers, None when there is none any more. Raises ClusterError when it does neither.
    """
    try:
        pid = int(PID_FILES[0].read_text().strip())
    except (OSError, ValueError):
        return None
    if _program_of(pid) != "dockerd":
        return None
    console.step(f"a dockerd (pid {pid}) runs but does not answer; waiting for it")
    deadline = time.monotonic() + START_SECONDS
    while _program_of(pid) == "dockerd":
        version = docker.server_version(timeout=5)
        if version is not None:
            return version
        if time.monotonic() > deadline:
            raise ClusterError(
                f"a dockerd (pid {pid}) runs but gave no answer for {START_SECONDS} s: look at its log, end it with "
                f"`kill {pid}` and try again"
            )
        time.sleep(0.2)
    return None


def _clear_leftovers(console: Console) -> None:
    """Takes away what a Docker that was killed left behind and that would keep a new one from starting.

    dockerd refuses to start when its pid file names any living process, its own or not; and a containerd that
    outlived its dockerd holds the lock of its database.
    """
    for file in PID_FILES:
        try:
            pid = int(file.read_text().strip())
        except (OSError, ValueError):
            file.unlink(missing_ok=True)
            continue
        if _program_of(pid) == "containerd":
            console.note(f"ending the containerd (pid {pid}) that an earlier dockerd left behind")
            os.kill(pid, signal.SIGTERM)
            deadline = time.monotonic() + 10
            while _program_of(pid) == "containerd" and time.monotonic() < deadline:
                time.sleep(0.1)
        else:
            console.note(f"removing the stale {file}")
        file.unlink(missing_ok=True)


def _start(paths: Paths, console: Console) -> None:
    if Path("/run/systemd/system").is_dir():
        console.step("starting Docker: systemctl start docker")
        capture("start Docker", ["systemctl", "start", "docker"], timeout=START_SECONDS)
        return
    version = _await_running(console)
    if version is not None:
        console.step(f"Docker {version} answers")
        return
    _clear_leftovers(console)
    log = paths.clusters / "dockerd.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    console.step(f"starting dockerd (it keeps running; log in {paths.shown(log)})")
    with log.open("ab") as out:
        begin = out.tell()
        # A session of its own, and nothing of the caller's terminal or pipes: it has to outlive the shell of a CI job
        # and must not keep that job's output open, nor use its folder of temporary files, which may be gone sooner.
        variables = {name: value for name, value in os.environ.items() if name != "TMPDIR"}
        daemon = subprocess.Popen(
            ["dockerd"],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
            cwd="/",
            env=variables,
        )
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        version = docker.server_version(timeout=5)
        if version is not None:
            console.step(f"Docker {version} answers")
            return
        if daemon.poll() is not None:
            break
        time.sleep(0.2)
    ended = daemon.poll() is not None
    how = f"ended with code {daemon.returncode}" if ended else f"gave no answer in {START_SECONDS} s"
    raise ClusterError(
        f"start Docker: dockerd {how}; all of it is in {paths.shown(log)}, the last lines are:\n"
        f"{tail(log.read_bytes()[begin:].decode(errors='replace'))}"
    )


def ensure_inotify(console: Console) -> None:
    """Raises the kernel's limit of inotify instances where it is too low for a second cluster, saying so."""
    if not INOTIFY_INSTANCES.exists():
        return
    now = int(INOTIFY_INSTANCES.read_text())
    if now >= INOTIFY_WANTED:
        return
    try:
        INOTIFY_INSTANCES.write_text(str(INOTIFY_WANTED))
        console.step(f"raised fs.inotify.max_user_instances from {now} to {INOTIFY_WANTED} (until the next boot)")
    except OSError as error:
        console.step(
            f"fs.inotify.max_user_instances is {now} and cannot be raised ({error.strerror}): "
            f"more than one cluster needs `sysctl fs.inotify.max_user_instances={INOTIFY_WANTED}`"
        )
