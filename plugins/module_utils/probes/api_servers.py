# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many API servers a cluster has, and how often to ask so that each of them was asked."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from ..cluster.client import Cluster
from ..errors import ApiError
from ..objects.fields import parts, texts
from ..objects.resources import resource_of

# What is assumed where it may not be read.
_ASSUMED = 2
# With one API server, in case its address is that of a load balancer after all.
_FEWEST = 2
# How likely one of them may be missed.
_MISSED = 1e-6


def count_api_servers(cluster: Cluster) -> int:
    """The addresses behind the Service C(kubernetes), where each API server enters its own.

    Source: kubernetes/kubernetes, pkg/controlplane/reconcilers (the lease reconciler, the default).

    Where the control plane is somebody else's, that may be one address of a load balancer, and there is no telling how
    many are behind it.

    Raises:
        ApiError, UnreachableError: the server failed.
    """
    try:
        slices, _version = cluster.list_all(
            resource_of("discovery.k8s.io/v1", "EndpointSlice"),
            "default",
            metadata_only=False,
            field_selector="metadata.name=kubernetes",
        )
    except ApiError as error:
        if error.status not in (403, 404):
            raise
        return _ASSUMED
    return len(_addresses(slices)) or _ASSUMED


def rounds_for(servers: int) -> int:
    """Over how many new connections to ask, so that none of so many API servers is missed but once in a million.

    A connection reaches any of them with the same likelihood, so C(k) of them all miss a certain one with a likelihood
    of C((1 - 1/servers) ** k).
    """
    if servers < 2:
        return _FEWEST
    return math.ceil(math.log(_MISSED) / math.log(1 - 1 / servers))


def _addresses(slices: Iterable[Mapping[str, Any]]) -> set[str]:
    return {
        address
        for piece in slices
        for endpoint in parts(piece, "endpoints")
        for address in texts(endpoint, "addresses")
    }
