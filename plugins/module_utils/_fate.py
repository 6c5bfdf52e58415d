# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a sign of doom is certain: after its grace, and where no new node will come to help."""

from __future__ import annotations

from collections.abc import Iterable

from ._client import Cluster
from ._doomed import Doom
from ._errors import ConductorError
from ._resources import Key, path_of

# API groups of what makes nodes as they are needed: Karpenter (also EKS Auto Mode), OpenShift's machine autoscaler.
_NODE_MAKERS = frozenset({"karpenter.sh", "autoscaling.openshift.io"})
# The cluster autoscaler (also that of GKE and AKS) tells in this ConfigMap how it is
# (kubernetes/autoscaler, cluster-autoscaler/FAQ.md).
_AUTOSCALER_STATUS = Key("v1", "ConfigMap", "kube-system", "cluster-autoscaler-status")


class Fate:
    """Keeps since when each sign lasts."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._since: dict[tuple[str, str], float] = {}
        self._grows: bool | None = None

    def certain(self, dooms: Iterable[Doom], now: float) -> list[Doom]:
        """Of the signs seen now those that are certain; all of them are to be given at each look."""
        seen = {(doom.uid, doom.signature.cause): doom for doom in dooms}
        self._since = {sign: self._since.get(sign, now) for sign in seen}
        return [
            doom
            for sign, doom in seen.items()
            if now - self._since[sign] >= doom.signature.grace and not (doom.signature.nodes_help and self._may_grow())
        ]

    def _may_grow(self) -> bool:
        """Whether nodes may be added by themselves; where that cannot be told, they may. Asked once."""
        if self._grows is None:
            try:
                groups = self._cluster.get("/apis", step="look for node autoscalers").get("groups") or []
                self._grows = (
                    any(group.get("name") in _NODE_MAKERS for group in groups)
                    or self._cluster.find(path_of(_AUTOSCALER_STATUS), metadata_only=True) is not None
                )
            except ConductorError:
                self._grows = True
        return self._grows
