# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide which failed requests to retry, and when. Pure; C(cluster/transport.py) acts on the decisions.

Server-side apply, reads and dry runs can all be repeated safely. Conflicts and rejections are never retried:
a person must decide about them.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import AnswerError, ApiError, ConductorError, UnreachableError

# Message if the server could not call a webhook: it answers 500 InternalError
# (kubernetes/apiserver, pkg/admission/plugin/webhook/generic, "failed calling webhook").
WEBHOOK_CALL_FAILED = "failed calling webhook"
# Messages of passing etcd failures (kubernetes/apiserver, etcd3 errors; kapp and Helm retry them as well).
ETCD_TRANSIENT = ("etcdserver: leader changed", "etcdserver: request timed out", "etcdserver: too many requests")

# Overload, or a restart behind a load balancer.
TRANSIENT_STATUS = frozenset({429, 502, 503, 504})


@dataclass(frozen=True)
class Backoff:
    """Exponential back-off: pauses from C(first) seconds, doubled up to C(most), for C(attempts) attempts in total."""

    first: float = 0.1
    most: float = 2.0
    attempts: int = 5

    def pause(self, attempt: int) -> float:
        """Return the pause in seconds after attempt number C(attempt), counted from 1."""
        return min(self.first * float(2 ** (attempt - 1)), self.most)


def is_webhook_transport(error: ConductorError) -> bool:
    """Return whether an admission webhook could not be called; False if it answered and rejected the request."""
    return isinstance(error, ApiError) and error.status == 500 and WEBHOOK_CALL_FAILED in error.message


def is_transient(error: ConductorError) -> bool:
    """Return whether the same request may succeed shortly after.

    400, 401, 403, 404, 409 and 422 are final. A webhook that cannot be called may recover, but only the caller
    knows how long that may take, so this returns False for it.
    """
    if isinstance(error, UnreachableError):
        return error.transient
    if not isinstance(error, ApiError):
        return False
    if error.status in TRANSIENT_STATUS:
        return True
    return error.status == 500 and any(words in error.message for words in ETCD_TRANSIENT)


def pause_before_retry(error: ConductorError, attempt: int, backoff: Backoff) -> float | None:
    """Return the seconds to wait before the next attempt, or None to give up.

    A C(Retry-After) of the server is honoured up to 30 s.
    """
    if attempt >= backoff.attempts or not is_transient(error):
        return None
    if isinstance(error, (ApiError, AnswerError)) and error.retry_after is not None:
        return min(error.retry_after, 30.0)
    return backoff.pause(attempt)
