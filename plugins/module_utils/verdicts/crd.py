# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a CRD serves. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..objects.fields import part, parts
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
