# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sample of the values of a test in every run, all of them in C(make evidence)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def sampled(values: Iterable[Any], every_time: Collection[Any]) -> list[Any]:
    """Return parameters: those that are not run every time are marked as evidence."""
    known = list(values)
    if unknown := [value for value in every_time if value not in known]:
        raise ValueError(f"{unknown[0]} is none of the values")
    return [value if value in every_time else pytest.param(value, marks=pytest.mark.evidence) for value in known]
