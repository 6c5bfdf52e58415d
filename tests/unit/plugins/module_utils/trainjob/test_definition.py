# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy
import json
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
    binary = tmp_path / "job.yml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot be read"):
        asked_for(None, str(binary), None, None)


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
