# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pull images if a registry answers, and detect within seconds that none does."""

from __future__ import annotations

import subprocess
import threading
import time

from .console import Console
from .paths import Paths
from .process import ClusterError

ANSWER_SECONDS = 5
"""Time for a registry to begin its answer. The pull itself may then take as long as it needs."""
REMEMBERED_SECONDS = 600
"""How long an image that its registry did not deliver is not asked for again."""
DELIVERS = ": Pulling from "
"""In the line of `docker pull` that shows that the registry has delivered the image's manifest."""


def pull(paths: Paths, console: Console, image: str, *, ask_again: bool = False) -> bool:
    """Pull ``image`` with `docker pull` if its registry begins to deliver it within ANSWER_SECONDS; return whether.

    Docker sends the requests, so its mirrors and proxies apply. A failure is remembered as an empty file, whose time is
    the attempt's; ``ask_again`` ignores it. Raise ClusterError if a pull fails after it has begun.
    """
    failed = paths.work / "not-delivered" / image.replace("/", "_")
    if not ask_again and failed.exists() and 0 <= time.time() - failed.stat().st_mtime < REMEMBERED_SECONDS:
        return False
    command, begun, output = ["docker", "pull", image], False, ""
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        assert process.stdout is not None
        limit = threading.Timer(ANSWER_SECONDS, process.kill)
        limit.start()
        for line in process.stdout:
            output += line
            if not begun and DELIVERS in line:
                begun = True
                limit.cancel()
                console.step(f"pulling {image}")
        limit.cancel()
    output = output.strip()
    if begun and process.returncode != 0:
        raise ClusterError(f"pull {image}: {output}")
    if begun:
        console.step(f"pulled {image}")
        return True
    failed.parent.mkdir(parents=True, exist_ok=True)
    failed.touch()
    why = output.splitlines()[-1] if output else f"its registry did not answer within {ANSWER_SECONDS} s"
    console.step(f"{image} cannot be pulled: {why}")
    return False
