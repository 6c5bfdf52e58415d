# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two clusters of these tests, as an inventory of either kind."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.support.lending import tool
from tests.support.playing import Played
from tests.support.real_cluster import RealCluster

# Shows what AWX keeps; off unless asked for.
CLI_SHOWS_ALL = {"ANSIBLE_SHOW_CUSTOM_STATS": "true", "ANSIBLE_CALLBACK_RESULT_FORMAT": "json"}
# Of the test's own service accounts.
NAMESPACE = "default"


@dataclass(frozen=True)
class Fleet:
    """Two clusters; the inventory knows them by the names of these fields."""

    good: RealCluster
    bad: RealCluster

    @property
    def hosts(self) -> dict[str, dict[str, Any]]:
        """Host to variables: each with a kubeconfig of its own."""
        return {"good": dict(self.good.variables), "bad": dict(self.bad.variables)}

    @property
    def contexts(self) -> dict[str, dict[str, Any]]:
        """Host to variables where one kubeconfig for all comes from elsewhere."""
        return {name: {"conductor_context": variables["conductor_context"]} for name, variables in self.hosts.items()}

    def kubeconfig(self, folder: Path) -> Path:
        """One file with the contexts of both, as a credential of AWX would hold it."""
        parts = [yaml.safe_load(cluster.kubeconfig.read_text()) for cluster in (self.good, self.bad)]
        lists = {key: [entry for part in parts for entry in part[key]] for key in ("clusters", "users", "contexts")}
        path = folder / "kubeconfig"
        path.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "Config", **lists}))
        return path


def shown_reports(played: Played) -> dict[str, dict[str, Any]]:
    """The C(conductor_report) that a run with C(CLI_SHOWS_ALL) has shown."""
    _, marker, rest = played.output.partition("\tRUN: ")
    assert marker, played.output + played.errors
    found: dict[str, dict[str, Any]] = json.loads(rest.splitlines()[0])["conductor_report"]
    return found


@dataclass(frozen=True)
class FirstRun:
    """What the first run printed, and what it wrote to either cluster."""

    played: Played
    good: list[dict[str, Any]]
    bad: list[dict[str, Any]]


@dataclass(frozen=True)
class ServiceAccount:
    """An administrator of one cluster, with a token."""

    cluster: RealCluster
    name: str
    token: str = field(repr=False)

    @classmethod
    def make(cls, cluster: RealCluster, name: str) -> ServiceAccount:
        """Creates it."""
        cluster.kubectl("create", "serviceaccount", name, f"--namespace={NAMESPACE}")
        bound = f"--serviceaccount={NAMESPACE}:{name}"
        cluster.kubectl("create", "clusterrolebinding", name, "--clusterrole=cluster-admin", bound)
        return cls(cluster, name, cluster.kubectl("create", "token", name, f"--namespace={NAMESPACE}").strip())

    @property
    def requests(self) -> int:
        """How many requests of it the API server has in its audit log."""
        user = f"system:serviceaccount:{NAMESPACE}:{self.name}"
        events = (json.loads(line) for line in tool("audit", self.cluster.name).splitlines())
        return sum(event["user"].get("username") == user for event in events)

    @property
    def server(self) -> str:
        """The address of its API server."""
        server: str = self._cluster_entry["server"]
        return server

    def files(self, folder: Path) -> Path:
        """Its token and CA, in files as a pod has them."""
        (folder / "token").write_text(self.token)
        (folder / "namespace").write_text(NAMESPACE)
        (folder / "ca.crt").write_bytes(base64.b64decode(self._cluster_entry["certificate-authority-data"]))
        return folder

    @property
    def _cluster_entry(self) -> dict[str, str]:
        [entry] = yaml.safe_load(self.cluster.kubeconfig.read_text())["clusters"]
        found: dict[str, str] = entry["cluster"]
        return found
