# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue of rejections: the words of an API server → kind → cause → next step. C(rejection.py) reads it.

Sources of the words (Kubernetes 1.31 to 1.37): apimachinery pkg/api/errors, apiserver pkg/admission/plugin/{webhook,
policy,namespace,resourcequota}, pkg/endpoints and pkg/registry, kubernetes plugin/pkg/admission/{limitranger,
serviceaccount,priority,runtimeclass,noderestriction,gc,imagepolicy}, pod-security-admission, etcd api/v3rpc. Webhooks
of policy engines: kyverno, gatekeeper, kubewarden. Trainer: pkg/webhooks, pkg/runtime/{core,framework/plugins}.
"""

from __future__ import annotations

from .entry import Entry
from .object_entries import OBJECTS
from .policy_entries import POLICIES
from .server_entries import SERVER
from .webhook_entries import WEBHOOKS

ENTRIES: tuple[Entry, ...] = (*WEBHOOKS, *POLICIES, *OBJECTS, *SERVER)

UNKNOWN = Entry(
    "unknown",
    "",
    "the API server rejects {what}",
    "read the server's message and correct what it names, then run this again",
    lasting=False,
)


def _of(kind: str) -> Entry:
    return next(entry for entry in ENTRIES if entry.kind == kind)


UNAUTHORIZED = Entry(
    "unauthorized",
    "",
    "the API server does not accept these credentials",
    "renew the token or certificate: the server does not accept these credentials",
)
FORBIDDEN = Entry(
    "forbidden",
    "",
    "the API server, or a proxy in front of it, rejects {what}",
    "check what the message names; if it is about a permission, grant this permission or use other credentials",
)
UNAVAILABLE = Entry(
    "unavailable",
    "",
    "the API server, or a load balancer in front of it, cannot answer",
    "wait a moment, then run this again; if it lasts, check the API server and the load balancers in front of it",
    lasting=False,
)
FAILED = Entry(
    "server_failed",
    "",
    "the API server fails",
    "search the log of the API server for this message, then run this again",
    lasting=False,
)
MALFORMED = Entry(
    "malformed",
    "",
    "the API server cannot process the request",
    "correct what the message names; if a proxy answers, check the address of the API server",
)

# Where no words match: the reason of the Status (apimachinery meta/v1, StatusReason), then its code, then its class.
BY_REASON: dict[str, Entry] = {
    "Unauthorized": UNAUTHORIZED,
    "Forbidden": FORBIDDEN,
    "NotFound": _of("type_missing"),
    "AlreadyExists": _of("already_exists"),
    "Conflict": _of("modified"),
    "Gone": _of("expired"),
    "Expired": _of("expired"),
    "Invalid": _of("invalid"),
    "ServerTimeout": _of("timeout"),
    "StoreReadError": _of("storage"),
    "Timeout": _of("timeout"),
    "TooManyRequests": _of("throttled"),
    "BadRequest": MALFORMED,
    "MethodNotAllowed": _of("unsupported_method"),
    "NotAcceptable": _of("selector"),
    "RequestEntityTooLarge": _of("too_large"),
    "UnsupportedMediaType": _of("selector"),
    "InternalError": FAILED,
    "ServiceUnavailable": UNAVAILABLE,
}
BY_STATUS: dict[int, Entry] = {
    401: UNAUTHORIZED,
    403: FORBIDDEN,
    404: _of("type_missing"),
    405: _of("unsupported_method"),
    409: _of("field_conflict"),
    410: _of("expired"),
    413: _of("too_large"),
    422: _of("invalid"),
    429: _of("throttled"),
    400: MALFORMED,
    500: FAILED,
    502: UNAVAILABLE,
    503: UNAVAILABLE,
    504: _of("timeout"),
    300: MALFORMED,
}
FALLBACKS = (UNKNOWN, UNAUTHORIZED, FORBIDDEN, UNAVAILABLE, FAILED, MALFORMED)
