# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import sys
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import InputError
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import key_of
from ansible_collections.conductor.trainer.plugins.module_utils.options.layers import with_options
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle
from ansible_collections.conductor.trainer.plugins.module_utils.release.loader import load_bundle
from tests.unit.plugins.helpers.builders import BUNDLE

REAL = load_bundle(str(BUNDLE))
TRAINER = {"kind": "Deployment", "component": "trainer"}
NAME = "kubeflow-trainer-controller-manager"
PLACE = f"kubeflow-system/{NAME}"
CERTIFICATE = "kubeflow-trainer-webhook-cert"
HISTORY = {"spec": {"revisionHistoryLimit": 3}}


def patched(*patches: Any, bundle: Bundle = REAL, **options: Any) -> Bundle:
    return with_options(bundle, {"patches": list(patches), **options})


def touched(*patches: Any, **more: Any) -> list[str]:
    """The objects that patches change."""
    before = {key_of(manifest): manifest for manifest in REAL.objects()}
    return sorted(
        str(key)
        for manifest in patched(*patches, **more).objects()
        for key in (key_of(manifest),)
        if manifest != before[key]
    )


def refused(*patches: Any, **more: Any) -> InputError:
    with pytest.raises(InputError) as caught:
        patched(*patches, **more)
    return caught.value


def labelled(**target: str) -> list[str]:
    """The kinds or names of what a patch with this target reaches."""
    return touched({"target": target, "merge": {"metadata": {"labels": {"reached": "yes"}}}})


@pytest.mark.parametrize(
    ("target", "found"),
    [
        (TRAINER, [f"Deployment {PLACE}"]),
        ({"kind": "Deployment", "component": "jobset"}, ["Deployment kubeflow-system/jobset-controller-manager"]),
        ({"kind": "Service", "name": "jobset-w*"}, ["Service kubeflow-system/jobset-webhook-service"]),
        ({"name": "torch-*"}, ["ClusterTrainingRuntime torch-distributed"]),
        (
            {"kind": "ClusterTrainingRuntime", "label": "trainer.kubeflow.org/framework=jax"},
            ["ClusterTrainingRuntime jax-distributed"],
        ),
        (
            {"kind": "Deployment", "label": "app.kubernetes.io/created-by"},
            ["Deployment kubeflow-system/jobset-controller-manager"],
        ),
        (
            {"kind": "Deployment", "label": "control-plane=controller-manager, app.kubernetes.io/name=jobset"},
            ["Deployment kubeflow-system/jobset-controller-manager"],
        ),
    ],
)
def test_what_a_target_matches(target: dict[str, str], found: list[str]) -> None:
    assert labelled(**target) == found


def test_a_namespace_may_be_a_pattern_too() -> None:
    assert labelled(kind="Secret", namespace="kubeflow-*") == labelled(kind="Secret")


def test_the_crd_of_a_runtime_says_how_its_lists_are_merged() -> None:
    node = {"name": "node", "template": {"spec": {"template": {"spec": {"nodeSelector": {"gpu": "a100"}}}}}}
    laid = patched(
        {
            "target": {"kind": "ClusterTrainingRuntime", "name": "torch-distributed"},
            "merge": {"spec": {"template": {"spec": {"replicatedJobs": [node]}}}},
        }
    )
    [runtime] = [
        found for found in laid.objects("ClusterTrainingRuntime") if found["metadata"]["name"] == "torch-distributed"
    ]
    [job] = runtime["spec"]["template"]["spec"]["replicatedJobs"]
    assert job["template"]["spec"]["template"]["spec"]["nodeSelector"] == {"gpu": "a100"}
    assert job["template"]["spec"]["template"]["spec"]["containers"]


def test_each_patch_sees_those_before_it_and_is_a_step_of_its_own() -> None:
    second = {
        "target": TRAINER,
        "json": [
            {"op": "test", "path": "/spec/revisionHistoryLimit", "value": 3},
            {"op": "add", "path": "/spec/minReadySeconds", "value": 1},
        ],
    }
    laid = patched({"target": TRAINER, "merge": HISTORY}, second)
    assert [(change.option, change.key.name) for change in laid.changes] == [("patches[0]", NAME), ("patches[1]", NAME)]
    [deployment] = [found for found in laid.objects("Deployment") if found["metadata"]["name"] == NAME]
    assert (deployment["spec"]["revisionHistoryLimit"], deployment["spec"]["minReadySeconds"]) == (3, 1)


def test_patches_come_after_the_other_options() -> None:
    laid = patched(
        {"target": TRAINER, "merge": {"spec": {"template": {"spec": {"nodeSelector": {"a": "patched"}}}}}},
        node_selector={"a": "b"},
    )
    [deployment] = [found for found in laid.objects("Deployment") if found["metadata"]["name"] == NAME]
    assert deployment["spec"]["template"]["spec"]["nodeSelector"] == {"a": "patched"}


@pytest.mark.parametrize(
    ("patch", "message", "next_step"),
    [
        (
            {"target": {"kind": "Deployment", "name": "trainer"}, "merge": HISTORY},
            "matches no object: Deployment trainer",
            f"the objects of kind Deployment are jobset-controller-manager, {NAME}",
        ),
        (
            {"target": {"kind": "Deploiment"}, "merge": HISTORY},
            "matches no object: Deploiment; did you mean Deployment?",
            "the kinds are ClusterRole, ",
        ),
        (
            {"target": {"label": "nobody=has"}, "merge": HISTORY},
            "matches no object: label=nobody=has",
            "the kinds of the release are",
        ),
        (
            {"target": TRAINER, "merge": {"spec": {"template": {"spec": {"serviceAccountName": NAME}}}}},
            f"changes nothing: /spec/template/spec/serviceAccountName is {NAME} already",
            "remove it",
        ),
        (
            {"target": TRAINER, "merge": {"spec": {"nothing": None}}},
            "changes nothing: /spec/nothing is not there",
            "remove it",
        ),
        (
            {"target": {"kind": "Secret", "name": "k*"}, "merge": {"metadata": {"name": CERTIFICATE}}},
            f"changes nothing: /metadata/name is {CERTIFICATE} already",
            "remove it",
        ),
        (
            {"target": {"kind": "Secret", "name": "k*"}, "merge": {"data": None}},
            "changes nothing: /data has this value already",
            "remove it",
        ),
        (
            {
                "target": {"kind": "Secret", "name": "k*"},
                "json": [{"op": "test", "path": "/metadata/name", "value": "x"}],
            },
            f"test failed, /metadata/name of Secret kubeflow-system/{CERTIFICATE} is {CERTIFICATE} and not x",
            "correct",
        ),
        (
            {"target": TRAINER, "json": [{"op": "test", "path": "/metadata/name", "value": "x" * 60}]},
            f"test failed, /metadata/name of Deployment {PLACE} is {NAME} and not {'x' * 60}",
            "correct",
        ),
        (
            {"target": TRAINER, "json": [{"op": "test", "path": "/metadata/name", "value": "x" * 61}]},
            f"test failed, /metadata/name of Deployment {PLACE} is {NAME} and not {'x' * 60}...",
            "correct",
        ),
        ({"target": TRAINER, "merge": {}}, "changes nothing", "remove it"),
        (
            {"target": TRAINER, "json": [{"op": "test", "path": "/spec/selector", "value": 1}]},
            "test failed, /spec/selector of",
            "correct",
        ),
        (
            {
                "target": TRAINER,
                "json": [{"op": "test", "path": "/spec/template/spec/containers/0/name", "value": "trainer"}],
            },
            f"test failed, /spec/template/spec/containers/0/name of Deployment {PLACE} is manager and not trainer",
            "correct",
        ),
        (
            {"target": TRAINER, "json": [{"op": "test", "path": "/spec/nowhere/at", "value": "trainer"}]},
            "test failed, /spec/nowhere/at",
            "correct",
        ),
        (
            {
                "target": TRAINER,
                "json": [{"op": "add", "path": "/spec/a", "value": 1}, {"op": "remove", "path": "/spec/b"}],
            },
            "json[1] cannot remove /spec/b of",
            "compare the path",
        ),
        (
            {"target": TRAINER, "json": [{"op": "add", "path": "/spec/template/spec/containers/x", "value": 1}]},
            "json[0] cannot add",
            "compare",
        ),
        (
            {"target": TRAINER, "json": [{"op": "replace", "path": "/spec/template/spec/containers/7", "value": 1}]},
            "json[0] cannot replace",
            "compare",
        ),
        (
            {"target": TRAINER, "json": [{"op": "add", "path": "/metadata/name/x", "value": 1}]},
            "json[0] cannot add",
            "compare",
        ),
        (
            {"target": TRAINER, "merge": {"spec": {"template": {"spec": {"containers": [{"image": "x"}]}}}}},
            f"cannot be merged into Deployment {PLACE} at /spec/template/spec/containers: an item has no name",
            "correct",
        ),
    ],
)
def test_a_patch_that_does_nothing_or_cannot_be_applied(patch: dict[str, Any], message: str, next_step: str) -> None:
    error = refused({"target": {"kind": "Deployment"}, "merge": HISTORY}, patch)
    assert error.message.startswith(f"`conductor_patches[1]` {message}")
    assert error.message.endswith("...") == message.endswith("...")
    assert (error.next_step or "").startswith(next_step)


@pytest.mark.parametrize(
    ("patch", "message"),
    [
        ("text", "`conductor_patches[0]` is not a mapping"),
        ({}, "`conductor_patches[0]` has no target"),
        ({"target": {}}, "`conductor_patches[0]` has no target"),
        ({"target": "Deployment", "merge": HISTORY}, "`conductor_patches[0]` has no target"),
        ({"targets": TRAINER}, "`conductor_patches[0]` has no targets; did you mean target?"),
        ({"target": {"kinds": "x"}, "merge": {}}, "`conductor_patches[0].target` has no kinds; did you mean kind?"),
        ({"target": {"kind": 1}, "merge": {}}, "`conductor_patches[0]` has a target that is not made of texts"),
        ({"target": {"component": "lws"}, "merge": {}}, "`conductor_patches[0]` has no component lws"),
        ({"target": TRAINER}, "`conductor_patches[0]` has not exactly one of merge and json"),
        ({"target": TRAINER, "merge": {}, "json": []}, "`conductor_patches[0]` has not exactly one of merge and json"),
        ({"target": TRAINER, "merge": [1]}, "`conductor_patches[0]` has a merge that is not a mapping"),
        ({"target": TRAINER, "json": []}, "`conductor_patches[0]` has a json that is not a list of operations"),
        (
            {"target": TRAINER, "json": {"op": "add"}},
            "`conductor_patches[0]` has a json that is not a list of operations",
        ),
        ({"target": TRAINER, "json": ["add"]}, "`conductor_patches[0]` json[0] has no known op"),
        ({"target": TRAINER, "json": [{"op": "put", "path": "/a"}]}, "`conductor_patches[0]` json[0] has no known op"),
        ({"target": TRAINER, "json": [{"op": "add", "path": "/a"}]}, "`conductor_patches[0]` json[0] has no value"),
        ({"target": TRAINER, "json": [{"op": "move", "path": "/a"}]}, "`conductor_patches[0]` json[0] has no from"),
        (
            {"target": TRAINER, "json": [{"op": "remove", "path": ""}]},
            "`conductor_patches[0]` json[0].path is not a path",
        ),
        (
            {"target": TRAINER, "json": [{"op": "copy", "from": "a", "path": "/a"}]},
            "`conductor_patches[0]` json[0].from is",
        ),
    ],
)
def test_what_is_no_patch(patch: Any, message: str) -> None:
    assert refused(patch).message.startswith(message)


def test_a_runtime_that_this_cluster_does_not_get_is_no_mistake() -> None:
    few = REAL.with_runtimes(["jax-distributed"])
    patch = {
        "target": {"kind": "ClusterTrainingRuntime", "name": "torch-*"},
        "merge": {"metadata": {"labels": {"a": "b"}}},
    }
    assert patched(patch, bundle=few).objects() == few.objects()
    assert "matches no object" in refused({**patch, "target": {"kind": "Gone"}}, bundle=few).message
    # It has to do something there as well.
    again = {**patch, "merge": {"metadata": {"labels": {"a": None}}}}
    assert "changes nothing" in refused(again, bundle=few).message


@pytest.mark.parametrize(
    "change",
    [{"merge": {"stringData": {"a": "secret"}}}, {"json": [{"op": "add", "path": "/data", "value": {"a": "secret"}}]}],
)
def test_the_values_of_secrets_are_not_patched_nor_shown(change: dict[str, Any]) -> None:
    error = refused({"target": {"kind": "Secret"}, **change})
    assert "changes the values of Secret" in error.message
    assert "secret" not in f"{error.message} {error.next_step}".replace("webhook-server-cert", "")
    tested = {"target": {"kind": "Secret", "name": "k*"}, "json": [{"op": "test", "path": "/type", "value": "secret"}]}
    assert refused(tested).message.endswith("has another value")


def test_recorded_patches_stop_nothing() -> None:
    patches = [{"target": {"kind": "Gone"}, "merge": HISTORY}, {"target": TRAINER, "merge": HISTORY}]
    laid = with_options(REAL, {"patches": patches}, recorded=True)
    assert [change.option for change in laid.changes] == ["patches[1]"]


def test_without_the_library_only_json_patches_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jsonpatch", None)
    assert touched({"target": TRAINER, "merge": HISTORY})
    error = refused({"target": TRAINER, "json": [{"op": "remove", "path": "/spec/replicas"}]})
    assert "jsonpatch" in error.message
    assert f"{sys.executable} -m pip install jsonpatch" in (error.next_step or "")
