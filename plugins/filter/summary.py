# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The C(summary) filter: reduce the results of a run of the role to data for other programs."""

from __future__ import annotations

DOCUMENTATION = r"""
name: summary
short_description: Reduce the results of a run to a summary
version_added: 1.0.0
author:
  - Conductor contributors (@conductor)
description:
  - Takes the registered results of the role's steps, successful or not, and returns the summary that AWX keeps as an
    artifact of the job.
  - Always returns the same keys with the same types. Unknown values are V(null) or an empty list.
options:
  _input:
    description:
      - The results by step, in the order of the steps.
      - Results after a failed step are ignored, because they are from an earlier run.
    type: dict
    required: true
  release:
    description: The requested Trainer release.
    type: str
    required: true
  check_mode:
    description: Whether the steps only read.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Record the summary
  ansible.builtin.set_stats:
    data:
      my_report: "{{ {inventory_hostname: {'apply': applied, 'wait': waited} | conductor.trainer.summary('2.3.0')} }}"
"""

RETURN = r"""
_value:
  description: The summary.
  type: dict
  contains:
    verified:
      description: Whether no step failed, the controllers are ready, and the runtimes were tested.
      type: bool
    release:
      description: The requested Trainer release.
      type: str
    components:
      description: Versions of the components of the release.
      type: dict
    namespace:
      description: Namespace of the operator.
      type: str
    kubernetes:
      description: Version of the API server.
      type: str
    controllers:
      description: The controllers, each with C(name), C(ready) and C(status).
      type: list
      elements: dict
    runtimes:
      description: The ClusterTrainingRuntimes, each with C(name), C(framework) and C(proven).
      type: list
      elements: dict
    blockers:
      description: Findings that stop an install, each with C(code) and C(object).
      type: list
      elements: dict
    warnings:
      description: Findings to know before an install, each with C(code) and C(object).
      type: list
      elements: dict
    options:
      description: The C(digest) of the options, which is empty without options and V(null) if it is unknown, and
        C(changed), how the options differ from those of the last install.
      type: dict
    changed:
      description: Whether the cluster was changed; with C(check_mode), whether it would be.
      type: bool
    check_mode:
      description: Whether the steps only read, as in check mode and in verify.
      type: bool
    smoke:
      description:
        - Result of the smoke job, with C(phase), C(nodes), C(seconds) until its end, and C(says), the last log lines of
          its pods; V(null) if it did not run.
      type: dict
    steps:
      description: The steps that ran, each with C(name) and C(seconds).
      type: list
      elements: dict
    error:
      description: The C(step) that failed and its C(message); V(null) if no step failed.
      type: dict
  sample:
    verified: true
    release: 2.3.0
    components: {jobset: 0.12.0, trainer: 2.3.0}
    namespace: kubeflow-system
    kubernetes: 1.35.8
    controllers: [{name: jobset-controller-manager, ready: 1/1, status: Running}]
    runtimes: [{name: torch-distributed, framework: torch, proven: true}]
    blockers: []
    warnings: []
    options: {digest: "", changed: []}
    changed: true
    check_mode: false
    smoke: null
    steps: [{name: apply, seconds: 1.3}, {name: wait, seconds: 5.3}]
    error: null
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.conductor.trainer.plugins.module_utils.text import NAME, bounded, escaped, one_line

# Maximum length of an error message. An artifact becomes a variable of the next job, so it must be small.
_LONGEST = 4000
# The most controllers, runtimes, blockers or warnings.
_ROWS = 100


def summary(steps: Mapping[str, Mapping[str, Any]], release: str, check_mode: bool = False) -> dict[str, Any]:
    """Return the summary of some steps (registered variables)."""
    ran, failure = _until_failure(steps)
    applied, waited, proven = (_with(key, ran) for key in ("components", "controllers", "runtimes"))
    looked, judged = (_with(key, ran) for key in ("cluster", "warnings_found"))
    stopped = _with("blockers", ran)
    return {
        "verified": failure is None and bool(waited) and bool(proven),
        "release": one_line(release, NAME),
        "components": _short(applied.get("components")),
        "namespace": _short(applied.get("namespace")),
        "kubernetes": _short(applied.get("kubernetes") or looked.get("cluster", {}).get("kubernetes")),
        # Lists, not dictionaries by name: Ansible merges two summaries of a host, and a later list replaces an
        # earlier one.
        "controllers": _chosen(waited.get("controllers"), "name", "ready", "status"),
        "runtimes": _chosen(proven.get("runtimes"), "name", "framework", "proven"),
        "blockers": _chosen(stopped.get("blockers"), "code", "object"),
        "warnings": _chosen(judged.get("warnings_found"), "code", "object"),
        "options": _options(ran),
        # The result of a failed write lists what was written before.
        "changed": any(bool(result.get("changed") or result.get("written")) for result in ran.values()),
        "check_mode": check_mode,
        "smoke": _smoke(ran.get("smoke job", {})),
        "steps": [
            {"name": name, "seconds": round(result["elapsed"], 1)}
            for name, result in ran.items()
            if result.get("elapsed") is not None
        ],
        "error": failure,
    }


def _until_failure(
    steps: Mapping[str, Mapping[str, Any]],
) -> tuple[dict[str, Mapping[str, Any]], dict[str, str] | None]:
    """Return the steps that ran, including a failed one, and its name and message."""
    ran: dict[str, Mapping[str, Any]] = {}
    for name, result in steps.items():
        if not result or result.get("skipped"):
            continue
        ran[name] = result
        if result.get("failed") or result.get("unreachable"):
            return ran, {
                "step": name,
                "message": bounded(escaped(str(result.get("msg", "")).strip()), _LONGEST),
            }
    return ran, None


def _with(key: str, ran: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    return next((result for result in ran.values() if key in result), {})


def _options(ran: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    laid, changed = _with("options", ran).get("options"), _with("options_changed", ran).get("options_changed")
    return {
        "digest": None if laid is None else _short(laid["digest"]),
        "changed": [_short(line) for line in changed or []],
    }


def _smoke(result: Mapping[str, Any]) -> dict[str, Any] | None:
    if "phase" not in result:
        return None
    return {
        "phase": _short(result["phase"]),
        "nodes": len(result["pods"]),
        # Without the time for its deletion, which takes as long again. A job that has not ended used all of its time.
        "seconds": round(result["timeline"][-1]["seconds"] if _has_ended(result) else result["elapsed"], 1),
        "says": list(dict.fromkeys(one_line(lines[-1], NAME) for lines in result["logs"].values() if lines))[:5],
    }


def _has_ended(result: Mapping[str, Any]) -> bool:
    return result["phase"] in ("complete", "failed") and bool(result["timeline"])


def _chosen(rows: Any, *keys: str) -> list[dict[str, Any]]:
    rows = list(rows or [])
    chosen = [{key: _short(row[key]) for key in keys} for row in rows[:_ROWS]]
    if len(rows) > _ROWS:
        named = "name" if "name" in keys else "object"
        chosen.append({**dict.fromkeys(keys, ""), named: f"and {len(rows) - _ROWS} more"})
    return chosen


def _short(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _short(part) for name, part in value.items()}
    return one_line(value, NAME) if isinstance(value, str) else value


class FilterModule:
    """The class that Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters of this file by name."""
        return {"summary": summary}
