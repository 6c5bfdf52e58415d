# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.names import MANAGED_LABEL
from ansible_collections.conductor.trainer.plugins.module_utils.objects.digest import digest
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import Key, key_of
from ansible_collections.conductor.trainer.plugins.module_utils.ownership.owner import entry_digest
from ansible_collections.conductor.trainer.plugins.module_utils.ownership.record import Record, RecordEntry
from ansible_collections.conductor.trainer.plugins.module_utils.plan.plan import Action, Observed, make_plan
from ansible_collections.conductor.trainer.plugins.module_utils.plan.prune import Leftover
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import PHASES, Bundle
from tests.unit.plugins.helpers.builders import CONFIG, CRD, DEPLOYMENT, HOME, VALIDATOR, bundle, key, obj, webhooks

TIME = "2026-01-01T00:00:00Z"


def metadata(**more: Any) -> dict[str, Any]:
    own = {"manager": "conductor", "operation": "Apply", "time": "t0", "fieldsV1": {"f:spec": {}}}
    return {"uid": "u1", "resourceVersion": "7", "managedFields": [own], **more}


def foreign(**more: Any) -> dict[str, Any]:
    return metadata(managedFields=[{"manager": "kubectl", "operation": "Apply"}], **more)


def observed(release: Bundle, changes: dict[Key, dict[str, Any] | None] | None = None, **more: Any) -> Observed:
    """Everything exists as recorded, except for the changes."""
    entries, found = {}, {}
    for manifest in release.objects():
        key = key_of(manifest)
        found[key] = metadata()
        entries[key] = RecordEntry("u1", digest(manifest), str(entry_digest(found[key])), True)
    for key, value in (changes or {}).items():
        if value is None:
            del found[key]
        else:
            found[key] = value
    return Observed(metadata=found, **{"record": Record(entries=entries), "kubernetes": "1.35.8", **more})


def action_for(key: Key, state: Observed, release: Bundle | None = None) -> Action:
    plan = make_plan(release or bundle(), state)
    return next(action for action in plan.actions if action.key == key)


def without(state: Observed, key: Key) -> Record:
    return Record(entries={other: entry for other, entry in state.record.entries.items() if other != key})


def test_objects_as_recorded_are_unchanged() -> None:
    plan = make_plan(bundle(), observed(bundle()))
    assert {action.verb for action in plan.actions} == {"unchanged"}
    assert plan.writing(PHASES) == []
    assert plan.blocker_lines == ()


def test_on_an_empty_cluster_everything_is_created_in_the_order_of_the_bundle() -> None:
    plan = make_plan(bundle(), Observed())
    assert [action.key for action in plan.actions] == [key_of(manifest) for manifest in bundle().objects()]
    assert {(action.verb, action.reason, action.resource_version) for action in plan.actions} == {
        ("create", "it does not exist", "")
    }
    assert [action.phase for action in plan.writing(["controllers", "runtimes"])] == [
        "controllers",
        "runtimes",
        "runtimes",
    ]


@pytest.mark.parametrize(
    ("found", "verb", "reason"),
    [
        (None, "create", "it was deleted"),
        (metadata(), "unchanged", "as recorded"),
        (metadata(uid="u2"), "update", "deleted and recreated"),
        (
            metadata(managedFields=[{**metadata()["managedFields"][0], "time": "t1"}]),
            "update",
            "a field of the release was modified",
        ),
        (
            metadata(managedFields=[*metadata()["managedFields"], {"manager": "conductor", "operation": "Update"}]),
            "update",
            "a field of the release was modified",
        ),
        # Additions of other managers to our objects are no drift.
        (metadata(managedFields=[*metadata()["managedFields"], {"manager": "kubectl"}]), "unchanged", "as recorded"),
        (metadata(labels={"a": "b"}, resourceVersion="99"), "unchanged", "as recorded"),
        (foreign(), "refuse", "field manager kubectl"),
        (metadata(labels={"app.kubernetes.io/managed-by": "Helm"}), "refuse", "Helm"),
        (
            metadata(deletionTimestamp=TIME),
            "refuse",
            f"is Terminating since {TIME}, waiting for its deletion",
        ),
        (metadata(deletionTimestamp=TIME, finalizers=["a/b", "c"]), "refuse", "waiting for a/b, c"),
        (foreign(deletionTimestamp=TIME), "refuse", "is Terminating"),
    ],
)
def test_one_object(found: dict[str, Any] | None, verb: str, reason: str) -> None:
    action = action_for(DEPLOYMENT, observed(bundle(), {DEPLOYMENT: found}))
    assert action.verb == verb
    assert reason in action.reason
    assert action.writes is (verb in ("create", "update", "adopt"))
    assert action.resource_version == (found or {}).get("resourceVersion", "")


def test_ours_but_not_in_the_record_is_applied_again() -> None:
    state = observed(bundle())
    state = Observed(state.metadata, (), without(state, DEPLOYMENT), "")
    action = action_for(DEPLOYMENT, state)
    assert (action.verb, action.reason) == ("update", "it is not in the install record")
    assert action_for(CONFIG, state).verb == "unchanged"


def test_what_the_release_wants_otherwise_is_updated() -> None:
    state = observed(bundle())
    changed = bundle("fail_open")
    updates = [action for action in make_plan(changed, state).actions if action.verb != "unchanged"]
    assert [(action.verb, action.key.name, action.reason) for action in updates] == [
        ("update", "validator", "it differs in this release")
    ]


@pytest.mark.parametrize(
    ("found", "owner"),
    [
        (foreign(), "field manager kubectl"),
        (metadata(managedFields=None), "an unknown owner"),
        ({**foreign(), "labels": {"argocd.argoproj.io/instance": "platform"}}, "Argo CD platform"),
    ],
)
def test_a_prepared_namespace_is_adopted(found: dict[str, Any], owner: str) -> None:
    plan = make_plan(bundle(), observed(bundle(), {HOME: found}))
    (action,) = plan.writing(PHASES)
    assert (action.verb, action.key, action.reason) == ("adopt", HOME, f"it exists already ({owner})")
    assert plan.blocker_lines == ()


def by_kubectl(*more: dict[str, Any], **changes: Any) -> dict[str, Any]:
    labelled: dict[str, Any] = {"f:metadata": {"f:labels": {f"f:{MANAGED_LABEL}": {}}}}
    entry = {"manager": "kubectl", "operation": "Apply", "fieldsV1": labelled}
    return metadata(managedFields=[entry, *more], labels={MANAGED_LABEL: "true"}, **changes)


@pytest.mark.parametrize("key", [DEPLOYMENT, CONFIG, HOME, VALIDATOR])
@pytest.mark.parametrize("recorded", [True, False])
def test_what_kubectl_applied_of_ours_is_adopted(key: Key, recorded: bool) -> None:
    state = observed(bundle(), {key: by_kubectl()})
    if not recorded:
        state = Observed(state.metadata, (), Record(), "")
    plan = make_plan(bundle(), state)
    action = next(action for action in plan.actions if action.key == key)
    assert (action.verb, action.take_over) == ("adopt", True)
    assert "applied by kubectl" in action.reason
    assert plan.blocker_lines == ()


def test_kubectl_beside_us_is_adopted_again() -> None:
    own = metadata()["managedFields"]
    assert action_for(DEPLOYMENT, observed(bundle(), {DEPLOYMENT: by_kubectl(*own)})).verb == "adopt"


@pytest.mark.parametrize(
    ("found", "owner"),
    [
        (by_kubectl(annotations={"meta.helm.sh/release-name": "t"}), "Helm release t"),
        (by_kubectl(annotations={"argocd.argoproj.io/tracking-id": "t"}), "Argo CD t"),
        ({**by_kubectl(), "labels": {MANAGED_LABEL: "true", "olm.owner": "csv"}}, "Operator Lifecycle Manager csv"),
        (by_kubectl({"manager": "kustomize-controller", "operation": "Apply"}), "kubectl, kustomize-controller"),
        ({**by_kubectl(), "labels": {}}, "field manager kubectl"),
        (by_kubectl(deletionTimestamp=TIME), "is Terminating"),
    ],
)
def test_other_installers_and_deletions_still_block(found: dict[str, Any], owner: str) -> None:
    action = action_for(DEPLOYMENT, observed(bundle(), {DEPLOYMENT: found}))
    assert (action.verb, action.take_over) == ("refuse", False)
    assert owner in action.reason


def test_a_namespace_of_another_installer_is_adopted_without_taking_it_from_kubectl() -> None:
    found = {**by_kubectl(), "labels": {MANAGED_LABEL: "true", "argocd.argoproj.io/instance": "platform"}}
    action = action_for(HOME, observed(bundle(), {HOME: found}))
    assert (action.verb, action.take_over, action.reason) == ("adopt", False, "it exists already (Argo CD platform)")


@pytest.mark.parametrize(("profile", "other"), [("default", "Ignore"), ("fail_open", None)])
def test_what_kubectl_hands_over_may_be_of_another_profile(profile: str, other: str | None) -> None:
    state = observed(bundle(profile), {key: by_kubectl() for key in (VALIDATOR, CONFIG)})
    (variant,) = action_for(VALIDATOR, state, bundle(profile)).variants
    assert variant["webhooks"][0].get("failurePolicy") == other
    assert variant["metadata"]["labels"] == {MANAGED_LABEL: "true"}
    assert action_for(CONFIG, state, bundle(profile)).variants == ()


def test_an_adopted_namespace_is_not_adopted_again() -> None:
    found = metadata(labels={"argocd.argoproj.io/instance": "platform"})
    assert action_for(HOME, observed(bundle(), {HOME: found})).verb == "unchanged"


def test_a_terminating_namespace_blocks_for_any_owner() -> None:
    plan = make_plan(bundle(), observed(bundle(), {HOME: foreign(deletionTimestamp=TIME)}))
    assert plan.blocker_lines == (f"Namespace ops is Terminating since {TIME}, waiting for its deletion",)
    assert plan.next_steps == (
        "wait until the Terminating object is gone, or delete what it waits for; then run this again",
    )


def test_what_the_server_says_of_a_terminating_object_is_said() -> None:
    state = observed(bundle(), {HOME: metadata(deletionTimestamp=TIME)}, endings={HOME: "a/b in 1 resource instances"})
    (text,) = make_plan(bundle(), state).blocker_lines
    assert text.endswith("waiting for its deletion: a/b in 1 resource instances")


def test_each_owner_has_its_own_remedy() -> None:
    state = observed(bundle(), {DEPLOYMENT: foreign(), CONFIG: foreign(labels={"olm.owner": "x"})}, kubernetes="1.30.1")
    plan = make_plan(bundle(), state)
    assert len(plan.blocker_lines) == 3
    assert [next_step.split(";")[0] for next_step in plan.next_steps] == [
        "upgrade the cluster",
        "keep using the tool that manages it, because Conductor changes only objects that it installed",
        "keep using the tool that manages it, because Conductor changes only objects that it installed",
    ]
    assert make_plan(bundle(), observed(bundle())).next_steps == ()


@pytest.mark.parametrize(
    ("version", "refused"),
    [
        ("1.30.4", True),
        ("v1.30.4-gke.1", True),
        ("1.9.11", True),
        ("0.99", True),
        ("unknown", True),
        ("1.31.0", False),
        ("1.31+", False),
        ("v1.31.2+k3s1", False),
        ("1.100.0", False),
        ("2.0.0", False),
        ("", False),
    ],
)
def test_a_server_that_is_too_old_blocks(version: str, refused: bool) -> None:
    refusals = make_plan(bundle(), observed(bundle(), kubernetes=version)).blocker_lines
    assert bool(refusals) is refused
    assert all(version in text and "1.31" in text for text in refusals)


@pytest.mark.parametrize(("count", "more"), [(1, ""), (3, ""), (4, " and 1 more"), (5, " and 2 more")])
def test_blockers_of_one_owner_are_summarised(count: int, more: str) -> None:
    names = [f"c{number}" for number in range(count)]
    maps = [obj("ConfigMap", name, namespace="ops") for name in names]
    phases = [{"name": "access", "objects": maps}]
    release = bundle(phases=phases, profiles={"default": []}, probes=[])
    state = Observed({key_of(manifest): foreign() for manifest in maps})
    (text,) = make_plan(release, state).blocker_lines
    named = ", ".join(f"ConfigMap ops/{name}" for name in names[:3])
    assert text == f"{named}{more}: managed by another owner (field manager kubectl)"


def test_each_owner_and_each_foreign_webhook_has_its_own_line() -> None:
    state = observed(
        bundle(),
        {DEPLOYMENT: foreign(), CONFIG: metadata(labels={"app.kubernetes.io/managed-by": "Helm"})},
        webhook_configurations=[webhooks("other", "other", ["trainer.kubeflow.org"], namespace="kubeflow")],
    )
    assert make_plan(bundle(), state).blocker_lines == (
        "ConfigMap ops/config: managed by another owner (Helm)",
        "Deployment ops/manager: managed by another owner (field manager kubectl)",
        "webhook configuration other points to service kubeflow/other: another Trainer or JobSet is installed",
    )


def test_what_a_later_phase_may_still_use_is_pruned_only_with_it() -> None:
    gone = Leftover(key("Secret", "tls", namespace="ops"), "prune", "no longer in the release", uid="u")
    changed = observed(bundle(), {DEPLOYMENT: metadata(uid="u2")}, leftovers=(gone,))
    plan = make_plan(bundle(), changed)

    def verbs(*phases: str) -> list[str]:
        return sorted(action.verb for action in plan.writing(phases))

    assert (verbs("access"), verbs("access", "controllers")) == ([], ["prune", "update"])
    # Objects of earlier phases do not use it.
    assert make_plan(bundle(), observed(bundle(), {CRD: metadata(uid="u2")}, leftovers=(gone,))).writing(["access"])
    # If nothing else is to be written, nothing uses it, whatever its phase.
    crd = Leftover(
        key("CustomResourceDefinition", "old", "apiextensions.k8s.io/v1"), "prune", "no longer in it", uid="u"
    )
    for leftover, phase in ((gone, "access"), (crd, "foundation")):
        (prune,) = make_plan(bundle(), observed(bundle(), leftovers=(leftover,))).writing([phase])
        assert prune.key == leftover.key


def test_a_plan_is_a_pure_value() -> None:
    state = observed(bundle(), {DEPLOYMENT: metadata(uid="u2")})
    assert make_plan(bundle(), state) == make_plan(bundle(), state)
    assert "image" not in repr(make_plan(bundle(), state))
