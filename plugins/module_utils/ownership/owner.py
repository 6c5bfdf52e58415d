# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose an object is, told from its metadata and from where webhooks point. Pure.

Field managers say who applied or changed an object (KEP-555); other installers leave marks of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

from ..names import FIELD_MANAGER
from ..objects.digest import digest
from ..release.bundle import Bundle

OURS = "conductor"

Kind = Literal["conductor", "helm", "flux", "argocd", "olm", "juju", "managers", "unknown"]


class Mark(NamedTuple):
    """Who manages an object.

    Args:
        kind: of installer; C(managers) where nothing but names of field managers tells.
        name: what tells it from others of its kind, empty where nothing does.
        words: for people.
    """

    kind: Kind
    name: str
    words: str


class WebhookDestination(NamedTuple):
    """Where a webhook points to: a Service, or a URL."""

    namespace: str = ""
    service: str = ""
    url: str = ""

    def __str__(self) -> str:
        return self.url or f"service {self.namespace}/{self.service}"


# Marks other installers leave on what they manage: (field of metadata, key, value or "" for any, who, how to say it).
# Sources: helm.sh/docs (labels), argo-cd docs (resource tracking), fluxcd.io (ownership labels),
# operator-lifecycle-manager (OwnerKey), juju (resource labels).
_MARKS: tuple[tuple[str, str, str, Kind, str], ...] = (
    ("annotations", "meta.helm.sh/release-name", "", "helm", "Helm release"),
    ("labels", "app.kubernetes.io/managed-by", "Helm", "helm", "Helm"),
    ("labels", "helm.toolkit.fluxcd.io/name", "", "flux", "Flux HelmRelease"),
    ("labels", "kustomize.toolkit.fluxcd.io/name", "", "flux", "Flux Kustomization"),
    ("annotations", "argocd.argoproj.io/tracking-id", "", "argocd", "Argo CD"),
    ("labels", "argocd.argoproj.io/instance", "", "argocd", "Argo CD"),
    ("labels", "olm.owner", "", "olm", "Operator Lifecycle Manager"),
    ("labels", "app.juju.is/created-by", "", "juju", "Juju"),
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


def mark_of(metadata: Mapping[str, Any]) -> Mark | None:
    """The installer whose mark an object bears; None where it bears none."""
    for where, key, value, kind, who in _MARKS:
        found = (metadata.get(where) or {}).get(key)
        if found is not None and (not value or found == value):
            return Mark(kind, "", who) if value else Mark(kind, f"{key}={found}", f"{who} {found}")
    return None


def traces_of(metadata: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The labels and annotations by which other installers know an object as theirs: (field of metadata, key) pairs."""
    found = {
        (where, key)
        for where, beginnings in _TRACES.items()
        for key in metadata.get(where) or {}
        if key.startswith(beginnings)
    }
    for where, key, value, _kind, _who in _MARKS:
        there = (metadata.get(where) or {}).get(key)
        if there is not None and (not value or there == value):
            found.add((where, key))
    return sorted(found)


def owner_of(metadata: Mapping[str, Any]) -> str:
    """Who manages an existing object, in words; code compares what C(manager_of) returns."""
    return manager_of(metadata).words


def manager_of(metadata: Mapping[str, Any]) -> Mark:
    """Who manages an existing object.

    A mark of another installer counts even beside an entry of ours: it would undo what we do.
    """
    mark = mark_of(metadata)
    if mark is not None:
        return mark
    if own_entry(metadata) is not None:
        return Mark("conductor", "", OURS)
    managers = sorted(
        {
            str(entry.get("manager"))
            for entry in metadata.get("managedFields") or []
            if entry.get("manager") not in HELPERS and not entry.get("subresource")
        }
    )
    names = ", ".join(managers)
    return Mark("managers", names, f"field manager {names}") if names else Mark("unknown", "", "an unknown owner")


def foreign_webhooks(
    configurations: Iterable[Mapping[str, Any]], bundle: Bundle, *, by_name: bool = False
) -> list[tuple[str, WebhookDestination]]:
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
                url = str(client.get("url", "nowhere"))
                destination = WebhookDestination(*place) if service else WebhookDestination(url=url)
                found.append((name, destination))
                break
    return found
