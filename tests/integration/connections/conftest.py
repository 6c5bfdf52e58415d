# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One real cluster with the operator on it, and everything that gives access to it, in every form."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from tests.integration.connections.asking import User
from tests.support.bastion import Bastion, bastion
from tests.support.playing import Played
from tests.support.rbac_examples import hand_out
from tests.support.real_cluster import RealCluster, real_cluster

CLUSTER = "connections"


# Users' inventories: host to variables.
Hosts = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Access:
    """The ways into the cluster. Certificates and keys are PEM text.

    The certificate is an administrator's, the token is of somebody with the rights to install and no others.
    """

    context: str
    kubeconfig: dict[str, Any]
    host: str
    ca_cert: str
    client_cert: str
    client_key: str
    token: str

    @property
    def secrets(self) -> list[str]:
        """What nobody may see, as it stands in kubeconfigs and in files."""
        key = self.kubeconfig["users"][0]["user"]["client-key-data"]
        # A YAML dump may break a long line; its beginning tells as well.
        return [self.token, key[:60], self.client_key.splitlines()[1]]

    def kubeconfig_with(self, user: dict[str, Any], **cluster: Any) -> dict[str, Any]:
        """The kubeconfig with other credentials, and other settings of its cluster."""
        entry = self.kubeconfig["clusters"][0]
        return {
            **self.kubeconfig,
            "clusters": [{**entry, "cluster": {**entry["cluster"], **cluster}}],
            "users": [{"name": self.kubeconfig["users"][0]["name"], "user": user}],
        }


@pytest.fixture(scope="session")
def cluster() -> Iterator[RealCluster]:
    with real_cluster(CLUSTER) as found:
        yield found


@pytest.fixture(scope="session")
def access(cluster: RealCluster) -> Access:
    namespace, installer = hand_out(cluster, "install")
    content = yaml.safe_load(cluster.kubeconfig.read_text())
    entry, user = content["clusters"][0]["cluster"], content["users"][0]["user"]
    return Access(
        context=cluster.context,
        kubeconfig=content,
        host=entry["server"],
        ca_cert=base64.b64decode(entry["certificate-authority-data"]).decode(),
        client_cert=base64.b64decode(user["client-certificate-data"]).decode(),
        client_key=base64.b64decode(user["client-key-data"]).decode(),
        token=cluster.kubectl("create", "token", installer, f"--namespace={namespace}", "--duration=2h").strip(),
    )


@pytest.fixture(scope="session")
def jump(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bastion]:
    with bastion(tmp_path_factory.mktemp("bastion")) as found:
        yield found


@pytest.fixture(scope="session")
def installed(access: Access, jump: Bastion, tmp_path_factory: pytest.TempPathFactory) -> Played:
    """The end of the install: over the bastion, with the least rights, and a vaulted kubeconfig that only we have."""
    owner = User(tmp_path_factory.mktemp("owner"), access.secrets)
    owner.write("kubeconfig.yml", access.kubeconfig_with({"token": access.token}))
    owner.encrypt("kubeconfig.yml")
    variables = {"conductor_kubeconfig": str(owner.folder / "kubeconfig.yml"), "conductor_context": access.context}
    answer = owner.run("install", hosts={"far": {**jump.variables, **variables}})
    assert answer.code == 0, answer.output + answer.errors
    return answer


@pytest.fixture(scope="module")
def user(access: Access, installed: Played, tmp_path_factory: pytest.TempPathFactory) -> User:
    """A user of the cluster, on which the operator is."""
    return User(tmp_path_factory.mktemp("user"), access.secrets)
