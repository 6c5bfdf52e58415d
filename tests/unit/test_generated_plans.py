# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds of every plan, over clusters that are made up: each object in any state, with any record of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.conductor.trainer.plugins.module_utils.install.record_updates import completed, entries_of
from ansible_collections.conductor.trainer.plugins.module_utils.names import MANAGED_LABEL
from ansible_collections.conductor.trainer.plugins.module_utils.objects.digest import digest
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import Key, key_of
from ansible_collections.conductor.trainer.plugins.module_utils.ownership.owner import entry_digest
from ansible_collections.conductor.trainer.plugins.module_utils.ownership.record import Record, RecordEntry
from ansible_collections.conductor.trainer.plugins.module_utils.plan.plan import Observed, Plan, make_plan
from ansible_collections.conductor.trainer.plugins.module_utils.plan.prune import decide_leftover
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import PHASES
from tests.unit.plugins.helpers.builders import bundle

# The same examples in every run: a red test is red for everybody.
GENERATED = settings(max_examples=200, deadline=None, database=None, derandomize=True)
BUNDLE = bundle()
MANIFESTS = {key_of(manifest): manifest for manifest in BUNDLE.objects()}
PHASE_OF = {key_of(manifest): phase.name for phase in BUNDLE.phases for manifest in phase.objects}
# What an earlier release had.
OLD = (
    Key("v1", "Service", "ops", "old"),
    Key("apps/v1", "Deployment", "ops", "old"),
    Key("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", "olds.trainer.kubeflow.org"),
    Key("v1", "Namespace", "", "old"),
)

# Who wrote an object: (manager, operation), and whether what it wrote bears our label.
WRITERS = {
    "ours": ("conductor", "Apply", True),
    "kubectl": ("kubectl", "Apply", True),
    "kubectl, not ours": ("kubectl", "Apply", False),
    "another": ("installer", "Apply", False),
    "nobody": None,
}
MARKS: dict[str, dict[str, Any]] = {
    "none": {},
    "helm": {"annotations": {"meta.helm.sh/release-name": "x"}},
    "argocd": {"annotations": {"argocd.argoproj.io/tracking-id": "x"}},
}


class Live(NamedTuple):
    """One object as it is found, and what the record says of it."""

    metadata: dict[str, Any] | None
    entry: RecordEntry | None

    @property
    def is_ours(self) -> bool:
        """Whether we applied it, and nobody else claims it."""
        managers = [entry["manager"] for entry in (self.metadata or {}).get("managedFields", ())]
        return "conductor" in managers and not (self.metadata or {}).get("annotations")


def written(writer: str, mark: str, uid: str, time: int, *, terminating: bool) -> dict[str, Any]:
    """The metadata of an object."""
    found: dict[str, Any] = {"uid": uid, "resourceVersion": str(time), **MARKS[mark]}
    who = WRITERS[writer]
    if who is not None:
        manager, operation, labelled = who
        fields: dict[str, Any] = (
            {"f:metadata": {"f:labels": {f"f:{MANAGED_LABEL}": {}}}} if labelled else {"f:spec": {}}
        )
        found["managedFields"] = [
            {"manager": manager, "operation": operation, "time": str(time), "fieldsV1": fields},
        ]
        found["labels"] = {MANAGED_LABEL: "true"} if labelled else {}
    if terminating:
        found["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return found


@st.composite
def lives(draw: st.DrawFn, key: Key) -> Live:
    """Any state of one object; as it was left by us more often than not, or nothing would ever be in order."""
    metadata = None
    if draw(st.integers(0, 3)):
        metadata = written(
            draw(st.sampled_from(["ours", "ours", "ours", *WRITERS])),
            draw(st.sampled_from(["none", "none", "none", "none", *MARKS])),
            draw(st.sampled_from(["uid-1", "uid-1", "uid-2"])),
            draw(st.integers(1, 2)),
            terminating=draw(st.integers(0, 9)) == 0,
        )
    entry = None
    if draw(st.integers(0, 3)):
        desired = digest(MANIFESTS.get(key, {}))
        as_left = entry_digest(metadata or {}) or "none"
        entry = RecordEntry(
            "uid-1",
            draw(st.sampled_from([desired, desired, "another"])),
            draw(st.sampled_from([as_left, as_left, "another"])),
            draw(st.booleans()),
        )
    return Live(metadata, entry)


@st.composite
def clusters(draw: st.DrawFn) -> tuple[dict[Key, Live], Observed]:
    """A whole cluster."""
    found = {key: draw(lives(key)) for key in (*MANIFESTS, *OLD)}
    record = Record("9.9.8", "default", "sum", {key: live.entry for key, live in found.items() if live.entry})
    prune_crds = draw(st.booleans())
    leftovers = [
        decide_leftover(
            key,
            live.entry,
            live.metadata,
            prune_crds=prune_crds,
            used_by=draw(st.sampled_from(["", "TrainJob a/b"])),
        )
        for key in OLD
        for live in (found[key],)
        if live.entry
    ]
    return found, Observed(
        metadata={key: live.metadata for key, live in found.items() if live.metadata and key in MANIFESTS},
        record=record,
        kubernetes=draw(st.sampled_from(["1.35.0", "1.35.0", "1.35.0", "1.30.2", ""])),
        leftovers=leftovers,
    )


def carried_out(plan: Plan, observed: Observed) -> Observed:
    """The cluster and the record after a plan, if nothing else happens."""
    metadata = {key: dict(found) for key, found in observed.metadata.items()}
    applied: list[tuple[Any, Mapping[str, Any]]] = []
    gone = set(plan.dropped)
    for action in plan.writing(PHASES):
        if action.verb == "prune":
            gone.add(action.key)
            continue
        before = metadata.get(action.key, {})
        after = written("ours", "none", before.get("uid", f"uid of {action.key}"), 3, terminating=False)
        metadata[action.key] = {**before, **after}
        applied.append((action, metadata[action.key]))
    record = completed(
        observed.record, BUNDLE, "default", "bundled", entries_of(observed.record, applied), dropped=gone
    )
    left = [leftover for leftover in observed.leftovers if leftover.key in record.entries]
    return Observed(metadata=metadata, record=record, kubernetes=observed.kubernetes, leftovers=left)


@GENERATED
@given(clusters())
def test_a_plan_that_was_carried_out_leaves_an_empty_one(made_up: tuple[dict[Key, Live], Observed]) -> None:
    _found, observed = made_up
    plan = make_plan(BUNDLE, observed)
    if plan.blockers:
        return
    again = make_plan(BUNDLE, carried_out(plan, observed))
    assert again.writing(PHASES) == []
    assert {action.verb for action in again.actions} == {"unchanged"}
    assert again.retained == plan.retained


@GENERATED
@given(clusters())
def test_a_plan_says_one_thing_of_every_object_in_the_order_of_the_bundle(
    made_up: tuple[dict[Key, Live], Observed],
) -> None:
    _found, observed = made_up
    plan = make_plan(BUNDLE, observed)
    keys = [action.key for action in plan.actions]
    assert keys[: len(MANIFESTS)] == list(MANIFESTS)
    assert len(set(keys)) == len(keys)
    assert [PHASES.index(action.phase) for action in plan.actions[: len(MANIFESTS)]] == [
        PHASES.index(PHASE_OF[key]) for key in MANIFESTS
    ]
    # What goes, goes after everything that comes.
    assert {action.verb for action in plan.actions[len(MANIFESTS) :]} <= {"prune"}
    assert all(action.reason for action in plan.actions)


@GENERATED
@given(clusters())
def test_refuse_beats_destroy(made_up: tuple[dict[Key, Live], Observed]) -> None:
    found, observed = made_up
    plan = make_plan(BUNDLE, observed)
    for action in plan.actions[: len(MANIFESTS)]:
        live = found[action.key]
        if live.metadata is None:
            assert action.verb == "create"
            continue
        assert action.verb != "create"
        theirs = not live.is_ours and action.key.kind != "Namespace" and not action.take_over
        if live.metadata.get("deletionTimestamp") or theirs:
            assert action.verb == "refuse"
        if action.take_over:
            assert WRITERS["kubectl"][:2] in {  # type: ignore[index]
                (entry["manager"], entry["operation"]) for entry in live.metadata["managedFields"]
            }
            assert not live.metadata.get("annotations")
    refused = any(action.verb == "refuse" for action in plan.actions)
    assert bool(plan.blockers) == (refused or observed.kubernetes == "1.30.2")
    assert all(reason.text and reason.next_step and reason.code for reason in plan.blockers)


@GENERATED
@given(clusters())
def test_only_what_conductor_created_and_still_has_is_pruned(made_up: tuple[dict[Key, Live], Observed]) -> None:
    found, observed = made_up
    plan = make_plan(BUNDLE, observed)
    for action in (action for action in plan.actions if action.verb == "prune"):
        live = found[action.key]
        assert live.entry is not None
        assert live.metadata is not None
        assert live.entry.created
        assert action.uid == live.entry.uid == live.metadata["uid"]
        assert live.is_ours
        assert action.key.kind != "Namespace"
        assert action.key not in MANIFESTS
    fates = {key for key in OLD if found[key].entry}
    pruned = {action.key for action in plan.actions if action.verb == "prune"}
    kept = {leftover.key for leftover in plan.retained}
    assert pruned | kept | plan.dropped == fates
    assert len(pruned) + len(kept) + len(plan.dropped) == len(fates)


@GENERATED
@given(clusters(), st.sets(st.sampled_from(PHASES)))
def test_what_the_phases_leave_out_is_not_written(made_up: tuple[dict[Key, Live], Observed], phases: set[str]) -> None:
    _found, observed = made_up
    plan = make_plan(BUNDLE, observed)
    chosen, rest = plan.writing(sorted(phases)), plan.writing([phase for phase in PHASES if phase not in phases])
    assert {action.phase for action in chosen} <= phases
    assert len(chosen) + len(rest) == len(plan.writing(PHASES))
