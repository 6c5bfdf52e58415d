# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verdicts on CRDs, namespaces and ClusterTrainingRuntimes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..objects.fields import conditions_of, is_terminating, is_true, part, parts, text, texts
from .verdict import State, Verdict, count, denied_condition


def crd_verdict(name: str, crd: Mapping[str, Any] | None) -> Verdict:
    """Judge a CRD: ready if it is established, its names are accepted and it is not being deleted."""

    def verdict(state: State, evidence: str = "", since: Any = "", next_step: str = "") -> Verdict:
        subject = f"CustomResourceDefinition {name}"
        return Verdict(subject, "established", state, evidence, next_step, str(since or ""), name=name)

    if crd is None:
        return verdict("progressing", "missing")
    if is_terminating(crd):
        return verdict("progressing", "Terminating", part(crd, "metadata").get("deletionTimestamp"))
    for needed in ("NamesAccepted", "Established"):
        if not is_true(crd, needed):
            condition = denied_condition(crd, needed) or {}
            words = f"not {needed} {text(condition, 'message')}".rstrip()
            # The names stay refused as long as another CRD has them.
            refused = needed == "NamesAccepted" and _is_final(crd, needed, "False")
            return verdict(
                "failed" if refused else "progressing",
                words,
                condition.get("lastTransitionTime"),
                "delete or rename the CRD that has these names: `kubectl get crds`" if refused else "",
            )
    odd = [entry for entry in conditions_of(crd, "NonStructuralSchema") if entry.get("status") != "False"]
    if odd:
        final = _is_final(crd, "NonStructuralSchema", "True")
        return verdict(
            "failed" if final else "progressing",
            f"its schema is not structural: {text(odd[0], 'message')}",
            odd[0].get("lastTransitionTime"),
            "run the install, which restores the CRD of the release" if final else "",
        )
    if going := next((entry for entry in conditions_of(crd, "Terminating") if entry.get("status") == "True"), None):
        return verdict("progressing", f"Terminating {text(going, 'message')}".rstrip())
    stored = part(crd, "status").get("storedVersions")
    names = [version.get("name") for version in parts(part(crd, "spec"), "versions")]
    left = [version for version in (stored if isinstance(stored, list) else []) if version not in names]
    if left:
        return verdict("progressing", f"objects are stored in missing versions: {', '.join(map(str, left))}")
    return verdict("ready", since=conditions_of(crd, "Established")[0].get("lastTransitionTime"))


def _is_final(crd: Mapping[str, Any], kind: str, status: str) -> bool:
    """Return whether a condition has this status only, and is not about an older generation of the CRD."""
    generation = count(part(crd, "metadata").get("generation"))
    found = conditions_of(crd, kind)
    return bool(found) and all(
        text(entry, "status") == status
        and not ("observedGeneration" in entry and count(entry["observedGeneration"]) < generation)
        for entry in found
    )


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
            text(condition, "message")
            for condition in parts(status, "conditions")
            if condition.get("status") == "True" and text(condition, "message")
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
    if is_terminating(runtime):
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
