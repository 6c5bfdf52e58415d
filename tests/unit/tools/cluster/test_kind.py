# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from conductor_cluster import docker, kind, programs
from conductor_cluster.console import Console
from conductor_cluster.errors import ClusterError
from conductor_cluster.paths import Paths, find_paths

CONTROL_PLANE = Path("/clone/tools/cluster/control_plane")


def _patches(kubernetes: str) -> dict[str, dict[str, Any]]:
    config = json.loads(kind.configuration(kubernetes, CONTROL_PLANE, own_network=True))
    patches = [json.loads(text) for text in config["nodes"][0]["kubeadmConfigPatches"]]
    return {patch["kind"]: patch for patch in patches}


def test_the_audit_policy_is_mounted_where_the_api_server_reads_it() -> None:
    config = json.loads(kind.configuration("1.35.8", CONTROL_PLANE, own_network=True))
    (mount,) = config["nodes"][0]["extraMounts"]
    assert mount["hostPath"] == str(CONTROL_PLANE)
    server = _patches("1.35.8")["ClusterConfiguration"]["apiServer"]
    policy = Path(server["extraArgs"]["audit-policy-file"])
    assert policy.parent == Path(mount["containerPath"])
    assert (find_paths().control_plane / policy.name).is_file()
    assert str(policy.parent) in [volume["mountPath"] for volume in server["extraVolumes"]]
    log = Path(server["extraArgs"]["audit-log-path"])
    assert [volume for volume in server["extraVolumes"] if volume["mountPath"] == str(log.parent)] == [
        {
            "name": "audit-log",
            "hostPath": str(log.parent),
            "mountPath": str(log.parent),
            "readOnly": False,
            "pathType": "DirectoryOrCreate",
        }
    ]


def test_kubeadm_s_patches_are_where_it_is_told() -> None:
    folder = Path(_patches("1.35.8")["InitConfiguration"]["patches"]["directory"])
    assert folder == Path(kind.CONTROL_PLANE_IN_NODE) / "patches"
    files = sorted(file.name for file in (find_paths().control_plane / "patches").iterdir())
    assert files == ["corednsdeployment.yaml", "etcd.yaml"]


def test_arguments_are_a_map_before_1_36_and_a_list_from_then_on() -> None:
    before = _patches("1.35.8")["ClusterConfiguration"]
    after = _patches("v1.36.1")["ClusterConfiguration"]
    assert before["scheduler"]["extraArgs"] == {"leader-elect": "false"}
    assert after["scheduler"]["extraArgs"] == [{"name": "leader-elect", "value": "false"}]


@pytest.mark.parametrize(("kubernetes", "expected"), [("1.34.2", False), ("1.35.8", True), ("1.36.1", True)])
def test_the_kubelet_is_told_about_cgroup_v1_where_it_knows_the_setting(kubernetes: str, expected: bool) -> None:
    kubelet = _patches(kubernetes)["KubeletConfiguration"]
    assert ("failCgroupV1" in kubelet) is expected
    assert kubelet["fileCheckFrequency"] == "1s"


@pytest.mark.parametrize("own_network", [True, False])
def test_only_our_image_goes_without_kind_s_network(own_network: bool) -> None:
    config = json.loads(kind.configuration("1.35.8", CONTROL_PLANE, own_network=own_network))
    assert config["networking"]["disableDefaultCNI"] is own_network


def test_what_is_no_version_is_refused() -> None:
    with pytest.raises(ClusterError, match="'latest' is not a Kubernetes version"):
        kind.configuration("latest", CONTROL_PLANE, own_network=True)


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
    monkeypatch.setattr(programs, "program", lambda *_: program)
    monkeypatch.setattr(docker, "cluster_containers", lambda: {"a": ["a-control-plane"], "b": ["b-control-plane"]})
    monkeypatch.setattr(docker, "remove", removed.extend)
    paths = Paths(tmp_path, tmp_path / "cache")
    paths.cluster("a").mkdir(parents=True)
    (paths.cluster("a") / "logs").mkdir()
    (paths.cluster("a") / "logs" / "old").touch()
    with pytest.raises(ClusterError, match=r"(?s)create the cluster a: .*no memory.*logs are in \.cluster/a/logs"):
        kind.create(paths, Console(io.StringIO()), "a", "image", "1.35.8", own_network=True)
    assert (tmp_path / "kind.said").read_text() == f"export logs {paths.cluster('a')}/logs --name a\n"
    assert removed == ["a-control-plane"]
    assert not (paths.cluster("a") / "logs" / "old").exists()
