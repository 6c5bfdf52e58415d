# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.objects.digest import canonical
from ansible_collections.conductor.trainer.plugins.module_utils.options.record import (
    changed_options,
    differences,
    different,
    is_digest,
    other_options,
    other_options_listed,
    recordable,
)


def test_secrets_are_recorded_as_digests() -> None:
    def credentials(password: str) -> dict[str, object]:
        return {"image_pull_credentials": {"registry.example.com": {"username": "puller", "password": password}}}

    one, other = recordable(credentials("hunter2")), recordable(credentials("hunter3"))
    assert "hunter2" not in json.dumps(one)
    assert differences(one, recordable(credentials("hunter2"))) == []
    assert differences(one, other) == ["image_pull_credentials.registry.example.com.password"]


def test_differences_name_the_paths() -> None:
    recorded = {"registries": {"ghcr.io": "a", "docker.io": "b"}, "replicas": 2}
    given = {"registries": {"ghcr.io": "a"}, "tolerations": [{"key": "x"}]}
    assert differences(recorded, given) == ["registries.docker.io", "replicas", "tolerations"]


def test_changed_options_are_lines_for_people() -> None:
    recorded = {
        "registries": {"ghcr.io": "harbor.example.com/ghcr"},
        "replicas": 2,
        "tolerations": [{"key": "x"}],
        "trainer_controller": {"log_level": "debug"},
        "image_pull_secrets": ["one"],
    }
    given = {"replicas": 3, "tolerations": [{"key": "y"}], "host_network": True}
    assert changed_options(recorded, given) == [
        "conductor_host_network is true here and not in the install record",
        "conductor_image_pull_secrets is a list in the install record and not given here",
        "conductor_registries.ghcr.io is harbor.example.com/ghcr in the install record and not given here",
        "conductor_replicas is 2 in the install record and 3 here",
        "conductor_tolerations differs from the install record",
        "conductor_trainer_controller.log_level is debug in the install record and not given here",
    ]
    assert changed_options(recorded, recorded) == []


def test_lines_hold_neither_secrets_nor_their_digests() -> None:
    one, other = (
        recordable({"image_pull_credentials": {"r": {"username": "u", "password": password}}})
        for password in ("hunter2", "hunter3")
    )
    assert changed_options(one, other) == [
        "conductor_image_pull_credentials.r.password differs from the install record"
    ]
    assert changed_options(one, {}) == [
        f"conductor_image_pull_credentials.r.{name} is a secret in the install record and not given here"
        for name in ("password", "username")
    ]
    # Somebody wrote a password into the record.
    plain = {"image_pull_credentials": {"r": {"username": "u", "password": "hunter2"}}}
    for damaged in (plain, {"image_pull_credentials": "hunter2"}, {"image_pull_credentials": ["hunter2"]}):
        for given in ({}, one):
            assert changed_options(damaged, given) != []
            assert "hunter2" not in " ".join(changed_options(damaged, given))


def test_lines_about_a_record_that_somebody_edited_stay_small_and_harmless() -> None:
    recorded = {f"shiny{number:02}\x1b": "x" * 5000 for number in range(30)}
    lines = changed_options(recorded, {})
    assert len(lines) == 11
    assert lines[-1] == "and 20 more"
    assert all("\x1b" not in line and len(line) <= 200 for line in lines)


@pytest.mark.parametrize(("length", "shown"), [(80, True), (81, False)])
def test_a_line_holds_a_value_of_some_length(length: int, shown: bool) -> None:
    [line] = changed_options({"priority_class": "x" * length}, {})
    assert ("x" * length in line) is shown


def config_map(size: int) -> dict[str, Any]:
    """An object with this many bytes."""
    found = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "a", "labels": {"b": "c"}},
        "data": {"x": ""},
    }
    found["data"] = {"x": "y" * (size - len(canonical(found)))}
    return found


def test_an_object_is_recorded_up_to_a_size_and_a_secret_never() -> None:
    small, large = config_map(4096), config_map(4097)
    secret = {**config_map(200), "kind": "Secret", "metadata": {"name": "a", "namespace": "b", "labels": {"c": "d"}}}
    listed = {"kind": "List", "items": [small, secret]}
    first, second, third, fourth = recordable({"extra_objects": [small, large, secret, listed]})["extra_objects"]
    assert (first, is_digest(first)) == (small, False)
    assert (second["metadata"], is_digest(second)) == ({"name": "a"}, True)
    assert (third["metadata"], is_digest(third)) == ({"name": "a", "namespace": "b"}, True)
    assert fourth == {"kind": "List", "items": [first, third]}


@pytest.mark.parametrize(
    ("fields", "objects", "words"),
    [
        (0, 0, "0 fields differ from the release"),
        (1, 0, "1 field differs from the release"),
        (2, 1, "2 fields differ from the release, 1 object added or removed"),
        (1, 2, "1 field differs from the release, 2 objects added or removed"),
    ],
)
def test_how_much_differs_in_words(fields: int, objects: int, words: str) -> None:
    assert different({"fields": fields, "objects": objects}) == words


def test_what_a_run_that_only_compares_says() -> None:
    text, next_step = other_options(["conductor_replicas is 2 there", "conductor_labels.a is b there"])
    assert text.endswith("other options: conductor_replicas is 2 there; conductor_labels.a is b there")
    assert "`conductor_options: recorded`" in next_step
    assert other_options_listed(["conductor_replicas is 2 there"]) == (
        ["this cluster was installed with other options:", "  conductor_replicas is 2 there"],
        next_step,
    )
