# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verdicts on CRDs, namespaces and ClusterTrainingRuntimes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..objects.fields import part, parts, text, texts
from .verdict import State, Verdict


def crd_verdict(name: str, crd: Mapping[str, Any] | None) -> Verdict:
    """Judge a CRD: ready if it is established, its names are accepted and it is not being deleted."""

    def verdict(state: State, evidence: str = "", since: Any = "") -> Verdict:
        return Verdict(
            f"CustomResourceDefinition {name}", "established", state, evidence, since=str(since or ""), name=name
        )

    if crd is None:
        return verdict("progressing", "missing")
    if part(crd, "metadata").get("deletionTimestamp"):
        return verdict("progressing", "Terminating", part(crd, "metadata").get("deletionTimestamp"))
    conditions = {str(condition.get("type")): condition for condition in parts(part(crd, "status"), "conditions")}
    for needed in ("NamesAccepted", "Established"):
        condition = conditions.get(needed) or {}
        if condition.get("status") != "True":
            words = f"not {needed} {condition.get('message', '')}".rstrip()
            return verdict("progressing", words, condition.get("lastTransitionTime"))
    odd = conditions.get("NonStructuralSchema") or {}
    if odd.get("status") == "True":
        return verdict("progressing", f"its schema is not structural: {odd.get('message', '')}")
    stored = part(crd, "status").get("storedVersions")
    names = [version.get("name") for version in parts(part(crd, "spec"), "versions")]
    left = [version for version in (stored if isinstance(stored, list) else []) if version not in names]
    if left:
        return verdict("progressing", f"objects are stored in missing versions: {', '.join(map(str, left))}")
    return verdict("ready", since=conditions["Established"].get("lastTransitionTime"))


def namespace_verdict(name: str, namespace: Mapping[str, Any] | None) -> Verdict:
    """Judge a namespace: ready if it is active.

    In a Terminating namespace all objects are deleted, and no object can be created.
    """

    def verdict(state: State, evidence: str = "", next_step: str = "", since: str = "") -> Verdict:
        return Verdict(f"Namespace {name}", "active", state, evidence, next_step, since, name=name)

    if namespace is None:
        return verdict("progressing", "missing")
    status = part(namespace, "status")
    gone = part(namespace, "metadata").get("deletionTimestamp")
    if gone or status.get("phase") == "Terminating":
        left = [
            str(condition.get("message", ""))
            for condition in parts(status, "conditions")
            if condition.get("status") == "True" and condition.get("message")
        ]
        return verdict(
            "progressing",
            "; ".join(["Terminating", *left]),
            "wait until it is deleted, then run the install again",
            str(gone or ""),
        )
    if status.get("phase") != "Active":
        return verdict("unknown", f"its phase is {status.get('phase') or 'unknown'}")
    return verdict("ready")


def runtime_verdict(name: str, runtime: Mapping[str, Any] | None, refusal: str | None) -> Verdict:
    """Judge a runtime: ready if it exists, is not being deleted, and a TrainJob that names it is accepted.

    Args:
        refusal: the server's message if it rejects such a TrainJob; empty if it accepts it; None if that is unknown.
    """

    def verdict(state: State, evidence: str = "", next_step: str = "", since: str = "") -> Verdict:
        return Verdict(f"ClusterTrainingRuntime {name}", "usable", state, evidence, next_step, since, name=name)

    if runtime is None:
        return verdict("progressing", "missing", "run the install again")
    gone = text(runtime, "metadata", "deletionTimestamp")
    if gone:
        held = ", ".join(texts(runtime, "metadata", "finalizers"))
        return verdict(
            "progressing",
            f"Terminating{', held by ' + held if held else ''}",
            "wait until the TrainJobs that use it have ended, then run the install again",
            gone,
        )
    if refusal is None:
        return verdict("unknown", "not tested whether a TrainJob may use it")
    return verdict("progressing", refusal) if refusal else verdict("ready", "a TrainJob may use it")
