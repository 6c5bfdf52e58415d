# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Canonical JSON and its digest. Pure."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def canonical(value: Any) -> bytes:
    """Return compact JSON with sorted keys: equal values have equal bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def digest(value: Any) -> str:
    """Return a short digest of a JSON value: the first 16 hexadecimal digits of its SHA-256.

    64 bits are enough to notice a change among about fifty objects, and keep the install record small.
    """
    return hashlib.sha256(canonical(value)).hexdigest()[:16]
