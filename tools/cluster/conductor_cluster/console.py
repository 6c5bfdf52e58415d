# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Progress for a person: one line a step with the seconds since the start, on standard error (results go to output)."""

from __future__ import annotations

import sys
import threading
import time
from typing import Callable, TextIO


class Console:
    """Prints steps with the time elapsed since the tool was started.

    ``clock`` returns seconds; ``stream`` takes the lines (default: standard error, so that a verb
    whose result is a path can be used in a shell's command substitution).
    """

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream if stream is not None else sys.stderr
        self._clock = clock
        self._start = clock()
        self._lock = threading.Lock()

    def elapsed(self) -> float:
        """Seconds since the tool was started."""
        return self._clock() - self._start

    def step(self, text: str) -> None:
        """Says that ``text`` is done, or what is about to take long."""
        with self._lock:
            print(f"{self.elapsed():7.1f} s  {text}", file=self._stream, flush=True)

    def note(self, text: str) -> None:
        """Says something that belongs to the step before."""
        with self._lock:
            print(f"{'':11}{text}", file=self._stream, flush=True)
