# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils import module_call
from ansible_collections.conductor.trainer.plugins.module_utils.errors import ApiError, InputError
from ansible_collections.conductor.trainer.plugins.module_utils.module_call import Call, ModuleOperation
from ansible_collections.conductor.trainer.plugins.module_utils.options.layers import with_options
from ansible_collections.conductor.trainer.plugins.module_utils.ownership.record import Record, record_manifest
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle
from tests.unit.plugins.helpers.builders import BUNDLE, RECORD, bundle
from tests.unit.plugins.helpers.fakes import FakeCluster
from tests.unit.plugins.helpers.installing import ensure_present

OPTIONS: dict[str, Any] = {"tolerations": [{"key": "x", "operator": "Exists"}]}
GIVEN: dict[str, Any] = {"labels": {"team": "ml"}}


class Performed:
    """A call of a module that uses recorded options; the cluster is a fake."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, cluster: FakeCluster, **options: Any) -> None:
        self.warnings: list[str] = []
        self.seen: list[Bundle] = []
        monkeypatch.setattr(module_call, "load_bundle", lambda *_arguments: bundle())
        monkeypatch.setattr(module_call, "connect", lambda *_arguments, **_options: cluster)
        for name, value in (("claim", None), ("credentials", set), ("exposure", str)):
            setattr(cluster, name, value)

        def operation(_call: Call, _cluster: Any, release: Bundle) -> dict[str, Any]:
            self.seen.append(release)
            return {}

        self.operation = ModuleOperation({}, operation, **options)

    def run(self, **params: Any) -> Bundle:
        """Perform it with these options; return the bundle that the operation got."""
        defaults = {name: spec.get("default") for name, spec in self.operation.argument_spec().items()}
        given = {**defaults, "host": "https://x.example.com", "api_key": "k", "bundle": str(BUNDLE), **params}
        self.operation.perform(Call(given, True, False, self.warnings.append), lambda secrets: None)
        return self.seen[-1]


@pytest.fixture
def installed() -> FakeCluster:
    cluster = FakeCluster()
    ensure_present(cluster, with_options(bundle(), OPTIONS))
    cluster.requests.clear()
    return cluster


def test_given_options_are_laid_and_the_record_is_not_read(
    monkeypatch: pytest.MonkeyPatch, installed: FakeCluster
) -> None:
    assert Performed(monkeypatch, installed).run(customize=GIVEN).options == GIVEN
    assert installed.requests == []


def test_recorded_options_are_those_of_the_record_whatever_is_given(
    monkeypatch: pytest.MonkeyPatch, installed: FakeCluster
) -> None:
    performed = Performed(monkeypatch, installed)
    found = performed.run(customize=GIVEN, options="recorded")
    assert found.options == OPTIONS
    assert found.objects() == with_options(bundle(), OPTIONS).objects()
    assert performed.warnings == []


def test_what_needs_no_options_does_not_read_the_record(
    monkeypatch: pytest.MonkeyPatch, installed: FakeCluster
) -> None:
    performed = Performed(monkeypatch, installed, needs_options=lambda params: False)
    assert performed.run(options="recorded").options == {}
    assert installed.requests == []


@pytest.mark.parametrize(("data", "words"), [(None, "does not exist"), ("{", "cannot be read")])
def test_without_a_record_the_release_counts_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch, installed: FakeCluster, data: str | None, words: str
) -> None:
    if data is None:
        del installed.objects[RECORD]
    else:
        installed.objects[RECORD]["data"] = {"record.json": data}
    performed = Performed(monkeypatch, installed)
    assert performed.run(options="recorded").options == {}
    [warning] = performed.warnings
    assert f"{words}, so the options of the last install are unknown" in warning


def test_a_record_of_an_older_conductor_has_no_options(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = FakeCluster()
    cluster.put(record_manifest(Record(release="9.9.9", profile="default", bundle="x"), RECORD.namespace))
    performed = Performed(monkeypatch, cluster)
    assert performed.run(options="recorded").options == {}
    assert performed.warnings == []


def test_damaged_options_and_a_record_that_may_not_be_read_are_errors(
    monkeypatch: pytest.MonkeyPatch, installed: FakeCluster
) -> None:
    record = Record(release="9.9.9", profile="default", bundle="x", options={"shiny": 1})
    installed.put(record_manifest(record, RECORD.namespace))
    with pytest.raises(InputError, match="no option shiny"):
        Performed(monkeypatch, installed).run(options="recorded")
    installed.fail(403, method="GET", path="/configmaps/")
    with pytest.raises(ApiError):
        Performed(monkeypatch, installed).run(options="recorded")
