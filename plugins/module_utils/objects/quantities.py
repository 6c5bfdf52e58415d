# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Amounts of CPU and memory as Kubernetes writes them (k8s.io/apimachinery, resource.Quantity). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

try:
    from kubernetes.utils.quantity import parse_quantity
except ImportError:  # reported by module_runner.py, so that documentation and argument checks work without it
    pass

from .fields import part, parts, text

_NOTHING = Decimal(0)
# Kubernetes reads every larger number as this one.
_LARGEST = Decimal(2**63 - 1)
# And every smaller one as this one.
_SMALLEST = Decimal("1e-9")
RESOURCES = ("cpu", "memory")
_MEBI = 1024**2


def amount(quantity: str) -> Decimal | None:
    """Return a quantity as a number of cores, bytes or objects; None if it is not a quantity.

    The number is exact, because a rounded one may decide that a pod does not fit on a node.
    """
    try:
        number = Decimal(parse_quantity(quantity))
    except (ValueError, ArithmeticError):
        return None
    if not number.is_finite():
        return None
    return _SMALLEST if 0 < number < _SMALLEST else max(-_LARGEST, min(number, _LARGEST))


def in_words(number: Decimal) -> str:
    """Return a number of cores, bytes or objects as text for people."""
    return f"{float(number / _MEBI):g}Mi" if number >= _MEBI else f"{float(number):g}"


def demand(pod_spec: Mapping[str, Any], which: str = "requests") -> dict[str, Decimal]:
    """Return what a pod requests: the sum of its containers, or its largest init container if that is more.

    Args:
        which: C(requests) or C(limits).
    """
    together = _sum(parts(pod_spec, "containers"), which)
    for container in parts(pod_spec, "initContainers"):
        alone = _sum([container], which)
        together = {name: max(together[name], alone[name]) for name in RESOURCES}
    overhead = part(pod_spec, "overhead")
    return {name: value + (amount(text(overhead, name)) or _NOTHING) for name, value in together.items()}


def total(demands: Iterable[Mapping[str, Decimal]]) -> dict[str, Decimal]:
    """Return the sum of several demands."""
    added = dict.fromkeys(RESOURCES, _NOTHING)
    for one in demands:
        for name in RESOURCES:
            added[name] += one.get(name, _NOTHING)
    return added


def _sum(containers: Iterable[Mapping[str, Any]], which: str) -> dict[str, Decimal]:
    # A container with a limit and no request requests its limit.
    return total(
        {
            name: amount(text(container, "resources", which, name) or text(container, "resources", "limits", name))
            or _NOTHING
            for name in RESOURCES
        }
        for container in containers
    )
