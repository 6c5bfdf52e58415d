# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import random
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.names import INSTALL_RECORD, MANAGED_LABEL
from ansible_collections.conductor.trainer.plugins.module_utils.objects.digest import digest
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import Key, key_of
from ansible_collections.conductor.trainer.plugins.module_utils.ownership.record import (
    Record,
    RecordEntry,
    parse_record,
    record_manifest,
)
from ansible_collections.conductor.trainer.plugins.module_utils.release.loader import load_bundle
from tests.unit.plugins.helpers.builders import BUNDLE

KEYS = [
    Key("v1", "Namespace", "", "ops"),
    Key("apps/v1", "Deployment", "ops", "a"),
    Key("rbac.authorization.k8s.io/v1", "ClusterRole", "", "system:x"),
]
RECORD = Record(
    "2.3.0", "default", "abc", {key: RecordEntry(f"u-{key.name}", "d", "a", key.kind != "Namespace") for key in KEYS}
)


def test_record_is_parsed_as_written() -> None:
    assert parse_record(record_manifest(RECORD, "ops")) == RECORD
    assert parse_record(record_manifest(Record(), "ops")) == Record()


@pytest.mark.parametrize("jobset", ["bundled", "external"])
def test_record_holds_the_jobset_mode(jobset: str) -> None:
    record = dataclasses.replace(RECORD, jobset=jobset)
    assert parse_record(record_manifest(record, "ops")) == record


def test_older_record_has_a_bundled_jobset() -> None:
    manifest = record_manifest(RECORD, "ops")
    text = manifest["data"]["record.json"].replace('"jobset":"",', "")
    assert '"jobset"' not in text
    assert parse_record({"data": {"record.json": text}}).jobset == "bundled"
    assert parse_record(None).jobset == ""


def test_record_holds_the_options_and_an_older_one_has_none() -> None:
    options = {"registries": {"ghcr.io": "mirror.example.com/ghcr"}, "replicas": 2}
    manifest = record_manifest(dataclasses.replace(RECORD, options=options), "ops")
    assert parse_record(manifest).options == options
    assert "options" not in record_manifest(RECORD, "ops")["data"]["record.json"]
    assert parse_record(record_manifest(RECORD, "ops")).options == {}


def test_record_manifest_is_stable_and_labelled() -> None:
    manifest = record_manifest(RECORD, "ops")
    assert key_of(manifest) == Key("v1", "ConfigMap", "ops", INSTALL_RECORD)
    assert manifest["metadata"]["labels"] == {MANAGED_LABEL: "true"}
    again = Record("2.3.0", "default", "abc", {key: RECORD.entries[key] for key in reversed(KEYS)})
    assert record_manifest(again, "ops") == manifest


def test_record_of_another_format_is_empty() -> None:
    manifest = record_manifest(RECORD, "ops")
    text = manifest["data"]["record.json"]
    # Records of older releases of the collection must stay readable.
    assert '"format":1' in text
    assert parse_record({"data": {"record.json": text.replace('"format":1', '"format":2')}}) == Record()


def test_the_record_of_the_real_bundle_is_small() -> None:
    bundle = load_bundle(str(BUNDLE))
    entries = {
        key_of(manifest): RecordEntry("01234567-89ab-cdef-0123-456789abcdef", digest(manifest), digest(index), True)
        for index, manifest in enumerate(bundle.objects())
    }
    manifest = record_manifest(Record(bundle.release, "fail_open", bundle.sha256, entries), bundle.namespace)
    assert len(manifest["data"]["record.json"].encode()) < 16 * 1024
    assert parse_record(manifest).entries == entries


@pytest.mark.parametrize(
    "config_map",
    [
        None,
        {},
        {"data": None},
        {"data": []},
        {"data": "x"},
        {"data": {"other": "{}"}},
        *(
            {"data": {"record.json": text}}
            for text in (
                "",
                "{",
                "null",
                "[]",
                "1",
                "{}",
                '{"format": 2}',
                '{"format": 1}',
                '{"format": 1, "release": "a", "profile": "b", "bundle": "c", "objects": null}',
                '{"format": 1, "release": "a", "profile": "b", "bundle": "c", "objects": []}',
                '{"format": 1, "release": "a", "profile": "b", "bundle": "c", "objects": {"a|b": ["u", "d", "a", 1]}}',
                '{"format": 1, "release": "a", "profile": "b", "bundle": "c", "objects": {"a|b|c|d": ["u", "d"]}}',
                '{"format": 1, "release": "a", "profile": "b", "bundle": "c", "objects": {"a|b|c|d": null}}',
                '{"format": 1, "release": "a", "profile": "b", "bundle": "c", "objects": {"a|b|c|d": "udax"}}',
                '{"format": 1, "release": "a", "profile": "b", "bundle": "c", "objects": {"a|b|c|d": [1, "", "", 1]}}',
                '{"format": 1, "release": "a", "profile": "b", "bundle": "c", "objects": {}, "jobset": []}',
                '{"format": 1, "release": "a", "profile": "b", "bundle": "c", "objects": {}, "intent": [7]}',
                '{"format": 1, "release": "a", "profile": "b", "bundle": "c", "objects": {}, "options": []}',
                '{"format": 1, "release": "a", "profile": "b", "bundle": "c", "objects": {}, "options": '
                + '{"a":' * 61
                + "1"
                + "}" * 61
                + "}",
                '{"format": 1, "release": 7, "profile": "b", "bundle": "c", "objects": {}}',
                '{"format": 1, "release": "a", "profile": null, "bundle": "c", "objects": {}}',
                "[" * 100_000,
            )
        ),
    ],
)
def test_unreadable_record_is_empty(config_map: Any) -> None:
    assert parse_record(config_map) == Record()


def test_no_damage_to_the_text_ever_raises() -> None:
    text = record_manifest(RECORD, "ops")["data"]["record.json"]
    luck = random.Random(20260101)  # noqa: S311
    for _time in range(2000):
        damaged = list(text)
        for _damage in range(luck.randint(1, 6)):
            at = luck.randrange(len(damaged))
            damaged[at : at + luck.randint(0, 4)] = luck.choice(['"', "{", "}", "|", ",", "0", "null", "[", ""])
        parsed = parse_record({"data": {"record.json": "".join(damaged)}})
        assert all(len(key) == 4 for key in parsed.entries)
