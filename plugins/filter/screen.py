# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The C(screen) filter: show the status of a cluster on one screen."""

from __future__ import annotations

DOCUMENTATION = r"""
name: screen
short_description: Show the status of a cluster on one screen
version_added: 1.0.0
author:
  - Conductor contributors (@conductor)
description:
  - Takes the result of the filter P(conductor.trainer.status#filter) and returns it as a text.
options:
  _input:
    description:
      - The status.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the status
  ansible.builtin.debug:
    msg: "{{ info | conductor.trainer.status | conductor.trainer.screen }}"
"""

RETURN = r"""
_value:
  description: The text.
  type: str
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.conductor.trainer.plugins.module_utils.options.record import different, other_options_listed
from ansible_collections.conductor.trainer.plugins.module_utils.text import (
    MESSAGE,
    NAME,
    bounded,
    escaped,
    indented,
    one_line,
    sentence,
)

_HEALTH = {True: "healthy", False: "not healthy", None: "health unknown"}
_UNKNOWN = "unknown"


def screen(status: Mapping[str, Any]) -> str:
    """Return the text for a status."""
    # An error has several lines.
    reasons = (indented(bounded(escaped(str(reason))), 4) for reason in status["reasons"])
    lines = [_row("Health", status["health"]), *(f"    {reason}" for reason in reasons)]
    if status["error"] is not None:
        return "\n".join(lines)
    cluster, trainer, jobset = status["cluster"], status["trainer"], status["jobset"]
    rows = [
        _row("Cluster", cluster["server"], f"uid {cluster['uid'] or _UNKNOWN}"),
        _row("Kubernetes", cluster["kubernetes"] or _UNKNOWN, cluster["distribution"]),
        _row("Trainer", trainer["release"], *_about(trainer)),
        _row("JobSet", jobset["version"], *_about(jobset)),
        *_differences(status["options"]),
        _row("Certificates", *_certificates(status["certificates"])),
        _row("Runtimes", *_runtimes(status["runtimes"])),
        _row("TrainJobs", *_jobs(status["user_objects"]["train_jobs"])),
        _row("JobSets", *_jobs(status["user_objects"]["job_sets"]), "without those of TrainJobs"),
        _row("Neighbours", ", ".join(status["neighbours"]) or "none found"),
        *_findings("Blockers", status["blockers"]),
        *_findings("Warnings", status["warnings"]),
    ]
    return "\n".join([*lines, *(one_line(row, MESSAGE) for row in rows)])


def _row(title: str, *words: str) -> str:
    return f"{title:<14}{', '.join(word for word in words if word)}"


def _about(part: Mapping[str, Any]) -> list[str]:
    if part["state"] in ("absent", "unknown"):
        return [part["state"]]
    return [
        part["state"].replace("_", " "),
        _HEALTH[part["healthy"]],
        f"in {part['namespace']}" if part["namespace"] else "",
        f"managed by {part['owner']}",
    ]


def _differences(options: Mapping[str, Any]) -> list[str]:
    """Return a row about what differs from the release and by what, and lines about the options of this run."""
    words = []
    if options["fields"] or options["objects"]:
        words.append(f"{different(options)}, by {', '.join(options['summary'])}")
    words += [f"options unknown: {options['problem']}"] if options["problem"] else []
    added = [f"{count} by {manager}" for manager, count in options["others"].items()]
    words += [f"fields added: {', '.join(added)}"] if added else []
    lines = [_row("Differences", "; ".join(words) or "none")]
    if options["changed"]:
        told, next_step = other_options_listed(options["changed"])
        lines += [f"    {line}" for line in (*told, f"Next: {next_step}")]
    return lines


def _certificates(rows: Sequence[Mapping[str, Any]] | None) -> list[str]:
    if rows is None:
        return [_UNKNOWN]
    known = [row for row in rows if row["days_left"] is not None]
    bare = [row["configuration"] for row in rows if row["days_left"] is None]
    words = []
    if known:
        first = min(known, key=lambda row: row["days_left"])
        words.append(
            f"{len(known)} of {len(rows)} webhook configurations have one, the first expires in "
            f"{first['days_left']} days ({first['configuration']})"
        )
    if bare:
        # The configuration has none, or the library that reads it is missing.
        words.append(f"expiry unknown for {', '.join(bare)}")
    return words or ["none"]


def _runtimes(found: Mapping[str, Any]) -> list[str]:
    if found["present"] is None:
        return [_UNKNOWN]
    some = found["present"] and found["missing"]
    return [
        f"{len(found['present']) or 'none'} of the release",
        f"missing: {' '.join(found['missing'])}" if some else "",
        f"others: {', '.join(found['custom'])}" if found["custom"] else "",
        f"{found['namespaced']} TrainingRuntimes in namespaces" if found["namespaced"] else "",
    ]


def _jobs(counts: Mapping[str, Any]) -> list[str]:
    if counts["total"] is None:
        return [_UNKNOWN]
    return [str(counts["total"]), f"{counts['unfinished']} unfinished"]


def _findings(title: str, found: Iterable[Mapping[str, str]]) -> list[str]:
    lines = [
        f"    {row['code']}, {one_line(row['object'], NAME)}: {sentence(one_line(row['cause']))} "
        f"Next: {one_line(row['next_step'])}"
        for row in found
    ]
    return [_row(title, str(len(lines)) if lines else "none"), *lines]


class FilterModule:
    """The class that Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters of this file by name."""
        return {"screen": screen}
