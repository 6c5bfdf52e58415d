# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turn transport errors and failed responses into errors with a message and a next step."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

try:
    import urllib3
except ImportError:  # reported by module_runner.py
    pass

from ..errors import AnswerError, ApiError, UnreachableError
from ..wire.body import beginning, quoted, without_credentials
from .retry import TRANSIENT_STATUS

if TYPE_CHECKING:
    from ..rejections.rejection import Rejection, Scene

_FORBIDDEN = 403
# How the denial by a webhook begins (kubernetes/apiserver, pkg/admission/plugin/webhook/errors). The catalogue of
# rejections says the same, but most denials are the expected answers of probes, and need nothing else of it.
_DENIED = re.compile(r'admission webhook "[^"\\]{0,300}" denied the request')
# An object as errors name it: KIND NAME or KIND NAMESPACE/NAME.
_OBJECT = re.compile(r"(?P<kind>[A-Z]\w+) (?:(?P<namespace>[a-z0-9-]+)/)?(?P<name>[^\s/]+)")
# The kinds of objects that people write; all others are those of a release, which they cannot change.
_USERS_KINDS = frozenset({"TrainJob", "TrainingRuntime"})
# Next steps for an answer that is not from an API server.
_WRONG_ADDRESS = (
    "check that the server address, with its path, is that of a Kubernetes API server, and check the proxies and "
    "gateways in between"
)
_REJECTED_BETWEEN = "a proxy or gateway in between rejects the request: check its rules and login, and the address"
# Words of OpenSSL and Python's ssl, and the next step for them.
_TLS_STEPS = (
    (
        r"wrong.version.number|http.request|unknown.protocol|record.layer.failure|packet.length.too.long|bad.record.type",
        "check the address and its port: the server that answers there does not use TLS",
    ),
    (
        r"certificate has expired|certificate is not yet valid",
        "renew the certificate of the API server, or set the clock of this machine",
    ),
    (
        r"hostname mismatch|ip address mismatch|doesn't match",
        "use an address that the certificate contains, or set tls-server-name in the kubeconfig",
    ),
    (
        r"alert.(?:bad.certificate|certificate|unknown.ca)|certificate.required",
        "check client_cert and client_key (or those of the kubeconfig's user): the server rejects the certificate",
    ),
    (
        r"alert.handshake.failure|protocol.version|unsupported.protocol|no.(?:protocols|shared.cipher)",
        "check the TLS versions and ciphers of the server and of proxies in between: this machine accepts none",
    ),
    (r"unexpected.eof|eof occurred", "check the server address, the network and the proxy settings from this machine"),
    (r"", "check ca_cert (or the certificate-authority of the kubeconfig)"),
)
# The message of http.client if a proxy answers CONNECT with 407; urllib3 passes it on as text only.
_LOGIN_WANTED = "Tunnel connection failed: 407"
# The messages of urllib3 1 begin with an object and its memory address, which differs every time.
_ADDRESS = re.compile(r"^<\S+ object at 0x[0-9a-f]+>: ")
# Everything that an API server answers without a Status has these headers (kubernetes/apiserver,
# pkg/endpoints/filters/audit_init.go and pkg/server/filters/priority-and-fairness.go).
_OWN_HEADERS = ("Audit-Id", "X-Kubernetes-Pf-Flowschema-Uid")
# Its answer for a resource type that it does not know (pkg/util/notfoundhandler).
_UNKNOWN_TYPE = b"404 page not found"
# The longest message that is kept, in characters.
_MESSAGE = 16_000
_SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)


def unreachable(error: Exception, host: str, step: str, subject: str) -> UnreachableError:
    """Return the error for a request without a response."""
    next_step = "check the server address, the network and the proxy settings from this machine"
    final = True
    if isinstance(error, urllib3.exceptions.SSLError):
        next_step = next(step for words, step in _TLS_STEPS if re.search(words, str(error), re.IGNORECASE))
    elif _LOGIN_WANTED in str(error):
        next_step = "put the user and the password of the proxy into the URL in conductor_proxy"
    else:
        final = False
    words = quoted(_ADDRESS.sub("", str(error)), 1000)
    return UnreachableError(
        f"{host} cannot be reached: {words}", transient=not final, step=step, subject=subject, next_step=next_step
    )


def too_late(seconds: float, host: str, step: str, subject: str) -> UnreachableError:
    """Return the error for a request without a complete response in time."""
    return UnreachableError(
        f"{host} cannot be reached: it did not answer completely in {seconds:.0f} s",
        step=step,
        subject=subject,
        next_step="check the load of the server, the network and the proxies in between, then run this again",
    )


def is_from_api_server(status: int, headers: Mapping[str, str], data: bytes) -> bool:
    """Return whether a failure comes from an API server, and not from a proxy, gateway or virtual host before it."""
    body = _parsed(data)
    if isinstance(body, dict) and body.get("kind") == "Status":
        said = body.get("code"), body.get("status")
        # That an object is missing counts only if it is said.
        return said[0] in (None, status) and said[1] in (None, "Failure") and (status != 404 or said != (None, None))
    own = any(headers.get(name) for name in _OWN_HEADERS)
    return own and (status != 404 or data.strip() == _UNKNOWN_TYPE)


def api_error(status: int, headers: Mapping[str, str], data: bytes, step: str, subject: str) -> ApiError:
    """Return the error for a response of 400 or above. Proxies and load balancers may not send a Status.

    A webhook or a policy chooses the status code of its denial. Such an error has the status 403, whatever the code:
    404 would mean that an object is missing, 409 that it exists, 401 that the credentials are wrong, 429 that the
    request should be repeated. C(facts) has the code of the response.
    """
    body = _parsed(data)
    if not _is_status(body):
        body = {"message": data[:300].decode(errors="replace")}
    details = body.get("details") or {}
    causes = details.get("causes")
    message = body.get("message") or f"HTTP {status}"
    reason = body["reason"] if isinstance(body.get("reason"), str) else ""
    rejection = partial(_rejection, message, status, reason)
    is_denial = status == _FORBIDDEN or _DENIED.match(message) is not None or rejection().is_denial
    message = without_credentials(message)
    error = ApiError(
        f"{message[:_MESSAGE]} ... ({len(message) - _MESSAGE} more characters)" if len(message) > _MESSAGE else message,
        status=_FORBIDDEN if is_denial else status,
        reason=quoted(reason),
        causes=[_cleaned(cause) for cause in causes if isinstance(cause, dict)] if isinstance(causes, list) else None,
        retry_after=retry_after(headers, details),
        step=step,
        subject=subject,
        next_step=lambda: rejection().next_step(_scene(subject)),
    )
    error.facts["status"] = status
    return error


def _rejection(message: str, status: int, reason: str) -> Rejection:
    # A late import: most runs meet no error, but for objects that are rejected as expected.
    from ..rejections.rejection import rejection_of

    return rejection_of(message, status, reason)


def _scene(subject: str) -> Scene:
    """Return what was rejected, by the name that errors give it."""
    from ..rejections.rejection import REQUEST, Scene

    found = _OBJECT.fullmatch(subject)
    if found is None:
        return REQUEST
    namespace = found["name"] if found["kind"] == "Namespace" else found["namespace"]
    return Scene(subject, namespace or "", given=found["kind"] not in _USERS_KINDS)


def odd_answer(
    what: str, status: int, headers: Mapping[str, str], host: str, request: str, step: str, subject: str
) -> AnswerError:
    """Return the error for an answer that is not what an API server answers.

    Args:
        what: what is odd about it.
        request: method and path.
    """
    return AnswerError(
        f"the answer of {host} to {request} (HTTP {status}) is not that of a Kubernetes API server: {what}",
        status=status,
        retry_after=retry_after(headers, {}),
        transient=status in TRANSIENT_STATUS,
        step=step,
        subject=subject,
        next_step=_REJECTED_BETWEEN if status in (401, 403, 407) else _WRONG_ADDRESS,
    )


def failed_answer(
    status: int, headers: Mapping[str, str], data: bytes, host: str, request: str, step: str, subject: str
) -> ApiError | AnswerError:
    """Return the error for a response with a status other than success."""
    if status >= 400 and is_from_api_server(status, headers, data):
        return api_error(status, headers, data, step, subject)
    what = "it is a redirect" if 300 <= status < 400 else beginning(data, 300)
    return odd_answer(what, status, headers, host, request, step, subject)


def retry_after(headers: Mapping[str, str], details: Mapping[str, Any]) -> float | None:
    """Return the seconds to wait as requested; None for dates and anything else."""
    found = headers.get("Retry-After")
    if found:
        return float(found) if _SECONDS.fullmatch(str(found).strip()) else None
    seconds = details.get("retryAfterSeconds")
    return float(seconds) if isinstance(seconds, int) and seconds is not True and 0 < seconds < 10**12 else None


def _cleaned(cause: Mapping[str, Any]) -> dict[str, Any]:
    """Return the texts of a cause."""
    return {
        name: without_credentials(value)[:_MESSAGE]
        for name, value in cause.items()
        if name in ("reason", "message", "field") and isinstance(value, str)
    }


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _is_status(body: object) -> bool:
    return (
        isinstance(body, dict)
        and isinstance(body.get("message") or "", str)
        and isinstance(body.get("details") or {}, dict)
    )
