# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.inspection.distribution import distribution


def node(provider: str = "", label: str = "", system: str = "") -> dict[str, Any]:
    labels = {label: "x"} if label else {}
    return {
        "metadata": {"labels": labels},
        "spec": {"providerID": provider},
        "status": {"nodeInfo": {"osImage": system}},
    }


@pytest.mark.parametrize(
    ("version", "groups", "nodes", "name", "provider"),
    [
        ("1.35.1", [], [node("kind://docker/a/b")], "kind", "kind"),
        ("1.31.4+k3s1", [], [node("k3s://a")], "k3s", "k3s"),
        ("1.31.4+rke2r1", [], [node("aws:///eu/i-1")], "rke2", "aws"),
        ("1.31.5-eks-abc", [], [node("aws:///eu/i-1", "eks.amazonaws.com/nodegroup")], "eks", "aws"),
        ("1.31.5-gke.100", [], [node("gce://p/z/n")], "gke", "gce"),
        ("1.31.5", [], [node("azure:///x", "kubernetes.azure.com/cluster")], "aks", "azure"),
        ("1.31.5", ["config.openshift.io"], [node("aws:///x")], "openshift", "aws"),
        ("1.31.5", [], [node(system="Talos (v1.9)")], "talos", ""),
        ("1.31.5", [], [node(label="microk8s.io/cluster")], "microk8s", ""),
        ("1.31.5", [], [node()], "kubernetes", ""),
        ("1.31.5", [], [{}, {"metadata": {"labels": None}, "spec": None, "status": 1}], "kubernetes", ""),
        ("1.31.5", None, None, "unknown", ""),
        ("1.31.4+k3s1", None, None, "k3s", ""),
    ],
)
def test_distributions(version: str, groups: Any, nodes: Any, name: str, provider: str) -> None:
    assert distribution(version, groups, nodes) == {"distribution": name, "provider": provider}
