# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which failed requests may be sent again, and when. Pure decisions; C(cluster/client.py) acts on them.

Server-side apply, reads and dry runs may all be repeated safely. Conflicts and refusals are never repeated:
they are decisions for a person.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import ApiError, ConductorError, UnreachableError

# Words of a webhook call that did not get through to the webhook: the server answers 500 InternalError
# (kubernetes/apiserver, pkg/admission/plugin/webhook/generic, "failed calling webhook").
WEBHOOK_CALL_FAILED = "failed calling webhook"
# Words of etcd in trouble for a moment (kubernetes/apiserver, etcd3 errors; retried by kapp and Helm as well).
ETCD_TRANSIENT = ("etcdserver: leader changed", "etcdserver: request timed out", "etcdserver: too many requests")

_TRANSIENT_STATUS = frozenset({429, 502, 503, 504})


@dataclass(frozen=True)
class Backoff:
    """Exponential back-off, in seconds: C(first), doubled at each attempt up to C(most), C(attempts) in all."""

    first: float = 0.1
    most: float = 2.0
    attempts: int = 5

    def pause(self, attempt: int) -> float:
        """The pause in seconds after attempt number C(attempt), counted from 1."""
        return min(self.first * float(2 ** (attempt - 1)), self.most)


def is_webhook_transport(error: ConductorError) -> bool:
    """Whether an admission webhook could not be called, as opposed to: it answered and said no."""
    return isinstance(error, ApiError) and error.status == 500 and WEBHOOK_CALL_FAILED in error.message


def is_transient(error: ConductorError) -> bool:
    """Whether the same request may well succeed a moment later.

    400, 401, 403, 404, 409 and 422 never are; a webhook that cannot be called is, but only the caller knows
    how long that may take, so it is left to the caller.
    """
    if isinstance(error, UnreachableError):
        return error.transient
    if not isinstance(error, ApiError):
        return False
    if error.status in _TRANSIENT_STATUS:
        return True
    return error.status == 500 and any(words in error.message for words in ETCD_TRANSIENT)


def pause_before_retry(error: ConductorError, attempt: int, backoff: Backoff) -> float | None:
    """Seconds to wait before the next attempt, or None: do not try again.

    A C(Retry-After) of the server is honoured as it stands, but for absurd values (over 30 s).
    """
    if attempt >= backoff.attempts or not is_transient(error):
        return None
    if isinstance(error, ApiError) and error.retry_after is not None:
        return min(error.retry_after, 30.0)
    return backoff.pause(attempt)
