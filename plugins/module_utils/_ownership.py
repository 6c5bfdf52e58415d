# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose an object is, told from its metadata and from where webhooks point. Pure.

Field managers say who applied or changed an object (KEP-555); other installers leave marks of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ._bundle import Bundle, digest
from ._client import FIELD_MANAGER

OURS = "conductor"

# Marks other installers leave on what they manage: (field of metadata, key, value or "" for any, who, how to say it).
# Sources: helm.sh/docs (labels), argo-cd docs (resource tracking), fluxcd.io (ownership labels),
# operator-lifecycle-manager (OwnerKey), juju (resource labels).
_MARKS: tuple[tuple[str, str, str, str], ...] = (
    ("annotations", "meta.helm.sh/release-name", "", "Helm release"),
    ("labels", "app.kubernetes.io/managed-by", "Helm", "Helm"),
    ("labels", "helm.toolkit.fluxcd.io/name", "", "Flux HelmRelease"),
    ("labels", "kustomize.toolkit.fluxcd.io/name", "", "Flux Kustomization"),
    ("annotations", "argocd.argoproj.io/tracking-id", "", "Argo CD"),
    ("labels", "argocd.argoproj.io/instance", "", "Argo CD"),
    ("labels", "olm.owner", "", "Operator Lifecycle Manager"),
    ("labels", "app.juju.is/created-by", "", "Juju"),
)
# How the names of all labels and annotations begin that such an installer leaves: what it knows its objects by.
_TRACES = {
    "labels": (
        "helm.sh/chart",
        "helm.toolkit.fluxcd.io/",
        "kustomize.toolkit.fluxcd.io/",
        "argocd.argoproj.io/instance",
        "olm.owner",
        "app.juju.is/",
        "model.juju.is/",
    ),
    "annotations": ("meta.helm.sh/", "argocd.argoproj.io/tracking-id", "argocd.argoproj.io/installation-id"),
}

# Field managers that write into everybody's objects as part of their work, and own none of them: the API server and
# the built-in controllers, and both of our controllers (caBundle, Secret data, status; see facts of cert-controller).
HELPERS = frozenset(
    {
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
        "kubelet",
        "trainer-controller-manager",
        "manager",
        "jobset",
    }
)


def own_entry(metadata: Mapping[str, Any]) -> dict[str, Any] | None:
    """Our own server-side apply entry in managedFields, None if we never applied the object."""
    for entry in metadata.get("managedFields") or []:
        if entry.get("manager") == FIELD_MANAGER and entry.get("operation") == "Apply" and not entry.get("subresource"):
            return dict(entry)
    return None


def entry_digest(metadata: Mapping[str, Any]) -> str | None:
    """The digest of our apply entry: its fields and its time. None where it says nothing for sure.

    It changes with every change to a field we own: another manager's write takes the field out of our entry, and a
    write in our name renews the time. caBundle, Secret data, status and others' annotations do not touch it.
    A second entry in our name (an Update, not an Apply) means somebody used our name: nothing is sure then.
    """
    entry = own_entry(metadata)
    in_our_name = [
        other
        for other in metadata.get("managedFields") or []
        if other.get("manager") == FIELD_MANAGER and not other.get("subresource")
    ]
    if entry is None or len(in_our_name) != 1:
        return None
    return digest([entry.get("time"), entry.get("fieldsV1")])


def mark_of(metadata: Mapping[str, Any]) -> str | None:
    """The installer whose mark an object bears, in words; None where it bears none."""
    for where, key, value, who in _MARKS:
        found = (metadata.get(where) or {}).get(key)
        if found is not None and (not value or found == value):
            return who if value else f"{who} {found}"
    return None


def traces_of(metadata: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The labels and annotations by which other installers know an object as theirs: (field of metadata, key) pairs."""
    found = {
        (where, key)
        for where, beginnings in _TRACES.items()
        for key in metadata.get(where) or {}
        if key.startswith(beginnings)
    }
    for where, key, value, _who in _MARKS:
        there = (metadata.get(where) or {}).get(key)
        if there is not None and (not value or there == value):
            found.add((where, key))
    return sorted(found)


def owner_of(metadata: Mapping[str, Any]) -> str:
    """Who manages an existing object, in words; C(OURS) where it is us.

    A mark of another installer counts even beside an entry of ours: it would undo what we do.
    """
    mark = mark_of(metadata)
    if mark is not None:
        return mark
    if own_entry(metadata) is not None:
        return OURS
    managers = sorted(
        {
            str(entry.get("manager"))
            for entry in metadata.get("managedFields") or []
            if entry.get("manager") not in HELPERS and not entry.get("subresource")
        }
    )
    return f"field manager {', '.join(managers)}" if managers else "an unknown owner"


def foreign_webhooks(
    configurations: Iterable[Mapping[str, Any]], bundle: Bundle, *, by_name: bool = False
) -> list[tuple[str, str]]:
    """Webhook configurations for our API groups that are not ours: another Trainer or JobSet is installed.

    They are found by the rules they hold, not by their names: the Helm charts use other names than kustomize.
    A configuration that also speaks for other groups belongs to a neighbour that handles our kinds among others
    (Kueue does, policy engines do): it is no second Trainer or JobSet.

    Args:
        configurations: whole objects, of both kinds, of the entire cluster.
        by_name: one of another name than the bundle's is found as well where it points to our own Service.

    Returns:
        (configuration, where it points to) pairs.
    """
    ours = {manifest["spec"]["group"] for manifest in bundle.objects("CustomResourceDefinition")}
    services = {
        (service["namespace"], service["name"])
        for configuration in bundle.webhook_configurations()
        for webhook in configuration["webhooks"]
        if (service := webhook["clientConfig"].get("service"))
    }
    names = {configuration["metadata"]["name"] for configuration in bundle.webhook_configurations()}
    found = []
    for configuration in configurations:
        name = (configuration.get("metadata") or {}).get("name", "")
        webhooks = configuration.get("webhooks") or []
        groups = {
            group
            for webhook in webhooks
            for rule in webhook.get("rules") or []
            for group in rule.get("apiGroups") or []
        }
        # Pods, of the core group, are JobSet's business too.
        if not groups & ours or groups - ours - {""}:
            continue
        for webhook in webhooks:
            client = webhook.get("clientConfig") or {}
            service = client.get("service") or {}
            place = (service.get("namespace", ""), service.get("name", ""))
            if place not in services or (by_name and name not in names):
                where = f"service {place[0]}/{place[1]}" if service else str(client.get("url", "nowhere"))
                found.append((name, where))
                break
    return found
