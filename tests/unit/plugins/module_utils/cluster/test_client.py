# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.cluster.client import Cluster
from ansible_collections.conductor.trainer.plugins.module_utils.errors import (
    ApiError,
)
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import RESOURCES, Key
from tests.unit.plugins.helpers.builders import obj
from tests.unit.plugins.helpers.fakes import Clock
from tests.unit.plugins.helpers.server import Answer, Server, status

PODS = RESOURCES["v1", "Pod"]
ONE = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
MANY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


@pytest.fixture
def cluster(server: Server, clock: Clock) -> Cluster:
    return server.client(clock)


def stored(name: str, **more: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "uid": "1", "resourceVersion": "1", **more}}


def listed(*items: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"resourceVersion": "7"}, "items": list(items)}


def test_user_agent_is_sent(cluster: Cluster, server: Server) -> None:
    assert cluster.get("/version") == {"gitVersion": "v1.35.0"}
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("GET", "/version")
    assert [value for name, value in asked.headers if name.lower() == "authorization"] == ["Bearer secret"]
    assert asked.header("Impersonate-User") == "u"
    assert str(asked.header("User-Agent")).startswith("conductor.trainer/")


def test_last_lines_of_a_log_are_returned(cluster: Cluster, server: Server) -> None:
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
    server.answers = [Answer(body=stored("a", namespace="n"))]
    assert cluster.server_side_apply(manifest) == stored("a", namespace="n")
    cluster.server_side_apply(manifest, dry_run=True, force=True, whole_answer=True)
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


def test_deletion_has_a_uid_precondition(cluster: Cluster, server: Server) -> None:
    cluster.delete(Key("v1", "Pod", "n", "p"), "uid-1")
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("DELETE", "/api/v1/namespaces/n/pods/p")
    assert json.loads(asked.body)["preconditions"] == {"uid": "uid-1"}


def test_a_review_is_posted(cluster: Cluster, server: Server) -> None:
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": {}}
    cluster.review(review)
    assert server.asked[0].path == "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


def test_a_list_comes_in_pages(cluster: Cluster, server: Server) -> None:
    one, two, three = (stored(name, namespace="n") for name in ("one", "two", "three"))
    server.answers = [
        Answer(body={"items": [one, two], "metadata": {"continue": "more", "resourceVersion": "7"}}),
        Answer(body={"kind": "PodList", "items": None, "metadata": {"continue": "last", "resourceVersion": "7"}}),
        Answer(body={"items": [three], "metadata": {"resourceVersion": "7"}}),
    ]
    assert cluster.list_all(PODS, "n", field_selector="a=b") == ([one, two, three], "7")
    assert [asked.query.get("continue") for asked in server.asked] == [None, "more", "last"]
    for asked in server.asked:
        assert asked.query["fieldSelector"] == "a=b"
        assert int(asked.query["limit"]) > 0
        assert asked.header("Accept") == MANY


def test_complete_list_answers_later_reads(cluster: Cluster, server: Server) -> None:
    deciding = cluster.remembering()
    there = stored("there", namespace="n")
    whole = {"kind": "Pod", **there, "spec": {}}
    server.answers = [Answer(body=listed(there)), Answer(body=whole)]
    deciding.list_all(PODS, "n")
    assert deciding.find("/api/v1/namespaces/n/pods/gone") is None
    assert deciding.find("/api/v1/namespaces/n/pods/there", metadata_only=True) == there
    assert len(server.asked) == 1
    # Reading the whole object needs a request.
    assert deciding.find("/api/v1/namespaces/n/pods/there") == whole


def test_namespaces_are_read_with_one_request(cluster: Cluster, server: Server) -> None:
    there = stored("there")
    server.answers = [Answer(body=listed(there)), Answer(body=listed(there)), Answer()]
    for asked in (cluster, deciding := cluster.remembering()):
        assert asked.namespaces(["there", "gone"]) == [there]
        assert server.asked[-1].path == "/api/v1/namespaces"
        assert server.asked[-1].query["labelSelector"] == "kubernetes.io/metadata.name in (gone,there)"
        assert server.asked[-1].header("Accept") == MANY
    assert deciding.find("/api/v1/namespaces/gone") is None
    assert deciding.find("/api/v1/namespaces/there", metadata_only=True) == there
    assert len(server.asked) == 2
    # Other namespaces were not selected.
    deciding.find("/api/v1/namespaces/other")
    assert len(server.asked) == 3


@pytest.mark.parametrize("how", ["by a selector", "another namespace", "not listed", "for no decision"])
def test_filtered_list_does_not_answer_later_reads(cluster: Cluster, server: Server, how: str) -> None:
    asked = cluster if how == "for no decision" else cluster.remembering()
    found = {"kind": "Pod", **stored("x", namespace="n")}
    server.answers = [status(403) if how == "not listed" else Answer(), Answer(body=found)]
    try:
        asked.list_all(
            PODS, "m" if how == "another namespace" else "n", label_selector="a=b" if how == "by a selector" else None
        )
    except ApiError:
        assert how == "not listed"
    assert asked.find("/api/v1/namespaces/n/pods/x") == found


def test_metadata_only_is_the_default(cluster: Cluster, server: Server) -> None:
    cluster.list_all(PODS, metadata_only=False)
    cluster.get("/a")
    cluster.get("/a", metadata_only=True)
    assert [asked.header("Accept") for asked in server.asked] == ["application/json", "application/json", ONE]
    assert server.asked[0].path == "/api/v1/pods"


def test_find_returns_none_for_missing_objects(cluster: Cluster, server: Server) -> None:
    server.answers = [status(404)]
    assert cluster.find("/a") is None
    server.answers = [status(403)]
    with pytest.raises(ApiError):
        cluster.find("/a")


EVENTS = [{"type": "ADDED", "object": stored("é", namespace="n")}, {"type": "BOOKMARK", "object": {"n": 1}}]
STREAM = b"\n".join(json.dumps(event, ensure_ascii=False).encode() for event in EVENTS) + b"\n\n"


@pytest.mark.parametrize("size", [1, 2, 7, 40, len(STREAM)])
def test_watch_events_survive_any_cut_into_chunks(cluster: Cluster, server: Server, size: int) -> None:
    server.answers = [Answer(chunks=[STREAM[at : at + size] for at in range(0, len(STREAM), size)])]
    assert list(cluster.watch(PODS, "n", "42", 60, metadata_only=True)) == EVENTS
    (asked,) = server.asked
    assert asked.path == "/api/v1/namespaces/n/pods"
    # A server that compresses a stream delays events until a block is full.
    assert "gzip" not in str(asked.header("Accept-Encoding"))
    assert asked.query == {
        "watch": "1",
        "resourceVersion": "42",
        "timeoutSeconds": "60",
        "allowWatchBookmarks": "true",
    }
    assert asked.header("Accept") == ONE


def test_rejected_watch_is_an_error(cluster: Cluster, server: Server) -> None:
    server.answers = [status(410, "too old resource version", reason="Expired")]
    with pytest.raises(ApiError, match="too old") as caught:
        list(cluster.watch(PODS, None, "1", 0.2, metadata_only=False))
    assert (caught.value.status, caught.value.reason) == (410, "Expired")
    assert server.asked[0].query["timeoutSeconds"] == "1"


def test_truncated_last_line_is_not_an_event(cluster: Cluster, server: Server) -> None:
    server.answers = [Answer(chunks=[json.dumps(EVENTS[0]).encode() + b'\n{"type": "B", "obj'])]
    assert list(cluster.watch(PODS, "n", "1", 5, metadata_only=True)) == EVENTS[:1]
