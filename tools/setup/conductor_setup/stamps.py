# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stamps: small files that say for what input a folder was made, so that unchanged input means no work."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path


def digest(parts: Iterable[str | Path]) -> str:
    """SHA-256 (hex) over texts and the contents of files.

    Raises:
        OSError: a file cannot be read.
    """
    total = hashlib.sha256()
    for part in parts:
        data = part.read_bytes() if isinstance(part, Path) else part.encode()
        # The length keeps two parts from running into each other.
        total.update(f"{len(data)}:".encode() + data)
    return total.hexdigest()


def is_current(stamp: Path, key: str) -> bool:
    """Whether ``stamp`` was written for ``key``; a missing stamp is not."""
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == key


def write(stamp: Path, key: str) -> None:
    """Note that the work for ``key`` is complete; call it last."""
    stamp.write_text(key, encoding="utf-8")
