# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a ClusterTrainingRuntime can be used. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..objects.fields import text, texts
from .verdict import State, Verdict


def runtime_verdict(name: str, runtime: Mapping[str, Any] | None, refusal: str | None) -> Verdict:
    """There, not on its way out, and accepted: a TrainJob that names it was let pass.

    Args:
        refusal: the server's words against such a TrainJob, empty where it would take it; None where nobody asked.
    """

    def verdict(state: State, evidence: str = "", remedy: str = "", since: str = "") -> Verdict:
        return Verdict(f"ClusterTrainingRuntime {name}", "usable", state, evidence, remedy, since, name=name)

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
