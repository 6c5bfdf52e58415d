# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from dataclasses import replace

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.objects.diff import MASKED, render_diff
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import key_of
from ansible_collections.conductor.trainer.plugins.module_utils.options.draft import Draft, container_of, pod_of
from ansible_collections.conductor.trainer.plugins.module_utils.options.installed.explain import (
    Difference,
    differences_from_release,
    digest_of,
    explained,
    summary_of,
    variable_of,
    variables_behind,
)
from ansible_collections.conductor.trainer.plugins.module_utils.options.layers import with_options
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Change
from ansible_collections.conductor.trainer.plugins.module_utils.release.components import part_for
from ansible_collections.conductor.trainer.plugins.module_utils.release.loader import load_bundle
from tests.unit.plugins.helpers.builders import BUNDLE

REAL = load_bundle(str(BUNDLE))
[TRAINER, JOBSET] = Draft(REAL).controllers()
TOLERATIONS = [{"key": "x", "operator": "Exists"}]
SECRET = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "s", "namespace": "ops"},
    "data": {"a": "c2VjcmV0"},
}


def test_a_release_without_options_differs_in_nothing() -> None:
    assert differences_from_release(REAL) == []
    assert explained(REAL) == {"digest": "", "summary": [], "fields": 0, "objects": 0, "differences": []}


def test_each_field_has_the_option_behind_it() -> None:
    options = {"tolerations": TOLERATIONS, "jobset_controller": {"node_selector": {"pool": "system"}}}
    found = differences_from_release(with_options(REAL, options))
    assert found == [
        Difference(
            JOBSET.deployment,
            "spec.template.spec.nodeSelector",
            None,
            {"pool": "system"},
            "conductor_jobset_controller.node_selector",
        ),
        *(
            Difference(one.deployment, "spec.template.spec.tolerations", None, TOLERATIONS, "conductor_tolerations")
            for one in (JOBSET, TRAINER)
        ),
    ]


def test_the_last_option_that_changes_a_field_counts_and_one_that_is_undone_does_not() -> None:
    draft = Draft(REAL)
    image = container_of(REAL.objects("Deployment")[0])["image"]
    deployment = Draft(REAL).of_kind("Deployment")[0]
    with draft.because("registries"):
        container_of(draft.edit(deployment))["image"] = "mirror.example.com/one"
        pod_of(draft.edit(deployment))["hostNetwork"] = True
    with draft.because("patches[1]"):
        container_of(draft.edit(deployment))["image"] = "mirror.example.com/two"
        pod_of(draft.edit(deployment)).pop("hostNetwork")
    assert differences_from_release(draft.finished()) == [
        Difference(
            deployment,
            "spec.template.spec.containers[manager].image",
            image,
            "mirror.example.com/two",
            "conductor_patches[1]",
        )
    ]


def test_an_added_object_is_one_difference_whatever_changes_it_later() -> None:
    draft = Draft(REAL)
    with draft.because("extra_objects"):
        key = draft.add("access", SECRET)
    with draft.because("labels"):
        draft.edit(key)["metadata"]["labels"]["a"] = "b"
    assert differences_from_release(draft.finished()) == [
        Difference(key, "", None, "present", "conductor_extra_objects")
    ]
    assert "c2VjcmV0" not in json.dumps(explained(draft.finished()))
    assert variable_of("data.a", variables_behind(draft.finished())[key]) == "conductor_extra_objects"


def test_values_of_a_secret_are_masked() -> None:
    draft = Draft(REAL)
    secret = draft.of_kind("Secret")[0]
    with draft.because("patches[0]"):
        draft.edit(secret)["data"] = {"a": "c2VjcmV0"}
    [row] = explained(draft.finished())["differences"]
    assert row["value"] != "c2VjcmV0"
    assert "c2VjcmV0" not in json.dumps(row)
    assert (MASKED in row["value"], row["set_by"]) == (True, "conductor_patches[0]")


def test_objects_that_are_not_installed_do_not_count() -> None:
    laid = part_for(with_options(REAL, {"tolerations": TOLERATIONS}), "external")
    assert [one.key for one in differences_from_release(laid)] == [TRAINER.deployment]


def test_what_is_installed_counts_wherever_it_stands_among_the_rest() -> None:
    laid = part_for(with_options(REAL, {"extra_objects": [SECRET], "labels": {"a": "b"}}), "external")
    assert {one.key for one in differences_from_release(laid)} == {key_of(manifest) for manifest in laid.objects()}


def test_a_removed_object_is_one_difference_and_an_added_and_removed_one_is_none() -> None:
    one, other = TRAINER.deployment._replace(name="removed"), JOBSET.deployment
    before = Draft(REAL).look(TRAINER.deployment)
    removed = [("labels", before, {"a": 1}), ("patches[0]", {"a": 1}, {"a": 2}), ("patches[1]", {"a": 2}, None)]
    changes = [Change(option, one, old, new) for option, old, new in removed]
    changes += [Change("extra_objects", other, None, {"a": 1}), Change("patches[1]", other, {"a": 1}, None)]
    laid = replace(REAL, changes=tuple(changes))
    assert differences_from_release(laid) == [Difference(one, "", "present", None, "conductor_patches[1]")]
    assert explained(laid)["objects"] == 1


def test_a_row_has_the_value_of_the_release_and_the_one_that_is_used() -> None:
    rows = explained(
        with_options(
            REAL, {"jobset_controller": {"priority_class": "a", "resources": {"requests": {"cpu": 1}}, "replicas": 2}}
        )
    )
    assert {(row["field"], row["release"], row["value"]) for row in rows["differences"] if row["field"]} >= {
        ("spec.template.spec.priorityClassName", None, "a"),
        ("spec.template.spec.containers[manager].resources.requests.cpu", "500m", "1"),
    }
    assert [row for row in rows["differences"] if not row["field"]] == [
        {
            "object": f"PodDisruptionBudget kubeflow-system/{JOBSET.deployment.name}",
            "field": "",
            "release": None,
            "value": "present",
            "set_by": "conductor_jobset_controller.replicas",
        }
    ]


def test_a_result_stays_small() -> None:
    many = {f"label-{number}": "x" for number in range(30)}
    found = explained(with_options(REAL, {"labels": many}))
    assert found["fields"] > 1000
    assert len(found["differences"]) == 51
    assert found["differences"][-1]["object"] == f"and {found['fields'] - 50} more"
    assert found["objects"] == 0


def test_a_diff_names_the_variable_of_a_field_whatever_it_is_compared_with() -> None:
    laid = with_options(REAL, {"tolerations": TOLERATIONS, "labels": {"a.b/c": "d"}})
    behind = variables_behind(laid)[TRAINER.deployment]
    place = "spec.template.spec.tolerations"
    assert {variable_of(path, behind) for path in (place, f"{place}[0]", f"{place}[1].key", "spec.template.spec")} == {
        "conductor_tolerations"
    }
    assert variable_of("metadata.labels.a.b/c", behind) == "conductor_labels"
    assert variable_of("spec.template.spec.tolerationsX", behind) == ""
    assert variable_of("spec.replicas", behind) == ""
    assert variable_of("spec.a.b.c", {"spec.a": "conductor_x", "spec.a.b": "conductor_y"}) == "conductor_y"
    changes = {TRAINER.deployment: {f"{place}[0].key": ("x", "y"), "spec.replicas": (1, 2)}}
    shown = render_diff(changes, lambda key, path: variable_of(path, variables_behind(laid)[key]))
    name = str(TRAINER.deployment)
    assert shown["before"] == f"{name}: {place}[0].key = x\n{name}: spec.replicas = 1\n"
    assert shown["after"] == f"{name}: {place}[0].key = y  (conductor_tolerations)\n{name}: spec.replicas = 2\n"


def test_items_without_names_are_numbered_otherwise_on_a_cluster() -> None:
    draft = Draft(REAL)
    with draft.because("patches[0]"):
        container_of(draft.edit(TRAINER.deployment))["args"][1:1] = ["--one"]
    behind = variables_behind(draft.finished())[TRAINER.deployment]
    place = "spec.template.spec.containers[manager].args"
    assert {variable_of(path, behind) for path in (place, f"{place}[0]", f"{place}[7]")} == {"conductor_patches[0]"}


def test_the_digest_is_that_of_the_options() -> None:
    assert digest_of({}) == ""
    assert digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1}) != digest_of({"a": 1})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"registries": {"ghcr.io": "a", "docker.io": "b"}, "replicas": 2}, ["2 registries", "2 replicas"]),
        ({"registries": {"ghcr.io": "a"}, "patches": [{}]}, ["1 registry", "1 patch"]),
        (
            {"tolerations": [{}], "node_selector": {"a": "b"}, "affinity": {}},
            ["1 toleration", "node selector", "affinity"],
        ),
        ({"extra_objects": [{}, {}], "patches": [{}, {}]}, ["2 patches", "2 extra objects"]),
        ({"trainer_controller": {"env": [], "replicas": 1}}, ["2 for the trainer controller"]),
        # An install record may hold anything.
        ({"registries": 3, "trainer_controller": [1]}, ["registries", "trainer controller"]),
    ],
)
def test_options_in_a_few_words(options: dict[str, object], words: list[str]) -> None:
    assert summary_of(options) == words
