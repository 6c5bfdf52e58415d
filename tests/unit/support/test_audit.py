# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from tests.support.audit import writes

BEFORE, START, AFTER = "2026-01-01T00:00:00.999999Z", "2026-01-01T00:00:01.000000Z", "2026-01-01T00:00:01.000001Z"


def event(**changes: object) -> str:
    base: dict[str, object] = {
        "stage": "ResponseComplete",
        "verb": "patch",
        "requestURI": "/api/v1/namespaces/a?fieldManager=conductor",
        "requestReceivedTimestamp": AFTER,
        "user": {"username": "kubernetes-admin"},
        "objectRef": {"resource": "namespaces", "apiVersion": "v1"},
        "userAgent": "conductor.trainer/1.0.0",
        "responseStatus": {"code": 200},
    }
    return json.dumps(base | changes)


def found(*lines: str) -> list[str]:
    since = datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC)
    return [entry["verb"] for entry in writes(lines, "kubernetes-admin", since)]


@pytest.mark.parametrize("verb", ["create", "update", "patch", "delete", "deletecollection"])
def test_writing_verbs_count(verb: str) -> None:
    assert found(event(verb=verb)) == [verb]


@pytest.mark.parametrize("verb", ["get", "list", "watch"])
def test_reading_verbs_do_not(verb: str) -> None:
    assert found(event(verb=verb)) == []


def test_a_dry_run_is_no_write() -> None:
    assert found(event(requestURI="/api/v1/namespaces?fieldManager=conductor&dryRun=All")) == []


def test_dry_run_in_the_path_does_not_hide_a_write() -> None:
    assert found(event(requestURI="/api/v1/namespaces/dryRun?fieldManager=dryRun")) == ["patch"]


def test_a_question_is_no_write() -> None:
    assert found(event(verb="create", objectRef={"apiGroup": "authorization.k8s.io"})) == []


def test_only_the_users_requests_count() -> None:
    assert found(event(user={"username": "system:node:a"})) == []
    # A request that is not authenticated has no user.
    assert found(event(user={}), event()) == ["patch"]


def test_only_requests_since_the_start_count() -> None:
    assert found(event(requestReceivedTimestamp=BEFORE)) == []
    assert found(event(requestReceivedTimestamp=START)) == ["patch"]


def test_a_request_counts_once() -> None:
    assert found(event(stage="ResponseStarted"), event()) == ["patch"]


def test_a_refused_write_counts_too() -> None:
    assert found(event(responseStatus={"code": 403})) == ["patch"]


def test_a_line_that_is_no_event_is_an_error() -> None:
    with pytest.raises(ValueError, match="Expecting value"):
        found("not json")
