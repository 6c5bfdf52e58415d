# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turn transport errors and failed responses into errors with a message and a next step."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

try:
    import urllib3
except ImportError:  # reported by module_runner.py
    pass

from ..errors import ApiError, UnreachableError

if TYPE_CHECKING:
    from ..rejections.rejection import Scene

_FORBIDDEN = 403
# An object as errors name it: KIND NAME or KIND NAMESPACE/NAME.
_OBJECT = re.compile(r"(?P<kind>[A-Z]\w+) (?:(?P<namespace>[a-z0-9-]+)/)?(?P<name>[^\s/]+)")
# The kinds of objects that people write; all others are those of a release, which they cannot change.
_USERS_KINDS = frozenset({"TrainJob", "TrainingRuntime"})
# The message of http.client if a proxy answers CONNECT with 407; urllib3 passes it on as text only.
_LOGIN_WANTED = "Tunnel connection failed: 407"
# The messages of urllib3 1 begin with an object and its memory address, which differs every time.
_ADDRESS = re.compile(r"^<\S+ object at 0x[0-9a-f]+>: ")


def unreachable(error: Exception, host: str, step: str, subject: str) -> UnreachableError:
    """Return the error for a request without a response."""
    next_step = "check the server address, the network and the proxy settings from this machine"
    final = True
    if isinstance(error, urllib3.exceptions.SSLError):
        next_step = "check ca_cert (or the certificate-authority of the kubeconfig)"
    elif _LOGIN_WANTED in str(error):
        next_step = "put the user and the password of the proxy into the URL in conductor_proxy"
    else:
        final = False
    words = _ADDRESS.sub("", str(error))
    return UnreachableError(
        f"{host} cannot be reached: {words}", transient=not final, step=step, subject=subject, next_step=next_step
    )


def api_error(status: int, headers: Mapping[str, str], data: bytes, step: str, subject: str) -> ApiError:
    """Return the error for a response of 400 or above. Proxies and load balancers may not send a Status.

    A webhook or a policy chooses the status code of its denial. Such an error has the status 403, whatever the code:
    404 would mean that an object is missing, 409 that it exists, 401 that the credentials are wrong, 429 that the
    request should be repeated. C(facts) has the code of the response.
    """
    # A late import: most runs meet no error.
    from ..rejections.rejection import rejection_of

    try:
        body = json.loads(data)
    except ValueError:
        body = None
    if not _is_status(body):
        body = {"message": data[:300].decode(errors="replace")}
    details = body.get("details") or {}
    message = body.get("message") or f"HTTP {status}"
    retry_after = str(headers.get("Retry-After") or details.get("retryAfterSeconds") or "")
    found = rejection_of(message, status, str(body.get("reason") or ""))
    error = ApiError(
        message,
        status=_FORBIDDEN if found.is_denial else status,
        reason=body.get("reason") or "",
        causes=details.get("causes"),
        retry_after=float(retry_after) if retry_after.isdigit() else None,
        step=step,
        subject=subject,
        next_step=found.next_step(_scene(subject)),
    )
    error.facts["status"] = status
    return error


def _scene(subject: str) -> Scene:
    """Return what was rejected, by the name that errors give it."""
    from ..rejections.rejection import REQUEST, Scene

    found = _OBJECT.fullmatch(subject)
    if found is None:
        return REQUEST
    namespace = found["name"] if found["kind"] == "Namespace" else found["namespace"]
    return Scene(subject, namespace or "", given=found["kind"] not in _USERS_KINDS)


def no_json(status: int, host: str, step: str, subject: str) -> ApiError:
    """Return the error for a response that is not from an API server: a login page, a redirect, a load balancer."""
    return ApiError(
        f"{host} answered HTTP {status} without a JSON object",
        status=status,
        step=step,
        subject=subject,
        next_step="check that this is the address of a Kubernetes API server, and check the proxies in between",
    )


def _is_status(body: object) -> bool:
    return (
        isinstance(body, dict)
        and isinstance(body.get("message") or "", str)
        and isinstance(body.get("details") or {}, dict)
    )
