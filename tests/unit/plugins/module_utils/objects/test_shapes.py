# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.objects.shapes import misshapen


@pytest.mark.parametrize(
    ("before", "after", "where"),
    [
        ({"a": 1}, {"a": "x"}, ""),
        ({"a": 1}, {"b": []}, ""),
        ({"a": 1}, {"a": None}, ""),
        ({"a": None}, {"a": []}, ""),
        ({}, [], "/"),
        ({}, None, "/"),
        ({"a": {"b": 1}}, {"a": {"b": []}}, "/a/b"),
        ({"a": {}}, {"a": "x"}, "/a"),
        ({"a": []}, {"a": {}}, "/a"),
        ({"a": []}, {"a": [{}]}, ""),
        ({"a": ["x"]}, {"a": [{}]}, "/a/0"),
        ({"a": ["x"]}, {"a": ["y", 1]}, "/a/1"),
        ({"a": ["x", 2]}, {"a": [1]}, ""),
        ({"a": ["x"]}, {"a": ["y", None]}, "/a/1"),
        ({"a": [{}]}, {"a": [{}, None]}, "/a/1"),
        ({"a": [{"name": "x", "b": 1}]}, {"a": [{"b": []}, {"name": "x", "b": {}}]}, "/a/1/b"),
        ({"openAPIV3Schema": {}}, {"openAPIV3Schema": True}, ""),
    ],
)
def test_what_has_another_shape(before: Any, after: Any, where: str) -> None:
    assert misshapen(before, after) == where
