# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kind: where it and other programs come from, the configuration of our clusters, the commands that this tool runs."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
from pathlib import Path

from . import catalogue, docker
from .build import go_programs
from .console import Console, locked
from .paths import Paths
from .process import ClusterError, CommandFailed, capture, logged

# Program -> its path in a node image that was built here.
IN_NODE_IMAGE = {
    "kind": "/usr/local/lib/conductor/kind",
    "kubectl": "/usr/bin/kubectl",
    "kubeadm": "/usr/bin/kubeadm",
    "kube-apiserver": "/usr/local/lib/conductor/kube-apiserver",
    "kube-controller-manager": "/usr/local/lib/conductor/kube-controller-manager",
    "etcd": "/usr/local/lib/conductor/etcd",
}
FAMILIES = {"kind": "kind", "etcd": "etcd"}
OTHER_FAMILY = "kube"
# Where a node finds tools/cluster/control_plane.
CONTROL_PLANE_IN_NODE = "/etc/kubernetes/conductor"
AUDIT_LOGS = "/var/log/kubernetes/audit*.log"
# kind's own defaults; named here because close_networks uses them.
POD_SUBNET, SERVICE_SUBNET = "10.244.0.0/16", "10.96.0.0/16"
NAME_PATTERN = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")

# Every pod has a more specific route. Appended rules come after kube-proxy's: they see only what it did not handle.
_CLOSE_NETWORKS = """
ip route replace unreachable "$1"
for chain in OUTPUT FORWARD; do
    rule="$chain --destination $2 --jump REJECT"
    iptables --wait --check $rule 2>/dev/null || iptables --wait --append $rule
done
"""


def kind_on_path(wanted: str) -> Path | None:
    """Return `kind` on PATH if it has the same minor version as ``wanted`` (``v0.32.0``), else None."""
    found = shutil.which("kind")
    answer = capture("kind version", [found, "version"], check=False).stdout.decode() if found else ""
    return Path(found) if found and f" {wanted.rpartition('.')[0]}." in answer else None


def program(paths: Paths, console: Console, name: str) -> Path:
    """Return the path of a program: from the cache, else out of the node image, else (kind) on PATH, else built."""
    family = catalogue.family(paths, FAMILIES.get(name, OTHER_FAMILY))
    with locked(paths.work / "programs.lock", "programs", console):
        built = go_programs.folder(paths, family) / name
        if built.is_file():
            return built
        cached = paths.work / "copied" / catalogue.node_recipe(paths) / name
        if cached.is_file():
            return cached
        image = catalogue.node_image(paths)
        if docker.server_version() is not None and docker.image(image) is not None:
            docker.copy_from_image(image, IN_NODE_IMAGE[name], cached)
            console.step(f"copied {name} out of {image}")
            return cached
        found = kind_on_path(family.version) if name == "kind" else None
        return found or go_programs.build(paths, console, family) / name


def check_name(name: str) -> str:
    """Return ``name`` if it is a valid cluster name (kind's rule, and short enough for a host name)."""
    if not NAME_PATTERN.fullmatch(name):
        raise ClusterError(
            f"{name!r} is not a valid cluster name: use up to 40 of a-z, 0-9 and -, and do not begin with -"
        )
    return name


def node(name: str) -> str:
    """Return the name of the only container of the cluster ``name``."""
    return f"{name}-control-plane"


def configuration(control_plane: Path, own_network: bool) -> str:
    """Return kind's configuration (JSON, which is YAML) of a cluster with one node.

    ``control_plane`` is the folder of the audit policy and of kubeadm's patches, which change the control plane and the
    kubelet; ``own_network`` means that the image brings its own CNI configuration, as ours does.
    """
    patches = {"kind": "InitConfiguration", "patches": {"directory": f"{CONTROL_PLANE_IN_NODE}/patches"}}
    mount = {"hostPath": str(control_plane), "containerPath": CONTROL_PLANE_IN_NODE, "readOnly": True}
    cluster = {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "networking": {"disableDefaultCNI": own_network, "podSubnet": POD_SUBNET, "serviceSubnet": SERVICE_SUBNET},
        "nodes": [{"role": "control-plane", "extraMounts": [mount], "kubeadmConfigPatches": [json.dumps(patches)]}],
    }
    return json.dumps(cluster, indent=1)


def create(paths: Paths, console: Console, name: str, image: str, own_network: bool) -> None:
    """Create the cluster ``name``. On failure, save the node's logs and remove the node."""
    folder = paths.cluster(name)
    config, log = folder / "kind.json", folder / "kind.log"
    config.write_text(configuration(paths.control_plane, own_network))
    log.unlink(missing_ok=True)
    kind = str(program(paths, console, "kind"))
    command = [kind, "create", "cluster", "--name", name, "--image", image, "--config", str(config), "--retain"]
    try:
        kubeconfig = ["--kubeconfig", str(paths.kubeconfig(name))]
        logged(f"create the cluster {name}", [*command, *kubeconfig], log, paths)
    except CommandFailed as error:
        logs = folder / "logs"
        shutil.rmtree(logs, ignore_errors=True)
        # A broken node may have no logs, which must not hide the first error.
        with contextlib.suppress(CommandFailed):
            capture("save the node's logs", [kind, "export", "logs", str(logs), "--name", name], timeout=120)
        docker.remove(docker.cluster_containers().get(name, []))
        raise ClusterError(f"{error}\nThe node's own logs are in {paths.shown(logs)}.") from error


def export_kubeconfig(paths: Paths, console: Console, name: str) -> None:
    """Write the kubeconfig of a running cluster into the clone."""
    words = ["export", "kubeconfig", "--name", name, "--kubeconfig", str(paths.kubeconfig(name))]
    capture("export the kubeconfig", [str(program(paths, console, "kind")), *words])


def load(paths: Paths, console: Console, name: str, images: list[str]) -> None:
    """Load images from Docker into the node of the cluster ``name``."""
    command = [str(program(paths, console, "kind")), "load", "docker-image", "--name", name, *images]
    logged(f"load images into {name}", command, paths.cluster(name) / "kind.log", paths)


def close_networks(name: str) -> None:
    """Keep traffic to the pods and Services of the cluster ``name`` inside its node; repeating it changes nothing.

    kube-proxy learns up to a second late that a pod is gone or that a Service is new. Until then, packets would leave
    by the default route, and a host outside that answers to any address (a transparent proxy, for example) would
    answer them. With closed networks they reach nobody. Raise CommandFailed.
    """
    docker.execute(node(name), ["bash", "-e", "-c", _CLOSE_NETWORKS, "bash", POD_SUBNET, SERVICE_SUBNET])
