# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what a plan needs to know of the cluster: one list per resource type, metadata only, in parallel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ._bundle import Bundle
from ._client import Cluster
from ._errors import ApiError, missing_rights
from ._identity import NAMESPACE
from ._leftovers import look_at_leftovers
from ._plan import Observed
from ._record import NAME as RECORD_NAME
from ._record import Record, parse_record
from ._resources import Key, Resource, key_of, path_of, resource_of
from ._verdicts import parts

_WEBHOOK_KINDS = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
# The conditions of what is Terminating that say what it waits for (kubernetes/api core/v1, NamespaceConditionType;
# apiextensions/v1, CustomResourceDefinitionConditionType).
_SAY_WHY = {
    "Namespace": (
        "NamespaceDeletionDiscoveryFailure",
        "NamespaceDeletionContentFailure",
        "NamespaceContentRemaining",
        "NamespaceFinalizersRemaining",
    ),
    "CustomResourceDefinition": ("Terminating",),
}
_ADMISSION = "admissionregistration.k8s.io/v1"


def observe(cluster: Cluster, bundle: Bundle, *, prune: bool = True, prune_crds: bool = False) -> Observed:
    """The state of every object of the bundle, and of what an earlier release left.

    Args:
        prune: whether to look at what is left at all.
        prune_crds: whether CRDs that are left may go; then somebody has to look whether they are in use.

    Raises:
        RightsError: something may not be read; names every such right, not only the first.
        ApiError, UnreachableError: the server failed.
    """
    wanted: dict[tuple[str, str, str], set[Key]] = {}
    for manifest in bundle.objects():
        key = key_of(manifest)
        wanted.setdefault((key.api_version, key.kind, key.namespace), set()).add(key)
    metadata: dict[Key, dict[str, Any]] = {}
    configurations: list[dict[str, Any]] = []
    answers: dict[str, Any] = {}
    denied: list[str] = []

    def read_type(item: tuple[tuple[str, str, str], set[Key]]) -> None:
        (api_version, kind, namespace), keys = item
        resource = resource_of(api_version, kind)
        whole = kind in _WEBHOOK_KINDS
        for found in _list(cluster, resource, namespace, whole, denied):
            key = Key(api_version, kind, namespace, found["metadata"]["name"])
            if key in keys:
                metadata[key] = found["metadata"]
            if kind == "Namespace" and key.name == NAMESPACE:
                answers["uid"] = found["metadata"]["uid"]
            if whole:
                configurations.append(found)

    def read_version() -> None:
        answers["version"] = cluster.get("/version", step="ask for the version")

    def read_record() -> None:
        try:
            answers["record"] = read_install_record(cluster, bundle.namespace)
        except ApiError as error:
            if error.status != 403:
                raise
            denied.append(f"get configmaps {RECORD_NAME} in namespace {bundle.namespace}")

    tasks: list[Callable[[], None]] = [read_version, read_record]
    # Webhook configurations and CRDs first: they are the largest answers.
    ordered = sorted(wanted.items(), key=lambda item: item[0][0] != _ADMISSION)
    tasks += [lambda item=item: read_type(item) for item in ordered]  # type: ignore[misc]
    cluster.each(lambda task: task(), tasks)
    if denied:
        raise missing_rights(denied, "read the cluster")
    version = answers["version"]
    return Observed(
        metadata=metadata,
        webhook_configurations=configurations,
        record=answers["record"],
        kubernetes=str(version.get("gitVersion", "")).lstrip("v"),
        endings={
            key: _ending(cluster, key)
            for key, found in metadata.items()
            if found.get("deletionTimestamp") and key.kind in _SAY_WHY
        },
        cluster_uid=answers.get("uid", ""),
        leftovers=look_at_leftovers(cluster, bundle, answers["record"], prune_crds=prune_crds) if prune else (),
    )


def read_install_record(cluster: Cluster, namespace: str) -> Record:
    """The install record in a namespace; an empty one where there is none."""
    return parse_record(cluster.find(resource_of("v1", "ConfigMap").path(namespace, RECORD_NAME)))


def _ending(cluster: Cluster, key: Key) -> str:
    """What keeps an object from going, in the server's words; empty where it may not be read."""
    try:
        status = (cluster.find(path_of(key)) or {}).get("status")
    except ApiError as error:
        if error.status != 403:
            raise
        # That it is Terminating is known; what it waits for is left out.
        return ""
    return "; ".join(
        str(condition.get("message", ""))
        for condition in parts(status, "conditions")
        if condition.get("status") == "True" and condition.get("type") in _SAY_WHY[key.kind]
    )


def _list(cluster: Cluster, resource: Resource, namespace: str, whole: bool, denied: list[str]) -> list[dict[str, Any]]:
    """The objects of a type; none where the type itself is not served yet (its CRD is not there)."""
    try:
        return cluster.list_all(resource, namespace or None, metadata_only=not whole)[0]
    except ApiError as error:
        if error.status == 404:
            return []
        if error.status == 403:
            denied.append(f"list {resource}" + (f" in namespace {namespace}" if namespace else ""))
            return []
        raise
