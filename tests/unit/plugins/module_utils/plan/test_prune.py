# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import Key
from ansible_collections.conductor.trainer.plugins.module_utils.ownership.record import Record, RecordEntry
from ansible_collections.conductor.trainer.plugins.module_utils.plan.prune import decide_leftover, leftovers_of

SERVICE = Key("v1", "Service", "ops", "old")
CRD = Key("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", "olds.x")
NAMESPACE = Key("v1", "Namespace", "", "old")
OURS = RecordEntry("uid-1", "d", "a", True)
LIVE = {"uid": "uid-1", "managedFields": [{"manager": "conductor", "operation": "Apply", "fieldsV1": {}}]}


def decision(
    key: Key = SERVICE,
    entry: RecordEntry = OURS,
    *,
    prune_crds: bool = False,
    used_by: str = "",
    **found: dict[str, Any] | None,
) -> str:
    metadata = found.get("metadata", LIVE)
    return decide_leftover(key, entry, metadata, prune_crds=prune_crds, used_by=used_by).decision


def test_objects_that_conductor_created_are_pruned_by_uid() -> None:
    found = decide_leftover(SERVICE, OURS, LIVE, prune_crds=False, used_by="")
    assert (found.decision, found.uid) == ("prune", "uid-1")


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        {**LIVE, "uid": "uid-2"},
        {"uid": "uid-1"},
        {**LIVE, "managedFields": [{"manager": "kubectl", "operation": "Apply"}]},
        {**LIVE, "annotations": {"meta.helm.sh/release-name": "x"}},
    ],
)
def test_missing_objects_and_those_of_other_owners_are_dropped(metadata: dict[str, Any] | None) -> None:
    assert decision(metadata=metadata) == "drop"


def test_what_may_not_be_read_is_terminating_or_was_there_before_stays() -> None:
    assert decision(metadata={}) == "retain"
    assert decision(metadata={**LIVE, "deletionTimestamp": "now"}) == "retain"
    assert decision(entry=RecordEntry("uid-1", "d", "a", created=False)) == "retain"


def test_crds_and_namespaces_need_more_than_that() -> None:
    assert decision(CRD) == "retain"
    assert decision(CRD, prune_crds=True) == "prune"
    assert decision(CRD, prune_crds=True, used_by="Old ops/x") == "retain"
    assert decision(NAMESPACE, prune_crds=True) == "retain"


def test_what_a_user_needs_stays_and_who_needs_it_is_said() -> None:
    found = decide_leftover(SERVICE, OURS, LIVE, prune_crds=True, used_by="TrainJob a/b")
    assert (found.decision, found.reason) == ("retain", "TrainJob a/b needs it")


def test_leftovers_are_recorded_and_not_in_the_release() -> None:
    of_a_user = Key("example.com/v9", "Thing", "", "x")
    record = Record(entries={SERVICE: OURS, CRD: OURS, of_a_user: OURS})
    assert leftovers_of(record, frozenset({CRD})) == [of_a_user, SERVICE]
    # A bundle that does not list the objects of its release prunes nothing.
    assert leftovers_of(record, frozenset()) == []


def test_what_an_unfinished_run_was_to_create_is_left_over() -> None:
    assert leftovers_of(Record(intent=frozenset({SERVICE, CRD})), frozenset({CRD})) == [SERVICE]
