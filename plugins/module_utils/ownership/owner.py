# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Determine the owner of an object from its metadata, and of another installation from its webhooks. Pure.

Field managers show who applied or changed an object (KEP-555); other installers also set labels or annotations: marks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

from ..names import FIELD_MANAGER
from ..objects.digest import digest
from ..objects.fields import name_of, part, parts, text, texts
from ..release.bundle import Bundle

OURS = "conductor"

Kind = Literal["conductor", "helm", "flux", "argocd", "olm", "juju", "managers", "unknown"]


class Mark(NamedTuple):
    """Who manages an object.

    Args:
        kind: the kind of installer; C(managers) if only the names of field managers are known.
        name: the name that distinguishes it from others of its kind; empty without one.
        words: a text for people.
    """

    kind: Kind
    name: str
    words: str


class WebhookDestination(NamedTuple):
    """The destination of a webhook: a Service or a URL."""

    namespace: str = ""
    service: str = ""
    url: str = ""

    def __str__(self) -> str:
        return self.url or f"service {self.namespace}/{self.service}"


# The marks of other installers: (field of metadata, key, value or "" for any, kind, text).
# Sources: helm.sh/docs (labels), argo-cd docs (resource tracking), fluxcd.io (ownership labels),
# operator-lifecycle-manager (OwnerKey), juju (resource labels).
_MARKS: tuple[tuple[str, str, str, Kind, str], ...] = (
    ("annotations", "meta.helm.sh/release-name", "", "helm", "Helm release"),
    ("labels", "helm.toolkit.fluxcd.io/name", "", "flux", "Flux HelmRelease"),
    ("labels", "kustomize.toolkit.fluxcd.io/name", "", "flux", "Flux Kustomization"),
    ("annotations", "argocd.argoproj.io/tracking-id", "", "argocd", "Argo CD"),
    ("labels", "argocd.argoproj.io/instance", "", "argocd", "Argo CD"),
    ("labels", "olm.owner", "", "olm", "Operator Lifecycle Manager"),
    ("labels", "app.juju.is/created-by", "", "juju", "Juju"),
    # Last, because charts have this label too, whatever applies them: Argo CD and `helm template` have no releases.
    ("labels", "app.kubernetes.io/managed-by", "Helm", "helm", "Helm"),
)
_RELEASE_NAMESPACE = "meta.helm.sh/release-namespace"
# The prefixes of all labels and annotations by which these installers recognise their objects.
_TRACES = {
    "labels": (
        "helm.sh/chart",
        "helm.toolkit.fluxcd.io/",
        "kustomize.toolkit.fluxcd.io/",
        "argocd.argoproj.io/instance",
        "olm.owner",
        "app.juju.is/",
        "model.juju.is/",
        # The hooks of Helm's chart delete every ClusterTrainingRuntime with this label.
        "trainer.kubeflow.org/managed-by",
    ),
    "annotations": ("meta.helm.sh/", "argocd.argoproj.io/tracking-id", "argocd.argoproj.io/installation-id"),
}

# Field managers that write into objects of others and own none of them: the API server, the built-in controllers, and
# the controllers of Trainer and JobSet (caBundle, Secret data, status).
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
    """Return our own server-side apply entry in managedFields; None if we never applied the object."""
    for entry in metadata.get("managedFields") or []:
        if entry.get("manager") == FIELD_MANAGER and entry.get("operation") == "Apply" and not entry.get("subresource"):
            return dict(entry)
    return None


def entry_digest(metadata: Mapping[str, Any]) -> str | None:
    """Return the digest of our apply entry (its fields and its time); None if the entry is not reliable.

    It changes with every change to a field that we own: a write by another manager removes the field from our entry,
    and a write under our name renews the time. Changes to caBundle, Secret data, status and annotations of others do
    not change it. A second entry with our name (an Update, not an Apply) means that another client used our name.
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
    """Return the installer whose mark an object has; None without a mark."""
    found = marks_of(metadata)
    return found[0] if found else None


def marks_of(metadata: Mapping[str, Any]) -> list[Mark]:
    """Return every installer whose mark an object has: for example, Flux may run Helm. The first one manages it."""
    marks = []
    for where, key, value, kind, who in _MARKS:
        found = (metadata.get(where) or {}).get(key)
        if found is not None and not value:
            marks.append(_mark(metadata, kind, key, who, str(found)))
        elif found is not None and found == value and not marks:
            marks.append(Mark(kind, "", who))
    return marks


def _mark(metadata: Mapping[str, Any], kind: Kind, key: str, who: str, name: str) -> Mark:
    if kind == "argocd":
        # The rest of a tracking id is about the object.
        name = name.partition(":")[0]
        return Mark(kind, name, f"{who} {name}")
    if kind == "helm":
        # The names of releases are unique in a namespace only.
        place = (metadata.get("annotations") or {}).get(_RELEASE_NAMESPACE) or ""
        return Mark(kind, f"{place}/{name}", f"{who} {name}")
    return Mark(kind, f"{key}={name}", f"{who} {name}")


def traces_of(metadata: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the labels and annotations by which other installers recognise an object: (field of metadata, key)."""
    found = {
        (where, key)
        for where, beginnings in _TRACES.items()
        for key in part(metadata, where)
        if key.startswith(beginnings)
    }
    for where, key, value, _kind, _who in _MARKS:
        there = part(metadata, where).get(key)
        if there is not None and (not value or there == value):
            found.add((where, key))
    return sorted(found)


def owner_of(metadata: Mapping[str, Any]) -> str:
    """Return who manages an existing object, as text for people. Code compares the result of C(manager_of)."""
    return manager_of(metadata).words


def manager_of(metadata: Mapping[str, Any]) -> Mark:
    """Return who manages an existing object.

    A mark of another installer counts even if we have an entry too: that installer would revert our changes.
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
    """Find webhook configurations for our API groups that are not ours, i.e. another installed Trainer or JobSet.

    They are found by their rules, not by their names, because the Helm charts use other names than kustomize. A
    configuration with rules for other groups too belongs to other software that also handles our kinds (Kueue, policy
    engines), not to a second Trainer or JobSet.

    Args:
        configurations: whole objects, of both kinds, of the entire cluster.
        by_name: also find configurations with another name than the bundle's that call our own Service.

    Returns:
        (configuration, destination) pairs.
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
        name, webhooks = name_of(configuration), parts(configuration, "webhooks")
        groups = {
            group for webhook in webhooks for rule in parts(webhook, "rules") for group in texts(rule, "apiGroups")
        }
        # JobSet also has webhooks for pods, which are in the core group.
        if not groups & ours or groups - ours - {""}:
            continue
        for webhook in webhooks:
            service = part(webhook, "clientConfig", "service")
            place = (text(service, "namespace"), text(service, "name"))
            if place not in services or (by_name and name not in names):
                url = text(webhook, "clientConfig", "url") or "nowhere"
                destination = WebhookDestination(*place) if service else WebhookDestination(url=url)
                found.append((name, destination))
                break
    return found
