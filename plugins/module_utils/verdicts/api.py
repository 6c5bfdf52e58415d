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
    """Established, its names accepted, and not on its way out."""

    def verdict(state: State, evidence: str = "", since: Any = "") -> Verdict:
        return Verdict(
            f"CustomResourceDefinition {name}", "established", state, evidence, since=str(since or ""), name=name
        )

    if crd is None:
        return verdict("progressing", "it is not there")
    if part(crd, "metadata").get("deletionTimestamp"):
        return verdict("progressing", "it is Terminating", part(crd, "metadata").get("deletionTimestamp"))
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
        return verdict("progressing", f"objects are stored in {', '.join(map(str, left))}, which it does not have")
    return verdict("ready", since=conditions["Established"].get("lastTransitionTime"))


def namespace_verdict(name: str, namespace: Mapping[str, Any] | None) -> Verdict:
    """There, and not on its way out: what is in one that is Terminating goes with it, and nothing new can be made."""

    def verdict(state: State, evidence: str = "", next_step: str = "", since: str = "") -> Verdict:
        return Verdict(f"Namespace {name}", "active", state, evidence, next_step, since, name=name)

    if namespace is None:
        return verdict("progressing", "it is not there")
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
            "; ".join(["it is Terminating", *left]),
            "let it go, then run the install again",
            str(gone or ""),
        )
    if status.get("phase") != "Active":
        return verdict("unknown", f"its phase is {status.get('phase') or 'not known'}")
    return verdict("ready")


def runtime_verdict(name: str, runtime: Mapping[str, Any] | None, refusal: str | None) -> Verdict:
    """There, not on its way out, and accepted: a TrainJob that names it was let pass.

    Args:
        refusal: the server's words against such a TrainJob, empty where it would take it; None where nobody asked.
    """

    def verdict(state: State, evidence: str = "", next_step: str = "", since: str = "") -> Verdict:
        return Verdict(f"ClusterTrainingRuntime {name}", "usable", state, evidence, next_step, since, name=name)

    if runtime is None:
        return verdict("progressing", "it is not there", "run the install again")
    gone = text(runtime, "metadata", "deletionTimestamp")
    if gone:
        held = ", ".join(texts(runtime, "metadata", "finalizers"))
        return verdict(
            "progressing",
            f"it is being deleted{', held by ' + held if held else ''}",
            "let the TrainJobs that use it end, then run the install again",
            gone,
        )
    if refusal is None:
        return verdict("unknown", "nobody asked whether a TrainJob may use it")
    return verdict("progressing", refusal) if refusal else verdict("ready", "a TrainJob may use it")
