# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.install.preserved_fields import (
    preserved_fields,
    preserved_line,
)
from ansible_collections.conductor.trainer.plugins.module_utils.plan.plan import Action
from tests.unit.plugins.helpers.builders import CONFIG, DEPLOYMENT

OURS = {"manager": "conductor", "operation": "Apply", "fieldsV1": {"f:data": {"f:a": {}}}}


def adopted(take_over: bool = True) -> Action:
    return Action("adopt", CONFIG, "access", "x", take_over=take_over)


def entry(manager: str, fields: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"manager": manager, "operation": "Update", "fieldsV1": fields, **more}


@pytest.mark.parametrize(
    ("other", "kept"),
    [
        (entry("me", {"f:data": {"f:b": {}}}), ["data.b"]),
        (entry("me", {"f:data": {".": {}, "f:a": {}}}), None),  # no more than we have, and the map around it
        (entry("kube-controller-manager", {"f:data": {"f:b": {}}}), None),
        (entry("me", {"f:status": {}}, subresource="status"), None),
        (entry("conductor", {"f:data": {"f:b": {}}}), None),
        ({**entry("kubectl-last-applied", {"f:metadata": {"f:x": {}}}), "operation": "Apply"}, None),
        (entry("me", {"f:l": {'k:{"name":"a","port":1}': {".": {}, "f:x": {}}, 'v:"s"': {}}}), ['l["s"]', "l[a,1].x"]),
    ],
)
def test_what_others_have_left(other: dict[str, Any], kept: list[str] | None) -> None:
    found = preserved_fields([(adopted(), {"managedFields": [OURS, other]})])
    assert found == ([{"object": str(CONFIG), "owner": "me", "fields": kept}] if kept else [])


def test_only_objects_taken_over_have_preserved_fields() -> None:
    assert preserved_fields([(adopted(take_over=False), {"managedFields": [entry("me", {"f:x": {}})]})]) == []
    assert preserved_fields([(adopted(), {})]) == []


def test_there_are_few_of_them_in_a_fixed_order() -> None:
    many = {"managedFields": [entry(f"m{number:02}", {f"f:{name}": {} for name in "abcdefg"}) for number in range(30)]}
    found = preserved_fields(
        [(Action("adopt", DEPLOYMENT, "controllers", "x", take_over=True), many), (adopted(), many)]
    )
    assert len(found) == 21
    assert found[0] == {"object": str(CONFIG), "owner": "m00", "fields": ["a", "b", "c", "d", "e", "and 2 more"]}
    assert preserved_line(found[0]) == "ConfigMap ops/config: preserved fields of m00: a, b, c, d, e, and 2 more"
    assert preserved_line(found[-1]) == "preserved fields: and 40 more"
