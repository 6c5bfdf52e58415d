# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Progress for a person: one line per step with the elapsed seconds, on standard error (results go to output)."""

from __future__ import annotations

import sys
import threading
import time
from typing import Callable, TextIO


class Console:
    """Print steps with the time since the tool was started.

    ``clock`` returns seconds. ``stream`` receives the lines; by default standard error, so that a shell can
    capture the result of a verb.
    """

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream if stream is not None else sys.stderr
        self._clock = clock
        self._start = clock()
        self._lock = threading.Lock()

    def step(self, text: str) -> None:
        """Print a finished step, or one that is about to take long."""
        self._print(f"{self._clock() - self._start:7.1f} s  {text}")

    def note(self, text: str) -> None:
        """Print a detail of the step before."""
        self._print(f"{'':11}{text}")

    def _print(self, line: str) -> None:
        with self._lock:
            print(line, file=self._stream, flush=True)
