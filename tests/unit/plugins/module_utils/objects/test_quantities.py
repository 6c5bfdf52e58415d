# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.objects.quantities import amount, demand, in_words


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [
        ("2", 2.0),
        ("500m", 0.5),
        ("0.5", 0.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("128Mi", 134217728.0),
        ("1G", 1e9),
        ("100u", 0.0001),
        ("-1", -1.0),
        ("", None),
        ("much", None),
        ("1X", None),
        ("1 2", None),
    ],
)
def test_amounts(quantity: str, expected: float | None) -> None:
    assert amount(quantity) == (expected if expected is None else pytest.approx(expected))


def container(**requests: str) -> dict[str, Any]:
    return {"resources": {"requests": requests}}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, (0, 0)),
        ({"containers": [container(cpu="500m", memory="1Ki"), container(cpu="1")]}, (1.5, 1024)),
        ({"containers": [{"resources": {"limits": {"cpu": "2"}}}]}, (2, 0)),
        ({"containers": [container(cpu="1")], "initContainers": [container(cpu="3"), container(cpu="2")]}, (3, 0)),
        ({"containers": [container(cpu="1")], "overhead": {"cpu": "250m"}}, (1.25, 0)),
        ({"containers": [container(cpu="odd"), None, {"resources": None}]}, (0, 0)),
    ],
)
def test_what_a_pod_asks_for(spec: dict[str, Any], expected: tuple[float, float]) -> None:
    found = demand(spec)
    assert (float(found["cpu"]), float(found["memory"])) == expected


def test_limits_are_told_from_requests() -> None:
    spec = {"containers": [{"resources": {"limits": {"memory": "4Ki"}, "requests": {"memory": "1Ki"}}}]}
    assert demand(spec)["memory"] == 1024
    assert demand(spec, "limits")["memory"] == 4096


@pytest.mark.parametrize(
    ("quantity", "words"),
    [("500m", "0.5"), ("2", "2"), ("0", "0"), ("64Mi", "64Mi"), ("1Gi", "1024Mi"), ("1Ki", "1024")],
)
def test_amounts_in_words(quantity: str, words: str) -> None:
    number = amount(quantity)
    assert number is not None
    assert in_words(number) == words
