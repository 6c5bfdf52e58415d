# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import fnmatch
import io
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from conductor_cluster import docker, kind
from conductor_cluster.console import Console
from conductor_cluster.paths import Paths, find_paths
from conductor_cluster.process import ClusterError

CONTROL_PLANE = Path("/clone/tools/cluster/control_plane")
PATCHES = find_paths().control_plane / "patches"


def _patch(target: str) -> Any:
    (file,) = PATCHES.glob(f"{target}*")
    return yaml.safe_load(file.read_text())


def _added(target: str, path: str) -> list[Any]:
    operations = _patch(target)
    assert {operation["op"] for operation in operations} == {"add"}
    return [operation["value"] for operation in operations if operation["path"] == path]


def test_the_audit_policy_is_mounted_where_the_api_server_reads_it() -> None:
    config = json.loads(kind.configuration(CONTROL_PLANE, own_network=True))
    (mount,) = config["nodes"][0]["extraMounts"]
    assert mount["hostPath"] == str(CONTROL_PLANE)
    flags = dict(flag[2:].split("=") for flag in _added("kube-apiserver", "/spec/containers/0/command/-"))
    policy, log = Path(flags["audit-policy-file"]), Path(flags["audit-log-path"])
    assert str(policy.parent) == mount["containerPath"] == kind.CONTROL_PLANE_IN_NODE
    assert (find_paths().control_plane / policy.name).is_file()
    assert fnmatch.fnmatch(str(log), kind.AUDIT_LOGS)
    mounts = _added("kube-apiserver", "/spec/containers/0/volumeMounts/-")
    assert mounts == [
        {"name": "audit-policy", "mountPath": str(policy.parent), "readOnly": True},
        {"name": "audit-log", "mountPath": str(log.parent)},
    ]
    assert _added("kube-apiserver", "/spec/volumes/-") == [
        {"name": "audit-policy", "hostPath": {"path": str(policy.parent), "type": "Directory"}},
        {"name": "audit-log", "hostPath": {"path": str(log.parent), "type": "DirectoryOrCreate"}},
    ]


def test_kubeadm_s_patches_are_where_it_is_told() -> None:
    config = json.loads(kind.configuration(CONTROL_PLANE, own_network=True))
    (text,) = config["nodes"][0]["kubeadmConfigPatches"]
    patch = json.loads(text)
    assert patch["kind"] == "InitConfiguration"
    assert Path(patch["patches"]["directory"]) == Path(kind.CONTROL_PLANE_IN_NODE) / PATCHES.name
    # kubeadm ignores a file whose name does not begin with a target; without a type it is a strategic merge.
    assert {file.name for file in PATCHES.iterdir()} == {
        "corednsdeployment.yaml",
        "etcd.yaml",
        "kube-apiserver+json.yaml",
        "kube-controller-manager+json.yaml",
        "kube-scheduler+json.yaml",
        "kubeletconfiguration.yaml",
    }


def test_nothing_is_elected_and_the_controller_manager_may_send_many_requests() -> None:
    flags = "/spec/containers/0/command/-"
    assert _added("kube-scheduler", flags) == ["--leader-elect=false"]
    assert _added("kube-controller-manager", flags) == [
        "--leader-elect=false",
        "--kube-api-qps=200",
        "--kube-api-burst=400",
    ]


def test_the_kubelet_runs_on_cgroup_v1_and_looks_for_manifests_every_second() -> None:
    assert _patch("kubeletconfiguration") == {"fileCheckFrequency": "1s", "failCgroupV1": False}


@pytest.mark.parametrize("own_network", [True, False])
def test_only_our_image_goes_without_kind_s_network(own_network: bool) -> None:
    config = json.loads(kind.configuration(CONTROL_PLANE, own_network=own_network))
    assert config["networking"]["disableDefaultCNI"] is own_network


@pytest.mark.parametrize("name", ["conductor", "a", "fleet-07", "0x"])
def test_good_names(name: str) -> None:
    assert kind.check_name(name) == name


@pytest.mark.parametrize("name", ["", "-a", "A", "a_b", "a.b", "../x", "a" * 41, "docker.lock"])
def test_bad_names_are_refused(name: str) -> None:
    with pytest.raises(ClusterError, match="is not a valid cluster name"):
        kind.check_name(name)


@pytest.mark.parametrize("script", ["", 'mkdir -p "$3"; exit 1', "exit 1"], ids=["all", "some", "none"])
def test_a_node_that_failed_leaves_its_logs_and_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    program = tmp_path / "kind"
    # The second run saves logs, with or without success.
    program.write_text(
        f'#!/bin/sh\n[ "$1" = export ] || {{ echo no memory >&2; exit 1; }}\necho "$@" > "$0.said"\n{script}\n'
    )
    program.chmod(0o755)
    removed: list[str] = []
    monkeypatch.setattr(kind, "program", lambda *_: program)
    monkeypatch.setattr(docker, "cluster_containers", lambda: {"a": ["a-control-plane"], "b": ["b-control-plane"]})
    monkeypatch.setattr(docker, "remove", removed.extend)
    paths = Paths(tmp_path, tmp_path / "cache")
    paths.cluster("a").mkdir(parents=True)
    (paths.cluster("a") / "logs").mkdir()
    (paths.cluster("a") / "logs" / "old").touch()
    with pytest.raises(ClusterError, match=r"(?s)create the cluster a: .*no memory.*logs are in \.cluster/a/logs"):
        kind.create(paths, Console(io.StringIO()), "a", "image", own_network=True)
    assert (tmp_path / "kind.said").read_text() == f"export logs {paths.cluster('a')}/logs --name a\n"
    assert removed == ["a-control-plane"]
    assert not (paths.cluster("a") / "logs" / "old").exists()
