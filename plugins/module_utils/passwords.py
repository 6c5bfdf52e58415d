# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find passwords that stand among other values: in URLs, and in the environment variables of containers. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

# The end of the name of a variable. Names like TOKEN_FILE and AWS_ACCESS_KEY_ID hold no secret.
_SECRET_NAME = re.compile(
    r"(?:PASSWORD|PASSWD|PASSPHRASE|(?:^|[_.-])(?:PASS|TOKEN|JWT|SECRET|CREDENTIALS?)|"
    r"(?:API|ACCESS|SECRET|PRIVATE|AUTH|ACCOUNT|ENCRYPTION|SIGNING)[_-]?KEY)$",
    re.IGNORECASE,
)
# The password in the userinfo of a URL (RFC 3986); what looks like a port and a path is none.
_IN_URL = re.compile(r"""[A-Za-z0-9]://[^\s/?#"'<>:@]*:(?!\d+(?:[/?#]|$))([^\s"'<>@]+)@""")
# Kubernetes replaces $(NAME) by the value of another variable.
_REFERENCE = re.compile(r"(?:\$\(\w+\))+")
_NOTHING = frozenset(("", "true", "false", "yes", "no", "on", "off", "none", "null"))
# Deeper values are rejected.
_DEEPEST = 100


def is_secret_name(name: Any) -> bool:
    """Return whether the name of a variable suggests that it holds a password."""
    return isinstance(name, str) and _SECRET_NAME.search(name) is not None


def passwords_in(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the path of each text with a password, e.g. C(env[0].value), and the password."""
    yield from _found(value, path, 0)


def _found(value: Any, path: str, depth: int) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        for password in _IN_URL.findall(value):
            if not _REFERENCE.fullmatch(password):
                yield path, password
                if unquote(password) != password:
                    yield path, unquote(password)
    elif depth > _DEEPEST:
        return
    elif isinstance(value, Mapping):
        if is_secret_name(value.get("name")) and _is_secret(value.get("value")):
            yield f"{path}.value", str(value["value"])
        for name, part in value.items():
            yield from _found(part, f"{path}.{name}" if path else str(name), depth + 1)
    elif isinstance(value, (list, tuple)):
        for number, part in enumerate(value):
            yield from _found(part, f"{path}[{number}]", depth + 1)


def _is_secret(value: Any) -> bool:
    return isinstance(value, str) and value.lower() not in _NOTHING and not _REFERENCE.fullmatch(value)
