# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Callable
from typing import Any

import pytest
from kubernetes.client import Configuration

from ansible_collections.conductor.trainer.plugins.module_utils.cluster import transport
from ansible_collections.conductor.trainer.plugins.module_utils.cluster.client import Cluster
from ansible_collections.conductor.trainer.plugins.module_utils.errors import (
    AnswerError,
    ApiError,
    ConductorError,
    UnreachableError,
)
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import RESOURCES
from ansible_collections.conductor.trainer.plugins.module_utils.wire.body import Limits
from tests.unit.plugins.helpers.builders import obj
from tests.unit.plugins.helpers.fakes import Clock
from tests.unit.plugins.helpers.server import Answer, Server, status

PODS = RESOURCES["v1", "Pod"]


@pytest.fixture
def cluster(server: Server, clock: Clock) -> Cluster:
    return server.client(clock)


def test_the_path_of_a_server_behind_a_gateway_is_kept(server: Server) -> None:
    configuration = Configuration()
    configuration.host = server.url + "/k8s/clusters/c-1/"
    Cluster(configuration).get("/version")
    assert server.asked[0].path == "/k8s/clusters/c-1/version"


def test_token_is_read_for_each_request(server: Server) -> None:
    tokens = iter(["Bearer one", "Bearer two"])

    def renew(configuration: Any) -> None:
        configuration.api_key = {"authorization": next(tokens)}

    configuration = Configuration()
    configuration.host = server.url
    configuration.api_key = {"authorization": "Bearer old"}
    configuration.refresh_api_key_hook = renew  # type: ignore[assignment]
    cluster = Cluster(configuration)
    cluster.get("/a")
    cluster.get("/b")
    assert [asked.header("Authorization") for asked in server.asked] == ["Bearer one", "Bearer two"]


def test_a_compressed_answer_is_unpacked(cluster: Cluster, server: Server) -> None:
    server.answers = [Answer(body=gzip.compress(b'{"a":1}'), headers={"Content-Encoding": "gzip"})]
    assert cluster.get("/a") == {"a": 1}
    assert server.asked[0].header("Accept-Encoding") == "gzip"


@pytest.mark.parametrize("code", [429, 502, 503, 504])
def test_transient_status_is_retried(cluster: Cluster, server: Server, clock: Clock, code: int) -> None:
    server.answers = [status(code), Answer(body={"a": 1})]
    assert cluster.get("/a") == {"a": 1}
    assert len(server.asked) == 2
    assert clock.pauses == [0.1]


def test_a_write_is_repeated_with_its_body(cluster: Cluster, server: Server) -> None:
    server.answers = [status(503), Answer()]
    cluster.server_side_apply(obj("Namespace", "a"))
    assert [json.loads(asked.body)["kind"] for asked in server.asked] == ["Namespace", "Namespace"]


def test_retry_after_is_honoured(cluster: Cluster, server: Server, clock: Clock) -> None:
    later = status(503, details={"retryAfterSeconds": 3})
    server.answers = [status(429, headers={"Retry-After": "7"}), later, Answer()]
    cluster.get("/a")
    assert clock.pauses == [7.0, 3.0]


def test_failure_is_raised_after_the_last_attempt(cluster: Cluster, server: Server, clock: Clock) -> None:
    server.answers = [status(503, "overloaded")]
    with pytest.raises(ApiError, match="list pods in n: overloaded"):
        cluster.list_all(PODS, "n")
    assert len(server.asked) == 3
    assert len(clock.pauses) == 2


@pytest.mark.parametrize("code", [400, 401, 403, 404, 409, 410, 422, 500])
def test_final_status_is_not_retried(cluster: Cluster, server: Server, clock: Clock, code: int) -> None:
    server.answers = [status(code)]
    with pytest.raises(ApiError) as caught:
        cluster.server_side_apply(obj("Namespace", "a"))
    assert (caught.value.status, caught.value.subject) == (code, "Namespace a")
    assert len(server.asked) == 1
    assert clock.pauses == []


def test_a_webhook_that_cannot_be_called_is_left_to_the_caller(cluster: Cluster, server: Server) -> None:
    server.answers = [status(500, 'Internal error occurred: failed calling webhook "x": timeout')]
    with pytest.raises(ApiError, match="failed calling webhook"):
        cluster.server_side_apply(obj("Namespace", "a"))
    assert len(server.asked) == 1


def test_failure_without_a_status_keeps_its_text(cluster: Cluster, server: Server) -> None:
    server.answers = [Answer(403, b"<html>Blocked by gateway</html>")]
    with pytest.raises(AnswerError, match="Blocked by gateway"):
        cluster.get("/a")


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, b"<html>Please log in</html>"),
        Answer(200, b""),
        Answer(302, b"moved", {"Location": "/login"}),
    ],
)
def test_response_without_json_is_an_api_error(cluster: Cluster, server: Server, answer: Answer) -> None:
    server.answers = [answer]
    with pytest.raises(ConductorError):
        cluster.get("/a")


def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.mark.parametrize(
    "ask",
    [
        lambda cluster: cluster.get("/version"),
        lambda cluster: cluster.server_side_apply(obj("Namespace", "a")),
        lambda cluster: list(cluster.watch(PODS, "n", "1", 5, metadata_only=True)),
    ],
)
def test_missing_server_is_unreachable(clock: Clock, ask: Callable[[Cluster], Any]) -> None:
    configuration = Configuration()
    configuration.host = f"http://127.0.0.1:{closed_port()}"
    with pytest.raises(UnreachableError, match="cannot be reached") as caught:
        ask(Cluster(configuration, sleep=clock.sleep))
    assert configuration.host in str(caught.value)
    assert caught.value.next_step


def test_fresh_opens_new_connections(cluster: Cluster, server: Server) -> None:
    other = cluster.fresh()
    assert other._pool is not cluster._pool
    other.get("/a")
    other.close()
    assert server.asked[0].header("Authorization") == "Bearer secret"
    assert server.asked[0].header("Impersonate-User") == "u"


def test_remembering_client_sends_each_request_once(cluster: Cluster, server: Server) -> None:
    asked = cluster.remembering()
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview", "spec": {"namespace": "a"}}
    for _time in range(2):
        asked.get("/version")
        asked.get("/version", metadata_only=True)
        asked.review(review)
        asked.review({**review, "spec": {"namespace": "b"}})
        # A dry run stores nothing but is not cached: the next one may have another result.
        asked.dry_run_create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "x"}})
    assert len(server.asked) == 4 + 2
    # The next decision reads again.
    asked.remembering().get("/version")
    cluster.get("/version")
    assert len(server.asked) == 8


def test_no_retry_after_the_deadline(cluster: Cluster, server: Server, clock: Clock) -> None:
    server.answers = [status(503), status(503), Answer(body={"kind": "X"})]
    bounded = cluster.bounded(clock.monotonic)
    bounded.give_up_at(clock.now + 0.15)
    with pytest.raises(ApiError):
        bounded.get("/x")
    # The first pause of 0.1 s fits, the second of 0.2 s does not. The other client retries as before.
    assert clock.pauses == [0.1]
    assert cluster.get("/x") == {"kind": "X"}


def test_no_long_wait_for_a_response_after_the_deadline(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "_SHORTEST", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        configuration = Configuration()
        configuration.host = f"http://127.0.0.1:{silent.getsockname()[1]}"
        bounded = Cluster(configuration, sleep=clock.sleep).bounded(clock.monotonic)
        bounded.give_up_at(clock.now - 1)
        with pytest.raises(UnreachableError, match=r"timed out|did not answer"):
            bounded.fresh().get("/x")
    assert clock.pauses == []


def test_each_keeps_the_order_and_raises_the_first_error(cluster: Cluster) -> None:
    assert cluster.each(lambda number: number * 2, range(50)) == list(range(0, 100, 2))
    with pytest.raises(ZeroDivisionError):
        cluster.each(lambda number: 1 // number, [1, 0])


def test_each_starts_nothing_after_a_failure(cluster: Cluster) -> None:
    started: list[int] = []

    def call(number: int) -> None:
        started.append(number)
        raise ValueError(str(number))

    with pytest.raises(ValueError, match=r"\d"):
        cluster.each(call, range(1000))
    assert len(started) <= 2 * cluster.connections


def test_all_attempts_have_the_time_of_one_request(cluster: Cluster, server: Server, clock: Clock) -> None:
    server.answers = [status(503, headers={"Retry-After": "1000000000"})]
    asked = cluster.bounded(clock.monotonic)
    with pytest.raises(ApiError):
        asked.get("/x")
    # The longest pause that is honoured, as often as it fits.
    assert clock.pauses == [30.0, 30.0]


def test_nothing_is_sent_long_after_the_deadline(cluster: Cluster, server: Server, clock: Clock) -> None:
    late = cluster.bounded(clock.monotonic)
    late.give_up_at(clock.now)
    clock.now += 0.5
    late.get("/x")
    clock.now += 1
    with pytest.raises(UnreachableError, match="did not answer completely in 0 s"):
        late.get("/x")
    assert len(server.asked) == 1
    within = cluster.bounded(clock.monotonic).within(5)
    clock.now += 5
    within.get("/x")


def test_a_credential_with_a_line_break_is_not_shown(clock: Clock, server: Server) -> None:
    configuration = Configuration()
    configuration.host = server.url
    configuration.api_key = {"authorization": "Bearer planted\nsecret"}
    with pytest.raises(UnreachableError, match="invalid characters") as caught:
        Cluster(configuration, sleep=clock.sleep).get("/x")
    assert "planted" not in str(caught.value)
    assert caught.value.__suppress_context__
    assert server.asked == []


def test_answers_are_counted_together(server: Server) -> None:
    configuration = Configuration()
    configuration.host = server.url
    cluster = Cluster(configuration, limits=Limits(held=2000))
    server.answers = [Answer(body={"text": "x" * 1000})]
    cluster.get("/a")
    cluster.get("/a")
    with pytest.raises(AnswerError, match="with the other answers"):
        cluster.get("/b")


def test_a_list_ends(server: Server, clock: Clock) -> None:
    configuration = Configuration()
    configuration.host = server.url
    cluster = Cluster(configuration, limits=Limits(pages=3))

    def page(following: str) -> Answer:
        return Answer(body={"items": [], "metadata": {"resourceVersion": "7", "continue": following}})

    server.answers = [page("a"), page("b"), page("a")]
    with pytest.raises(AnswerError, match="repeats a page"):
        cluster.list_all(PODS)
    server.answers = [page(name) for name in "abcdefg"]
    with pytest.raises(AnswerError, match="more than 3 pages"):
        cluster.list_all(PODS)
    server.answers = [page(name) for name in "hijk"]
    late = cluster.bounded(lambda: clock.now + 100 * len(server.asked))
    with pytest.raises(UnreachableError, match="120 s"):
        late.list_all(PODS)
