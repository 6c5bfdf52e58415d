# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Detect node autoscalers: with one, insufficient capacity resolves itself within minutes."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import ConductorError
from ..objects.resources import Key, path_of
from .client import Cluster
from .identity import NAMESPACE as KUBE_SYSTEM

# API groups of node autoscalers: Karpenter (also EKS Auto Mode), OpenShift's machine autoscaler.
_NODE_MAKERS = frozenset({"karpenter.sh", "autoscaling.openshift.io"})
# The cluster autoscaler (also that of GKE and AKS) reports its status in this ConfigMap
# (kubernetes/autoscaler, cluster-autoscaler/FAQ.md).
STATUS = Key("v1", "ConfigMap", KUBE_SYSTEM, "cluster-autoscaler-status")


def can_scale_up(cluster: Cluster, groups: Iterable[str] | None = None) -> bool:
    """Return whether nodes may be added automatically; True if that cannot be read.

    Args:
        groups: the served API groups; None if unknown, which costs a second request.
    """
    try:
        if groups is None:
            answer = cluster.get("/apis", step="look for node autoscalers").get("groups") or []
            groups = [str(group.get("name")) for group in answer]
        return bool(_NODE_MAKERS & set(groups)) or cluster.find(path_of(STATUS), metadata_only=True) is not None
    except ConductorError:
        return True
