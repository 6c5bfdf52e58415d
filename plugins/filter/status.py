# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The C(status) filter: what an inspection found, as small data to keep, with a verdict on the whole."""

from __future__ import annotations

DOCUMENTATION = r"""
name: status
short_description: Turn what an inspection found into the status of a cluster
version_added: 1.0.0
author:
  - Conductor contributors (@conductor)
description:
  - Takes the registered result of M(conductor.trainer.trainer_operator_info), whether it succeeded or not.
  - The keys are always the same. What is not known is V(null).
options:
  _input:
    description:
      - The registered result; empty where nothing was asked.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Keep the status
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
        - C(healthy); C(unhealthy); C(absent) where there is no Trainer; or C(unknown), where something may not be read,
          or nothing was found out.
      type: str
    reasons:
      description: What it is that, in words; empty where it is healthy.
      type: list
      elements: str
    error:
      description: Why nothing was found out; otherwise null.
      type: str
    cluster:
      description: C(server), C(uid), C(kubernetes), C(distribution), C(provider).
      type: dict
    trainer:
      description: C(state), C(release), C(owner), C(namespace), C(healthy), C(troubles).
      type: dict
    jobset:
      description: C(state), C(version), C(owner), C(namespace), C(healthy), C(troubles).
      type: dict
    certificates:
      description: Rows with C(configuration), C(not_after), C(days_left).
      type: list
      elements: dict
    runtimes:
      description: C(present) and C(missing) of the release, C(custom) ones, and C(namespaced), the number of others.
      type: dict
    user_objects:
      description: C(train_jobs) and C(job_sets), each with C(total) and C(unfinished).
      type: dict
    neighbours:
      description: What else runs there and matters.
      type: list
      elements: str
    blockers:
      description: What would stop an install of the release asked for.
      type: list
      elements: dict
    warnings:
      description: What a person should know before one.
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
_CLUSTER = ("server", "uid", "kubernetes", "distribution", "provider")


def status(info: Mapping[str, Any]) -> dict[str, Any]:
    """The status that the result of an inspection amounts to."""
    if "trainer" not in info:
        return _nothing(str(info.get("msg") or "nothing was asked: an earlier step failed").strip())
    trainer, jobset, users = info["trainer"], info["jobset"], info["user_objects"]
    health, reasons = _health(info)
    return {
        "health": health,
        "reasons": reasons,
        "error": None,
        "cluster": {name: info["cluster"][name] for name in _CLUSTER},
        "trainer": {"state": trainer["state"], "release": trainer["release"], **_about(trainer)},
        "jobset": {"state": jobset["state"], "version": jobset["version"], **_about(jobset)},
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
        "certificates",
        "runtimes",
        "user_objects",
        "neighbours",
        "blockers",
        "warnings",
    )
    return {"health": "unknown", "reasons": [error], "error": error, **dict.fromkeys(names)}


def _about(part: Mapping[str, Any]) -> dict[str, Any]:
    """What Trainer and JobSet have in common."""
    return {
        "owner": part["owner"]["name"],
        "namespace": part["namespace"],
        "healthy": part["healthy"],
        "problems": part["problems"],
    }


def _health(info: Mapping[str, Any]) -> tuple[str, list[str]]:
    trainer, jobset, runtimes = info["trainer"], info["jobset"], info["built_in_runtimes"]
    if trainer["state"] == "absent":
        return "absent", ["there is no Trainer"]
    wrong = [f"Trainer lacks {what}" for what in trainer["missing"]]
    wrong += [f"{what} is Terminating" for what in trainer["terminating"]]
    wrong += [*trainer["problems"], *(f"JobSet: {trouble}" for trouble in jobset["problems"])]
    if jobset["state"] == "absent":
        wrong.append("there is no JobSet")
    wrong += [f"ClusterTrainingRuntime {name} is not there" for name in runtimes["missing"] or ()]
    wrong += [
        f"the certificate of {row['configuration']} ended on {row['not_after']}"
        for row in info["certificates"] or ()
        if row["days_left"] is not None and row["days_left"] < 0
    ]
    if wrong:
        return "unhealthy", wrong
    if None in (trainer["healthy"], jobset["healthy"], runtimes["missing"], info["certificates"]):
        rights = "; ".join(info["permissions"]["unreadable"]) or "which right is not known"
        return "unknown", [f"some of it may not be read: {rights}"]
    return "healthy", []


def _neighbours(found: Mapping[str, Any]) -> list[str]:
    lines = [
        " ".join(part for part in (name, found[key].get("version")) if part)
        for key, name in _NAMES.items()
        if found[key]["present"]
    ]
    return [*lines, *found["gang_schedulers"]]


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name to function."""
        return {"status": status}
