# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.objects.quantities import amount, demand, in_words


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [
        ("2", "2"),
        ("500m", "0.5"),
        ("0.5", "0.5"),
        (".5", "0.5"),
        # Rounded up, as Kubernetes does.
        ("1e-999999", "1e-9"),
        ("0.1n", "1e-9"),
        ("0", "0"),
        ("5.", "5"),
        ("1e3", "1000"),
        ("1E3", "1000"),
        ("1E", "1000000000000000000"),
        ("-9E9", "-9000000000"),
        ("128Mi", "134217728"),
        ("1.5Mi", "1572864"),
        ("3Ei", "3458764513820540928"),
        ("1G", "1000000000"),
        ("+1k", "1000"),
        ("100u", "0.0001"),
        ("5n", "0.000000005"),
        ("9223372036854775807n", "9223372036.854775807"),
        ("-1", "-1"),
        # Kubernetes reads every larger number as the largest one.
        ("1e999999", "9223372036854775807"),
        ("-1e999999", "-9223372036854775807"),
    ],
)
def test_amounts_are_exact(quantity: str, expected: str) -> None:
    assert amount(quantity) == Decimal(expected)


# The official client's parser accepts NaN and inf; Kubernetes does not.
@pytest.mark.parametrize("quantity", ["", "much", "1X", "1 2", "1ki", "NaN", "inf", "1e99999999999999999999"])
def test_text_that_is_not_a_quantity(quantity: str) -> None:
    assert amount(quantity) is None


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
def test_demand_of_a_pod(spec: dict[str, Any], expected: tuple[float, float]) -> None:
    found = demand(spec)
    assert (float(found["cpu"]), float(found["memory"])) == expected


def test_limits_and_requests_are_separate() -> None:
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
