# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.cluster.retry import (
    Backoff,
    is_transient,
    is_webhook_transport,
    pause_before_retry,
)
from ansible_collections.conductor.trainer.plugins.module_utils.errors import (
    AnswerError,
    ConductorError,
    TargetError,
    UnreachableError,
)
from tests.unit.plugins.helpers.fakes import failure

WEBHOOK = failure(500, "InternalError", 'Internal error occurred: failed calling webhook "x": connection refused')


@pytest.mark.parametrize(
    ("error", "transient"),
    [
        *((failure(status), True) for status in (429, 502, 503, 504)),
        *((failure(status), False) for status in (400, 401, 403, 404, 409, 410, 413, 422, 500, 501)),
        (failure(500, message="etcdserver: leader changed"), True),
        (failure(500, message="rpc error: etcdserver: request timed out"), True),
        (failure(400, message="etcdserver: leader changed"), False),
        (WEBHOOK, False),
        (UnreachableError("gone"), True),
        (UnreachableError("bad certificate", transient=False), False),
        (TargetError("none"), False),
        (AnswerError("a page", status=404), False),
        (AnswerError("a page", status=503, transient=True), True),
    ],
)
def test_transient_failures(error: ConductorError, transient: bool) -> None:
    assert is_transient(error) is transient
    assert (pause_before_retry(error, 1, Backoff()) is not None) is transient


def test_webhook_that_cannot_be_called_differs_from_a_rejection() -> None:
    assert is_webhook_transport(WEBHOOK)
    assert not is_webhook_transport(failure(400, message='admission webhook "x" denied the request'))
    assert not is_webhook_transport(failure(400, message=WEBHOOK.message))
    assert not is_webhook_transport(failure(500, "InternalError", "etcdserver: leader changed"))
    assert not is_webhook_transport(UnreachableError(WEBHOOK.message))


def test_pauses_double_up_to_the_maximum() -> None:
    backoff = Backoff(first=0.5, most=3.0)
    assert [backoff.pause(attempt) for attempt in range(1, 6)] == [0.5, 1.0, 2.0, 3.0, 3.0]


def test_default_backoff_has_several_attempts_and_is_short() -> None:
    pauses = [pause_before_retry(failure(503), attempt, Backoff()) for attempt in range(1, 10)]
    assert pauses == [0.1, 0.2, 0.4, 0.8, *[None] * 5]
    assert Backoff().pause(9) == 2.0


def test_no_retry_after_the_last_attempt() -> None:
    backoff = Backoff(attempts=3)
    pauses = [pause_before_retry(failure(503), attempt, backoff) for attempt in (1, 2, 3, 4)]
    assert [pause is None for pause in pauses] == [False, False, True, True]


@pytest.mark.parametrize(("asked", "pause"), [(0.0, 0.0), (7.0, 7.0), (9000.0, 30.0)])
def test_retry_after_is_honoured_up_to_a_limit(asked: float, pause: float) -> None:
    assert pause_before_retry(failure(429, retry_after=asked), 1, Backoff()) == pause


def test_retry_after_of_a_proxy_is_honoured() -> None:
    error = AnswerError("a page", status=503, transient=True, retry_after=3.0)
    assert pause_before_retry(error, 1, Backoff()) == 3.0
