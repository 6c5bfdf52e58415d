# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pulls images where a registry answers, and finds out within seconds where none does."""

from __future__ import annotations

import enum
import json
import os
import selectors
import subprocess
import time
from pathlib import Path

from .console import Console
from .errors import ClusterError
from .paths import Paths

ANSWER_SECONDS = 5
"""How long a registry may take until it begins to answer. The pull itself may then take as long as it needs."""
REMEMBERED_SECONDS = 600
"""How long a registry that gave no answer is not asked again."""


class Answer(enum.Enum):
    """How a registry answered."""

    PULLED = "pulled"
    NONE = "gave no answer"
    REFUSED = "refused"


def registry_of(image: str) -> str:
    """Host of the registry that an image name points to (Docker's rule: a host has a dot or a colon in it)."""
    first, slash, _ = image.partition("/")
    is_host = bool(slash) and ("." in first or ":" in first or first == "localhost")
    return first if is_host else "docker.io"


def has_begun(line: str) -> bool:
    """Whether a line that `docker pull` prints shows that the registry has delivered the image's manifest."""
    return ": Pulling from " in line


def is_refusal(said: str) -> bool:
    """Whether the error of `docker pull` is the registry's own word (no such image, no access), not its silence."""
    words = ("manifest unknown", "not found: manifest", "pull access denied", "unauthorized", "toomanyrequests")
    text = said.lower()
    return any(word in text for word in words) or ("manifest for" in text and "not found" in text)


class Memory:
    """Which registries lately gave no answer, in a file of the cache."""

    def __init__(self, file: Path, now: float) -> None:
        self._file = file
        self._now = now

    def _read(self) -> dict[str, float]:
        try:
            data = json.loads(self._file.read_text())
        except (OSError, ValueError):
            return {}
        return {str(host): float(when) for host, when in data.items()} if isinstance(data, dict) else {}

    def is_silent(self, host: str) -> bool:
        """Whether ``host`` gave no answer less than REMEMBERED_SECONDS ago."""
        when = self._read().get(host)
        return when is not None and 0 <= self._now - when < REMEMBERED_SECONDS

    def remember(self, host: str) -> None:
        """Remembers that ``host`` gave no answer."""
        data = {**self._read(), host: self._now}
        self._file.parent.mkdir(parents=True, exist_ok=True)
        partial = self._file.with_name(f"{self._file.name}.{os.getpid()}")
        partial.write_text(json.dumps(data))
        partial.replace(self._file)


def pull(paths: Paths, console: Console, image: str, *, ask_again: bool = False) -> Answer:
    """Pulls ``image`` with `docker pull` if its registry begins to answer within ANSWER_SECONDS.

    It is Docker that asks, so its mirrors and proxies count. ``ask_again``: ask even if it was silent lately.
    Raises ClusterError when a pull that had begun fails.
    """
    host = registry_of(image)
    memory = Memory(paths.work / "silent-registries.json", time.time())
    if not ask_again and memory.is_silent(host):
        return Answer.NONE
    process = subprocess.Popen(
        ["docker", "pull", image], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout is not None
    said = b""
    begun = False
    deadline = time.monotonic() + ANSWER_SECONDS
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while not begun and time.monotonic() < deadline:
            if selector.select(timeout=max(0.0, deadline - time.monotonic())):
                block = os.read(process.stdout.fileno(), 65536)
                if not block:
                    break
                said += block
                begun = any(has_begun(line) for line in said.decode(errors="replace").splitlines())
    if begun:
        console.step(f"pulling {image}")
        said += process.stdout.read()
        if process.wait() != 0:
            raise ClusterError(f"pull {image}: {said.decode(errors='replace').strip()}")
        console.step(f"pulled {image}")
        return Answer.PULLED
    if process.poll() is None and time.monotonic() >= deadline:
        process.kill()
    process.wait()
    text = said.decode(errors="replace").strip()
    if is_refusal(text):
        console.step(f"{host} has no {image} for us: {text.splitlines()[-1]}")
        return Answer.REFUSED
    memory.remember(host)
    console.step(f"the registry {host} gives no answer" + (f" ({text.splitlines()[-1]})" if text else ""))
    return Answer.NONE
