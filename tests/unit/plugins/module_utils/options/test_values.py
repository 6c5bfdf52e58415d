# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import InputError
from ansible_collections.conductor.trainer.plugins.module_utils.objects.digest import canonical
from ansible_collections.conductor.trainer.plugins.module_utils.options.installed.recorded import lay_recorded
from ansible_collections.conductor.trainer.plugins.module_utils.options.layers import with_options
from ansible_collections.conductor.trainer.plugins.module_utils.options.values import check_recordable, check_values
from ansible_collections.conductor.trainer.plugins.module_utils.ownership.record import (
    Record,
    parse_record,
    record_manifest,
)
from ansible_collections.conductor.trainer.plugins.module_utils.release.loader import load_bundle
from tests.unit.plugins.helpers.builders import BUNDLE

REAL = load_bundle(str(BUNDLE))
TARGET = {"kind": "Deployment", "component": "trainer"}
CONTAINER = {"name": "manager", "env": [{"name": "DB_PASSWORD", "value": "hunter2"}]}
POD = {"spec": {"template": {"spec": {"containers": [CONTAINER]}}}}


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _level in range(levels):
        value = {"a": value}
    return value


def rejected(options: dict[str, Any]) -> InputError:
    with pytest.raises(InputError) as caught:
        with_options(REAL, options)
    assert caught.value.next_step
    return caught.value


@pytest.mark.parametrize(
    ("options", "variable"),
    [
        ({"annotations": {"a": nested(300)}}, "conductor_annotations"),
        ({"patches": [{"target": TARGET, "merge": {"spec": {"x": float("nan")}}}]}, "conductor_patches"),
        ({"trainer_controller": {"config": {"a": float("inf")}}}, "conductor_trainer_controller.config"),
        ({"labels": {"a": "\ud800"}}, "conductor_labels"),
        ({"patches": [{"target": TARGET, "merge": {"metadata": {"annotations": nested(70)}}}]}, "conductor_patches"),
        ({"annotations": {"a": "x" * 600_000}}, "conductor_annotations"),
        ({"labels": {"a": 1}}, "conductor_labels.a"),
        ({"annotations": {"a": ["b"]}}, "conductor_annotations.a"),
        ({"registries": {"ghcr.io": [1]}}, "conductor_registries"),
        ({"images": {"pytorch/pytorch": ["example.com/a:1"]}}, "conductor_images"),
    ],
)
def test_a_value_that_cannot_be_sent_or_recorded_is_rejected_by_its_variable(
    options: dict[str, Any], variable: str
) -> None:
    assert variable in rejected(options).message


@pytest.mark.parametrize("value", ["\ud800", {"a": ["\udfff"]}])
def test_half_a_character_is_rejected(value: Any) -> None:
    with pytest.raises(InputError, match="`conductor_annotations` has half a character"):
        check_values({"annotations": {"a": value}})
    check_values({"annotations": {"a": "ä"}})


def test_the_record_has_room_for_so_many_bytes() -> None:
    most = 512 * 1024
    filled = {"annotations": {"a": "x" * (most - len(canonical({"a": ""})))}}
    check_recordable(filled)
    with pytest.raises(InputError, match="are 512 KiB, and the install record has room for 512 KiB") as caught:
        check_recordable({**filled, "replicas": 1})
    assert "the largest is `conductor_annotations`" in caught.value.message


@pytest.mark.parametrize(
    ("options", "place"),
    [
        (
            {"trainer_controller": {"env": [{"name": "HTTPS_PROXY", "value": "http://me:hunter2@proxy:3128"}]}},
            "conductor_trainer_controller.env[0].value",
        ),
        (
            {"jobset_controller": {"env": [{"name": "A", "value": "b"}, {"name": "HF_TOKEN", "value": "hunter2"}]}},
            "conductor_jobset_controller.env[1].value",
        ),
        (
            {"patches": [{"target": TARGET, "merge": POD}]},
            "conductor_patches[0].merge.spec.template.spec.containers[0].env[0].value",
        ),
        ({"annotations": {"a": "see https://me:hunter2@example.com/x"}}, "conductor_annotations.a"),
    ],
)
def test_a_password_that_others_could_read_is_rejected_without_showing_it(options: dict[str, Any], place: str) -> None:
    error = rejected(options)
    assert f"`{place}` has a password" in error.message
    assert "secretKeyRef" in str(error.next_step)
    assert "hunter2" not in str(error)


@pytest.mark.parametrize(
    "env",
    [
        {"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}},
        {"name": "HTTPS_PROXY", "value": "http://$(PROXY_USER):$(PROXY_PASSWORD)@proxy:3128"},
        {"name": "TOKEN_FILE", "value": "/var/run/token"},
        {"name": "HTTP_PROXY", "value": "http://proxy.example.com:3128/a@b"},
        {"name": "USE_TOKEN", "value": "true"},
    ],
)
def test_a_reference_to_a_password_is_none(env: dict[str, Any]) -> None:
    with_options(REAL, {"trainer_controller": {"env": [env]}})


def test_an_object_of_the_user_with_a_password_is_recorded_as_a_digest() -> None:
    manifest = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "db"},
        "spec": {"template": {"spec": {"containers": [CONTAINER]}}},
    }
    laid = with_options(REAL, {"extra_objects": [manifest]})
    assert "hunter2" not in str(laid.options)
    [key] = lay_recorded(REAL, laid.options).extras
    assert key.name == "db"


def test_what_is_accepted_can_be_read_from_the_record_again() -> None:
    patch = {"target": TARGET, "merge": {"metadata": {"annotations": nested(40)}}}
    laid = with_options(REAL, {"patches": [patch]})
    manifest = record_manifest(Record(release="2.3.0", options=laid.options), "kubeflow-system")
    manifest["metadata"]["resourceVersion"] = "1"
    assert parse_record(manifest).options == laid.options


def test_null_removes_nothing_from_labels() -> None:
    assert with_options(REAL, {"labels": {"a": None}}).objects() == REAL.objects()
