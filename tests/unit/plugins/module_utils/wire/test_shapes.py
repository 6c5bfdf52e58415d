# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.cluster.transport import kind_of
from ansible_collections.conductor.trainer.plugins.module_utils.wire.body import OddAnswer
from ansible_collections.conductor.trainer.plugins.module_utils.wire.shapes import Wanted, check_answer, wanted_of

STORED = {"name": "a", "namespace": "n", "uid": "1", "resourceVersion": "1"}
POD = Wanted("object", "Pod", "a", "n", namespaced=True, stored=True)
PODS = Wanted("list", "Pod", "", "n", namespaced=True, stored=True)
LIST = {"kind": "PodList", "metadata": {"resourceVersion": "1"}}


@pytest.mark.parametrize(
    ("method", "path", "body", "wanted"),
    [
        ("GET", "/version", None, Wanted("document", path="/version")),
        ("GET", "/apis", None, Wanted("document", path="/apis")),
        ("GET", "/apis/apps/v1", None, Wanted("document", path="/apis/apps/v1")),
        ("GET", "/api/v1", None, Wanted("document", path="/api/v1")),
        ("GET", "/api/v1/namespaces/n/pods/a", None, POD),
        ("GET", "/api/v1/namespaces/n/pods", None, PODS),
        ("GET", "/api/v1/pods", None, Wanted("list", "Pod", namespaced=True, stored=True)),
        ("GET", "/api/v1/namespaces", None, Wanted("list", "Namespace", stored=True)),
        ("GET", "/api/v1/namespaces/n", None, Wanted("object", "Namespace", "n", stored=True)),
        ("PUT", "/api/v1/namespaces/n/finalize", None, Wanted("object", name="n")),
        ("PATCH", "/api/v1/namespaces/n/pods/a/status", {}, POD),
        ("POST", "/api/v1/namespaces/n/pods/a/binding", {}, Wanted("deletion", name="a", namespace="n")),
        ("POST", "/api/v1/namespaces/n/pods", {"metadata": {"name": "a"}}, POD),
        ("DELETE", "/api/v1/namespaces/n/pods/a", {}, Wanted("deletion", "Pod", "a", "n", True, True)),
        ("DELETE", "/api/v1/namespaces/n/pods", {}, Wanted("deletion of all")),
        ("GET", "/apis/x.org/v1/namespaces/n/sheep/a%3Ab", None, Wanted("object", "", "a:b", "n", stored=True)),
        ("POST", "/apis/authorization.k8s.io/v1/a", {"kind": "A"}, Wanted("review", "A")),
    ],
)
def test_what_a_request_asks_for(method: str, path: str, body: Any, wanted: Wanted) -> None:
    assert wanted_of(method, path, body, kind_of) == wanted


def test_a_dry_run_stores_nothing() -> None:
    body = {"metadata": {"generateName": "a-"}}
    wanted = wanted_of("POST", "/api/v1/namespaces/n/pods", body, kind_of, dry_run=True)
    check_answer({"kind": "Pod", "metadata": {"name": "a-1"}}, wanted)


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        ({"kind": "Pod", "metadata": STORED, "spec": {}, "status": None}, POD),
        ({"kind": "PartialObjectMetadata", "metadata": {**STORED, "labels": None, "finalizers": []}}, POD),
        ({**LIST, "items": []}, PODS),
        ({**LIST, "items": None}, PODS),
        ({**LIST, "kind": "PartialObjectMetadataList", "items": [{"metadata": STORED}]}, PODS),
        ({"metadata": {"resourceVersion": "1"}, "items": [{"metadata": STORED}]}, PODS),
        ({"kind": "SheepList", "metadata": {}, "items": [{"metadata": {"name": "a"}}]}, Wanted("list")),
        ({"kind": "Status", "status": "Success"}, Wanted("deletion", "Pod", "a", "n")),
        ({"kind": "Pod", "metadata": STORED}, Wanted("deletion", "Pod", "a", "n")),
        ({"kind": "A", "status": {"allowed": True}}, Wanted("review", "A")),
        ({"gitVersion": "v1.35.0"}, Wanted("document", path="/version")),
        ({"kind": "APIGroupList", "groups": []}, Wanted("document", path="/apis")),
        ({"resources": [{"name": "pods"}]}, Wanted("document", path="/api/v1")),
    ],
)
def test_right_answers(answer: dict[str, Any], wanted: Wanted) -> None:
    check_answer(answer, wanted)


@pytest.mark.parametrize(
    ("answer", "wanted", "words"),
    [
        ({}, POD, "metadata is null"),
        ({"metadata": 7}, POD, "metadata is 7"),
        ({"metadata": {}}, POD, "no name"),
        ({"metadata": {**STORED, "name": 7}}, POD, "no name"),
        ({"metadata": {**STORED, "name": "x" * 2000}}, POD, "2000 characters"),
        ({"metadata": {**STORED, "name": "b"}}, POD, "the object b, not a"),
        ({"metadata": {**STORED, "namespace": "m"}}, POD, "namespace m, not in n"),
        ({"metadata": {"name": "a"}}, POD, "no uid"),
        ({"metadata": {"name": "a", "uid": "1"}}, POD, "no resourceVersion"),
        ({"metadata": {**STORED, "namespace": None}}, POD, "no namespace"),
        ({"kind": "Sheep", "metadata": STORED}, POD, "kind is Sheep, not Pod"),
        ({"kind": 7, "metadata": STORED}, POD, "kind is 7"),
        ({"metadata": STORED, "spec": []}, POD, "spec of a is a list"),
        ({"metadata": STORED, "status": 1}, POD, "status of a is 1"),
        ({"kind": "Status", "status": "Failure", "message": "m"}, POD, "Status Failure: m"),
        ({"kind": "Status", "status": "Success"}, POD, "Status Success"),
        ({"kind": "Status", "status": "Failure"}, Wanted("deletion"), "Status Failure"),
        ({}, PODS, "no metadata"),
        ({"items": []}, PODS, "no metadata"),
        ({"items": [], "metadata": {}}, PODS, "no kind"),
        ({**LIST, "kind": "SheepList", "items": []}, PODS, "SheepList, not PodList"),
        ({**LIST, "kind": "Pod", "items": []}, Wanted("list"), "kind is Pod"),
        (LIST, PODS, "items are null"),
        ({**LIST, "items": {}}, PODS, "items are an object"),
        ({**LIST, "items": [{"metadata": STORED}, 1]}, PODS, "item 1 of the list: it is not an object: it is 1"),
        ({**LIST, "items": [{"metadata": {}}]}, PODS, "item 0"),
        ({**LIST, "metadata": {"resourceVersion": "1", "continue": 7}, "items": []}, PODS, "continue of the list is 7"),
        ({"kind": "A"}, Wanted("review", "A"), "not an answered A"),
        ({"kind": "B", "status": {}}, Wanted("review", "A"), "not an answered A"),
        ({}, Wanted("document", path="/version"), "no gitVersion"),
        ({"gitVersion": "v1." + "9" * 5000}, Wanted("document", path="/version"), "its gitVersion is too long"),
        ({"kind": "APIVersions"}, Wanted("document", path="/apis"), "API groups"),
        ({"resources": [1]}, Wanted("document", path="/api/v1"), "resources of the answer"),
    ],
)
def test_wrong_answers(answer: dict[str, Any], wanted: Wanted, words: str) -> None:
    with pytest.raises(OddAnswer, match=words):
        check_answer(answer, wanted)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("labels", []),
        ("labels", {"a": 1}),
        ("annotations", "x"),
        ("ownerReferences", {}),
        ("managedFields", [1]),
        ("managedFields", [{"manager": ["x"]}]),
        ("managedFields", [{"operation": {}}]),
        ("managedFields", [{"subresource": 7}]),
        ("finalizers", "x"),
        ("finalizers", [1]),
        ("deletionTimestamp", 1),
        ("creationTimestamp", []),
        ("resourceVersion", "9" * 10_000),
        ("uid", "9" * 10_000),
    ],
)
def test_metadata_of_other_types(field: str, value: Any) -> None:
    with pytest.raises(OddAnswer, match=f"{field} of a"):
        check_answer({"metadata": {**STORED, field: value}}, POD)


@pytest.mark.parametrize("fields", [7, "x", [], ["f:spec"], True])
def test_managed_fields_that_are_no_set(fields: Any) -> None:
    with pytest.raises(OddAnswer, match="fieldsV1 of a"):
        check_answer({"metadata": {**STORED, "managedFields": [{"fieldsV1": fields}]}}, POD)
