# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real local kind cluster for tests, made and removed with our own cluster tool."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.cluster import ClusterUnderTest
from tests.support.playing import CLONE

TOOL = CLONE / "tools" / "cluster" / "cluster"
# Who the kubeconfig of a kind cluster speaks for.
ADMIN = "kubernetes-admin"


def tool(*arguments: str) -> str:
    """Runs the cluster tool; its output. Raises CalledProcessError, with its words on standard error."""
    return subprocess.run([TOOL, *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout


@dataclass(frozen=True)
class RealCluster(ClusterUnderTest):
    """A cluster that is up."""

    name: str

    def audit_log(self) -> Iterable[str]:
        """See ClusterUnderTest."""
        return tool("audit", self.name).splitlines()


@contextmanager
def real_cluster(name: str) -> Iterator[RealCluster]:
    """A fresh cluster, removed in the end."""
    tool("down", name)
    try:
        tool("up", name)
        kubeconfig = Path(tool("kubeconfig", name).strip())
        kubectl = tool("program", "kubectl").strip()
        yield RealCluster(kubeconfig, f"kind-{name}", ADMIN, kubectl, name)
    finally:
        tool("down", name)
