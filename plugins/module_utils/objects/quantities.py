# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Amounts of CPU and memory as Kubernetes writes them (k8s.io/apimachinery, resource.Quantity)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from .fields import part, parts, text

_NOTHING = Fraction(0)
_FACTORS = {
    **{
        suffix: Fraction(1000) ** power
        for power, suffix in enumerate(("n", "u", "m", "", "k", "M", "G", "T", "P", "E"), -3)
    },
    **{suffix: Fraction(1024) ** power for power, suffix in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), 1)},
}
_QUANTITY = re.compile(r"([+-]?\d{1,40}(?:\.\d{0,40})?|[+-]?\.\d{1,40})(?:[eE]([+-]?\d{1,2})|([A-Za-z]{0,2}))")
RESOURCES = ("cpu", "memory")
_MEBI = 1024**2


def amount(quantity: str) -> Fraction | None:
    """A quantity as a number of cores, bytes or pieces; None where it is none.

    It is exact: whether pods fit must not hang on the last bit of a float.
    """
    found = _QUANTITY.fullmatch(quantity.strip())
    if not found:
        return None
    number, exponent, suffix = found.groups()
    if exponent:
        return Fraction(number) * Fraction(10) ** int(exponent)
    factor = _FACTORS.get(suffix or "")
    return None if factor is None else Fraction(number) * factor


def in_words(number: Fraction) -> str:
    """A number of cores, bytes or pieces as people write it."""
    return f"{float(number / _MEBI):g}Mi" if number >= _MEBI else f"{float(number):g}"


def demand(pod_spec: Mapping[str, Any], which: str = "requests") -> dict[str, Fraction]:
    """What a pod asks for in all: its containers together, or its largest init container where that is more."""
    together = _sum(parts(pod_spec, "containers"), which)
    for container in parts(pod_spec, "initContainers"):
        alone = _sum([container], which)
        together = {name: max(together[name], alone[name]) for name in RESOURCES}
    overhead = part(pod_spec, "overhead")
    return {name: value + (amount(text(overhead, name)) or _NOTHING) for name, value in together.items()}


def total(demands: Iterable[Mapping[str, Fraction]]) -> dict[str, Fraction]:
    """Several demands together."""
    added = dict.fromkeys(RESOURCES, _NOTHING)
    for one in demands:
        for name in RESOURCES:
            added[name] += one.get(name, _NOTHING)
    return added


def _sum(containers: Iterable[Mapping[str, Any]], which: str) -> dict[str, Fraction]:
    # A container with a limit and no request requests its limit.
    return total(
        {
            name: amount(text(container, "resources", which, name) or text(container, "resources", "limits", name))
            or _NOTHING
            for name in RESOURCES
        }
        for container in containers
    )
