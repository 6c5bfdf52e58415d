# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from conductor_cluster import catalogue
from conductor_cluster.paths import find_paths
from conductor_cluster.process import ClusterError

BLOCK = """module conductor.local/kube

go 1.25.0

replace k8s.io/api => k8s.io/api v0.35.8

tool (
\tk8s.io/kubernetes/cmd/kubeadm
\tk8s.io/kubernetes/cmd/kubelet
)

require (
\tk8s.io/api v0.0.0 // indirect
\tk8s.io/kubernetes v1.35.8 // indirect
)
"""
LINE = """module conductor.local/etcd

go 1.25.0

tool go.etcd.io/etcd/server/v3

require go.etcd.io/etcd/server/v3 v3.6.14 // indirect
"""
OWN = "module conductor.local/pause\n\ngo 1.24.0\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (BLOCK, ("k8s.io/kubernetes", "v1.35.8", ("kubeadm", "kubelet"))),
        (LINE, ("go.etcd.io/etcd/server/v3", "v3.6.14", ("server",))),
        (OWN, ("", "", ("pause",))),
    ],
    ids=["block of tools", "one tool with a major version", "a program of our own"],
)
def test_a_go_mod_tells_module_version_and_programs(text: str, expected: tuple[str, str, tuple[str, ...]]) -> None:
    assert catalogue.parse_go_mod(text) == expected


def test_tools_of_two_modules_are_refused() -> None:
    text = BLOCK.replace("cmd/kubelet", "cmd/kubelet\n\tk8s.io/api/cmd/x")
    with pytest.raises(ClusterError, match="exactly one required module"):
        catalogue.parse_go_mod(text)


def test_a_tool_without_its_requirement_is_refused() -> None:
    with pytest.raises(ClusterError, match="exactly one required module"):
        catalogue.parse_go_mod(LINE.split("require")[0])


def test_every_family_here_can_be_read_and_has_its_sums() -> None:
    paths = find_paths()
    families = [catalogue.family(paths, folder.name) for folder in paths.go_modules.iterdir()]
    assert {family.folder.name for family in families} >= {"kube", "etcd", "coredns", "kind", "pause"}
    for family in families:
        assert family.programs
        assert not family.module or (family.folder / "go.sum").read_text().count(family.module) >= 1


def test_controllers_of_a_release_have_a_family_with_their_program_at_the_image_s_version() -> None:
    paths = find_paths()
    for controller in catalogue.controllers(paths):
        family = catalogue.family(paths, controller.family)
        assert controller.program in family.programs
        assert controller.image.endswith(f":{family.version}")


def test_an_unknown_release_or_family_names_the_known_ones() -> None:
    with pytest.raises(ClusterError, match=r"no operator release '9\.9\.9'.*2\.3\.0"):
        catalogue.controllers(find_paths(), "9.9.9")
    with pytest.raises(ClusterError, match=r"no Go family 'kubes'.*kube"):
        catalogue.family(find_paths(), "kubes")
