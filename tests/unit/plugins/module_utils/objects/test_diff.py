# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.objects.diff import MASKED, changed_fields, render_diff
from tests.unit.plugins.helpers.builders import key, obj


def config(**more: Any) -> dict[str, Any]:
    return obj("ConfigMap", "c", namespace="n", **more)


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ({"data": {"a": "1"}}, {"data": {"a": "1"}}, {}),
        ({"data": {"a": "1"}}, {"data": {"a": "2"}}, {"data.a": ("1", "2")}),
        ({"data": {"a": "1"}}, {"data": {}}, {"data.a": ("1", None)}),
        ({}, {"data": {"a": "1"}}, {"data": (None, {"a": "1"})}),
        ({"x": [{"a": 1}, {"a": 2}]}, {"x": [{"a": 1}, {"a": 3}]}, {"x[1].a": (2, 3)}),
        ({"x": [1]}, {"x": [1, 2]}, {"x[1]": (None, 2)}),
        ({"x": [1, 2]}, {"x": [2]}, {"x[0]": (1, None)}),
        ({"x": [1, 2, 3]}, {"x": [4, 3]}, {"x[0]": (1, 4), "x[1]": (2, None)}),
        ({"x": [1, 1]}, {"x": [1]}, {"x": ([1, 1], [1])}),
        ({"x": [1, 2]}, {"x": [2, 1]}, {"x[0]": (1, 2), "x[1]": (2, 1)}),
        ({"x": []}, {"x": [1]}, {"x[0]": (None, 1)}),
        # Items are matched by name: the server may insert items of its own.
        (
            {"x": [{"name": "b", "v": 1}]},
            {"x": [{"name": "a"}, {"name": "b", "v": 2}]},
            {"x[a]": (None, {"name": "a"}), "x[b].v": (1, 2)},
        ),
        ({"x": [{"name": "a"}, {"name": "b"}]}, {"x": [{"name": "b"}]}, {"x[a]": ({"name": "a"}, None)}),
        # Matching by name ignores the order, so items in a new order are matched by index.
        (
            {"x": [{"name": "a"}, {"name": "b"}]},
            {"x": [{"name": "b"}, {"name": "a"}]},
            {"x[0].name": ("a", "b"), "x[1].name": ("b", "a")},
        ),
        ({"x": [{"name": "a"}, {"name": "a"}]}, {"x": [{"name": "a"}, {"name": "c"}]}, {"x[1].name": ("a", "c")}),
        ({"x": {"a": 1}}, {"x": None}, {"x": ({"a": 1}, None)}),
    ],
)
def test_only_different_fields_are_returned(
    before: dict[str, Any], after: dict[str, Any], changes: dict[str, Any]
) -> None:
    assert changed_fields(config(**before), config(**after)) == changes


def test_bookkeeping_of_the_server_is_ignored() -> None:
    noise = {"managedFields": [1], "resourceVersion": "2", "generation": 3, "uid": "u", "creationTimestamp": "t"}
    after = config(metadata={**noise, "labels": {"a": "b"}}, status={"phase": "x"})
    assert changed_fields(config(), after) == {"metadata.labels": (None, {"a": "b"})}


def test_empty_objects_have_no_fields() -> None:
    assert changed_fields({}, {"kind": "ConfigMap"}) == {"kind": (None, "ConfigMap")}


@pytest.mark.parametrize("field", ["data", "stringData"])
def test_values_of_a_secret_are_masked(field: str) -> None:
    before = {**obj("Secret", "s"), field: {"a": "old-value", "b": "same", "c": "gone-value"}}
    after = {**obj("Secret", "s"), field: {"a": "new-value", "b": "same", "d": "fresh-value"}}
    changes = changed_fields(before, after)
    assert changes == {f"{field}.a": (MASKED, MASKED), f"{field}.c": (MASKED, None), f"{field}.d": (None, MASKED)}
    assert "value" not in str(render_diff({key("Secret", "s"): changes}))


@pytest.mark.parametrize("field", ["data", "stringData"])
@pytest.mark.parametrize("appears", [True, False])
def test_secret_is_masked_if_all_data_is_added_or_removed(field: str, appears: bool) -> None:
    pair = [obj("Secret", "s"), {**obj("Secret", "s"), field: {"tls.key": "private"}}]
    before, after = pair if appears else reversed(pair)
    assert "private" not in str(changed_fields(before, after))


def test_a_diff_names_object_and_field_in_a_stable_order() -> None:
    text = render_diff(
        {
            key("Secret", "z", namespace="n"): "created",
            key("ConfigMap", "c", namespace="n"): {"data.a": ("1", "2"), "data.b": (None, "3")},
        }
    )
    assert text == {
        "before": "ConfigMap n/c: data.a = 1\n",
        "after": "ConfigMap n/c: data.a = 2\nConfigMap n/c: data.b = 3\nSecret n/z: created\n",
    }


@pytest.mark.parametrize("kind", ["ConfigMap", "Secret"])
def test_last_applied_annotation_is_never_shown(kind: str) -> None:
    copy = {"kubectl.kubernetes.io/last-applied-configuration": '{"data":{"tls.key":"private"}}'}
    before = obj(kind, "c", metadata={"annotations": {**copy, "a": "1"}})
    assert changed_fields(before, obj(kind, "c", metadata={"annotations": {"a": "2"}})) == {
        "metadata.annotations.a": ("1", "2")
    }
    assert "private" not in str(changed_fields(before, {"kind": kind}))


def test_long_values_are_cut_and_take_one_line() -> None:
    text = render_diff({key("ConfigMap", "c"): {"data.a": ("one\ntwo", "x" * 5000)}})
    assert text["before"] == "ConfigMap c: data.a = one two\n"
    assert text["after"].count("\n") == 1
    assert text["after"].endswith("x... (5000 characters)\n")
    assert len(text["after"]) < 160


def test_the_value_of_a_variable_for_a_password_is_masked() -> None:
    def pod(value: str) -> dict[str, Any]:
        return {
            "kind": "Deployment",
            "spec": {"containers": [{"name": "db", "env": [{"name": "A_TOKEN", "value": value}]}]},
        }

    [(path, values)] = changed_fields(pod("old"), pod("new")).items()
    assert path == "spec.containers[db].env[A_TOKEN].value"
    assert values == (MASKED, MASKED)
