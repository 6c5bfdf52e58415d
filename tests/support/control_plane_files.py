# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command lines and files of a control plane on this machine."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path

import yaml

from tests.support.lending import TOOL, tool
from tests.unit.plugins.helpers.certificates import Authority, Pair, new_key, private_key_pem

CONTEXT = "control-plane"
_POLICY = TOOL.parent / "control_plane" / "audit-policy.yaml"


def etcd_command(folder: Path, port: int, peer_port: int) -> list[str]:
    client, peer = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{peer_port}"
    return [
        tool("program", "etcd").strip(),
        f"--data-dir={folder / 'etcd'}",
        "--name=one",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=one={peer}",
        # Nothing of it is to outlive a crash.
        "--unsafe-no-fsync",
        # A restore is one transaction for each rank of objects, whole CRDs included.
        "--max-txn-ops=20000",
        "--max-request-bytes=104857600",
        "--log-level=warn",
    ]


def api_server_command(folder: Path, etcd_port: int, port: int) -> list[str]:
    pki = folder / "pki"
    return [
        tool("program", "kube-apiserver").strip(),
        f"--etcd-servers=http://127.0.0.1:{etcd_port}",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        # An address of the loopback interface cannot be an endpoint of the Service kubernetes.
        "--endpoint-reconciler-type=none",
        f"--client-ca-file={pki / 'ca.crt'}",
        f"--tls-cert-file={pki / 'server.crt'}",
        f"--tls-private-key-file={pki / 'server.key'}",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--service-account-signing-key-file={pki / 'service-accounts.key'}",
        f"--service-account-key-file={pki / 'service-accounts.key'}",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",
        f"--audit-policy-file={_POLICY}",
        f"--audit-log-path={folder / 'audit.log'}",
        f"--egress-selector-config-file={folder / 'egress.yaml'}",
        # Watches of clients that are gone must not hold up the end.
        "--shutdown-watch-termination-grace-period=0s",
    ]


def controller_manager_command(folder: Path, kubeconfig: Path, controllers: Sequence[str]) -> list[str]:
    pki = folder / "pki"
    return [
        tool("program", "kube-controller-manager").strip(),
        f"--kubeconfig={kubeconfig}",
        f"--controllers={','.join(controllers)}",
        f"--root-ca-file={pki / 'ca.crt'}",
        f"--service-account-private-key-file={pki / 'service-accounts.key'}",
        "--leader-elect=false",
        "--secure-port=0",
        "--kube-api-qps=500",
        "--kube-api-burst=1000",
    ]


def write_egress(folder: Path, socket: Path) -> None:
    """Tells the API server to reach the cluster network through the proxy at C(socket)."""
    connection = {"proxyProtocol": "HTTPConnect", "transport": {"uds": {"udsName": str(socket)}}}
    content = {
        "apiVersion": "apiserver.k8s.io/v1beta1",
        "kind": "EgressSelectorConfiguration",
        "egressSelections": [{"name": "cluster", "connection": connection}],
    }
    (folder / "egress.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")


def write_keys(folder: Path, authority: Authority) -> None:
    folder.mkdir(parents=True, mode=0o700)
    (folder / "ca.crt").write_bytes(authority.pem)
    (folder / "service-accounts.key").write_bytes(private_key_pem(new_key()))
    hosts = ("127.0.0.1", "localhost", "kubernetes.default.svc", "10.96.0.1")
    write_pair(folder, "server", authority.server("kube-apiserver", hosts))


def write_pair(folder: Path, name: str, pair: Pair) -> None:
    (folder / f"{name}.crt").write_bytes(pair.certificate)
    (folder / f"{name}.key").write_bytes(pair.key)


def write_kubeconfig(path: Path, server: str, authority: Authority, credentials: Pair | str) -> Path:
    """A kubeconfig with one context, C(CONTEXT), with everything in the file itself."""

    def data(pem: bytes) -> str:
        return base64.b64encode(pem).decode()

    if isinstance(credentials, str):
        user = {"token": credentials}
    else:
        user = {
            "client-certificate-data": data(credentials.certificate),
            "client-key-data": data(credentials.key),
        }
    cluster = {"server": server, "certificate-authority-data": data(authority.pem)}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "control-plane", "cluster": cluster}],
        "users": [{"name": "user", "user": user}],
        "contexts": [{"name": CONTEXT, "context": {"cluster": "control-plane", "user": "user"}}],
        # Conductor never looks at it; the controller manager looks at nothing else.
        "current-context": CONTEXT,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    path.chmod(0o600)
    return path
