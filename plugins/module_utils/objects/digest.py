# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Canonical JSON and its digest. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def canonical(value: Any) -> bytes:
    """Return compact JSON with sorted keys: equal values have equal bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


# Everybody who may read the install record can try passwords: each attempt takes some 20 ms.
_ROUNDS = 50_000


def slow_digest(value: Any, purpose: str) -> str:
    """Return a digest of a secret JSON value, by which it cannot be found in practice."""
    text = value.encode() if isinstance(value, str) else canonical(value)
    return hashlib.pbkdf2_hmac("sha256", text, f"conductor.trainer/{purpose}".encode(), _ROUNDS).hex()[:32]


def manifest_digest(manifest: Mapping[str, Any]) -> str:
    """Return the digest of an object for the install record; a slow one of the content of a Secret."""
    if manifest.get("kind") != "Secret" or not (manifest.get("data") or manifest.get("stringData")):
        return digest(manifest)
    content = [manifest.get("data"), manifest.get("stringData")]
    hidden = slow_digest(content, f"Secret/{manifest['metadata']['name']}")
    return digest({**manifest, "data": hidden, "stringData": None})


def digest(value: Any) -> str:
    """Return a short digest of a JSON value: the first 16 hexadecimal digits of its SHA-256.

    64 bits are enough to notice a change among about fifty objects, and keep the install record small.
    """
    return hashlib.sha256(canonical(value)).hexdigest()[:16]
