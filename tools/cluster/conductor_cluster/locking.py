# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""File locks: concurrent runs wait for each other instead of breaking each other's work."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from .console import Console


@contextlib.contextmanager
def locked(path: Path, what: str, console: Console) -> Iterator[None]:
    """Hold the lock file ``path`` while the block runs; report it if another run holds the lock first.

    The kernel releases the lock when the process ends, however it ends.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            console.step(f"waiting for another run that uses {what}")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
