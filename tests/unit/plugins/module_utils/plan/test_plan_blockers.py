# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Blockers about objects of other owners; the order of values does not decide whether two blockers are the same."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.objects.digest import digest
from ansible_collections.conductor.trainer.plugins.module_utils.objects.line import about_object, about_places
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import Key, key_of
from ansible_collections.conductor.trainer.plugins.module_utils.ownership import owner
from ansible_collections.conductor.trainer.plugins.module_utils.ownership.owner import entry_digest
from ansible_collections.conductor.trainer.plugins.module_utils.ownership.record import Record, RecordEntry
from ansible_collections.conductor.trainer.plugins.module_utils.plan.plan import Observed, make_plan
from ansible_collections.conductor.trainer.plugins.module_utils.plan.prune import decide_leftover
from tests.unit.plugins.helpers.builders import CONFIG, bundle, content, obj, runtime, webhooks

OWN = {"manager": "conductor", "operation": "Apply", "time": "t0", "fieldsV1": {"f:spec": {}}}
THEIRS = {"uid": "u", "managedFields": [{"manager": "installer", "operation": "Apply"}]}


@pytest.mark.parametrize("other", ["0", "~"])
@pytest.mark.parametrize(
    ("field", "reason"),
    [
        ("uid", "it was deleted and recreated"),
        ("desired", "it differs in this release"),
        ("applied", "a field of the release was modified"),
    ],
)
def test_a_value_on_record_is_the_same_or_another(field: str, reason: str, other: str) -> None:
    found = {"uid": "u", "resourceVersion": "1", "managedFields": [OWN]}
    first = make_plan(bundle(), Observed(metadata={CONFIG: found}))
    (action,) = (action for action in first.actions if action.key == CONFIG)
    assert (action.verb, action.reason) == ("update", "it is not in the install record")
    entry: dict[str, Any] = {
        "uid": "u",
        "desired": digest(action.manifest),
        "applied": str(entry_digest(found)),
        "created": True,
    }
    for values, expected in ((entry, "as recorded"), ({**entry, field: other}, reason)):
        state = Observed(metadata={CONFIG: found}, record=Record(entries={CONFIG: RecordEntry(**values)}))
        (again,) = (action for action in make_plan(bundle(), state).actions if action.key == CONFIG)
        assert again.reason == expected


@pytest.mark.parametrize("uid", ["0", "~"])
def test_another_uid_is_another_object_whichever_comes_first(uid: str) -> None:
    live = {"uid": uid, "managedFields": [OWN]}
    entry = RecordEntry("u", "d", "a", created=True)
    assert decide_leftover(CONFIG, entry, live, prune_crds=False, used_by="").decision == "drop"


@pytest.mark.parametrize(("count", "more"), [(3, ""), (4, " and 1 more"), (7, " and 4 more")])
def test_the_first_three_of_an_owner_are_named(count: int, more: str) -> None:
    phases = content()["phases"]
    phases[1]["objects"] = [obj("ConfigMap", f"c{number}", namespace="ops") for number in range(count)]
    release = bundle(phases=phases)
    keys = [key_of(manifest) for manifest in release.objects("ConfigMap")]
    (reason,) = make_plan(release, Observed(metadata=dict.fromkeys(keys, THEIRS))).blockers
    assert reason.subject == f"ConfigMap ops/c0, ConfigMap ops/c1, ConfigMap ops/c2{more}"
    assert reason.text == f"{reason.subject}: {reason.cause}"
    assert reason.about == {("owner", "managers", "installer")}


RUNTIME = key_of(runtime("torch"))
JOBSET = Key("v1", "ConfigMap", "ops", "jobset-config")


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        ([RUNTIME], "runtime_other_owner"),
        ([JOBSET], "jobset_other_owner"),
        ([CONFIG], "trainer_other_owner"),
        ([RUNTIME, CONFIG], "trainer_other_owner"),
        ([JOBSET, CONFIG], "trainer_other_owner"),
        ([JOBSET, RUNTIME], "trainer_other_owner"),
    ],
)
def test_a_foreign_object_is_trainers_jobsets_or_a_runtime(keys: list[Key], code: str) -> None:
    phases = content()["phases"]
    phases[1]["objects"].append(obj("ConfigMap", "jobset-config", namespace="ops"))
    (reason,) = make_plan(bundle(phases=phases), Observed(metadata=dict.fromkeys(keys, THEIRS))).blockers
    assert reason.code == code


def configuration(name: str, client: dict[str, Any]) -> dict[str, Any]:
    made = webhooks(name, "x", ["trainer.kubeflow.org"])
    made["webhooks"][0]["clientConfig"] = client
    return made


@pytest.mark.parametrize(
    ("name", "client", "code", "clue"),
    [
        ("theirs", {"service": {"namespace": "far", "name": "w"}}, "trainer_other_owner", "far"),
        ("jobset-theirs", {"service": {"namespace": "far", "name": "w"}}, "jobset_other_owner", "far"),
        ("theirs", {"url": "https://w.example.com/x"}, "trainer_other_owner", "https://w.example.com/x"),
    ],
)
def test_a_foreign_webhook_is_known_by_where_it_points_to(
    name: str, client: dict[str, Any], code: str, clue: str
) -> None:
    (reason,) = make_plan(bundle(), Observed(webhook_configurations=[configuration(name, client)])).blockers
    assert (reason.code, reason.about) == (code, about_places(clue))
    assert reason.subject.startswith(f"webhook configuration {name} points to ")


@pytest.mark.parametrize(
    ("adopt", "next_step"),
    [((), "keep using the tool that manages it"), (("other",), "delete these webhook configurations")],
)
def test_a_foreign_webhook_is_to_be_removed_by_its_own_tool_where_its_release_is_taken_over(
    adopt: tuple[str, ...], next_step: str
) -> None:
    """Otherwise it would still call a Service that nobody maintains."""
    state = Observed(metadata={CONFIG: THEIRS}, webhook_configurations=[configuration("theirs", {"url": "https://w"})])
    reasons = make_plan(bundle(), state, adopt).blockers
    assert reasons[-1].subject.startswith("webhook configuration theirs")
    assert reasons[-1].next_step.startswith(next_step)


@pytest.mark.parametrize("version", ["1.31.0", "1.31.4"])
def test_a_patch_release_of_kubernetes_does_not_count(version: str) -> None:
    assert make_plan(bundle(kubernetes_minimum="1.31.4"), Observed(kubernetes=version)).blockers == ()


@pytest.mark.parametrize(("version", "refused"), [("1.30.99", True), ("1.31.0", False), ("2.0", False), ("1.9", True)])
def test_major_and_minor_are_numbers(version: str, refused: bool) -> None:
    assert bool(make_plan(bundle(), Observed(kubernetes=version)).blockers) is refused


def test_decisions_are_immutable() -> None:
    plan = make_plan(bundle(), Observed())
    for value, field in ((plan, "actions"), (plan.actions[0], "verb"), (Observed(), "kubernetes")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, field, None)


def test_a_blocker_does_not_depend_on_the_name_of_an_owner() -> None:
    """The name of an owner may look like the reason of a Terminating object."""
    named = {"annotations": {"meta.helm.sh/release-name": "is Terminating since yesterday"}}
    gone = {"deletionTimestamp": "2026-01-01T00:00:00Z"}
    actions = make_plan(bundle(), Observed(metadata={CONFIG: named})).actions
    assert [(action.refused, action.reason) for action in actions if action.verb == "refuse"] == [
        ("foreign", "Helm release is Terminating since yesterday")
    ]
    (reason,) = make_plan(bundle(), Observed(metadata={CONFIG: gone})).blockers
    assert (reason.code, reason.about) == ("terminating", about_object(CONFIG.name))


@pytest.mark.parametrize("words", [("Helm release", "Argo CD"), ("Installed by a tool:",) * 2])
def test_two_owners_are_two_blockers_whatever_their_names(
    monkeypatch: pytest.MonkeyPatch, words: tuple[str, str]
) -> None:
    marks = (
        ("annotations", "meta.helm.sh/release-name", "", "helm", words[0]),
        ("annotations", "argocd.argoproj.io/tracking-id", "", "argocd", words[1]),
    )
    monkeypatch.setattr(owner, "_MARKS", marks)
    phases = content()["phases"]
    phases[1]["objects"] = [obj("ConfigMap", name, namespace="ops") for name in "ab"]
    keys = [key_of(manifest) for manifest in bundle(phases=phases).objects("ConfigMap")]
    metadata = {key: {"annotations": {where: "x"}} for key, (_field, where, *_rest) in zip(keys, marks, strict=True)}
    reasons = make_plan(bundle(phases=phases), Observed(metadata=metadata)).blockers
    assert [reason.about for reason in reasons] == [
        {("owner", "helm", "/x")},
        {("owner", "argocd", "x")},
    ]
