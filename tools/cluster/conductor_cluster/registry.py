# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pull images if a registry answers, and detect within seconds that none does."""

from __future__ import annotations

import enum
import subprocess
import threading
import time
from pathlib import Path

from .console import Console
from .errors import ClusterError
from .paths import Paths

ANSWER_SECONDS = 5
"""Time for a registry to begin its answer. The pull itself may then take as long as it needs."""
REMEMBERED_SECONDS = 600
"""How long a registry that did not answer is not asked again."""


class Answer(enum.Enum):
    """How a registry answered."""

    PULLED = "delivered it"
    NONE = "does not answer"
    REFUSED = "rejected the request"


def registry_of(image: str) -> str:
    """Return the registry host of an image name (Docker's rule: a host contains a dot or a colon)."""
    first, slash, _ = image.partition("/")
    is_host = bool(slash) and ("." in first or ":" in first or first == "localhost")
    return first if is_host else "docker.io"


def has_begun(line: str) -> bool:
    """Return whether a line of `docker pull` shows that the registry has delivered the image's manifest."""
    return ": Pulling from " in line


def is_refusal(said: str) -> bool:
    """Return whether an error of `docker pull` is the registry's answer (no such image, no access)."""
    words = ("manifest unknown", "not found: manifest", "pull access denied", "unauthorized", "toomanyrequests")
    text = said.lower()
    return any(word in text for word in words) or ("manifest for" in text and "not found" in text)


class Memory:
    """Registries that did not answer recently: an empty file per host in ``folder``, whose time is the attempt's."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def is_silent(self, host: str, now: float) -> bool:
        """Return whether ``host`` did not answer less than REMEMBERED_SECONDS before ``now`` (seconds since 1970)."""
        file = self._folder / host
        return file.exists() and 0 <= now - file.stat().st_mtime < REMEMBERED_SECONDS

    def remember(self, host: str) -> None:
        """Record that ``host`` did not answer now."""
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / host).touch()


def pull(paths: Paths, console: Console, image: str, *, ask_again: bool = False) -> Answer:
    """Pull ``image`` with `docker pull` if its registry begins to answer within ANSWER_SECONDS.

    Docker sends the requests, so its mirrors and proxies apply. ``ask_again``: ask a registry that did not answer
    recently. Raise ClusterError if a pull fails after it has begun.
    """
    host = registry_of(image)
    memory = Memory(paths.work / "silent-registries")
    if not ask_again and memory.is_silent(host, time.time()):
        return Answer.NONE
    command, begun, output = ["docker", "pull", image], False, ""
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        assert process.stdout is not None
        limit = threading.Timer(ANSWER_SECONDS, process.kill)
        limit.start()
        for line in process.stdout:
            output += line
            if not begun and has_begun(line):
                begun = True
                limit.cancel()
                console.step(f"pulling {image}")
        limit.cancel()
    output = output.strip()
    if begun and process.returncode == 0:
        console.step(f"pulled {image}")
        return Answer.PULLED
    if begun:
        raise ClusterError(f"pull {image}: {output}")
    if is_refusal(output):
        console.step(f"{host} does not deliver {image}: {output.splitlines()[-1]}")
        return Answer.REFUSED
    memory.remember(host)
    console.step(f"the registry {host} does not answer" + (f" ({output.splitlines()[-1]})" if output else ""))
    return Answer.NONE
