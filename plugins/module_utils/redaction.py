# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep secrets out of every output: remove them from foreign text, collect them from the options of a task. Pure.

A controller or a user's training job may write anything into its log: text that looks like a secret is treated as one.

Ansible itself hides the options that are marked C(no_log). The others hold values worth showing (paths, addresses,
certificates) beside secrets.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

HIDDEN = "(hidden)"
PRIVATE_KEY = "PRIVATE KEY-----"

# Settings of a kubeconfig's user that are not secret: names of programs and files, and how to run them.
_NO_SECRETS = frozenset(
    {
        "apiVersion",
        "args",
        "as",
        "as-groups",
        "client-certificate",
        "client-key",
        "cmd-args",
        "cmd-path",
        "command",
        "installHint",
        "interactiveMode",
        "name",
        "tokenFile",
        "username",
    }
)

_NAMES = (
    r"(?:password|passwd|secret|token|api[_-]?key|private[_-]?key|access[_-]?key|[\w-]*-key-data|[\w-]*credentials?)"
)
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"-----BEGIN [^-]*(?:PRIVATE KEY|CERTIFICATE)[^-]*-----.*?(?:-----END [^-]*-----|\Z)", re.DOTALL),
        HIDDEN,
    ),
    # The end of such a block if the text begins in the middle of it.
    (re.compile(r"\A(?:[A-Za-z0-9+/=]+\s+)*-----END [^-]*-----"), HIDDEN),
    # JSON Web Tokens (RFC 7519), e.g. of ServiceAccounts: a JSON object in base64url begins with eyJ.
    (re.compile(r"\beyJ[\w-]{10,}(?:\.[\w-]+){0,2}"), HIDDEN),
    (re.compile(r"\b(Bearer|Basic)\s+[\w.~+/=-]{6,}", re.IGNORECASE), rf"\1 {HIDDEN}"),
    # The userinfo of a URL (RFC 3986).
    (re.compile(r"(\w+://)[^\s/@:]+:[^\s/@]+@"), rf"\1{HIDDEN}@"),
    # A quoted value may contain spaces. A structured log escapes the quotes.
    (re.compile(rf"""({_NAMES}\\*["']?\s*[:=]\s*\\*")[^"\\]+""", re.IGNORECASE), rf"\1{HIDDEN}"),
    (
        re.compile(
            rf"""({_NAMES}["']?\s*[:=]\s*["']?)[^\s"',;}}]{{3,}}""",
            re.IGNORECASE,
        ),
        rf"\1{HIDDEN}",
    ),
    # Long base64 text: a line of a PEM block has 64 characters (RFC 7468). Keep 64 hexadecimal digits: image digests.
    (re.compile(r"\b(?![0-9a-f]{64}\b)[A-Za-z0-9+/]{64,}={0,2}"), HIDDEN),
)


def redact(text: str) -> str:
    """Return the text with everything hidden that looks like a key, a token or a password."""
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text)
    return text


def secrets_in(options: Mapping[str, Any]) -> set[str]:
    """Return every secret in C(kubeconfig), C(proxy), C(host) and C(certificates_pem), and every private key.

    The values may be of any type, because options that fail validation are shown as well.
    """
    kubeconfig = options.get("kubeconfig")
    found = _of_url(options.get("proxy")) | _of_url(options.get("host")) | _of_pem(options.get("certificates_pem"))
    # Keys are also pasted where a path or a certificate belongs.
    found |= {value for value in options.values() if isinstance(value, str) and PRIVATE_KEY in value}
    for content in kubeconfig if isinstance(kubeconfig, list) else [kubeconfig]:
        if is_inline_text(content):
            found.add(str(content))
        elif isinstance(content, Mapping):
            found |= _of_kubeconfig(content)
    return found


def is_inline_text(kubeconfig: Any) -> bool:
    """Return whether a kubeconfig is given as the content of a file, e.g. a variable encrypted with Ansible Vault."""
    # JSON fits on one line.
    return isinstance(kubeconfig, str) and ("\n" in kubeconfig.strip() or kubeconfig.lstrip().startswith("{"))


def encoded_pem(pem: str) -> str:
    """Return PEM text as the C(data) of a Secret holds it."""
    # The file lookup strips the last line break; the encoded value must be the same with and without it.
    return base64.b64encode(f"{pem.rstrip()}\n".encode()).decode() if pem.strip() else ""


def _of_kubeconfig(kubeconfig: Mapping[str, Any]) -> set[str]:
    """Return all settings of the users except those known to be harmless, and the passwords of proxies.

    A list of secret keys, as kubernetes.core has it, misses the environment of an exec plugin, ID tokens and client
    secrets.
    """
    found: set[str] = set()

    def collect(value: Any) -> None:
        if isinstance(value, Mapping):
            for name, part in value.items():
                if name not in _NO_SECRETS:
                    collect(part)
        elif isinstance(value, list):
            for part in value:
                collect(part)
        elif isinstance(value, str) and value:
            found.add(value)

    for user in kubeconfig.get("users") or []:
        collect(user.get("user") if isinstance(user, Mapping) else None)
    for entry in kubeconfig.get("clusters") or []:
        cluster = entry.get("cluster") if isinstance(entry, Mapping) else None
        if isinstance(cluster, Mapping):
            found |= _of_url(cluster.get("proxy-url"))
    return found


def _of_url(url: Any) -> set[str]:
    """Return the password in a URL, both percent-encoded and decoded. The scheme may be missing."""
    credentials, at, _address = str(url or "").rpartition("://")[2].rpartition("@")
    password = credentials.partition(":")[2] if at else ""
    return {password, unquote(password)} if password else set()


def _of_pem(pems: Any) -> set[str]:
    """Return the keys in C(certificates_pem), both as PEM text and as the data of a Secret."""
    found = set(_private_texts(pems))
    return found | {encoded_pem(value) for value in found}


def _private_texts(pems: Any) -> Iterator[str]:
    for pair in pems.values() if isinstance(pems, Mapping) else ():
        for name, value in pair.items() if isinstance(pair, Mapping) else ():
            if isinstance(value, str) and value and (name == "key" or PRIVATE_KEY in value):
                yield value
