# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write a JSON value in its canonical form, and compute its digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

DIGEST_KEY = "sha256"


def canonical(value: object) -> str:
    """Return the canonical JSON text of a value: compact, keys sorted, ASCII only; raises ValueError for NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def digest(value: object) -> str:
    """Return the SHA-256 of the canonical text as 64 hexadecimal digits."""
    return hashlib.sha256(canonical(value).encode("ascii")).hexdigest()


def seal(bundle: Mapping[str, Any]) -> dict[str, Any]:
    """Return the bundle with the digest of everything else in it under ``sha256``."""
    content = {key: value for key, value in bundle.items() if key != DIGEST_KEY}
    return {**content, DIGEST_KEY: digest(content)}
