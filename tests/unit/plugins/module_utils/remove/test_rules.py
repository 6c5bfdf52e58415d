# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import Key
from ansible_collections.conductor.trainer.plugins.module_utils.ownership.record import Record, RecordEntry
from ansible_collections.conductor.trainer.plugins.module_utils.plan.plan import Observed
from ansible_collections.conductor.trainer.plugins.module_utils.remove.rules import homes, is_of_conductor, why_not_ours
from tests.unit.plugins.helpers.builders import CONFIG, HOME

OURS = {"manager": "conductor", "operation": "Apply", "fieldsV1": {}}
THEIRS = {"manager": "helm", "operation": "Apply", "fieldsV1": {}}
HELM = {"meta.helm.sh/release-name": "trainer"}


def metadata(*entries: dict[str, Any], uid: str = "uid-1", **more: Any) -> dict[str, Any]:
    return {"uid": uid, "managedFields": list(entries), **more}


def record(key: Key, *, created: bool = True, uid: str = "uid-1") -> Record:
    return Record(entries={key: RecordEntry(uid, "", "", created)})


@pytest.mark.parametrize("key", [CONFIG, HOME])
@pytest.mark.parametrize("entry", [OURS, THEIRS])
def test_recorded_creations_are_ours_even_after_changes(key: Key, entry: dict[str, Any]) -> None:
    assert why_not_ours(key, metadata(entry), record(key)) is None


@pytest.mark.parametrize("key", [CONFIG, HOME])
def test_objects_that_existed_before_stay(key: Key) -> None:
    assert why_not_ours(key, metadata(OURS), record(key, created=False)) == "it existed before Conductor"


@pytest.mark.parametrize("known", [Record(), record(CONFIG), record(CONFIG, uid="uid-of-another")])
def test_what_another_installer_marked_stays(known: Record) -> None:
    assert why_not_ours(CONFIG, metadata(OURS, annotations=HELM), known) == "it is managed by Helm release trainer"


@pytest.mark.parametrize("known", [Record(), record(CONFIG, uid="uid-of-another")])
def test_what_no_record_knows_is_ours_by_our_entry(known: Record) -> None:
    assert why_not_ours(CONFIG, metadata(OURS), known) is None
    assert why_not_ours(CONFIG, metadata(THEIRS), known) == "it is managed by another owner (field manager helm)"


def test_a_namespace_takes_the_word_of_a_record() -> None:
    assert why_not_ours(HOME, metadata(OURS), Record()) == "no record shows that Conductor created it"
    assert why_not_ours(HOME, metadata(OURS), record(HOME, uid="other")) == "no record shows that Conductor created it"


def test_a_namespace_made_by_a_run_that_was_cut_off_is_ours() -> None:
    intended = Record(intent=frozenset({HOME}))
    assert why_not_ours(HOME, metadata(OURS), intended) is None
    assert why_not_ours(HOME, metadata(THEIRS), intended) == "it is managed by another owner (field manager helm)"


def test_what_kubectl_applied_is_kubectls() -> None:
    fields: dict[str, Any] = {"f:metadata": {"f:labels": {"f:conductor.trainer/managed": {}}}}
    entry = {"manager": "kubectl", "operation": "Apply", "fieldsV1": fields}
    reason = why_not_ours(CONFIG, metadata(entry, labels={"conductor.trainer/managed": "true"}), Record())
    assert reason is not None
    assert "delete it by its name with kubectl delete" in reason


def test_what_conductor_had_to_do_with() -> None:
    assert is_of_conductor(CONFIG, metadata(OURS), Record())
    assert is_of_conductor(CONFIG, metadata(THEIRS), record(CONFIG, created=False))
    assert not is_of_conductor(CONFIG, metadata(THEIRS), record(CONFIG, uid="other"))
    assert not is_of_conductor(CONFIG, metadata(THEIRS), Record())


def test_namespaces_that_may_go_are_ours_and_not_going_yet() -> None:
    assert homes(Observed({HOME: metadata(OURS)}, record=record(HOME))) == [HOME.name]
    assert homes(Observed({HOME: metadata(OURS)})) == []
    assert homes(Observed({HOME: metadata(OURS, deletionTimestamp="x")}, record=record(HOME))) == []
    assert homes(Observed({CONFIG: metadata(OURS)}, record=record(CONFIG))) == []
