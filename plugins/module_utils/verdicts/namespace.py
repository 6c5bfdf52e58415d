# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether things can live in a namespace. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..objects.fields import part, parts
from .verdict import State, Verdict


def namespace_verdict(name: str, namespace: Mapping[str, Any] | None) -> Verdict:
    """There, and not on its way out: what is in one that is Terminating goes with it, and nothing new can be made."""

    def verdict(state: State, evidence: str = "", remedy: str = "", since: str = "") -> Verdict:
        return Verdict(f"Namespace {name}", "active", state, evidence, remedy, since, name=name)

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
