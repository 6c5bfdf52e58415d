# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a request that failed says: transport errors and failed answers become errors with words and a hint."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

try:
    import urllib3
except ImportError:  # reported by _module.py
    pass

from ..errors import ApiError, UnreachableError

_HINTS = {
    401: "the server does not accept these credentials; renew the token or certificate",
    403: "ask for this right, or use other credentials",
    409: "see who owns the field; to take it over set force_conflicts",
}
# The word of http.client for a proxy's answer to CONNECT; urllib3 passes it on as text alone.
_LOGIN_WANTED = "Tunnel connection failed: 407"
# How urllib3 1 begins: an object and where it is in memory, which differs every time.
_ADDRESS = re.compile(r"^<\S+ object at 0x[0-9a-f]+>: ")


def unreachable(error: Exception, host: str, step: str, subject: str) -> UnreachableError:
    """The error for a request that got no answer."""
    next_step = "check the server address, the network and the proxy settings from this machine"
    final = True
    if isinstance(error, urllib3.exceptions.SSLError):
        next_step = "check ca_cert (or the certificate-authority of the kubeconfig)"
    elif _LOGIN_WANTED in str(error):
        next_step = "give the proxy a login: proxy: http://user:password@host:port"
    else:
        final = False
    words = _ADDRESS.sub("", str(error))
    return UnreachableError(
        f"{host} cannot be reached: {words}", transient=not final, step=step, subject=subject, next_step=next_step
    )


def api_error(status: int, headers: Mapping[str, str], data: bytes, step: str, subject: str) -> ApiError:
    """The error for an answer of 400 or above; proxies and load balancers answer with something that is no Status."""
    try:
        body = json.loads(data)
    except ValueError:
        body = None
    if not _is_status(body):
        body = {"message": data[:300].decode(errors="replace")}
    details = body.get("details") or {}
    retry_after = str(headers.get("Retry-After") or details.get("retryAfterSeconds") or "")
    return ApiError(
        body.get("message") or f"HTTP {status}",
        status=status,
        reason=body.get("reason") or "",
        causes=details.get("causes"),
        retry_after=float(retry_after) if retry_after.isdigit() else None,
        step=step,
        subject=subject,
        next_step=_HINTS.get(status),
    )


def no_json(status: int, host: str, step: str, subject: str) -> ApiError:
    """The error for an answer that no API server gives: a login page, a redirect, a load balancer's word."""
    return ApiError(
        f"{host} answered HTTP {status} with something that is no JSON object",
        status=status,
        step=step,
        subject=subject,
        next_step="check that this is the address of a Kubernetes API server, and what is between here and there",
    )


def _is_status(body: object) -> bool:
    return (
        isinstance(body, dict)
        and isinstance(body.get("message") or "", str)
        and isinstance(body.get("details") or {}, dict)
    )
