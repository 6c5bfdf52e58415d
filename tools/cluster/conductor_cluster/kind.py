# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kind: its configuration for our clusters, and the few of its commands that are used."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from . import docker, programs
from .console import Console
from .errors import ClusterError, CommandFailed
from .paths import Paths
from .process import capture, logged

# Where a node finds tools/cluster/control_plane.
CONTROL_PLANE_IN_NODE = "/etc/kubernetes/conductor"
AUDIT_LOG_FOLDER = "/var/log/kubernetes"
# kind's own defaults; named, because own_networks closes them.
POD_SUBNET, SERVICE_SUBNET = "10.244.0.0/16", "10.96.0.0/16"
NAME_PATTERN = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


def is_name(name: str) -> bool:
    """Whether ``name`` can be a cluster's name."""
    return NAME_PATTERN.fullmatch(name) is not None


def check_name(name: str) -> str:
    """Returns ``name`` if it can be a cluster's name (kind's rule, and short enough for a host name)."""
    if not is_name(name):
        raise ClusterError(f"{name!r} cannot be a cluster's name: up to 40 of a-z, 0-9 and -, the first one no -")
    return name


def node(name: str) -> str:
    """Name of the one container of the cluster ``name``."""
    return f"{name}-control-plane"


def _arguments(kubernetes: tuple[int, int], arguments: dict[str, str]) -> Any:
    # kind writes kubeadm's v1beta4 from Kubernetes 1.36 on, v1beta3 before; v1beta4 has lists where v1beta3 has maps.
    if kubernetes >= (1, 36):
        return [{"name": key, "value": value} for key, value in arguments.items()]
    return arguments


def configuration(kubernetes: str, control_plane: Path, own_network: bool) -> str:
    """Configuration for kind (JSON, which is YAML) of a cluster with one node and an audit log.

    ``kubernetes`` is the version of the node image (``1.35.8``); ``control_plane`` the folder with the audit policy
    and kubeadm's patches; ``own_network`` says that the image brings its own CNI configuration, as ours does.
    """
    match = re.match(r"v?(\d+)\.(\d+)", kubernetes)
    if match is None:
        raise ClusterError(f"{kubernetes!r} is no Kubernetes version such as 1.35.8")
    version = (int(match.group(1)), int(match.group(2)))

    def volume(name: str, path: str, read_only: bool) -> dict[str, Any]:
        kind_of_path = "DirectoryOrCreate"
        return {"name": name, "hostPath": path, "mountPath": path, "readOnly": read_only, "pathType": kind_of_path}

    api_server = {
        "extraArgs": _arguments(
            version,
            {
                "audit-policy-file": f"{CONTROL_PLANE_IN_NODE}/audit-policy.yaml",
                "audit-log-path": f"{AUDIT_LOG_FOLDER}/audit.log",
            },
        ),
        "extraVolumes": [
            volume("audit-policy", CONTROL_PLANE_IN_NODE, True),
            volume("audit-log", AUDIT_LOG_FOLDER, False),
        ],
    }
    # One node elects no leaders, and the default of 20 requests a second makes a new cluster wait for its controllers.
    controller_manager = {"leader-elect": "false", "kube-api-qps": "200", "kube-api-burst": "400"}
    patches: list[dict[str, Any]] = [
        {
            "kind": "ClusterConfiguration",
            "apiServer": api_server,
            "controllerManager": {"extraArgs": _arguments(version, controller_manager)},
            "scheduler": {"extraArgs": _arguments(version, {"leader-elect": "false"})},
        },
        {"kind": "InitConfiguration", "patches": {"directory": f"{CONTROL_PLANE_IN_NODE}/patches"}},
    ]
    # The kubelet sometimes misses etcd's manifest, which kubeadm writes last, and by default looks again after 20 s.
    kubelet: dict[str, Any] = {"kind": "KubeletConfiguration", "fileCheckFrequency": "1s"}
    if version >= (1, 35):
        # From 1.35 on it refuses to run on cgroup v1 unless it is told; on v2 it does not matter.
        kubelet["failCgroupV1"] = False
    patches.append(kubelet)
    mount = {"hostPath": str(control_plane), "containerPath": CONTROL_PLANE_IN_NODE, "readOnly": True}
    return json.dumps(
        {
            "kind": "Cluster",
            "apiVersion": "kind.x-k8s.io/v1alpha4",
            "networking": {
                "disableDefaultCNI": own_network,
                "podSubnet": POD_SUBNET,
                "serviceSubnet": SERVICE_SUBNET,
            },
            "nodes": [
                {
                    "role": "control-plane",
                    "extraMounts": [mount],
                    "kubeadmConfigPatches": [json.dumps(patch) for patch in patches],
                }
            ],
        },
        indent=1,
    )


def create(paths: Paths, console: Console, name: str, image: str, kubernetes: str, own_network: bool) -> None:
    """Creates the cluster ``name``. On failure the node's logs are kept and the node is removed."""
    folder = paths.cluster(name)
    config = folder / "kind.json"
    config.write_text(configuration(kubernetes, paths.control_plane, own_network))
    log = folder / "kind.log"
    log.unlink(missing_ok=True)
    command = ["create", "cluster", "--name", name, "--image", image, "--config", str(config), "--retain"]
    try:
        kubeconfig = ["--kubeconfig", str(paths.kubeconfig(name))]
        logged(
            f"create the cluster {name}",
            [str(programs.program(paths, console, "kind")), *command, *kubeconfig],
            log,
            paths,
        )
    except CommandFailed as error:
        kept = keep_logs(paths, name)
        docker.remove(docker.cluster_containers(name).get(name, []))
        raise ClusterError(f"{error}\nThe node's own logs are in {paths.shown(kept)}.") from error


def keep_logs(paths: Paths, name: str) -> Path:
    """Saves what a node's container and its system log say, for a person to read; returns the file."""
    kept = paths.cluster(name) / "node.log"
    with kept.open("wb") as out:
        for command in (
            ["docker", "logs", node(name)],
            ["docker", "exec", node(name), "journalctl", "--no-pager", "--lines=2000"],
        ):
            done = capture("keep the node's logs", command, check=False)
            out.write(done.stdout + done.stderr)
    return kept


def export_kubeconfig(paths: Paths, console: Console, name: str) -> None:
    """Writes the kubeconfig of a running cluster into the clone."""
    kind = str(programs.program(paths, console, "kind"))
    command = [kind, "export", "kubeconfig", "--name", name, "--kubeconfig", str(paths.kubeconfig(name))]
    capture("export the kubeconfig", command)


def load(paths: Paths, console: Console, name: str, images: list[str]) -> None:
    """Loads images that Docker has into the node of the cluster ``name``."""
    kind = str(programs.program(paths, console, "kind"))
    log = paths.cluster(name) / "kind.log"
    logged(f"load images into {name}", [kind, "load", "docker-image", "--name", name, *images], log, paths)
