# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy
import datetime
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.conductor.trainer.plugins.module_utils.errors import InputError
from ansible_collections.conductor.trainer.plugins.module_utils.trainjob.definition import (
    API_VERSION,
    MADE_FOR,
    asked_for,
    differences,
    documents_of,
    submission_of,
    trainjob_key,
)
from tests.unit.plugins.helpers.builders import obj, train_job

JOB = train_job("mnist", "team", "")
RUNTIME = obj("TrainingRuntime", "own", API_VERSION)
TEAM = obj("Namespace", "team")


def test_what_the_job_needs_comes_first_is_of_its_namespace_and_says_for_which_job_it_is() -> None:
    job = copy.deepcopy(JOB)
    asked = submission_of([job, RUNTIME, obj("ConfigMap", "script"), TEAM])
    assert asked.key == trainjob_key("team", "mnist")
    assert [item["kind"] for item in asked.companions] == ["Namespace", "ConfigMap", "TrainingRuntime"]
    assert [item["metadata"].get("namespace") for item in asked.companions] == [None, "team", "team"]
    assert {item["metadata"]["labels"][MADE_FOR] for item in asked.companions} == {"mnist"}
    assert "labels" not in asked.job["metadata"]
    # The given definition is unchanged.
    assert (job, "labels" in RUNTIME["metadata"]) == (JOB, False)


def test_name_and_namespace_are_filled_in_where_they_lack() -> None:
    bare = {**JOB, "metadata": {}}
    assert submission_of([bare], "a", "b").key == trainjob_key("b", "a")
    assert submission_of([JOB], "mnist", "team").key == trainjob_key("team", "mnist")
    with pytest.raises(InputError, match="name is other, but the definition has mnist"):
        submission_of([JOB], "other")
    with pytest.raises(InputError, match="has no namespace"):
        submission_of([bare], "a")
    with pytest.raises(InputError, match="has no name"):
        submission_of([bare], "", "b")


def test_the_server_may_make_up_the_name() -> None:
    generated = {**JOB, "metadata": {"generateName": "mnist-", "namespace": "team"}}
    asked = submission_of([generated, RUNTIME])
    assert asked.key.name == ""
    # The name of its job is unknown yet, so it is not deleted with one.
    assert "labels" not in asked.companions[0]["metadata"]
    assert "generateName" not in submission_of([generated], "mnist").job["metadata"]


def test_what_was_exported_can_be_handed_in() -> None:
    exported = copy.deepcopy(train_job("mnist", "team"))
    exported["metadata"].update(uid="u", resourceVersion="1", generation=2, managedFields=[], labels={"a": "b"})
    found = submission_of([{"apiVersion": "v1", "kind": "List", "items": [exported]}]).job
    assert "status" not in found
    assert found["metadata"] == {"name": "mnist", "namespace": "team", "labels": {"a": "b"}}


@pytest.mark.parametrize(
    ("documents", "words"),
    [
        ([], "contains 0 TrainJobs"),
        ([RUNTIME], "contains 0 TrainJobs"),
        ([JOB, JOB], "contains 2 TrainJobs"),
        (["sleep"], "contains 'sleep', which is no object"),
        ([None], "contains 'None', which is no object"),
        ([{}], "an object without a kind of no apiVersion"),
        ([{**JOB, "apiVersion": "trainer.kubeflow.org/v2"}], "TrainJob of trainer.kubeflow.org/v2"),
        ([obj("Secret", "s"), JOB], "Secret of v1"),
        ([obj("Namespace", "other"), JOB], "Namespace other is not in the TrainJob's namespace team"),
        ([obj("ConfigMap", "c", namespace="other"), JOB], "ConfigMap c is not in the TrainJob's namespace team"),
        ([{"apiVersion": "v1", "kind": "ConfigMap"}, JOB], "ConfigMap without a name"),
        ([{"kind": "List", "items": 3}], "contains 0 TrainJobs"),
        ([{**JOB, "metadata": None}], "has no namespace"),
    ],
)
def test_what_does_not_fit_is_said(documents: list[Any], words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        submission_of(documents)
    assert caught.value.next_step


def test_data_text_and_files_are_alike(tmp_path: Path) -> None:
    documents = [TEAM, JOB]
    several = yaml.safe_dump_all(documents) + "---\n"
    file = tmp_path / "job.yml"
    file.write_text(several)
    found = [
        asked_for(documents, None, None, None),
        asked_for(several, None, None, None),
        asked_for(None, str(file), None, None),
        asked_for(json.dumps({"kind": "List", "items": documents}), None, None, None),
    ]
    assert all(each == found[0] for each in found)
    assert asked_for(JOB, None, None, None)[0] == found[0][0]


def test_without_a_definition_one_that_is_there_is_meant() -> None:
    assert asked_for(None, None, "mnist", "team") == (trainjob_key("team", "mnist"), None)
    for name, namespace in (("mnist", None), (None, "team"), ("", "")):
        with pytest.raises(InputError, match="no TrainJob is named"):
            asked_for(None, None, name, namespace)


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"src /nowhere/job.yml cannot be read: .*No such file"):
        asked_for(None, "/nowhere/job.yml", None, None)
    with pytest.raises(InputError, match="both definition and src"):
        asked_for(JOB, "job.yml", None, None)
    with pytest.raises(InputError, match="definition is neither YAML nor JSON"):
        asked_for("{a: [", None, None, None)
    file = tmp_path / "job.yml"
    for data, words in (
        (b"\xff\xfe\x00", "is not valid UTF-16"),
        (b"a: b\nc: \xe9\n", "is not valid UTF-8: byte 0xE9 in line 2"),
        (b"\x1f\x8b\x08", "is compressed with gzip"),
        (b"a\0: \xff", "is binary"),
    ):
        file.write_bytes(data)
        with pytest.raises(InputError, match=f"{file} cannot be read: it {words}"):
            asked_for(None, str(file), None, None)


@pytest.mark.parametrize(
    "text", ["", "\n", "  \n\t\n", "# only a comment\n", "---\n", "---\n...\n---\n", "null\n", "~"]
)
def test_a_file_that_holds_nothing_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "job.yml"
    file.write_text(text)
    # A name does not make it a TrainJob that exists: the file was meant.
    for name, namespace in ((None, None), ("mnist", "team")):
        with pytest.raises(InputError, match=f"{file} holds nothing") as caught:
            asked_for(None, str(file), name, namespace)
        assert caught.value.next_step


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_file_is_read_by_its_byte_order_mark(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "job.yml"
    file.write_bytes(yaml.safe_dump(JOB, allow_unicode=True).encode(encoding))
    assert asked_for(None, str(file), None, None)[0].name == "mnist"


def job_with(value: str) -> str:
    """Return a TrainJob as YAML with one value written as it is."""
    return f"""\
apiVersion: {API_VERSION}
kind: TrainJob
metadata:
  name: mnist
  namespace: team
  annotations:
    x: {value}
"""


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("2020-01-01", "2020-01-01"),
        ("2020-01-01T10:00:00Z", "2020-01-01T10:00:00Z"),
        ("2020-01-01 10:00:00", "2020-01-01 10:00:00"),
        ("!!timestamp 2020-01-01", "2020-01-01"),
        ("!!binary aGVsbG8=", "hello"),
        ("!!str 12", "12"),
        ("12:30:45", "12:30:45"),
        ("0b11", 3),
        ("010", 8),
        ("1e3", 1000),
        ("1_000", 1000),
        ("on", True),
        ("y", "y"),
        ("n", "n"),
        ("~", None),
        ("&a {b: c}", {"b": "c"}),
        ("!!set {a, b}", {"a": None, "b": None}),
        ("{1: a, true: b, 1.5: c, 2020-01-01: d}", {"1": "a", "true": "b", "1.5": "c", "2020-01-01": "d"}),
        ("{<<: {a: 1, b: 2}, b: 3}", {"a": 1, "b": 3}),
        ("[&a {b: c}, *a, *a]", [{"b": "c"}] * 3),
    ],
)
def test_yaml_has_the_types_of_json(value: str, found: Any) -> None:
    submission = asked_for(job_with(value), None, None, None)[1]
    assert submission is not None
    assert submission.job["metadata"]["annotations"]["x"] == found
    json.dumps(submission.job, allow_nan=False)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("&a [*a]", "line 7: a value contains itself"),
        ("&a {b: *a}", "line 7: a value contains itself"),
        ("*missing", "line 7: an alias has no anchor"),
        (".nan", "JSON does not have"),
        (".inf", "JSON does not have"),
        ("-.INF", "JSON does not have"),
        ("!!binary /w==", "binary data is not text"),
        ("!!binary '%'", "!!binary"),
        ("!local y", "a tag is unknown; text that begins with ! needs quotes"),
        ("!!python/object/apply:os.getcwd []", "a tag is unknown"),
        ("!vault |\n      abc", "Ansible Vault"),
        ("{a: 1, a: 2}", "line 7: the key 'a' is there twice"),
        ("{null: 1}", "a key is not text"),
        ("{[a]: 1}", "a key is not text"),
        ("[" * 1000 + "]" * 1000, "nested more than 200 levels"),
        ("[" * 1000, "nested more than 200 levels"),
        ("{<<: 3}", "<< needs a mapping"),
        ("!!int x", "not of its type !!int"),
        ("'secret", "found unexpected end of stream"),
        ("\x00", "characters that YAML does not allow"),
        (
            "\n" + "".join(f"      x{n}: &x{n} [{', '.join([f'*x{n - 1}' if n else 'x'] * 9)}]\n" for n in range(12)),
            "too many values",
        ),
        ("\n      a: &a " + "x" * 100_000 + "\n      b: [" + "*a, " * 1000 + "]", "too many values"),
    ],
    ids=lambda value: value[:20],
)
def test_what_json_has_not_is_an_error(value: str, words: str) -> None:
    with pytest.raises(InputError, match=re.escape(words)) as caught:
        asked_for(job_with(value), None, None, None)
    assert caught.value.next_step
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), {"a": {1, 2}}, {None: 1}], ids=["nan", "infinity", "set", "null"]
)
def test_data_of_a_playbook_is_checked_as_well(value: Any) -> None:
    with pytest.raises(InputError, match="definition cannot be sent as JSON"):
        asked_for({**JOB, "spec": {"x": value}}, None, None, None)
    recursive: list[Any] = []
    recursive.append(recursive)
    with pytest.raises(InputError, match="nested more than"):
        asked_for({**JOB, "spec": {"x": recursive}}, None, None, None)


def test_dates_in_the_data_of_a_playbook_are_text() -> None:
    submission = asked_for({**JOB, "spec": {"x": datetime.date(2020, 1, 2)}}, None, None, None)[1]
    assert submission is not None
    assert submission.job["spec"]["x"] == "2020-01-02"


def test_json_is_read_as_json() -> None:
    for text in ('{"a": "\\ud83d\\ude00", "b": 1.0}', '{\n\t"a": "\\ud83d\\ude00",\n\t"b": 1e0\n}'):
        assert documents_of(text, "x") == [{"a": "\U0001f600", "b": 1}]
    for text in ('{"a": NaN}', '{"a": 1, "a": 2}', '{"a": ' * 100_000):
        with pytest.raises(InputError):
            documents_of(text, "x")


def spec(**fields: Any) -> dict[str, Any]:
    return {"spec": {"runtimeRef": {"name": "torch"}, "trainer": {"numNodes": 2, "command": ["a"]}, **fields}}


PATCH = {"manager": "me", "time": "1", "trainingRuntimeSpec": {}}


@pytest.mark.parametrize(
    ("wanted", "present", "paths"),
    [
        (spec(), spec(), []),
        (spec(), spec(trainer={"numNodes": 3, "command": ["a"]}), ["spec.trainer.numNodes"]),
        (spec(), spec(trainer={"numNodes": 3, "command": ["b"]}), ["spec.trainer.command", "spec.trainer.numNodes"]),
        # The definition no longer has this field.
        (spec(), spec(activeDeadlineSeconds=3), ["spec.activeDeadlineSeconds"]),
        (spec(managedBy="kueue"), spec(managedBy="trainer"), ["spec.managedBy"]),
        # A queue resumes the jobs that it admits, and adds a patch with their placement.
        (spec(suspend=True), spec(suspend=False, runtimePatches=[{**PATCH, "manager": "kueue"}]), []),
        (spec(runtimePatches=[PATCH]), spec(runtimePatches=[{**PATCH, "time": "2"}]), []),
        (spec(runtimePatches=[PATCH]), spec(), ["spec.runtimePatches"]),
        (spec(), {}, ["spec.runtimeRef", "spec.trainer"]),
    ],
)
def test_differences_are_named(wanted: dict[str, Any], present: dict[str, Any], paths: list[str]) -> None:
    assert differences(wanted, present) == paths
