# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Describe the running controllers for a result. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..objects.fields import namespace_of, part, parts, text
from ..release.bundle import certificate_secrets
from ..verdicts.pods import by_age
from ..verdicts.verdict import count
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
        members = by_age(pods_of(deployment, pods))
        # One that waits says more than those that run; what has ended was replaced.
        members.sort(key=lambda pod: text(pod, "status", "phase") == "Pending")
        newest: Mapping[str, Any] = members[-1] if members else {}
        containers = parts(now, "spec", "template", "spec", "containers") or [{}]
        rows.append(
            {
                "name": name,
                "namespace": namespace_of(now),
                "ready": f"{count(part(now, 'status').get('readyReplicas'))}/{part(now, 'spec').get('replicas', 1)}",
                "status": text(newest, "status", "phase") or "unknown",
                "image": text(containers[0], "image"),
                "certificate_secrets": certificate_secrets(deployment),
            }
        )
    return rows
