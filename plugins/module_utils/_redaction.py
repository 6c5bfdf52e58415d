# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes secrets out of what other programs say: log lines, messages of events. Pure.

Nobody knows what a controller, or somebody's training job, writes into its log. What looks like a secret is one.
"""

from __future__ import annotations

import re

HIDDEN = "(hidden)"

_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"-----BEGIN [^-]*(?:PRIVATE KEY|CERTIFICATE)[^-]*-----.*?(?:-----END [^-]*-----|\Z)", re.DOTALL),
        HIDDEN,
    ),
    # JSON Web Tokens (RFC 7519), those of ServiceAccounts among them: a JSON object in base64url begins like this.
    (re.compile(r"\beyJ[\w-]{10,}(?:\.[\w-]+){0,2}"), HIDDEN),
    (re.compile(r"\b(Bearer|Basic)\s+[\w.~+/=-]{6,}", re.IGNORECASE), rf"\1 {HIDDEN}"),
    # The userinfo of a URL (RFC 3986).
    (re.compile(r"(\w+://)[^\s/@:]+:[^\s/@]+@"), rf"\1{HIDDEN}@"),
    (
        re.compile(
            r"""((?:password|passwd|secret|token|api[_-]?key|private[_-]?key|access[_-]?key|[\w-]*-key-data|[\w-]*credentials?)"""
            r"""["']?\s*[:=]\s*["']?)[^\s"',;}]{3,}""",
            re.IGNORECASE,
        ),
        rf"\1{HIDDEN}",
    ),
    # Long runs of base64 are no prose.
    (re.compile(r"\b[A-Za-z0-9+/]{80,}={0,2}"), HIDDEN),
)


def redact(text: str) -> str:
    """The same text without what looks like a key, a token or a password."""
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text)
    return text
