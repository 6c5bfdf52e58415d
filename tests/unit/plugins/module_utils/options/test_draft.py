# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import Key, key_of
from ansible_collections.conductor.trainer.plugins.module_utils.options.draft import Draft, container_of, pod_of
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Change
from ansible_collections.conductor.trainer.plugins.module_utils.release.loader import load_bundle
from tests.unit.plugins.helpers.builders import BUNDLE

REAL = load_bundle(str(BUNDLE))
QUOTA = {
    "apiVersion": "v1",
    "kind": "ResourceQuota",
    "metadata": {"name": "ours", "namespace": "kubeflow-system"},
    "spec": {"hard": {"pods": "10"}},
}


def test_the_controllers_are_found_with_their_configuration() -> None:
    assert [(one.component, one.deployment.name, one.config_map.name) for one in Draft(REAL).controllers()] == [
        ("trainer", "kubeflow-trainer-controller-manager", "kubeflow-trainer-config"),
        ("jobset", "jobset-controller-manager", "jobset-manager-config"),
    ]


@pytest.mark.parametrize("name", ["company-ca", "kubeflow-trainer-public", "kubeflow-trainer-config"])
def test_a_config_map_that_an_option_mounts_is_not_the_configuration(name: str) -> None:
    draft = Draft(REAL)
    trainer = draft.controllers()[0]
    with draft.because("volumes"):
        # A merge puts new items first.
        pod_of(draft.edit(trainer.deployment))["volumes"].insert(0, {"name": "mine", "configMap": {"name": name}})
    assert draft.controllers()[0] == trainer


def test_an_edited_object_is_a_copy_and_the_step_is_known() -> None:
    before = copy.deepcopy(REAL.objects())
    draft = Draft(REAL)
    [trainer, _jobset] = draft.controllers()
    with draft.because("first"):
        pod_of(draft.edit(trainer.deployment))["hostNetwork"] = True
        container_of(draft.edit(trainer.deployment))["image"] = "one"
    with draft.because("second"):
        container_of(draft.edit(trainer.deployment))["image"] = "two"
    laid = draft.finished()
    assert REAL.objects() == before
    assert [(change.option, change.key) for change in laid.changes] == [
        ("first", trainer.deployment),
        ("second", trainer.deployment),
    ]
    [first, second] = laid.changes
    assert first.before is not None
    assert first.after == second.before
    assert container_of(first.before)["image"] != "one"
    assert container_of(second.after or {})["image"] == "two"
    assert second.after in laid.objects("Deployment")


def test_the_release_without_options_is_a_variant() -> None:
    draft = Draft(REAL)
    [trainer, jobset] = draft.controllers()
    with draft.because("one"):
        pod_of(draft.edit(trainer.deployment))["hostNetwork"] = True
    laid = draft.finished()
    plain = {key_of(manifest): manifest for manifest in REAL.objects()}
    assert laid.variants[trainer.deployment][0] == plain[trainer.deployment]
    assert laid.variants.get(jobset.deployment) == REAL.variants.get(jobset.deployment)
    assert laid.upstream[trainer.deployment].default == plain[trainer.deployment]
    assert laid.upstream[jobset.deployment].default is None


def test_an_added_object_is_applied_but_not_part_of_the_release() -> None:
    draft = Draft(REAL)
    with draft.because("extra_objects"):
        key = draft.add("access", QUOTA)
    laid = draft.finished()
    assert key == Key("v1", "ResourceQuota", "kubeflow-system", "ours")
    [added] = [manifest for manifest in laid.objects() if key_of(manifest) == key]
    assert added["metadata"]["labels"] == {"conductor.trainer/managed": "true"}
    assert laid.objects("ResourceQuota") == []
    assert key in laid.known
    assert laid.changes == (laid.changes[0]._replace(option="extra_objects", key=key, before=None, after=added),)


def test_options_come_from_a_person_unless_it_says_so() -> None:
    assert (Draft(REAL).recorded, Draft(REAL, recorded=True).recorded) == (False, True)


def test_a_step_that_replaces_an_object_twice_is_one_change() -> None:
    draft = Draft(REAL)
    key = draft.controllers()[0].deployment
    before = draft.look(key)
    with draft.because("patches[0]"):
        draft.put(key, {**before, "a": 1})
        draft.put(key, {**before, "a": 2})
    assert draft.finished().changes == (Change("patches[0]", key, before, {**before, "a": 2}),)


def test_a_change_outside_of_a_step_is_an_error() -> None:
    draft = Draft(REAL)
    with pytest.raises(ValueError, match="outside of a step"):
        draft.edit(draft.all()[0])
