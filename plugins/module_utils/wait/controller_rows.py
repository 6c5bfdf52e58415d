# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Describe the running controllers for a result. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..release.bundle import certificate_secrets
from ..verdicts.workloads import pods_of


def controller_rows(
    deployments: Iterable[Mapping[str, Any]], live: Mapping[str, Mapping[str, Any]], pods: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return one row per controller.

    Args:
        deployments: the Deployments of the bundle.
        live: name to live Deployment.
        pods: the pods of their namespace.
    """
    rows = []
    for deployment in deployments:
        name = deployment["metadata"]["name"]
        now = live.get(name) or deployment
        status = now.get("status") or {}
        members = sorted(pods_of(deployment, pods), key=lambda pod: str(pod["metadata"].get("creationTimestamp")))
        newest: Mapping[str, Any] = members[-1] if members else {}
        rows.append(
            {
                "name": name,
                "namespace": now["metadata"]["namespace"],
                "ready": f"{status.get('readyReplicas', 0)}/{now['spec'].get('replicas', 1)}",
                "status": (newest.get("status") or {}).get("phase", "unknown"),
                "image": now["spec"]["template"]["spec"]["containers"][0]["image"],
                "certificate_secrets": certificate_secrets(deployment),
            }
        )
    return rows
