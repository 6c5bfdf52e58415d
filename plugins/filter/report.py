# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The C(report) filter: show the results of a run of the role."""

from __future__ import annotations

DOCUMENTATION = r"""
name: report
short_description: Show the results of a run
version_added: 1.0.0
author:
  - Conductor contributors (@conductor)
description:
  - Takes the registered results of the role's steps and returns a text with the controllers, the expiry of their
    certificates, the runtimes, the duration of each step, and the last log lines of the pods of a TrainJob.
options:
  _input:
    description:
      - The results by step, in the order of the steps. Skipped steps are left out.
    type: dict
    required: true
  check_mode:
    description:
      - Whether the run was in check mode. The text then uses the future for changes, and names the steps that were
        skipped because of them.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Show the report
  ansible.builtin.debug:
    msg: "{{ {'apply': applied, 'wait': waited, 'runtimes': info} | conductor.trainer.report }}"
"""

RETURN = r"""
_value:
  description: The text.
  type: str
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible_collections.conductor.trainer.plugins.module_utils.options.record import different
from ansible_collections.conductor.trainer.plugins.module_utils.text import one_line

_DONE = {"create": "created", "adopt": "adopted", "update": "updated", "prune": "pruned"}


def report(steps: Mapping[str, Mapping[str, Any]], check_mode: bool = False) -> str:
    """Return the text for the results of some steps (registered variables of the modules of this collection)."""
    ran = {name: result for name, result in steps.items() if result and not result.get("skipped")}
    left_out = [name for name, result in steps.items() if check_mode and result and result.get("skipped")]
    lines: list[str] = []
    for result in ran.values():
        if "controllers" in result:
            lines += _controllers(result["controllers"])
        if result.get("certificates"):
            lines += _certificates(result["certificates"])
        if "runtimes" in result:
            lines += _runtimes(result["runtimes"])
    lines += ["Steps", *(_step(name, result, check_mode) for name, result in ran.items())]
    if left_out:
        lines.append(f"Skipped in check mode, because nothing was applied: {', '.join(left_out)}")
    return "\n".join(map(one_line, [*_release(ran.values()), *lines]))


def _release(results: Iterable[Mapping[str, Any]]) -> list[str]:
    for result in results:
        if "components" in result:
            parts = result["components"]
            bundled = "jobset" in parts
            return [
                f"Trainer {parts['trainer']}{' with JobSet ' + parts['jobset'] if bundled else ''} in "
                f"{result['namespace']}{'' if bundled else ', beside an external JobSet'}, "
                f"Kubernetes {result['kubernetes']}",
                *([f"Cluster {result['cluster_uid']}"] if result.get("cluster_uid") else []),
                *_options(result),
            ]
    return []


def _options(result: Mapping[str, Any]) -> list[str]:
    """Return a line about the options, and one for each that differs from those of the last install."""
    options, changed = result.get("options") or {}, result.get("options_changed") or []
    lines = [f"Options {', '.join(options['summary'])}; {different(options)}"] if options.get("summary") else []
    return [
        *lines,
        *(["Options changed since the last install", *(f"  {line}" for line in changed)] if changed else []),
    ]


def _controllers(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    return ["Controllers", *(f"  {row['name']:<37}{row['ready']:<6}{row['status']}" for row in rows)]


def _certificates(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return one line for each Service; all webhook configurations that call it get the same certificate."""
    lines = {}
    for row in rows:
        words = [f"{row['days_left']} days left"] if row["days_left"] is not None else []
        words += [row["problem"]] if row["problem"] else []
        words += [f"not checked: {row['not_checked']}"] if row["not_checked"] else []
        lines[row["service"]] = f"  {row['service']:<37}{'; '.join(words)}"
    return ["Certificates of the webhooks", *lines.values()]


def _runtimes(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    words = {True: "accepts TrainJobs", False: "rejects TrainJobs", None: "not tested"}
    lines = [f"  {row['name']:<26}{row['framework']:<12}{words[row['proven']]}" for row in rows]
    return [f"ClusterTrainingRuntimes: {len(lines)}", *lines]


def _step(name: str, result: Mapping[str, Any], check_mode: bool) -> str:
    if "phase" in result:
        return _job(name, result)
    counts = [
        f"{len(objects)} {f'to {verb}' if check_mode else _DONE[verb]}"
        for verb, objects in (result.get("actions") or {}).items()
    ]
    if result.get("predicted"):
        counts.append(f"{len(result['predicted'])} of these not checked by the server")
    if result.get("unchanged"):
        counts.append(f"{result['unchanged']} unchanged")
    if proven := sum(row["outcome"] != "failed" for row in result.get("pull_proof") or ()):
        counts.append(f"{proven} {'pull' if proven == 1 else 'pulls'} {'to prove' if check_mode else 'proven'}")
    if result.get("retained"):
        counts.append(f"{len(result['retained'])} of an earlier release retained")
    if result.get("record_updated") and not result.get("actions"):
        counts.append("install record to update" if check_mode else "install record updated")
    return f"  {name:<18}{result.get('elapsed', 0.0):>6.1f} s  {', '.join(counts)}".rstrip()


def _job(name: str, result: Mapping[str, Any]) -> str:
    """Return the duration of a TrainJob until its end, and the distinct last log lines of its pods."""
    said = dict.fromkeys(lines[-1] for lines in result["logs"].values() if lines)
    ended = result["timeline"][-1]["seconds"] if result["timeline"] else 0.0
    words = "; ".join([", ".join(said) or result["phase"], *(f"retained: {reason}" for reason in result["retained"])])
    nodes = f"{len(result['pods'])} nodes: " if result["pods"] else ""
    return f"  {name:<18}{ended:>6.1f} s  {nodes}{words}"


class FilterModule:
    """The class that Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters of this file by name."""
        return {"report": report}
