# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import random
from typing import Any

import pytest

from bundle_generator.documents import PHASES, GenerateError, into_phases, replacements


def make(kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, **more}


def names(phases: list[dict[str, Any]]) -> dict[str, list[str]]:
    return {phase["name"]: [obj["metadata"]["name"] for obj in phase["objects"]] for phase in phases}


def test_every_object_lands_in_the_phase_of_its_kind() -> None:
    objects = [make(kind, "x") for kinds in PHASES.values() for kind in kinds.split()]
    for phase in into_phases(objects):
        assert {obj["kind"] for obj in phase["objects"]} == set(PHASES[phase["name"]].split())


def test_phases_come_in_the_order_of_installation_even_when_empty() -> None:
    assert [p["name"] for p in into_phases([])] == ["foundation", "access", "controllers", "admission", "runtimes"]


def test_biggest_first_then_by_kind_and_name_whatever_the_order_of_input() -> None:
    objects = [
        make("ConfigMap", "big", data={"key": "x" * 500}),
        make("ConfigMap", "b"),
        make("ConfigMap", "a"),
        make("Role", "some-role-1"),  # as many bytes as the next one
        make("Secret", "secret-01"),
    ]
    expected = names(into_phases(objects))["access"]
    assert expected[0] == "big"
    assert expected[-2:] == ["a", "b"]
    shuffled = random.Random(1)  # noqa: S311  # an order, not a secret
    for _ in range(20):
        shuffled.shuffle(objects)
        assert names(into_phases(objects))["access"] == expected


def test_a_kind_without_a_phase_is_refused_by_name() -> None:
    with pytest.raises(GenerateError, match=r"DaemonSet.*agent.*no phase"):
        into_phases([make("DaemonSet", "agent")])


def test_the_same_object_twice_is_refused() -> None:
    with pytest.raises(GenerateError, match=r"ConfigMap.*twin.*twice"):
        into_phases([make("ConfigMap", "twin"), make("ConfigMap", "twin", data={})])


def test_a_profile_keeps_whole_objects_but_only_those_that_differ() -> None:
    same, before, after = make("Secret", "s"), make("ConfigMap", "c"), make("ConfigMap", "c", data={"a": "b"})
    assert replacements([same, before], [after, same]) == [after]
    assert replacements([same, before], [before, same]) == []


def test_a_profile_that_adds_or_drops_an_object_is_refused() -> None:
    with pytest.raises(GenerateError, match="extra"):
        replacements([make("Secret", "s")], [make("Secret", "s"), make("Secret", "extra")])
    with pytest.raises(GenerateError, match=" s"):
        replacements([make("Secret", "s")], [])
