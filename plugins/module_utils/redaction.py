# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes secrets out of what other programs say: log lines, messages of events. Pure.

Nobody knows what a controller, or somebody's training job, writes into its log. What looks like a secret is one.
"""

from __future__ import annotations

import re

HIDDEN = "(hidden)"

_NAMES = (
    r"(?:password|passwd|secret|token|api[_-]?key|private[_-]?key|access[_-]?key|[\w-]*-key-data|[\w-]*credentials?)"
)
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"-----BEGIN [^-]*(?:PRIVATE KEY|CERTIFICATE)[^-]*-----.*?(?:-----END [^-]*-----|\Z)", re.DOTALL),
        HIDDEN,
    ),
    # The end of such a block whose beginning is not among the last lines.
    (re.compile(r"\A(?:[A-Za-z0-9+/=]+\s+)*-----END [^-]*-----"), HIDDEN),
    # JSON Web Tokens (RFC 7519), those of ServiceAccounts among them: a JSON object in base64url begins like this.
    (re.compile(r"\beyJ[\w-]{10,}(?:\.[\w-]+){0,2}"), HIDDEN),
    (re.compile(r"\b(Bearer|Basic)\s+[\w.~+/=-]{6,}", re.IGNORECASE), rf"\1 {HIDDEN}"),
    # The userinfo of a URL (RFC 3986).
    (re.compile(r"(\w+://)[^\s/@:]+:[^\s/@]+@"), rf"\1{HIDDEN}@"),
    # In quotes, which a structured log escapes, a value may have spaces.
    (re.compile(rf"""({_NAMES}\\*["']?\s*[:=]\s*\\*")[^"\\]+""", re.IGNORECASE), rf"\1{HIDDEN}"),
    (
        re.compile(
            rf"""({_NAMES}["']?\s*[:=]\s*["']?)[^\s"',;}}]{{3,}}""",
            re.IGNORECASE,
        ),
        rf"\1{HIDDEN}",
    ),
    # Long runs of base64 are no prose; a line of a PEM block has 64 (RFC 7468), and so has the digest of an image.
    (re.compile(r"\b(?![0-9a-f]{64}\b)[A-Za-z0-9+/]{64,}={0,2}"), HIDDEN),
)


def redact(text: str) -> str:
    """The same text without what looks like a key, a token or a password."""
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text)
    return text
