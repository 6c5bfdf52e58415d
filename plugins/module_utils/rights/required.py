# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""List the permissions that Conductor needs, derived from the bundle. Pure.

The roles in examples/rbac contain exactly these; a test compares them. Permissions that Kubernetes gives to every
authenticated user (discovery, the version, self-subject reviews) are not listed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ..cluster.access_reviews import Right
from ..cluster.autoscaler import STATUS as AUTOSCALER_STATUS
from ..cluster.identity import NAMESPACE as KUBE_SYSTEM
from ..names import INSTALL_LEASE, INSTALL_RECORD
from ..objects.line import Line
from ..objects.resources import Key, Resource, find_resource, key_of, resource_of
from ..plan.plan import Action
from ..release.bundle import Bundle
from ..release.recognition import JOBSET_GROUP, TELLING_CRDS, TRAINER_GROUP
from ..release.versions import PUBLIC_CONFIG_MAP

# Server-side apply is a patch, and also a create if the object does not exist.
_APPLY = ("create", "patch")
_NAMESPACE = resource_of("v1", "Namespace")
_CONFIG_MAP = resource_of("v1", "ConfigMap")
_LEASE = resource_of("coordination.k8s.io/v1", "Lease")
_SECRET = resource_of("v1", "Secret")
_POD = resource_of("v1", "Pod")
_EVENT = resource_of("v1", "Event")
_NODE = resource_of("v1", "Node")
_QUOTA = resource_of("v1", "ResourceQuota")
_LIMIT_RANGE = resource_of("v1", "LimitRange")
_POLICY = resource_of("networking.k8s.io/v1", "NetworkPolicy")
_DEPLOYMENT = resource_of("apps/v1", "Deployment")
_REPLICA_SET = resource_of("apps/v1", "ReplicaSet")
_SLICE = resource_of("discovery.k8s.io/v1", "EndpointSlice")
_CRD = resource_of("apiextensions.k8s.io/v1", "CustomResourceDefinition")
_CONFIGURATIONS = tuple(
    resource_of("admissionregistration.k8s.io/v1", f"{kind}WebhookConfiguration") for kind in ("Mutating", "Validating")
)
_RUNTIME = resource_of(f"{TRAINER_GROUP}/v1alpha1", "ClusterTrainingRuntime")
_TRAIN_JOB = resource_of(f"{TRAINER_GROUP}/v1alpha1", "TrainJob")


class OptionalPermission(NamedTuple):
    """An optional permission, and the consequence of its absence."""

    right: Right
    without: str


def right_to(verb: str, resource: Resource, namespace: str = "", name: str = "", subresource: str = "") -> Right:
    """Return the permission for a verb on a resource; the namespace is dropped for cluster-scoped resources."""
    plural = f"{resource.plural}/{subresource}" if subresource else resource.plural
    return Right(verb, resource.group, plural, namespace if resource.namespaced else "", name)


def rights_for(actions: Iterable[Action]) -> list[Right]:
    """Return the permissions to write what a plan writes."""
    verbs = {"create": _APPLY, "prune": ("delete",)}
    return [
        right_to(verb, resource_of(action.key.api_version, action.key.kind), action.key.namespace, action.key.name)
        for action in actions
        if find_resource(action.key.api_version, action.key.kind)
        for verb in verbs.get(action.verb, _APPLY[1:])
    ]


def record_rights(namespace: str) -> list[Right]:
    """Return the permissions to write the install record and to hold the install lease."""
    return [
        *(right_to(verb, _CONFIG_MAP, namespace, INSTALL_RECORD) for verb in _APPLY),
        *lease_rights(namespace),
    ]


def lease_rights(namespace: str) -> list[Right]:
    """Return the permissions to hold the install lease."""
    return [
        # When the server authorizes a POST, it does not know the name of the new object.
        right_to("create", _LEASE, namespace),
        *(right_to(verb, _LEASE, namespace, INSTALL_LEASE) for verb in ("get", "patch", "watch")),
    ]


def to_write(bundle: Bundle) -> list[Right]:
    """Return the permissions to apply a bundle to an empty cluster and record it. For roles see C(rights/grants.py)."""
    actions = [
        Action("create", key_of(manifest), phase.name, "", manifest)
        for phase in bundle.phases
        for manifest in phase.objects
    ]
    return [*rights_for(actions), *record_rights(bundle.namespace)]


def to_read(bundle: Bundle) -> list[Right]:
    """Return the permissions to compare a cluster with a bundle: one list per type, and the install record."""
    lists = {(resource, key.namespace) for resource, key in _types_of(bundle)}
    return [
        *(right_to("list", resource, namespace) for resource, namespace in sorted(lists)),
        right_to("get", _CONFIG_MAP, bundle.namespace, INSTALL_RECORD),
    ]


def to_wait(bundle: Bundle) -> list[Right]:
    """Return the permissions to watch whether the controllers are ready."""
    return [
        *(right_to("get", _CRD, name=name) for name in bundle.names("CustomResourceDefinition")),
        *(
            right_to(verb, resource, bundle.namespace)
            for verb in ("list", "watch")
            for resource in (_DEPLOYMENT, _POD, _SLICE, _LEASE, *_CONFIGURATIONS)
        ),
        right_to("list", _RUNTIME),
    ]


def to_refresh(bundle: Bundle) -> list[Right]:
    """Return the permissions to see when a controller has written its certificate."""
    return [right_to(verb, _SECRET, bundle.namespace) for verb in ("list", "watch")]


def to_probe(bundle: Bundle) -> list[Right]:
    """Return the permissions to probe webhooks and runtimes. A dry run needs the same ones as the real request."""
    manifests = [probe.manifest for probe in bundle.probes]
    found = {right_to("create", _TRAIN_JOB, bundle.probe_namespace)}
    for key in map(key_of, manifests):
        resource = resource_of(key.api_version, key.kind)
        if resource.namespaced:
            # When the server authorizes a POST, it does not know the name of the new object.
            found.add(right_to("create", resource, key.namespace))
        else:
            found |= {right_to(verb, resource, name=key.name) for verb in _APPLY}
    return sorted(found)


def to_prove_pulls(bundle: Bundle) -> list[Right]:
    """Return the permissions to create the pods of the pull proof, and to watch and delete them.

    Whoever sets an owner of a pod must be allowed to delete the pod (the admission plugin
    OwnerReferencesPermissionEnforcement).
    """
    return [right_to(verb, _POD, bundle.namespace) for verb in ("create", "delete", "list", "watch")]


def to_inspect(bundle: Bundle) -> list[Right]:
    """Return the permissions of an inspection. Facts that may not be read are reported as unknown."""
    home = bundle.namespace
    names = (KUBE_SYSTEM, home)
    crds = {*TELLING_CRDS, *bundle.names("CustomResourceDefinition")}
    anywhere = (
        _NODE,
        _DEPLOYMENT,
        _POD,
        _SLICE,
        _RUNTIME,
        _TRAIN_JOB,
        resource_of(f"{TRAINER_GROUP}/v1alpha1", "TrainingRuntime"),
        resource_of(f"{JOBSET_GROUP}/v1alpha2", "JobSet"),
    )
    return [
        *(right_to("list", resource) for resource in (*anywhere, *_CONFIGURATIONS)),
        *(right_to("list", resource, home) for resource in (_QUOTA, _LIMIT_RANGE, _POLICY)),
        *(right_to("get", _NAMESPACE, name=name) for name in names),
        *(right_to("get", _CRD, name=name) for name in sorted(crds)),
        *(right_to("get", _CONFIG_MAP, home, name) for name in (PUBLIC_CONFIG_MAP, INSTALL_RECORD)),
    ]


def to_explain(bundle: Bundle) -> list[OptionalPermission]:
    """Return optional permissions to explain why controllers do not start or deletions do not finish."""
    waits = "errors do not report what its deletion waits for"
    return [
        OptionalPermission(right_to("list", _EVENT, bundle.namespace), "a wait cannot report what the kubelet does"),
        OptionalPermission(
            right_to("get", _POD, bundle.namespace, subresource="log"),
            "a failed wait cannot show the last log lines of the controllers",
        ),
        OptionalPermission(
            right_to("list", _REPLICA_SET, bundle.namespace), "a failed wait cannot report why pods are not created"
        ),
        # For one name only, so that it can be part of the cluster-wide role.
        OptionalPermission(
            right_to("get", _CONFIG_MAP, name=AUTOSCALER_STATUS.name),
            "a wait does not detect that no new nodes will be added",
        ),
        *(OptionalPermission(right_to("get", _NAMESPACE, name=name), waits) for name in bundle.names("Namespace")),
        *(
            OptionalPermission(right_to("get", _CRD, name=name), waits)
            for name in bundle.names("CustomResourceDefinition")
        ),
    ]


def to_hasten(bundle: Bundle) -> list[OptionalPermission]:
    """Return optional permissions to speed up a start, and to predict and take over existing objects."""
    home = bundle.namespace
    back_off = "pods in back-off are retried minutes later"
    mine = set(_types_of(bundle))
    return [
        OptionalPermission(
            right_to("patch", _POD, home, subresource="status"), "certificates are mounted up to minutes later"
        ),
        OptionalPermission(right_to("patch", _DEPLOYMENT, home, subresource="status"), back_off),
        OptionalPermission(right_to("delete", _POD, home), back_off),
        *(
            OptionalPermission(
                right_to("get", resource, key.namespace, key.name),
                "check mode cannot predict its changes, and it cannot be taken over from kubectl",
            )
            for resource, key in sorted(mine)
        ),
    ]


def to_make_room(bundle: Bundle) -> list[OptionalPermission]:
    """Return the permissions to create the namespaces."""
    return [
        OptionalPermission(right_to("create", _NAMESPACE, name=name), "the namespaces have to be created before")
        for name in bundle.names("Namespace")
    ]


def required_for_install(bundle: Bundle) -> list[Right]:
    """Return the required permissions of an install with verification."""
    needed = (to_write(bundle), to_read(bundle), to_wait(bundle), to_refresh(bundle), to_probe(bundle))
    # A namespace exists already if permissions are given in it.
    spare = {optional.right for optional in to_make_room(bundle)}
    return [right for right in dict.fromkeys(right for rights in needed for right in rights) if right not in spare]


def optional_for_install(bundle: Bundle) -> list[OptionalPermission]:
    """Return the optional permissions of an install."""
    looks = [OptionalPermission(right, "an inspection reports it as unknown") for right in to_inspect(bundle)]
    needed = set(required_for_install(bundle))
    found: dict[Right, OptionalPermission] = {}
    for optional in (*looks, *to_explain(bundle), *to_hasten(bundle), *to_make_room(bundle)):
        if optional.right not in needed:
            found.setdefault(optional.right, optional)
    return list(found.values())


def _types_of(bundle: Bundle) -> list[tuple[Resource, Key]]:
    """Return the objects of a bundle with their types; those of a kind that the cluster does not have are left out."""
    return [
        (resource, key)
        for key in map(key_of, bundle.objects())
        if (resource := find_resource(key.api_version, key.kind))
    ]


def summed_up(rights: Iterable[Right]) -> list[Line]:
    """Return one line for each verb on a resource type, with object names; the verbs of an apply share a line."""
    grouped: dict[tuple[str, str, str], list[Right]] = {}
    for right in rights:
        resource = f"{right.resource}.{right.group}" if right.group else right.resource
        kind = "apply" if right.verb in _APPLY else right.verb
        grouped.setdefault((kind, resource, right.namespace), []).append(right)
    lines = []
    for (kind, resource, namespace), members in grouped.items():
        where = f" in namespace {namespace}" if namespace else ""
        verbs = sorted({right.verb for right in members})
        named = sorted({right.name for right in members} - {""})
        if kind == "get" and len(named) == 1:
            line = f"get {resource} {named[0]}{where}"
        else:
            line = f"{', '.join(verbs)} {resource}{where}" + (f" (for {', '.join(named)})" if named else "")
        lines.append(Line(line, about=members))
    return sorted(lines)
