# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace

from ansible_collections.conductor.trainer.plugins.module_utils.install.record_updates import (
    completed,
    entries_of,
    intended,
)
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import Key
from ansible_collections.conductor.trainer.plugins.module_utils.ownership.record import Record, RecordEntry
from ansible_collections.conductor.trainer.plugins.module_utils.plan.plan import Action, Verb
from tests.unit.plugins.helpers.builders import CONFIG, DEPLOYMENT, HOME, SECRET, bundle

ENTRY = RecordEntry("uid-1", "d", "a", created=True)
RECORD = Record("9.9.8", "default", "sha", {CONFIG: ENTRY}, "bundled")
METADATA = {"uid": "uid-2"}
SERVICE = Key("v1", "Service", "ops", "webhook")


def created(verb: Verb, record: Record = RECORD, *, take_over: bool = False, key: object = DEPLOYMENT) -> bool:
    action = Action(verb, key, "access", "", {}, take_over=take_over)  # type: ignore[arg-type]
    return entries_of(record, [(action, METADATA)])[action.key].created


def test_missing_objects_count_as_created() -> None:
    assert created("create")
    assert not created("adopt", key=HOME)
    assert not created("update", replace(RECORD, entries={DEPLOYMENT: replace(ENTRY, created=False)}))


def test_what_bears_our_entry_and_no_record_knows_was_created_but_for_a_namespace() -> None:
    assert created("update")
    assert not created("update", key=HOME)


def test_an_intended_object_with_our_entry_counts_as_created() -> None:
    assert created("update", replace(RECORD, intent=frozenset({DEPLOYMENT})))
    assert not created("adopt", replace(RECORD, intent=frozenset({HOME})), key=HOME)


def test_what_kubectl_applied_from_our_kustomization_counts_but_for_a_namespace() -> None:
    assert all(created("adopt", take_over=True, key=key) for key in (DEPLOYMENT, CONFIG, SECRET, SERVICE))
    assert not created("adopt", take_over=True, key=HOME)


def test_a_created_object_stays_created() -> None:
    assert created("update", replace(RECORD, entries={DEPLOYMENT: ENTRY}))


def test_an_intent_changes_nothing_else_of_a_record() -> None:
    assert intended(RECORD, bundle(), "fail_open", "external", [DEPLOYMENT]) == replace(
        RECORD, intent=frozenset({DEPLOYMENT})
    )
    first = intended(Record(), bundle(), "fail_open", "external", [DEPLOYMENT])
    assert (first.release, first.profile, first.jobset, first.entries) == ("9.9.9", "fail_open", "external", {})


def test_where_nothing_was_applied_nothing_is_recorded() -> None:
    assert completed(RECORD, bundle(), "fail_open", "bundled", {}) == RECORD
    assert completed(Record(), bundle(), "default", "bundled", {}) == Record()


def test_what_a_killed_run_intended_is_settled_by_the_next() -> None:
    left = replace(RECORD, intent=frozenset({DEPLOYMENT}))
    assert completed(left, bundle(), "default", "bundled", {}).intent == frozenset()
    failed = completed(left, bundle(), "default", "bundled", {}, intent=[DEPLOYMENT])
    assert failed.intent == {DEPLOYMENT}


def test_dropped_objects_leave_the_record() -> None:
    assert completed(RECORD, bundle(), "default", "bundled", {}, dropped=[CONFIG]).entries == {}
    assert completed(RECORD, bundle(), "default", "bundled", {}, dropped=[DEPLOYMENT]) == RECORD
