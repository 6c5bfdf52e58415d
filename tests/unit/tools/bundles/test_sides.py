# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from bundle_generator.differences import sides
from bundle_generator.documents import GenerateError, digest

MANAGED = {"conductor.trainer/managed": "true"}


def config(data: Any = None, labels: Any = None, **more: Any) -> dict[str, Any]:
    metadata = {"name": "c", "namespace": "n", **({"labels": labels} if labels else {})}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, **({"data": data} if data else {}), **more}


def side(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    return sides([ours], [theirs])["v1|ConfigMap|n|c"]


def told(value: Any) -> str:
    return digest(value)[:16]


def test_only_what_both_have_has_two_sides() -> None:
    other = config() | {"metadata": {"name": "other", "namespace": "n"}}
    assert sides([config(), other], [config()]) == {"v1|ConfigMap|n|c": {}}


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        (config(labels=MANAGED), config(), {}),
        (config(labels={**MANAGED, "a": "b"}), config(labels={"a": "b"}), {}),
        (config(labels={**MANAGED, "a": "b"}), config(), {"lacks": {"f:metadata": {"f:labels": {"f:a": {}}}}}),
        (config({"x": "1"}), config({"x": "2"}), {"has": {"f:data": {"f:x": told("2")}}}),
        (config({"x": "1"}), config({"x": "1", "y": "2"}), {"has": {"f:data": {"f:y": told("2")}}}),
        (config({"x": "1", "y": "2"}), config({"x": "1"}), {"lacks": {"f:data": {"f:y": {}}}}),
        (config(), config() | {"data": {}}, {"has": {"f:data": ""}}),
        (
            config(items=[{"name": "i", "a": 1, "b": {"c": 2}}]),
            config(items=[{"name": "i", "a": 2}]),
            {
                "has": {"f:items": {'k:{"name":"i"}': {"f:a": told(2)}}},
                "lacks": {"f:items": {'k:{"name":"i"}': {"f:b": {"f:c": {}}}}},
            },
        ),
    ],
)
def test_a_side(ours: dict[str, Any], theirs: dict[str, Any], expected: dict[str, Any]) -> None:
    assert side(ours, theirs) == expected


def test_the_texts_of_schemas_are_one_word() -> None:
    def crd(**more: Any) -> dict[str, Any]:
        versions = [{"name": "v1", "schema": {"properties": {"description": {"type": "string", **more}}}}]
        return {
            "apiVersion": "v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": "c"},
            "spec": {"versions": versions},
        }

    found = sides([crd()], [crd(description="many words")])
    assert found == {"v1|CustomResourceDefinition||c": {"described": True}}


@pytest.mark.parametrize(
    ("ours", "theirs", "why"),
    [
        (config(items=[{"a": 1}]), config(items=[{"a": 2}]), "no name"),
        (config(items=[]), config(items=[{"name": "a"}]), "defaults"),
        (config(), config({"a": "b"}), "single values"),
    ],
)
def test_what_could_not_be_told_on_a_cluster_is_refused(ours: dict[str, Any], theirs: dict[str, Any], why: str) -> None:
    with pytest.raises(GenerateError, match=why):
        side(ours, theirs)
