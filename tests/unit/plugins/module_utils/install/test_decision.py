# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.install.decision import Decided
from ansible_collections.conductor.trainer.plugins.module_utils.install.dry_run import CREATED, Prediction
from ansible_collections.conductor.trainer.plugins.module_utils.plan.plan import Observed, make_plan
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import PHASES
from tests.unit.plugins.helpers.builders import HOME, bundle


def decided(observed: Observed | None = None, *, changes: str = CREATED) -> Decided:
    """A run that creates every object of the bundle, or that finds all of them as desired."""
    observed = observed or Observed()
    plan = make_plan(bundle(), observed)
    predictions = [Prediction(action, changes, {"uid": "1"}) for action in plan.writing(PHASES)]
    return Decided(bundle(), "default", "bundled", observed, plan, predictions)


def test_matching_objects_are_recorded_and_not_written() -> None:
    settled = decided(Observed(metadata={HOME: {"uid": "1"}}), changes="")
    assert (settled.changing, settled.creations, settled.pruned) == ([], [], [])
    assert settled.records
    assert len(settled.foreseen_record.entries) == len(settled.predictions)


def test_all_that_is_created_is_intended_before_and_no_more_afterwards() -> None:
    new = decided()
    assert new.creations == [prediction.action.key for prediction in new.predictions]
    assert new.with_intent.intent == frozenset(new.creations)
    assert new.foreseen_record.intent == frozenset()
    assert {*new.foreseen_record.entries} == {*new.creations}


@pytest.mark.parametrize("where", ["there", "made by the run", "nowhere"])
def test_a_record_takes_the_operators_namespace(where: str) -> None:
    new = decided(Observed(metadata={HOME: {"uid": "1"}} if where == "there" else {}))
    if where == "nowhere":
        others = [prediction for prediction in new.predictions if prediction.action.key != new.home]
        new = replace(new, predictions=others)
    assert new.records is (where != "nowhere")


def test_a_record_that_has_it_all_is_not_written_again() -> None:
    first = decided(Observed(metadata={HOME: {"uid": "1"}}), changes="")
    again = replace(first, observed=replace(first.observed, record=first.foreseen_record))
    assert not again.records
