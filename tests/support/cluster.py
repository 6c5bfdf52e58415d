# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every cluster of the tests can be asked, whatever it is made of."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible_collections.conductor.trainer.plugins.module_utils.cluster.client import Cluster
from ansible_collections.conductor.trainer.plugins.module_utils.cluster.connection import connect
from ansible_collections.conductor.trainer.plugins.module_utils.cluster.target import Target
from tests.support.audit import writes


@dataclass(frozen=True)
class ClusterUnderTest:
    """A cluster and one identity on it: C(user) is the name the server knows the owner of the kubeconfig by."""

    kubeconfig: Path
    context: str
    user: str
    # The path of kubectl.
    program: str

    @property
    def variables(self) -> dict[str, str]:
        """The role variables that name it."""
        return {"conductor_kubeconfig": str(self.kubeconfig), "conductor_context": self.context}

    @property
    def options(self) -> dict[str, str]:
        """The module options that name it."""
        return {"kubeconfig": str(self.kubeconfig), "context": self.context}

    def kubectl(self, *arguments: str, stdin: str | None = None, check: bool = True) -> str:
        """Runs kubectl against it; its output. Raises CalledProcessError, with kubectl's words on standard error."""
        command = [self.program, f"--kubeconfig={self.kubeconfig}", f"--context={self.context}", *arguments]
        return subprocess.run(command, check=check, input=stdin, stdout=subprocess.PIPE, text=True).stdout

    def get(self, *arguments: str) -> dict[str, Any]:
        """What C(kubectl get ARGUMENTS -o json) answers."""
        answer: dict[str, Any] = json.loads(self.kubectl("get", *arguments, "-o", "json"))
        return answer

    def client(self) -> Cluster:
        """The library's own client, as a module connects it."""
        return connect(Target(kubeconfig=str(self.kubeconfig), context=self.context))

    def audit_log(self) -> Iterable[str]:
        """The lines of the API server's audit log; whatever was answered before this call is in it."""
        raise NotImplementedError

    def writes_since(self, began: datetime, user: str | None = None) -> list[dict[str, Any]]:
        """The writes that the API server's audit log has since then, dry runs left out.

        Args:
            user: whose writes; those of this identity unless told otherwise.
        """
        return list(writes(self.audit_log(), user or self.user, began))

    def writes_of_run(self, began: datetime, user: str | None = None) -> list[dict[str, Any]]:
        """The same but for the lease: how often that is renewed depends on how long a run takes."""
        return [write for write in self.writes_since(began, user) if "/leases" not in write["uri"]]

    @staticmethod
    def now() -> datetime:
        """A mark for C(writes_since)."""
        return datetime.now(UTC)
