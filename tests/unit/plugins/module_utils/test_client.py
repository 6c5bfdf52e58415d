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

from ansible_collections.conductor.trainer.plugins.module_utils import _client
from ansible_collections.conductor.trainer.plugins.module_utils._client import Cluster
from ansible_collections.conductor.trainer.plugins.module_utils._errors import (
    ApiError,
    ConductorError,
    UnreachableError,
)
from ansible_collections.conductor.trainer.plugins.module_utils._resources import RESOURCES, Key
from ansible_collections.conductor.trainer.plugins.module_utils._retry import Backoff
from tests.unit.plugins.builders import obj
from tests.unit.plugins.fakes import Clock
from tests.unit.plugins.server import Answer, Server

PODS = RESOURCES["v1", "Pod"]
ONE = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
MANY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


def status(code: int, message: str = "no", headers: dict[str, str] | None = None, **more: Any) -> Answer:
    return Answer(code, {"kind": "Status", "message": message, **more}, headers or {})


@pytest.fixture
def cluster(server: Server, clock: Clock) -> Cluster:
    configuration = Configuration()
    configuration.host = server.url + "/"
    configuration.api_key = {"authorization": "Bearer secret"}
    return Cluster(configuration, headers=[("Impersonate-User", "u")], backoff=Backoff(attempts=3), sleep=clock.sleep)


def test_each_request_says_who_sends_it(cluster: Cluster, server: Server) -> None:
    assert cluster.get("/version") == {}
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("GET", "/version")
    assert [value for name, value in asked.headers if name.lower() == "authorization"] == ["Bearer secret"]
    assert asked.header("Impersonate-User") == "u"
    assert str(asked.header("User-Agent")).startswith("conductor.trainer/")


def test_the_path_of_a_server_behind_a_gateway_is_kept(server: Server) -> None:
    configuration = Configuration()
    configuration.host = server.url + "/k8s/clusters/c-1/"
    Cluster(configuration).get("/version")
    assert server.asked[0].path == "/k8s/clusters/c-1/version"


def test_the_token_is_asked_for_anew_at_each_request(server: Server) -> None:
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


def test_the_end_of_a_log_is_text(cluster: Cluster, server: Server) -> None:
    server.answers[:] = [Answer(200, b"one\n\xfftwo\n"), status(400, "previous terminated container not found")]
    assert cluster.pod_log("team", "p", container="node", lines=2) == ["one", "\ufffdtwo"]
    (asked,) = server.asked
    assert asked.path == "/api/v1/namespaces/team/pods/p/log"
    assert asked.query == {"container": "node", "tailLines": "2", "limitBytes": "1048576"}
    with pytest.raises(ApiError, match="read log Pod team/p: previous terminated container not found"):
        cluster.pod_log("team", "p", container="node", lines=2, previous=True)
    assert server.asked[1].query["previous"] == "true"


def test_apply(cluster: Cluster, server: Server) -> None:
    manifest = obj("Deployment", "a", "apps/v1", "n", spec={"replicas": 1})
    server.answers = [Answer(body={"metadata": {"uid": "1"}})]
    assert cluster.apply(manifest) == {"metadata": {"uid": "1"}}
    cluster.apply(manifest, dry_run=True, force=True, whole_answer=True)
    real, dry = server.asked
    assert (real.method, real.path) == ("PATCH", "/apis/apps/v1/namespaces/n/deployments/a")
    assert real.query == {"fieldManager": "conductor", "fieldValidation": "Strict", "force": "false"}
    assert real.header("Content-Type") == "application/apply-patch+yaml"
    assert real.header("Accept") == ONE
    assert json.loads(real.body) == manifest
    assert dry.query == {**real.query, "force": "true", "dryRun": "All"}
    assert dry.header("Accept") == "application/json"


def test_a_dry_run_creation_is_never_stored(cluster: Cluster, server: Server) -> None:
    cluster.dry_run_create(obj("TrainJob", "a", "trainer.kubeflow.org/v1alpha1", "n"))
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", "/apis/trainer.kubeflow.org/v1alpha1/namespaces/n/trainjobs")
    assert asked.query == {"dryRun": "All", "fieldManager": "conductor", "fieldValidation": "Strict"}


def test_annotations_go_through_the_status(cluster: Cluster, server: Server) -> None:
    cluster.annotate_status(Key("v1", "Pod", "n", "p"), {"a": "b"})
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("PATCH", "/api/v1/namespaces/n/pods/p/status")
    assert asked.header("Content-Type") == "application/merge-patch+json"
    assert json.loads(asked.body) == {"metadata": {"annotations": {"a": "b"}}}


def test_only_the_object_that_is_meant_is_deleted(cluster: Cluster, server: Server) -> None:
    cluster.delete(Key("v1", "Pod", "n", "p"), "uid-1")
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("DELETE", "/api/v1/namespaces/n/pods/p")
    assert json.loads(asked.body)["preconditions"] == {"uid": "uid-1"}


def test_a_review_is_posted(cluster: Cluster, server: Server) -> None:
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": {}}
    cluster.review(review)
    assert server.asked[0].path == "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


def test_a_list_comes_in_pages(cluster: Cluster, server: Server) -> None:
    server.answers = [
        Answer(body={"items": [{"a": 1}, {"a": 2}], "metadata": {"continue": "more", "resourceVersion": "7"}}),
        Answer(body={"items": None, "metadata": {"continue": "last", "resourceVersion": "7"}}),
        Answer(body={"items": [{"a": 3}], "metadata": {"resourceVersion": "7"}}),
    ]
    assert cluster.list_all(PODS, "n", field_selector="a=b") == ([{"a": 1}, {"a": 2}, {"a": 3}], "7")
    assert [asked.query.get("continue") for asked in server.asked] == [None, "more", "last"]
    for asked in server.asked:
        assert asked.query["fieldSelector"] == "a=b"
        assert int(asked.query["limit"]) > 0
        assert asked.header("Accept") == MANY


def test_whole_objects_only_where_asked_for(cluster: Cluster, server: Server) -> None:
    cluster.list_all(PODS, metadata_only=False)
    cluster.get("/a")
    cluster.get("/a", metadata_only=True)
    assert [asked.header("Accept") for asked in server.asked] == ["application/json", "application/json", ONE]
    assert server.asked[0].path == "/api/v1/pods"


def test_what_is_not_there_is_none(cluster: Cluster, server: Server) -> None:
    server.answers = [status(404)]
    assert cluster.find("/a") is None
    server.answers = [status(403)]
    with pytest.raises(ApiError):
        cluster.find("/a")


@pytest.mark.parametrize("code", [429, 502, 503, 504])
def test_a_server_in_trouble_is_asked_again(cluster: Cluster, server: Server, clock: Clock, code: int) -> None:
    server.answers = [status(code), Answer(body={"a": 1})]
    assert cluster.get("/a") == {"a": 1}
    assert len(server.asked) == 2
    assert clock.pauses == [0.1]


def test_a_write_is_repeated_with_its_body(cluster: Cluster, server: Server) -> None:
    server.answers = [status(503), Answer()]
    cluster.apply(obj("Namespace", "a"))
    assert [json.loads(asked.body)["kind"] for asked in server.asked] == ["Namespace", "Namespace"]


def test_retry_after_is_honoured(cluster: Cluster, server: Server, clock: Clock) -> None:
    later = status(503, details={"retryAfterSeconds": 3})
    server.answers = [status(429, headers={"Retry-After": "7"}), later, Answer()]
    cluster.get("/a")
    assert clock.pauses == [7.0, 3.0]


def test_after_the_last_attempt_the_failure_is_said(cluster: Cluster, server: Server, clock: Clock) -> None:
    server.answers = [status(503, "overloaded")]
    with pytest.raises(ApiError, match="list pods in n: overloaded"):
        cluster.list_all(PODS, "n")
    assert len(server.asked) == 3
    assert len(clock.pauses) == 2


@pytest.mark.parametrize("code", [400, 401, 403, 404, 409, 410, 422, 500])
def test_a_decision_of_the_server_is_final(cluster: Cluster, server: Server, clock: Clock, code: int) -> None:
    server.answers = [status(code)]
    with pytest.raises(ApiError) as caught:
        cluster.apply(obj("Namespace", "a"))
    assert (caught.value.status, caught.value.subject) == (code, "Namespace a")
    assert len(server.asked) == 1
    assert clock.pauses == []


def test_a_webhook_that_cannot_be_called_is_left_to_the_caller(cluster: Cluster, server: Server) -> None:
    server.answers = [status(500, 'Internal error occurred: failed calling webhook "x": timeout')]
    with pytest.raises(ApiError, match="failed calling webhook"):
        cluster.apply(obj("Namespace", "a"))
    assert len(server.asked) == 1


def test_a_failure_that_is_no_status_keeps_its_words(cluster: Cluster, server: Server) -> None:
    server.answers = [Answer(403, b"<html>Blocked by gateway</html>")]
    with pytest.raises(ApiError, match="Blocked by gateway"):
        cluster.get("/a")


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, b"<html>Please log in</html>"),
        Answer(200, b""),
        Answer(302, b"moved", {"Location": "/login"}),
    ],
)
def test_an_answer_that_is_no_json_is_an_error_of_ours(cluster: Cluster, server: Server, answer: Answer) -> None:
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
        lambda cluster: cluster.apply(obj("Namespace", "a")),
        lambda cluster: list(cluster.watch(PODS, "n", "1", 5, metadata_only=True)),
    ],
)
def test_a_server_that_is_not_there_is_unreachable(clock: Clock, ask: Callable[[Cluster], Any]) -> None:
    configuration = Configuration()
    configuration.host = f"http://127.0.0.1:{closed_port()}"
    with pytest.raises(UnreachableError, match="cannot be reached") as caught:
        ask(Cluster(configuration, sleep=clock.sleep))
    assert configuration.host in str(caught.value)
    assert caught.value.hint


def test_fresh_is_the_same_server_over_new_connections(cluster: Cluster, server: Server) -> None:
    other = cluster.fresh()
    assert other._pool is not cluster._pool
    other.get("/a")
    other.close()
    assert server.asked[0].header("Authorization") == "Bearer secret"
    assert server.asked[0].header("Impersonate-User") == "u"


def test_whoever_has_no_time_left_asks_no_second_time(cluster: Cluster, server: Server, clock: Clock) -> None:
    server.answers = [status(503), status(503), Answer(body={"kind": "X"})]
    bounded = cluster.bounded(clock.monotonic)
    bounded.give_up_at(clock.now + 0.15)
    with pytest.raises(ApiError):
        bounded.get("/x")
    # The first pause of 0.1 s fits, the second of 0.2 s does not; the other goes on as before.
    assert clock.pauses == [0.1]
    assert cluster.get("/x") == {"kind": "X"}


def test_whoever_has_no_time_left_waits_for_no_answer(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_client, "_SHORTEST", 0.05)
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


EVENTS = [{"type": "ADDED", "object": {"metadata": {"name": "é"}}}, {"type": "BOOKMARK", "object": {"n": 1}}]
STREAM = b"\n".join(json.dumps(event, ensure_ascii=False).encode() for event in EVENTS) + b"\n\n"


@pytest.mark.parametrize("size", [1, 2, 7, 40, len(STREAM)])
def test_watch_events_survive_any_cut_into_chunks(cluster: Cluster, server: Server, size: int) -> None:
    server.answers = [Answer(chunks=[STREAM[at : at + size] for at in range(0, len(STREAM), size)])]
    assert list(cluster.watch(PODS, "n", "42", 60, metadata_only=True)) == EVENTS
    (asked,) = server.asked
    assert asked.path == "/api/v1/namespaces/n/pods"
    # A server that compresses a stream keeps events back until a block is full.
    assert "gzip" not in str(asked.header("Accept-Encoding"))
    assert asked.query == {
        "watch": "1",
        "resourceVersion": "42",
        "timeoutSeconds": "60",
        "allowWatchBookmarks": "true",
    }
    assert asked.header("Accept") == ONE


def test_a_watch_that_is_refused_is_an_error(cluster: Cluster, server: Server) -> None:
    server.answers = [status(410, "too old resource version", reason="Expired")]
    with pytest.raises(ApiError, match="too old") as caught:
        list(cluster.watch(PODS, None, "1", 0.2, metadata_only=False))
    assert (caught.value.status, caught.value.reason) == (410, "Expired")
    assert server.asked[0].query["timeoutSeconds"] == "1"


def test_half_a_line_at_the_end_of_a_stream_is_no_event(cluster: Cluster, server: Server) -> None:
    server.answers = [Answer(chunks=[b'{"type": "A"}\n{"type": "B", "obj'])]
    assert list(cluster.watch(PODS, "n", "1", 5, metadata_only=True)) == [{"type": "A"}]
