# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options on a real API server: in the install record, in what a run without them says, and in take-overs."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.conductor.trainer.plugins.module_utils.errors import RefusedError
from ansible_collections.conductor.trainer.plugins.module_utils.inspection.inspect import inspect
from ansible_collections.conductor.trainer.plugins.module_utils.names import INSTALL_RECORD
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import Key, key_of, path_of
from ansible_collections.conductor.trainer.plugins.module_utils.options.draft import Draft, container_of, pod_of
from ansible_collections.conductor.trainer.plugins.module_utils.options.installed.recorded import lay_recorded
from ansible_collections.conductor.trainer.plugins.module_utils.options.layers import with_options
from ansible_collections.conductor.trainer.plugins.module_utils.ownership.record import read_install_record
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle
from tests.support.control_plane import ControlPlane
from tests.support.known_states import HOME
from tests.support.playing import CLONE, play
from tests.support.states import States, apply
from tests.unit.plugins.helpers.installing import ensure_present

TRAINER = Key("apps/v1", "Deployment", HOME, "kubeflow-trainer-controller-manager")
JOBSET = Key("apps/v1", "Deployment", HOME, "jobset-controller-manager")
RECORD = Key("v1", "ConfigMap", HOME, INSTALL_RECORD)
TOLERATIONS = [{"key": "CriticalAddonsOnly", "operator": "Exists"}]
OPTIONS: dict[str, Any] = {
    "tolerations": TOLERATIONS,
    "jobset_controller": {"node_selector": {"pool": "system"}},
}
NOT_GIVEN = [
    "conductor_jobset_controller.node_selector.pool is system in the install record and not given here",
    "conductor_tolerations is a list in the install record and not given here",
]
MIRROR = "mirror.example.com"


def get(plane: ControlPlane, key: Key) -> dict[str, Any]:
    return plane.client().get(path_of(key))


def mirrored(bundle: Bundle, registry: str = MIRROR, **options: Any) -> Bundle:
    """The release with options: the images from a mirror, and smaller requests."""
    draft = Draft(bundle)
    with draft.because("resources"):
        for key in (TRAINER, JOBSET):
            container_of(draft.edit(key))["resources"] = {"requests": {"cpu": "20m", "memory": "64Mi"}}
    registries = {name: f"{registry}/{name}" for name in ("ghcr.io", "registry.k8s.io")}
    return with_options(draft.finished(), {"registries": registries, **options})


def overlaid(bundle: Bundle) -> list[dict[str, Any]]:
    """The objects of the release as a person's overlay makes them: the controllers' images from the mirror."""
    images = {key_of(item): container_of(item)["image"] for item in mirrored(bundle).objects("Deployment")}
    changed = copy.deepcopy(bundle.objects())
    for item in changed:
        if key_of(item) in images:
            container_of(item)["image"] = images[key_of(item)]
    return changed


def test_an_option_is_told_where_it_is_not_given_and_is_taken_back(plane: ControlPlane, bundle: Bundle) -> None:
    laid = with_options(bundle, OPTIONS)
    first = ensure_present(plane.client(), laid)
    assert first["options_changed"] == []
    assert (first["options"]["fields"], first["options"]["summary"]) == (
        3,
        ["1 toleration", "1 for the jobset controller"],
    )
    mark = plane.now()
    again = ensure_present(plane.client(), laid)
    assert (again["changed"], again["options_changed"]) == (False, [])

    forgotten = ensure_present(plane.client(), bundle, check=True, with_diff=True)
    assert forgotten["options_changed"] == NOT_GIVEN
    assert forgotten["actions"] == {"update": [str(JOBSET), str(TRAINER)]}
    record = read_install_record(plane.client(), bundle.namespace)
    as_recorded = lay_recorded(bundle, record.options)
    same = ensure_present(plane.client(), as_recorded, check=True)
    assert (same["changed"], same["actions"], same["options_changed"]) == (False, {}, [])

    found = inspect(plane.client(), bundle)
    assert (found["options"]["fields"], found["options"]["problem"]) == (3, "")
    assert found["options"]["digest"] == first["options"]["digest"] != ""
    assert found["options_changed"] == NOT_GIVEN
    assert inspect(plane.client(), laid)["options_changed"] == []
    assert plane.writes_since(mark) == []

    more = [*TOLERATIONS, {"key": "gpu", "operator": "Exists"}]
    changed = with_options(bundle, {"jobset_controller": {"tolerations": more}})
    foretold = ensure_present(plane.client(), changed, check=True, with_diff=True)
    assert f"{JOBSET}: spec.template.spec.tolerations[1] = {more[1]}  (conductor_jobset_controller.tolerations)" in (
        foretold["diff"]["after"].splitlines()
    )
    done = ensure_present(plane.client(), changed)
    assert done["actions"] == {"update": [str(JOBSET), str(TRAINER)]}
    assert len(done["options_changed"]) == 3
    assert "tolerations" not in get(plane, TRAINER)["spec"]["template"]["spec"]
    assert get(plane, JOBSET)["spec"]["template"]["spec"]["tolerations"] == more
    assert "nodeSelector" not in get(plane, JOBSET)["spec"]["template"]["spec"]


def test_options_that_change_no_object_are_recorded(plane: ControlPlane, bundle: Bundle) -> None:
    ensure_present(plane.client(), bundle)
    same = with_options(bundle, {"labels": {"conductor.trainer/managed": "true"}})
    done = ensure_present(plane.client(), same)
    assert (done["actions"], done["record_updated"], len(done["options_changed"])) == ({}, True, 1)
    assert read_install_record(plane.client(), bundle.namespace).options == same.options
    assert not ensure_present(plane.client(), same)["changed"]
    taken = ensure_present(plane.client(), bundle)
    assert (taken["actions"], taken["record_updated"]) == ({}, True)
    assert read_install_record(plane.client(), bundle.namespace).options == {}


def test_fields_that_others_added_are_counted(plane: ControlPlane, bundle: Bundle) -> None:
    ensure_present(plane.client(), bundle)
    plane.kubectl("patch", "deployment", TRAINER.name, f"--namespace={HOME}", '--patch={"spec":{"minReadySeconds":3}}')
    found = inspect(plane.client(), bundle)
    assert found["options"]["others"] == {"kubectl-patch": 1}


def written(plane: ControlPlane, path: Path, tasks: list[dict[str, Any]]) -> Path:
    """A playbook with tasks of one module, each named like its options."""
    given = {"kubeconfig": "{{ conductor_kubeconfig }}", "context": "{{ conductor_context }}"}
    listed = [
        {
            "name": str(task.pop("name")),
            **{key: task.pop(key) for key in ("check_mode", "register", "ignore_errors") if key in task},
            "conductor.trainer.trainer_operator": {**given, **task},
        }
        if "that" not in task
        else {"ansible.builtin.assert": task}
        for task in copy.deepcopy(tasks)
    ]
    path.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": listed}]))
    return path


def test_the_modules_use_the_recorded_options(plane: ControlPlane, tmp_path: Path) -> None:
    playbook = written(
        plane,
        tmp_path / "play.yml",
        [
            {"name": "install", "customize": OPTIONS},
            {"name": "forgotten", "check_mode": True, "register": "forgotten"},
            {"name": "recorded", "options": "recorded", "check_mode": True, "register": "recorded"},
            {"name": "refused", "options": "recorded", "register": "refused", "ignore_errors": True},
            {
                "that": [
                    "forgotten.actions['update'] | length == 2",
                    "forgotten.options_changed[1] == 'customize.tolerations is a list in the install record and not "
                    "given here'",
                    "forgotten.warnings[-1] is search('this cluster was installed with other options: customize.')",
                    "recorded.actions == {}",
                    "recorded.options.digest != ''",
                    "recorded.options.differences[0].set_by == 'customize.jobset_controller.node_selector'",
                    "not recorded.changed",
                    "refused.msg is search('set `options` to given')",
                ]
            },
        ],
    )
    done = play(playbook, plane.variables)
    assert done.code == 0, done.text


def test_status_and_verify_say_which_options_are_not_given(plane: ControlPlane, bundle: Bundle) -> None:
    ensure_present(plane.client(), with_options(bundle, OPTIONS))
    status = play(CLONE / "playbooks" / "status.yml", plane.variables)
    assert status.code == 0, status.text
    assert "Differences 3 fields differ from the release, by 1 toleration, 1 for the jobset controller" in status.text
    assert f"this cluster was installed with other options: {' '.join(NOT_GIVEN)} Next:" in status.text
    verify = play(CLONE / "playbooks" / "verify.yml", plane.variables)
    assert verify.code != 0
    assert f"this cluster was installed with other options: {' '.join(NOT_GIVEN)} 2 objects are" in verify.text
    assert "Next: give the options of the last install, or set `conductor_options: recorded`" in verify.text
    given = {**plane.variables, "conductor_options": "recorded"}
    recorded = play(CLONE / "playbooks" / "status.yml", given)
    assert (recorded.code, "other options" in recorded.text) == (0, False)
    # The controllers' pods find no node here: only what comes before that counts.
    verified = play(CLONE / "playbooks" / "verify.yml", {**given, "conductor_verify_timeout": 0})
    assert "Check the controllers" in verified.text
    assert "other options" not in verified.text


@pytest.mark.parametrize("options", [{"shiny": 1}, {"tolerations": "x"}, {"jobset_controller": {"shiny": 1}}])
def test_a_record_that_somebody_edited_is_an_error_in_words(
    plane: ControlPlane, bundle: Bundle, options: dict[str, Any], tmp_path: Path
) -> None:
    ensure_present(plane.client(), bundle)
    record = get(plane, RECORD)
    content = {**json.loads(record["data"]["record.json"]), "options": options}
    path = tmp_path / "record.json"
    path.write_text(json.dumps({"data": {"record.json": json.dumps(content)}}))
    plane.kubectl("patch", "configmap", INSTALL_RECORD, f"--namespace={HOME}", f"--patch-file={path}")

    playbook = written(
        plane,
        tmp_path / "play.yml",
        [
            {
                "name": "as recorded",
                "options": "recorded",
                "check_mode": True,
                "register": "read",
                "ignore_errors": True,
            },
            {"name": "remove", "options": "recorded", "state": "absent", "register": "removed"},
            {
                "that": [
                    "read is failed",
                    "read.msg is search('the options in the install record cannot be used')",
                    "removed.counts.Deployment == 2",
                ]
            },
        ],
    )
    found = inspect(plane.client(), bundle)
    assert found["options"]["problem"] != ""
    done = play(playbook, plane.variables)
    assert done.code == 0, done.text
    assert "the options in the install record cannot be used" in done.text
    assert "Traceback" not in done.text
    assert plane.client().find(path_of(RECORD)) is None


@pytest.mark.parametrize("options", ["recorded", "given"])
def test_an_uninstall_needs_no_options(plane: ControlPlane, bundle: Bundle, options: str) -> None:
    ensure_present(plane.client(), with_options(bundle, {**OPTIONS, "labels": {"team": "ml"}}))
    removed = play(CLONE / "playbooks" / "uninstall.yml", {**plane.variables, "conductor_options": options})
    assert removed.code == 0, removed.text
    assert plane.client().find(path_of(JOBSET)) is None
    assert plane.client().find(path_of(RECORD)) is None
    assert "other options" not in removed.text


@pytest.mark.parametrize("source", ["upstream", "our kustomization"])
def test_what_kubectl_applied_without_options_is_taken_over_with_them(
    states: States, bundle: Bundle, source: str
) -> None:
    plane = states.enter("upstream" if source == "upstream" else None)
    if source != "upstream":
        apply(plane, bundle.objects())
    laid = mirrored(bundle, tolerations=TOLERATIONS)
    foretold = ensure_present(plane.client(), laid, check=True)
    done = ensure_present(plane.client(), laid)
    assert foretold["actions"] == done["actions"]
    assert str(TRAINER) in done["actions"]["adopt"]
    pod = pod_of(get(plane, TRAINER))
    assert pod["tolerations"] == TOLERATIONS
    assert pod["containers"][0]["image"].startswith(f"{MIRROR}/")
    assert not ensure_present(plane.client(), laid)["changed"]


def test_an_overlay_with_the_values_of_the_options_is_no_edit_and_another_is(
    plane: ControlPlane, bundle: Bundle
) -> None:
    apply(plane, overlaid(bundle))
    mark = plane.now()
    for other in (bundle, mirrored(bundle, "other.example.com")):
        with pytest.raises(RefusedError) as caught:
            ensure_present(plane.client(), other)
        fields = {conflict["field"] for conflict in caught.value.facts["conflicts"]}
        assert '.spec.template.spec.containers[name="manager"].image' in fields
        assert "`conductor_registries` or `conductor_images`" in str(caught.value)
    assert plane.writes_since(mark) == []
    laid = mirrored(bundle, tolerations=TOLERATIONS)
    ensure_present(plane.client(), laid)
    assert pod_of(get(plane, TRAINER))["containers"][0]["resources"]["requests"]["cpu"] == "20m"
    assert not ensure_present(plane.client(), laid)["changed"]


def test_an_adoption_never_replaces_a_mirror_silently(states: States, bundle: Bundle) -> None:
    plane = states.enter("flux")
    for key in (TRAINER, JOBSET):
        live = get(plane, key)
        image = f"{MIRROR}/{container_of(live)['image']}"
        plane.kubectl("set", "image", f"deployment/{key.name}", f"manager={image}", f"--namespace={HOME}")
    mark = plane.now()
    with pytest.raises(RefusedError) as caught:
        ensure_present(plane.client(), bundle, adopt=["flux"])
    assert plane.writes_since(mark) == []
    conflicts = caught.value.facts["conflicts"]
    assert {conflict["object"] for conflict in conflicts} == {str(TRAINER), str(JOBSET)}
    assert all(MIRROR in conflict["live"] and conflict["field"].endswith(".image") for conflict in conflicts)
    laid = mirrored(bundle)
    assert ensure_present(plane.client(), laid, adopt=["flux"])["actions"]["adopt"]
    assert container_of(get(plane, TRAINER))["image"].startswith(f"{MIRROR}/")
    assert not ensure_present(plane.client(), laid)["changed"]
