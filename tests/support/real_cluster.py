# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real local kind cluster for tests, made and removed with our own cluster tool."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from conductor_suites.audit import writes
from tests.support.playing import CLONE

TOOL = CLONE / "tools" / "cluster" / "cluster"
# Who the kubeconfig of a kind cluster speaks for.
ADMIN = "kubernetes-admin"


def tool(*arguments: str) -> str:
    """Runs the cluster tool; its output. Raises CalledProcessError, with its words on standard error."""
    return subprocess.run([TOOL, *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout


@dataclass(frozen=True)
class RealCluster:
    """A cluster that is up."""

    name: str
    kubeconfig: Path
    program: str

    @property
    def context(self) -> str:
        """Its context in the kubeconfig."""
        return f"kind-{self.name}"

    @property
    def variables(self) -> dict[str, str]:
        """The role variables that name it."""
        return {"conductor_kubeconfig": str(self.kubeconfig), "conductor_context": self.context}

    def kubectl(self, *arguments: str, stdin: str | None = None, check: bool = True) -> str:
        """Runs kubectl against it; its output. Raises CalledProcessError, with kubectl's words on standard error."""
        command = [self.program, f"--kubeconfig={self.kubeconfig}", f"--context={self.context}", *arguments]
        return subprocess.run(command, check=check, input=stdin, stdout=subprocess.PIPE, text=True).stdout

    def get(self, *arguments: str) -> dict[str, Any]:
        """What C(kubectl get ARGUMENTS -o json) answers."""
        answer: dict[str, Any] = json.loads(self.kubectl("get", *arguments, "-o", "json"))
        return answer

    def writes_since(self, began: datetime, user: str = ADMIN) -> list[dict[str, Any]]:
        """The writes of C(user) that the API server's audit log has since then, dry runs left out."""
        return list(writes(tool("audit", self.name).splitlines(), user, began))

    @staticmethod
    def now() -> datetime:
        """A mark for C(writes_since)."""
        return datetime.now(UTC)


@contextmanager
def real_cluster(name: str) -> Iterator[RealCluster]:
    """A fresh cluster, removed in the end."""
    tool("down", name)
    try:
        tool("up", name)
        kubeconfig = Path(tool("kubeconfig", name).strip())
        yield RealCluster(name, kubeconfig, tool("program", "kubectl").strip())
    finally:
        tool("down", name)
