# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The C(status) filter: reduce the result of an inspection to the status of a cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
name: status
short_description: Reduce the result of an inspection to the status of a cluster
version_added: 1.0.0
author:
  - Conductor contributors (@conductor)
description:
  - Takes the registered result of M(conductor.trainer.trainer_operator_info), whether it succeeded or not.
  - Always returns the same keys. Unknown values are V(null).
options:
  _input:
    description:
      - The registered result; empty if the cluster was not inspected.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Save the status
  ansible.builtin.copy:
    content: "{{ info | conductor.trainer.status | to_nice_json }}"
    dest: status.json
    mode: "0644"
"""

RETURN = r"""
_value:
  description: The status.
  type: dict
  contains:
    health:
      description:
        - C(healthy); C(unhealthy); C(absent) if Trainer is not installed; or C(unknown) if facts cannot be read or the
          cluster was not inspected.
      type: str
    reasons:
      description: Reasons for the health; empty if it is C(healthy).
      type: list
      elements: str
    error:
      description: Why the cluster was not inspected; otherwise null.
      type: str
    cluster:
      description: C(server), C(uid), C(kubernetes), C(distribution), C(provider).
      type: dict
    trainer:
      description: C(state), C(release), C(owner), C(namespace), C(healthy), C(problems).
      type: dict
    jobset:
      description: C(state), C(version), C(owner), C(namespace), C(healthy), C(problems).
      type: dict
    options:
      description:
        - How the installation differs from its release. C(digest), C(summary), C(fields) and C(objects) of the options
          in the install record; C(problem), why these cannot be used; C(others), the field managers that added
          fields to the controllers' Deployments, and how many; and C(changed), how the options of this run differ from
          those in the record.
      type: dict
    certificates:
      description: Rows with C(configuration), C(not_after), C(days_left).
      type: list
      elements: dict
    runtimes:
      description: C(present) and C(missing) of the release, C(custom) ones, and C(namespaced), the number of
        TrainingRuntimes.
      type: dict
    user_objects:
      description: C(train_jobs) and C(job_sets), each with C(total) and C(unfinished).
      type: dict
    neighbours:
      description: Related software on the cluster.
      type: list
      elements: str
    blockers:
      description: Findings that stop an install of the requested release.
      type: list
      elements: dict
    warnings:
      description: Findings to know before an install.
      type: list
      elements: dict
"""

from collections.abc import Callable, Mapping
from typing import Any

_NAMES = {
    "kueue": "Kueue",
    "leader_worker_set": "LeaderWorkerSet",
    "cert_manager": "cert-manager",
    "istio": "Istio",
    "training_operator": "Training Operator v1",
}
_OPTIONS = ("digest", "summary", "fields", "objects", "problem", "others")
_CLUSTER = ("server", "uid", "kubernetes", "distribution", "provider")


def status(info: Mapping[str, Any]) -> dict[str, Any]:
    """Return the status for the result of an inspection."""
    if "trainer" not in info:
        return _nothing(str(info.get("msg") or "the cluster was not inspected: an earlier step failed").strip())
    trainer, jobset, users = info["trainer"], info["jobset"], info["user_objects"]
    health, reasons = _health(info)
    return {
        "health": health,
        "reasons": reasons,
        "error": None,
        "cluster": {name: info["cluster"][name] for name in _CLUSTER},
        "trainer": {"state": trainer["state"], "release": trainer["release"], **_about(trainer)},
        "jobset": {"state": jobset["state"], "version": jobset["version"], **_about(jobset)},
        "options": {
            **{name: info["options"][name] for name in _OPTIONS},
            "changed": info["options_changed"],
        },
        "certificates": info["certificates"],
        "runtimes": {
            **info["built_in_runtimes"],
            "custom": users["custom_runtimes"],
            "namespaced": users["namespaced_runtimes"],
        },
        "user_objects": {
            kind: {"total": users[kind]["total"], "unfinished": users[kind]["unfinished"]}
            for kind in ("train_jobs", "job_sets")
        },
        "neighbours": _neighbours(info["neighbours"]),
        "blockers": info["blockers"],
        "warnings": info["warnings_found"],
    }


def _nothing(error: str) -> dict[str, Any]:
    names = (
        "cluster",
        "trainer",
        "jobset",
        "options",
        "certificates",
        "runtimes",
        "user_objects",
        "neighbours",
        "blockers",
        "warnings",
    )
    return {"health": "unknown", "reasons": [error], "error": error, **dict.fromkeys(names)}


def _about(part: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys that Trainer and JobSet have in common."""
    return {
        "owner": part["owner"]["name"],
        "namespace": part["namespace"],
        "healthy": part["healthy"],
        "problems": part["problems"],
    }


def _health(info: Mapping[str, Any]) -> tuple[str, list[str]]:
    trainer, jobset, runtimes = info["trainer"], info["jobset"], info["built_in_runtimes"]
    if trainer["state"] == "absent":
        return "absent", ["Trainer is not installed"]
    wrong = [f"Trainer is incomplete, missing: {what}" for what in trainer["missing"]]
    wrong += [f"{what} is being deleted" for what in trainer["terminating"]]
    wrong += [*trainer["problems"], *(f"JobSet: {problem}" for problem in jobset["problems"])]
    if jobset["state"] == "absent":
        wrong.append("JobSet is not installed")
    wrong += [f"ClusterTrainingRuntime {name} is missing" for name in runtimes["missing"] or ()]
    wrong += [
        f"the certificate of {row['configuration']} expired on {row['not_after']}"
        for row in info["certificates"] or ()
        if row["days_left"] is not None and row["days_left"] < 0
    ]
    if wrong:
        return "unhealthy", wrong
    if None in (trainer["healthy"], jobset["healthy"], runtimes["missing"], info["certificates"]):
        missing = "; ".join(info["permissions"]["unreadable"]) or "unknown"
        return "unknown", [f"facts cannot be read, missing permissions: {missing}"]
    return "healthy", []


def _neighbours(found: Mapping[str, Any]) -> list[str]:
    lines = [
        " ".join(part for part in (name, found[key].get("version")) if part)
        for key, name in _NAMES.items()
        if found[key]["present"]
    ]
    return [*lines, *found["gang_schedulers"]]


class FilterModule:
    """The class that Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters of this file by name."""
        return {"status": status}
