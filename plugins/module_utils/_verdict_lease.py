# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a controller has a leader. Pure.

Without one its webhooks answer and nothing is reconciled: a new pod waits until the Lease of the one before runs out,
15 s by default (client-go, tools/leaderelection).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ._verdict import State, Verdict, part


def lease_verdict(name: str, lease: Mapping[str, Any], pods: Collection[str], namespace: str) -> Verdict:
    """Held by one of the pods that may lead.

    Clocks of two machines are never compared: whether a Lease has run out is for the next leader to find.

    Args:
        pods: the names of the controller's pods that are not ending.
    """

    def verdict(state: State, evidence: str, remedy: str = "") -> Verdict:
        since = part(lease, "spec").get("renewTime")
        return Verdict(f"Lease {name}", "leader", state, evidence, remedy, str(since or ""))

    holder = part(lease, "spec").get("holderIdentity")
    if not isinstance(holder, str) or not holder:
        return verdict("progressing", "nobody holds it: no pod has become the leader yet")
    # controller-runtime, pkg/leaderelection: the host's name, which is the pod's, and a UUID.
    pod = holder.rpartition("_")[0] or holder
    if pod not in pods:
        return verdict(
            "progressing",
            f"held by {pod}, which is none of the controller's pods: nothing is reconciled until it runs out",
            f"where it does not run out, kubectl -n {namespace} delete lease {name}",
        )
    return verdict("ready", f"held by {pod}")
