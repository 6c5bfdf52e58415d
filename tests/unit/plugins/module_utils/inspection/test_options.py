# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

from ansible_collections.conductor.trainer.plugins.module_utils.inspection.options import option_facts
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import key_of
from ansible_collections.conductor.trainer.plugins.module_utils.options.installed.explain import digest_of
from ansible_collections.conductor.trainer.plugins.module_utils.options.layers import with_options
from ansible_collections.conductor.trainer.plugins.module_utils.ownership.record import Record, RecordEntry
from ansible_collections.conductor.trainer.plugins.module_utils.release.loader import load_bundle
from tests.unit.plugins.helpers.builders import BUNDLE

REAL = load_bundle(str(BUNDLE))
OPTIONS: dict[str, Any] = {"tolerations": [{"key": "x", "operator": "Exists"}]}


def recorded(options: dict[str, Any]) -> Record:
    return Record(entries={key_of(REAL.objects()[0]): RecordEntry("u", "d", "a", True)}, options=options)


def test_without_an_installation_the_options_of_the_run_count() -> None:
    found: Any = option_facts(with_options(REAL, OPTIONS), Record(), "bundled", ())
    assert (found["options"]["fields"], found["options_changed"]) == (2, [])


def test_the_options_of_the_cluster_count_whatever_the_run_has() -> None:
    others = {"tolerations": [{"key": "y"}], "labels": {"a": "b"}}
    for run in (REAL, with_options(REAL, others), with_options(REAL, OPTIONS)):
        found: Any = option_facts(run, recorded(OPTIONS), "bundled", ())
        assert (found["options"]["fields"], found["options"]["summary"]) == (2, ["1 toleration"])
        assert [row["release"] for row in found["options"]["differences"]] == [None, None]
        assert found["options"]["digest"] == digest_of(OPTIONS)
        assert (found["options_changed"] == []) is (run.options == OPTIONS)


def test_an_external_jobset_has_no_options() -> None:
    found: Any = option_facts(REAL, recorded(OPTIONS), "external", ())
    assert found["options"]["fields"] == 1


def test_options_that_cannot_be_used_are_a_problem_and_no_failure() -> None:
    found: Any = option_facts(REAL, recorded({"shiny": 1}), "bundled", ())
    assert "no option shiny" in found["options"]["problem"]
    assert (found["options"]["fields"], found["options"]["digest"]) == (0, digest_of({"shiny": 1}))
    assert found["options_changed"] == ["conductor_shiny is 1 in the install record and not given here"]


def test_fields_of_other_managers_are_counted_in_the_controllers_only() -> None:
    fields = {"manager": "kubectl-patch", "operation": "Update", "fieldsV1": {"f:spec": {"f:paused": {}}}}
    items = [
        {**manifest, "metadata": {**manifest["metadata"], "managedFields": [fields, None, {"fieldsV1": 1}]}}
        for manifest in REAL.objects("Deployment")
    ]
    other = {**items[0], "metadata": {**items[0]["metadata"], "name": "other"}}
    elsewhere = {**items[0], "metadata": {**items[0]["metadata"], "namespace": "other"}}
    found: Any = option_facts(REAL, recorded({}), "bundled", [*items, other, elsewhere])
    assert found["options"]["others"] == {"kubectl-patch": 2}
    assert option_facts(REAL, recorded({}), "bundled", None)["options"]["others"] == {}  # type: ignore[call-overload]
