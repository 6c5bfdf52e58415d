# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real local kind cluster for tests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.support import lending
from tests.support.cluster import ClusterUnderTest
from tests.support.lending import tool

# Who the kubeconfig of a kind cluster speaks for.
ADMIN = "kubernetes-admin"


@dataclass(frozen=True)
class RealCluster(ClusterUnderTest):
    """A cluster that is up."""

    name: str

    def audit_log(self) -> Iterable[str]:
        """See ClusterUnderTest."""
        return tool("audit", self.name).splitlines()


@contextmanager
def real_cluster(own: str, *, shared: bool = True) -> Iterator[RealCluster]:
    """Yield a fresh cluster.

    Args:
        own: the name of the cluster that is created, and deleted in the end, where none is shared.
        shared: use the shared cluster if there is one.
    """
    try:
        name = lending.take(own, shared=shared)
        kubectl = tool("program", "kubectl").strip()
        yield RealCluster(lending.kubeconfig_of(name), f"kind-{name}", ADMIN, kubectl, name)
    finally:
        lending.give_back(own, shared=shared)
