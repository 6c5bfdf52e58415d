# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from conductor_cluster.health import Health, node_problem


def _node(status: str, message: str = "") -> dict[str, Any]:
    condition = {"type": "Ready", "status": status, "message": message}
    return {
        "metadata": {"name": "n"},
        "status": {"conditions": [{"type": "DiskPressure", "status": "False"}, condition]},
    }


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([_node("True")], ""),
        ([_node("False", "network plugin not ready")], "n: network plugin not ready"),
        ([_node("Unknown")], "n: not Ready"),
        ([{"metadata": {"name": "n"}}], "n: not Ready"),
        ([], "no node has registered"),
    ],
)
def test_what_is_wrong_with_nodes(items: list[dict[str, Any]], expected: str) -> None:
    assert node_problem({"items": items}) == expected


@pytest.mark.parametrize(
    ("health", "expected"),
    [
        (Health("", "", ""), True),
        (Health("refused", "", ""), False),
        (Health("", "x", ""), False),
        (Health("", "", "x"), False),
    ],
)
def test_all_parts_have_to_be_well(health: Health, expected: bool) -> None:
    assert health.well is expected
