# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a controller has a leader. Pure.

Without one its webhooks answer and nothing is reconciled: a new pod waits until the Lease of the one before runs out,
15 s by default (client-go, tools/leaderelection).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..objects.fields import part
from .verdict import State, Verdict

# Year to second, as RFC 3339 writes them: texts that compare like times.
_SECOND = len("2026-01-01T00:00:00")


def lease_verdict(name: str, lease: Mapping[str, Any], pods: Mapping[str, str], namespace: str) -> Verdict:
    """Held by one of the pods that may lead, and by the process that runs in it now.

    Clocks of two machines are never compared: whether a Lease has run out is for the next leader to find. When a pod
    took and renewed it, and when its container began, all tell by the clock of the pod's node. A container runtime that
    is slow notes the beginning only after the process has taken the Lease (containerd, internal/cri/server,
    container_start.go); then it is the renewing, every few seconds, that shows that the process lives.

    Args:
        pods: the controller's pods that are not ending: name to when the container began (RFC 3339), empty where it
            does not run.
    """

    def verdict(state: State, evidence: str, remedy: str = "") -> Verdict:
        # A leader leads since it took the Lease; one that is gone has not led since it renewed it last.
        since = part(lease, "spec").get("acquireTime" if state == "ready" else "renewTime")
        return Verdict(f"Lease {name}", "leader", state, evidence, remedy, str(since or ""), name=name)

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
    taken, renewed = (_second(part(lease, "spec").get(name)) for name in ("acquireTime", "renewTime"))
    began = _second(pods[pod])
    if taken and taken < began and not renewed > began:
        return verdict("progressing", f"held by an earlier process of {pod}: nothing is reconciled until it runs out")
    return verdict("ready", f"held by {pod}")


def _second(time: Any) -> str:
    """A time without its fractions, which a container's has not; empty where it is none."""
    return time[:_SECOND] if isinstance(time, str) else ""
