# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recognise the Kubernetes distribution and the provider of the nodes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..objects.fields import part, text

# The first match counts. What to match: an API group; a part of the server's version; a prefix of a node label, of a
# node's providerID, or of its osImage. Sources: the version strings and labels that each distribution documents.
_SIGNS: tuple[tuple[str, str, str], ...] = (
    ("group", "config.openshift.io", "openshift"),
    ("version", "+k3s", "k3s"),
    ("version", "+rke2", "rke2"),
    ("version", "+k0s", "k0s"),
    ("version", "-gke.", "gke"),
    ("version", "-eks-", "eks"),
    ("version", "-aliyun", "ack"),
    ("version", "+vmware", "tkg"),
    ("version", "-tke.", "tke"),
    ("label", "kubernetes.azure.com/", "aks"),
    ("label", "eks.amazonaws.com/", "eks"),
    ("label", "cloud.google.com/gke-", "gke"),
    ("label", "microk8s.io/", "microk8s"),
    ("label", "minikube.k8s.io/", "minikube"),
    ("label", "doks.digitalocean.com/", "doks"),
    ("label", "ibm-cloud.kubernetes.io/", "iks"),
    ("provider", "kind://", "kind"),
    ("provider", "k3s://", "k3s"),
    ("provider", "rke2://", "rke2"),
    ("os", "Talos", "talos"),
)


def distribution(
    version: str, groups: Iterable[str] | None, nodes: Iterable[Mapping[str, Any]] | None
) -> dict[str, str]:
    """Return the distribution's short name: C(kubernetes) if none matches, C(unknown) if nodes cannot be read either.

    Args:
        version: the server's C(gitVersion).
        groups: the API groups that the server lists; None if unknown.
        nodes: all nodes or some of them; None if unknown.

    Returns:
        C(distribution) and C(provider), the scheme of the nodes' providerID (e.g. C(aws), C(gce), C(kind)).
    """
    found: dict[str, set[str]] = {"group": set(groups or ()), "version": {version}}
    found["label"] = {str(label) for node in nodes or () for label in part(node, "metadata", "labels")}
    found["provider"] = {text(node, "spec", "providerID") for node in nodes or ()}
    found["os"] = {text(node, "status", "nodeInfo", "osImage") for node in nodes or ()}

    def shows(where: str, sign: str) -> bool:
        if where == "version":
            return sign in version
        if where == "group":
            return sign in found["group"]
        return any(value.startswith(sign) for value in found[where])

    schemes = sorted(value.partition("://")[0] for value in found["provider"] if "://" in value)
    name = next((name for where, sign, name in _SIGNS if shows(where, sign)), "")
    return {
        "distribution": name or ("unknown" if nodes is None else "kubernetes"),
        "provider": schemes[0] if schemes else "",
    }
