# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rights Conductor's work takes, told from what it works on. Pure.

The roles in examples/rbac hold exactly these; a test compares them. What every authenticated user may do by
Kubernetes' own roles (discovery, the version, reviews of one's own rights) is not among them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ..cluster.access_reviews import Right
from ..cluster.autoscaler import STATUS as AUTOSCALER_STATUS
from ..cluster.identity import NAMESPACE as KUBE_SYSTEM
from ..names import INSTALL_LEASE, INSTALL_RECORD
from ..objects.line import Line
from ..objects.resources import Resource, key_of, resource_of
from ..plan.plan import Action
from ..release.bundle import Bundle
from ..release.recognition import JOBSET_GROUP, TELLING_CRDS, TRAINER_GROUP
from ..release.versions import PUBLIC_CONFIG_MAP

# Server-side apply is a patch, and a create where nothing is there yet.
_APPLY = ("create", "patch")
# Verbs on roles that stand for all the rights in them (RBAC's privilege escalation prevention).
GRANTING = ("escalate", "bind")
_NAMESPACE = resource_of("v1", "Namespace")
_CONFIG_MAP = resource_of("v1", "ConfigMap")
_LEASE = resource_of("coordination.k8s.io/v1", "Lease")
_SECRET = resource_of("v1", "Secret")
_POD = resource_of("v1", "Pod")
_EVENT = resource_of("v1", "Event")
_NODE = resource_of("v1", "Node")
_QUOTA = resource_of("v1", "ResourceQuota")
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


class Help(NamedTuple):
    """A right that the work can do without, and what then is left out."""

    right: Right
    without: str


def right_to(verb: str, resource: Resource, namespace: str = "", name: str = "", subresource: str = "") -> Right:
    """Return the permission for a verb on a resource; the namespace is dropped for cluster-scoped resources."""
    plural = f"{resource.plural}/{subresource}" if subresource else resource.plural
    return Right(verb, resource.group, plural, namespace if resource.namespaced else "", name)


def rights_for(actions: Iterable[Action]) -> list[Right]:
    """The rights to write what a plan writes."""
    verbs = {"create": _APPLY, "prune": ("delete",)}
    return [
        right_to(verb, resource_of(action.key.api_version, action.key.kind), action.key.namespace, action.key.name)
        for action in actions
        for verb in verbs.get(action.verb, _APPLY[1:])
    ]


def record_rights(namespace: str) -> list[Right]:
    """The rights to keep the install record, and to hold the lease meanwhile."""
    return [
        *(right_to(verb, _CONFIG_MAP, namespace, INSTALL_RECORD) for verb in _APPLY),
        *lease_rights(namespace),
    ]


def lease_rights(namespace: str) -> list[Right]:
    """The rights to be the one run that writes."""
    return [
        # The server does not know the name of what is created by a POST when it looks for the right.
        right_to("create", _LEASE, namespace),
        *(right_to(verb, _LEASE, namespace, INSTALL_LEASE) for verb in ("get", "patch", "watch")),
    ]


def to_write(bundle: Bundle) -> list[Right]:
    """To apply a bundle where nothing is there, and to record it. Roles take more: see C(rights/grants.py)."""
    actions = [
        Action("create", key_of(manifest), phase.name, "", manifest)
        for phase in bundle.phases
        for manifest in phase.objects
    ]
    return [*rights_for(actions), *record_rights(bundle.namespace)]


def to_read(bundle: Bundle) -> list[Right]:
    """To compare a cluster with a bundle: one list for each type, and the install record."""
    keys = [key_of(manifest) for manifest in bundle.objects()]
    lists = {(resource_of(key.api_version, key.kind), key.namespace) for key in keys}
    return [
        *(right_to("list", resource, namespace) for resource, namespace in sorted(lists)),
        right_to("get", _CONFIG_MAP, bundle.namespace, INSTALL_RECORD),
    ]


def to_wait(bundle: Bundle) -> list[Right]:
    """To see whether the controllers serve, and to follow how they come up."""
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
    """To see when a controller has written its certificate, so that its pod can be made to mount it."""
    return [right_to(verb, _SECRET, bundle.namespace) for verb in ("list", "watch")]


def to_probe(bundle: Bundle) -> list[Right]:
    """To prove webhooks and runtimes by dry runs. A dry run takes the right to the real thing."""
    manifests = [probe.manifest for probe in bundle.probes]
    found = {right_to("create", _TRAIN_JOB, bundle.probe_namespace)}
    for key in map(key_of, manifests):
        resource = resource_of(key.api_version, key.kind)
        if resource.namespaced:
            # The server does not know the name of what is created by a POST when it looks for the right.
            found.add(right_to("create", resource, key.namespace))
        else:
            found |= {right_to(verb, resource, name=key.name) for verb in _APPLY}
    return sorted(found)


def to_inspect(bundle: Bundle) -> list[Right]:
    """To know what else is on the cluster. What may not be read is unknown, and named."""
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
        *(right_to("list", resource, home) for resource in (_QUOTA, _POLICY)),
        *(right_to("get", _NAMESPACE, name=name) for name in names),
        *(right_to("get", _CRD, name=name) for name in sorted(crds)),
        *(right_to("get", _CONFIG_MAP, home, name) for name in (PUBLIC_CONFIG_MAP, INSTALL_RECORD)),
    ]


def to_explain(bundle: Bundle) -> list[Help]:
    """To say more of what does not come up, or does not go."""
    waits = "nothing says what it waits for when it is being deleted"
    return [
        Help(right_to("list", _EVENT, bundle.namespace), "a wait cannot say what the kubelet does"),
        Help(
            right_to("get", _POD, bundle.namespace, subresource="log"),
            "a wait that fails cannot show what the controllers said last",
        ),
        Help(right_to("list", _REPLICA_SET, bundle.namespace), "a wait that fails cannot say why pods are not made"),
        # Of one name only, so that it may be given where all other cluster-wide rights are given.
        Help(
            right_to("get", _CONFIG_MAP, name=AUTOSCALER_STATUS.name), "a wait hopes for new nodes where none will come"
        ),
        *(Help(right_to("get", _NAMESPACE, name=name), waits) for name in bundle.names("Namespace")),
        *(Help(right_to("get", _CRD, name=name), waits) for name in bundle.names("CustomResourceDefinition")),
    ]


def to_hasten(bundle: Bundle) -> list[Help]:
    """To help controllers along, and to foresee and take over what is there already."""
    home = bundle.namespace
    back_off = "what is left in a back-off is tried again minutes later"
    mine = {(resource_of(key.api_version, key.kind), key) for key in map(key_of, bundle.objects())}
    return [
        Help(right_to("patch", _POD, home, subresource="status"), "certificates are mounted up to minutes later"),
        Help(right_to("patch", _DEPLOYMENT, home, subresource="status"), back_off),
        Help(right_to("delete", _POD, home), back_off),
        *(
            Help(
                right_to("get", resource, key.namespace, key.name),
                "check mode cannot foresee a change of it, and it cannot be taken over from kubectl",
            )
            for resource, key in sorted(mine)
        ),
    ]


def to_make_room(bundle: Bundle) -> list[Help]:
    """To make the namespaces."""
    return [
        Help(right_to("create", _NAMESPACE, name=name), "somebody else must make the namespaces")
        for name in bundle.names("Namespace")
    ]


def of_install(bundle: Bundle) -> list[Right]:
    """What an install that proves itself cannot do without."""
    needed = (to_write(bundle), to_read(bundle), to_wait(bundle), to_refresh(bundle), to_probe(bundle))
    # Whoever gives rights in a namespace has made it before.
    spare = {help_.right for help_ in to_make_room(bundle)}
    return [right for right in dict.fromkeys(right for rights in needed for right in rights) if right not in spare]


def besides_install(bundle: Bundle) -> list[Help]:
    """What an install makes use of and can do without."""
    looks = [Help(right, "an inspection calls it unknown") for right in to_inspect(bundle)]
    needed = set(of_install(bundle))
    found: dict[Right, Help] = {}
    for help_ in (*looks, *to_explain(bundle), *to_hasten(bundle), *to_make_room(bundle)):
        if help_.right not in needed:
            found.setdefault(help_.right, help_)
    return list(found.values())


def summed_up(rights: Iterable[Right]) -> list[Line]:
    """One line for each verb on a resource type, with the objects' names; what an apply takes is one line."""
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
