# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an API server and its controllers have not got round to yet."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable
from typing import Any

# Status and body of a GET.
Ask = Callable[[str], tuple[int, bytes]]

# What the controllers make in every namespace.
IN_EVERY_NAMESPACE = ("serviceaccounts/default", "configmaps/kube-root-ca.crt")


def undone(ask: Ask) -> list[str]:
    """The objects whose controllers have not looked at them: on a busy machine that takes longer than any pause."""
    return [*_deployments(ask), *_namespaces(ask)]


def resources_of(crds: Iterable[dict[str, Any]]) -> set[str]:
    """GROUP/VERSION/PLURAL of each resource type that CRDs serve."""
    return {
        f"{crd['spec']['group']}/{version['name']}/{crd['spec']['names']['plural']}"
        for crd in crds
        for version in crd["spec"]["versions"]
        if version["served"]
    }


def established(ask: Ask) -> set[str]:
    """The custom resources that are to be served, as their CRDs have it."""
    return resources_of(
        crd
        for crd in _items(ask, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions")
        for condition in (crd.get("status") or {}).get("conditions") or []
        if condition["type"] == "Established" and condition["status"] == "True"
    )


def served(ask: Ask, wanted: Iterable[str], built_in: Collection[str]) -> set[str]:
    """The custom resources that are served.

    Args:
        wanted: these are looked for, and whatever discovery tells of.
        built_in: the API groups that are no custom resources'.
    """
    groups = {name.rpartition("/")[0] for name in wanted}
    for group in json.loads(ask("/apis")[1])["groups"]:
        if group["name"] not in built_in:
            groups |= {version["groupVersion"] for version in group["versions"]}
    found: set[str] = set()
    for group in groups:
        status, body = ask(f"/apis/{group}")
        if status == 200:
            found |= {f"{group}/{entry['name']}" for entry in json.loads(body)["resources"]}
    # Not the subresources.
    return {name for name in found if name.count("/") == 2}


def _deployments(ask: Ask) -> list[str]:
    found = []
    for item in _items(ask, "/apis/apps/v1/deployments"):
        status = item.get("status") or {}
        failed = any(one["type"] == "ReplicaFailure" for one in status.get("conditions") or [])
        seen = status.get("observedGeneration") == item["metadata"]["generation"]
        if not seen or (status.get("replicas", 0) != item["spec"]["replicas"] and not failed):
            found.append(f"Deployment {item['metadata']['name']}")
    return found


def _namespaces(ask: Ask) -> list[str]:
    found = []
    for item in _items(ask, "/api/v1/namespaces"):
        name = item["metadata"]["name"]
        if "deletionTimestamp" in item["metadata"]:
            # Its controller has tried, and says what is left.
            done = bool((item.get("status") or {}).get("conditions"))
        else:
            done = all(ask(f"/api/v1/namespaces/{name}/{what}")[0] == 200 for what in IN_EVERY_NAMESPACE)
        if not done:
            found.append(f"Namespace {name}")
    return found


def _items(ask: Ask, path: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = json.loads(ask(path)[1])["items"]
    return items
