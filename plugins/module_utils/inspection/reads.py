# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the facts for an inspection: two rounds of concurrent requests."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..cluster.access_reviews import Reviews
from ..cluster.client import Cluster
from ..cluster.reader import Page, Reader, merge_pages
from ..names import INSTALL_RECORD
from ..objects.fields import name_of, namespace_of, part, parts, text
from ..objects.resources import Resource, resource_of
from ..ownership.admission import broad_webhooks
from ..ownership.installers import owner
from ..ownership.owner import marks_of
from ..rejections.rejection import Rejection
from ..release.bundle import Bundle, pull_secrets
from ..release.recognition import (
    CONTROLLER_LABELS,
    JOBSET_GROUP,
    TELLING_CRDS,
    TRAINER_GROUP,
    is_jobset,
    is_trainer,
    is_webhook_of,
    places,
)
from ..release.versions import PUBLIC_CONFIG_MAP
from ..rights.grants import has_every_right
from ..rights.required import to_probe
from .nodes import SYSTEM_CLASSES, by_free_cpu
from .rollout import to_place

# The limit of requests for one inspection.
REQUEST_LIMIT = 32
# Reserved for the question whether an autoscaler may add capacity.
_FOR_AUTOSCALERS = 1

# Where Helm stores a release: in Secrets by default, or in ConfigMaps. JobSet may have a release of its own.
_HELM_STORES = ("Secret", "ConfigMap")
_RELEASES_LOOKED_FOR = 3
# Only such a name can be selected by a label.
_LABEL = re.compile(r"[A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?", re.ASCII)
_FLUX_NAMESPACE = "helm.toolkit.fluxcd.io/namespace"

_DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
# Nodes contain long lists of images; this many of them show which kinds of machines a cluster has.
_NODE_PAGE = 100
_NODES_LOOKED_INTO = 3
# How many namespaces of webhooks that handle everything are looked into.
_BROAD = 2

_CRD_KIND = "CustomResourceDefinition"
_CRD = resource_of("apiextensions.k8s.io/v1", _CRD_KIND)
_DEPLOYMENT = resource_of("apps/v1", "Deployment")
_SLICE = resource_of("discovery.k8s.io/v1", "EndpointSlice")
_POD = resource_of("v1", "Pod")
_SECRET = resource_of("v1", "Secret")
_PRIORITY_CLASS = resource_of("scheduling.k8s.io/v1", "PriorityClass")
# Kinds with fields that cannot be changed. Secrets have some too, but are not read.
_TAKEN_OVER = {
    "Deployment": _DEPLOYMENT,
    "Service": resource_of("v1", "Service"),
    "ConfigMap": resource_of("v1", "ConfigMap"),
    "RoleBinding": resource_of("rbac.authorization.k8s.io/v1", "RoleBinding"),
    "ClusterRoleBinding": resource_of("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
}
# The kinds of objects that people create; of runtimes the metadata is sufficient.
_KEPT = {
    "train_jobs": resource_of(f"{TRAINER_GROUP}/v1alpha1", "TrainJob"),
    "job_sets": resource_of(f"{JOBSET_GROUP}/v1alpha2", "JobSet"),
    "cluster_runtimes": resource_of(f"{TRAINER_GROUP}/v1alpha1", "ClusterTrainingRuntime"),
    "runtimes": resource_of(f"{TRAINER_GROUP}/v1alpha1", "TrainingRuntime"),
}
_NAMES_ONLY = ("cluster_runtimes", "runtimes")


@dataclass(frozen=True)
class Readings:
    """The answers. None if something cannot be read; empty if it does not exist.

    Args:
        groups: API group to its plural names.
        crds: name to CRD; only two of them with their schemas.
        deployments: the Deployments of the controllers, and some others.
        everywhere: whether C(deployments) covers all namespaces.
        slices: namespace to its EndpointSlices, for the namespaces that webhooks point to.
        broad: the same for some namespaces of webhooks that handle every kind of object; None if not permitted.
        pods: node to its pods, for some nodes, if a controller is still to be scheduled.
        priority_classes: those that the controllers need by name, except those of Kubernetes.
        cluster_rules: the rules review without a namespace. If it does not grant every permission, C(rules) is the
            review for the operator's namespace; if it does not allow probes, C(probe_rules) is the review for theirs.
        others: kind to the objects of that kind in the operator's namespace, or of the cluster; only if objects of
            other tools are taken over or adopted.
        helm_releases: (namespace, name) of a release of Helm to the Secrets or ConfigMaps in which Helm stores it; None
            if that is unknown; only if objects are adopted from Helm.
        denied: the missing permissions.
        pull_secrets: name to the Secret of that name in the operator's namespace, for those that the images are pulled
            with and that others create.
        rejections: what rejects the reviews of permissions.
        requests: the number of requests.
    """

    version: str = ""
    groups: Mapping[str, frozenset[str]] | None = None
    crds: Mapping[str, Mapping[str, Any] | None] | None = None
    mutating: Page | None = None
    validating: Page | None = None
    deployments: Page | None = None
    everywhere: bool = False
    slices: Mapping[str, Page | None] | None = None
    broad: Mapping[str, Page | None] | None = None
    kube_system: Mapping[str, Any] | None = None
    namespace: Mapping[str, Any] | None = None
    public_config: Mapping[str, Any] | None = None
    record: Mapping[str, Any] | None = None
    nodes: Page | None = None
    pods: Mapping[str, Page | None] | None = None
    train_jobs: Page | None = None
    job_sets: Page | None = None
    cluster_runtimes: Page | None = None
    runtimes: Page | None = None
    quotas: Page | None = None
    policies: Page | None = None
    limit_ranges: Page | None = None
    rules: Mapping[str, Any] | None = None
    cluster_rules: Mapping[str, Any] | None = None
    probe_rules: Mapping[str, Any] | None = None
    may_do_anything: bool = False
    priority_classes: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)
    others: Mapping[str, Page | None] = field(default_factory=dict)
    helm_releases: Mapping[tuple[str, str], Page | None] = field(default_factory=dict)
    pull_secrets: Mapping[str, Page | None] = field(default_factory=dict)
    denied: tuple[str, ...] = ()
    rejections: tuple[Rejection, ...] = ()
    requests: int = 0

    @property
    def configurations(self) -> list[Mapping[str, Any]] | None:
        """Return all webhook configurations; None if one of the two kinds cannot be read."""
        if self.mutating is None or self.validating is None:
            return None
        return [*self.mutating.items, *self.validating.items]


def read_ahead(cluster: Cluster, bundle: Bundle) -> None:
    """Send the requests that C(read) always sends, so that a caching client has the answers when it needs them.

    Leaves out CRDs, which every install lists anyway.
    """
    reader = Reader(cluster)
    tasks = _first_round(reader, bundle)
    reader.all({name: task for name, task in tasks.items() if not name.startswith("crd ")})


def read(cluster: Cluster, bundle: Bundle, adopt: Collection[str] = ()) -> Readings:
    """Read all facts for an inspection.

    Args:
        adopt: the installers whose objects an install adopts.

    Raises:
        ApiError, UnreachableError: the server failed, or does not know these credentials.
    """
    reader = Reader(cluster)
    first = reader.all(_first_round(reader, bundle))
    deployments = [first.pop("labelled"), first.pop("control_plane")]
    crds = {name: first.pop(f"crd {name}") for name in _crd_names(bundle)}
    readings = Readings(
        **{
            **first,
            "version": text(first["version"], "gitVersion").lstrip("v"),
            "groups": _groups(first["groups"]),
            "crds": crds,
            # Label selectors have no "or", so these are two answers; a controller may be in both.
            "deployments": merge_pages(deployments),
            "everywhere": None not in deployments,
        }
    )
    readings = _second_round(reader, bundle, readings, adopt)
    return replace(
        readings,
        denied=tuple(sorted(reader.denied)),
        rejections=tuple(found for _kind, found in sorted(reader.rejections.items())),
        requests=reader.requests,
    )


def _crd_names(bundle: Bundle) -> list[str]:
    """Return the names of the CRDs to read: the identifying ones first, even if the bundle leaves them out."""
    return [*TELLING_CRDS, *(name for name in bundle.names(_CRD_KIND) if name not in TELLING_CRDS)]


def _first_round(reader: Reader, bundle: Bundle) -> dict[str, Callable[[], Any]]:
    home, admission = bundle.namespace, "admissionregistration.k8s.io/v1"
    config_map, namespace = resource_of("v1", "ConfigMap"), resource_of("v1", "Namespace")

    tasks: dict[str, Callable[[], Any]] = {
        f"crd {name}": lambda name=name: reader.named(_CRD, name, metadata_only=name not in TELLING_CRDS)  # type: ignore[misc]
        for name in _crd_names(bundle)
    }
    return tasks | {
        "mutating": lambda: reader.page(resource_of(admission, "MutatingWebhookConfiguration")),
        "validating": lambda: reader.page(resource_of(admission, "ValidatingWebhookConfiguration")),
        "labelled": lambda: reader.page(_DEPLOYMENT, selectors={"labelSelector": CONTROLLER_LABELS[0]}),
        "control_plane": lambda: reader.page(_DEPLOYMENT, selectors={"labelSelector": CONTROLLER_LABELS[1]}),
        "nodes": lambda: reader.page(resource_of("v1", "Node"), limit=_NODE_PAGE),
        "groups": lambda: reader.document("/apis", "get /apis", accept=_DISCOVERY),
        "version": lambda: reader.document("/version", "get /version"),
        "kube_system": lambda: reader.named(namespace, "kube-system", metadata_only=True),
        "namespace": lambda: reader.named(namespace, home),
        "record": lambda: reader.named(config_map, INSTALL_RECORD, home),
        "cluster_rules": lambda: reader.rules(""),
    }


def _second_round(reader: Reader, bundle: Bundle, readings: Readings, adopt: Collection[str]) -> Readings:
    """Read the objects to which the answers of the first round point.

    The contents of the operator's namespace if it exists; the objects that people created if their CRD exists;
    unlabelled Deployments in the namespaces that webhooks point to, and the webhooks' endpoints; the pods of some nodes
    if a controller is still to be scheduled.
    """
    pointed = {
        place.namespace
        for group in (TRAINER_GROUP, JOBSET_GROUP)
        for place in places(item for item in readings.configurations or () if is_webhook_of(item, group))
        if place.namespace
    }
    labelled = (readings.deployments or Page()).items
    settled = {namespace_of(item) for item in labelled if is_trainer(item) or is_jobset(item)}
    unclear = (pointed - settled) | (set() if readings.everywhere else {bundle.namespace})
    tasks: dict[str, Callable[[], Any]] = {}
    home, config_map = bundle.namespace, resource_of("v1", "ConfigMap")
    if readings.namespace != {}:
        tasks = {
            "quotas": _page(reader, resource_of("v1", "ResourceQuota"), home),
            "limit_ranges": _page(reader, resource_of("v1", "LimitRange"), home),
            "policies": _page(reader, resource_of("networking.k8s.io/v1", "NetworkPolicy"), home),
            "public_config": lambda: reader.named(config_map, PUBLIC_CONFIG_MAP, home),
        }
        for name in pull_secrets(bundle):
            named = {"fieldSelector": f"metadata.name={name}"}
            # A list of one name: the permission to list Secrets is needed anyway.
            tasks[f"pull {name}"] = _page(reader, _SECRET, home, named, metadata_only=True, helps=True)
    for name in _priority_classes(bundle):
        tasks[f"class {name}"] = lambda name=name: reader.named(_PRIORITY_CLASS, name)  # type: ignore[misc]
    if readings.cluster_rules is not None and readings.cluster_rules.get("incomplete"):
        tasks["anything"] = reader.may_do_anything
    installed = _installed(readings)
    releases = _helm_releases(installed) if "helm" in adopt else []
    for place, name in releases:
        stored = {"labelSelector": f"owner=helm,name={name}"}
        for kind in _HELM_STORES:
            resource = resource_of("v1", kind)
            tasks[f"{kind} {place}/{name}"] = _page(reader, resource, place or None, stored, metadata_only=True)
    if any(owner(part(item, "metadata"), adopt)["adoptable"] for item in installed):
        for kind, resource in _TAKEN_OVER.items():
            if not resource.namespaced:
                tasks[f"other {kind}"] = _page(reader, resource)
            elif readings.namespace:
                tasks[f"other {kind}"] = _page(reader, resource, home)
    clusterwide = Reviews(readings.cluster_rules)
    if not has_every_right(bundle, clusterwide):
        tasks["rules"] = lambda: reader.rules(home)
    if readings.cluster_rules is not None and clusterwide.lacking(to_probe(bundle)):
        tasks["probe_rules"] = lambda: reader.rules(bundle.probe_namespace)
    kept = [name for name, resource in _KEPT.items() if (readings.crds or {}).get(str(resource)) != {}]
    tasks |= {name: _page(reader, _KEPT[name], metadata_only=name in _NAMES_ONLY) for name in kept}
    tasks |= {f"deployments {place}": _page(reader, _DEPLOYMENT, place) for place in sorted(unclear)}
    tasks |= {f"slices {place}": _page(reader, _SLICE, place) for place in sorted(pointed)}
    broad = sorted({webhook.namespace for webhook in broad_webhooks(readings.configurations or ())})[:_BROAD]
    tasks |= {f"broad {place}": _page(reader, _SLICE, place, helps=True) for place in broad}
    left = REQUEST_LIMIT - reader.requests
    if placing := to_place(bundle.objects("Deployment"), labelled):
        left -= _FOR_AUTOSCALERS
        for node in by_free_cpu(readings.nodes.items if readings.nodes else (), placing)[:_NODES_LOOKED_INTO]:
            tasks[f"pods {node}"] = _page(reader, _POD, None, {"fieldSelector": f"spec.nodeName={node}"})
    # Sorted by importance: the limit cuts off the least important requests.
    tasks = dict(list(tasks.items())[:left])
    answers = reader.all(tasks)

    found: dict[str, Any] = {name: answers.get(name) if name in kept else Page() for name in _KEPT}

    def of(what: str) -> dict[str, Any]:
        return {name.partition(" ")[2]: page for name, page in answers.items() if name.startswith(f"{what} ")}

    return replace(
        readings,
        **found,
        quotas=answers.get("quotas", Page()),
        policies=answers.get("policies", Page()),
        limit_ranges=answers.get("limit_ranges", Page()),
        public_config=answers.get("public_config", {}),
        rules=answers.get("rules"),
        slices=of("slices"),
        broad=of("broad"),
        pods=of("pods"),
        priority_classes=of("class"),
        deployments=merge_pages([readings.deployments, *of("deployments").values()]),
        probe_rules=answers.get("probe_rules"),
        may_do_anything=bool(answers.get("anything")),
        others=of("other"),
        pull_secrets=of("pull"),
        helm_releases={
            (place, name): _stored([answers.get(f"{kind} {place}/{name}") for kind in _HELM_STORES])
            for place, name in releases
        },
    )


def _priority_classes(bundle: Bundle) -> list[str]:
    """Return the PriorityClasses that the controllers need and that neither Kubernetes nor the bundle creates."""
    own = {name_of(manifest) for manifest in bundle.objects() if manifest["kind"] == "PriorityClass"}
    needed = {
        text(manifest, "spec", "template", "spec", "priorityClassName") for manifest in bundle.objects("Deployment")
    }
    return sorted(needed - own - SYSTEM_CLASSES.keys() - {""})


def _installed(readings: Readings) -> list[Mapping[str, Any]]:
    """Return the controllers, webhook configurations and CRDs of Trainer and JobSet, whoever installed them."""
    deployments = (readings.deployments or Page()).items
    return [
        *(item for item in deployments if is_trainer(item) or is_jobset(item)),
        *(item for item in readings.configurations or () if is_webhook_of(item, TRAINER_GROUP)),
        *(item for item in readings.configurations or () if is_webhook_of(item, JOBSET_GROUP)),
        *(crd for crd in (readings.crds or {}).values() if crd),
    ]


def _helm_releases(installed: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Return (namespace, name) of the first few releases of Helm that these objects name.

    Flux stores a release in the namespace of its HelmRelease, if this is not the namespace of the release.
    """
    found = {
        (place, name)
        for item in installed
        for mark in marks_of(part(item, "metadata"))
        for own, _slash, name in (mark.name.rpartition("/"),)
        if mark.kind == "helm" and _LABEL.fullmatch(name)
        for place in (own, text(item, "metadata", "labels", _FLUX_NAMESPACE))
        if place or not own
    }
    return sorted(found)[:_RELEASES_LOOKED_FOR]


def _stored(pages: Sequence[Page | None]) -> Page | None:
    """Return where Helm stores a release; None if it may be stored where nothing could be read."""
    found = merge_pages(pages)
    return None if found is None or (None in pages and not found.total) else found


def _page(
    reader: Reader,
    resource: Resource,
    namespace: str | None = None,
    selectors: Mapping[str, str] | None = None,
    *,
    metadata_only: bool = False,
    helps: bool = False,
) -> Callable[[], Page | None]:
    return lambda: reader.page(resource, namespace, selectors=selectors, metadata_only=metadata_only, helps=helps)


def _groups(document: Mapping[str, Any] | None) -> Mapping[str, frozenset[str]] | None:
    """Return API group to plural names from an APIGroupDiscoveryList; the names are empty for an old APIGroupList."""
    if document is None:
        return None
    found = {text(group, "name"): frozenset[str]() for group in parts(document, "groups")}
    for group in parts(document, "items"):
        resources = [resource for version in parts(group, "versions") for resource in parts(version, "resources")]
        found[name_of(group)] = frozenset(text(resource, "resource") for resource in resources)
    return found
