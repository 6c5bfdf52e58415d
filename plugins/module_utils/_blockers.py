# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judges what an inspection found: which entries of the catalogue hold. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import _rules_cluster, _rules_installed
from ._bundle import Bundle
from ._catalogue import CATALOGUE, Entry
from ._rules import Facts

_RULES = {**_rules_cluster.RULES, **_rules_installed.RULES}


def judge(facts: Facts) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """All that speaks against an install, at once.

    Args:
        facts: the result of an inspection, with C(wanted): what is to be installed.

    Returns:
        blockers and warnings, each with C(code), C(object), C(cause), C(remedy), in the order of the catalogue.
    """
    found: dict[str, list[dict[str, str]]] = {"blocker": [], "warning": []}
    for entry in CATALOGUE:
        found[entry.severity] += _findings(entry, facts)
    return found["blocker"], found["warning"]


def judge_jobset(
    jobset: Mapping[str, Any], bundle: Bundle, meant: str, job_sets: int | None = None
) -> list[dict[str, str]]:
    """The blockers in the JobSet that is there alone.

    Args:
        jobset: the facts about it.
        meant: C(bundled) or C(external).
        job_sets: how many JobSets there are; None where that is not known.
    """
    facts = {
        "jobset": jobset,
        "wanted": {
            "release": bundle.release,
            "jobset": bundle.components.get("jobset", ""),
            "jobset_meant": meant,
        },
        "users": {"job_sets": {"total": job_sets}},
    }
    entries = [entry for entry in CATALOGUE if entry.code.startswith("jobset_")]
    return [finding for entry in entries for finding in _findings(entry, facts)]


def _findings(entry: Entry, facts: Facts) -> list[dict[str, str]]:
    return [
        {
            "code": entry.code,
            "object": subject,
            "cause": entry.cause.format(**words),
            "remedy": entry.remedy.format(**words),
        }
        for subject, words in _RULES[entry.code](facts)
    ]
