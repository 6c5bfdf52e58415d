# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Apply the rules to the facts of an inspection. Pure."""

from __future__ import annotations

from . import cluster_rules, jobset_rules, trainer_rules
from .catalogue import CATALOGUE
from .rules import Facts, Rules

_RULES = Rules({**cluster_rules.RULES, **trainer_rules.RULES, **jobset_rules.RULES})


def judge(facts: Facts) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Return every blocker and every warning, in the order of the catalogue.

    Args:
        facts: the result of an inspection; C(wanted) describes the requested installation.

    Returns:
        blockers and warnings, each finding with C(code), C(object), C(cause), C(next_step).
    """
    found: dict[str, list[dict[str, str]]] = {"blocker": [], "warning": []}
    for entry in CATALOGUE:
        found[entry.severity] += _RULES.findings(entry, facts)
    return found["blocker"], found["warning"]
