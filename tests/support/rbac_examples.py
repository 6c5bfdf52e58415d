# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The roles in examples/rbac, as they are and as single rights."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml

from ansible_collections.conductor.trainer.plugins.module_utils.cluster.access_reviews import Right
from tests.support.cluster import ClusterUnderTest
from tests.support.playing import CLONE

Manifest = dict[str, Any]

FOLDER = CLONE / "examples" / "rbac"
# The namespaces that whoever applies the files makes before.
NAMESPACES = ("conductor", "kubeflow-system", "conductor-probe")
POLICY = "dry-runs-only"


def manifests(name: str) -> list[Manifest]:
    """The objects of a file."""
    items: list[Manifest] = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))["items"]
    return items


def account_of(name: str) -> tuple[str, str]:
    """Namespace and name of the ServiceAccount that a file gives its rights to."""
    (account,) = (found["metadata"] for found in manifests(name) if found["kind"] == "ServiceAccount")
    return account["namespace"], account["name"]


def hand_out(cluster: ClusterUnderTest, name: str) -> tuple[str, str]:
    """Applies a file as its head says; the ServiceAccount that has its rights then."""
    present = cluster.kubectl("get", "namespaces", "-o", "name").splitlines()
    for namespace in NAMESPACES:
        if f"namespace/{namespace}" not in present:
            cluster.kubectl("create", "namespace", namespace)
    cluster.kubectl("apply", "-f", str(FOLDER / f"{name}.yaml"))
    return account_of(name)


def roles(objects: Iterable[Manifest]) -> list[Manifest]:
    """The Roles and ClusterRoles among objects."""
    return [found for found in objects if found["kind"] in ("Role", "ClusterRole")]


def rights_of(objects: Iterable[Manifest]) -> list[Right]:
    """What the roles among objects allow, one by one."""
    return [
        Right(verb, group, resource, role["metadata"].get("namespace", ""), name)
        for role in roles(objects)
        for rule in role["rules"]
        for verb in rule["verbs"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for name in rule.get("resourceNames", [""])
    ]
