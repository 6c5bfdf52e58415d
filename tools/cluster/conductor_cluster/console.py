# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Progress for a person, and locks that report when a run waits for another one."""

from __future__ import annotations

import contextlib
import fcntl
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Callable, TextIO


class Console:
    """Print steps to ``stream`` (standard error) with the time since the start; ``clock`` returns seconds."""

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream if stream is not None else sys.stderr
        self._clock = clock
        self._start = clock()

    def step(self, text: str) -> None:
        """Print a finished step, or one that is about to take long."""
        # In one piece: several threads report.
        self._stream.write(f"{self._clock() - self._start:7.1f} s  {text}\n")
        self._stream.flush()


@contextlib.contextmanager
def locked(path: Path, what: str, console: Console) -> Iterator[None]:
    """Hold the lock file ``path`` while the block runs; report it if another run holds it first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            console.step(f"waiting for another run that uses {what}")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
