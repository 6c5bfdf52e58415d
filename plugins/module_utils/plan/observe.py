# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the cluster state that a plan needs: one list per resource type, metadata only, in parallel."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from ..cluster.client import Cluster
from ..cluster.identity import NAMESPACE
from ..errors import ApiError, InputError, missing_permissions
from ..names import INSTALL_RECORD, MANAGED_LABEL
from ..objects.fields import parts, text
from ..objects.resources import RESOURCES, Key, Resource, find_resource, key_of, learn, path_of, resource_of
from ..ownership.record import Record, read_install_record
from ..release.bundle import Bundle
from ..release.components import custom_kinds, is_named_jobset
from .leftovers import look_at_leftovers
from .plan import Observed

_WEBHOOK_KINDS = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
# A cluster has few of these, and objects of other owners matter too: list all of them, whatever their labels.
_WHOLE = (*_WEBHOOK_KINDS, "ClusterTrainingRuntime")
_NAMESPACES = ("v1", "Namespace")
# The conditions that say what a Terminating object waits for (kubernetes/api core/v1, NamespaceConditionType;
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
# apiVersion, kind and namespace; the namespace is empty for cluster-scoped types.
_Type: TypeAlias = "tuple[str, str, str]"


def observe(
    cluster: Cluster,
    bundle: Bundle,
    also: Iterable[Key] = (),
    *,
    may_be_external: bool = False,
    prune: bool = True,
    prune_crds: bool = False,
    unrecorded: Callable[[], object] = lambda: None,
) -> Observed:
    """Read the state of every object of the bundle and of the objects of earlier releases.

    Args:
        also: keys of further objects to read.
        may_be_external: do not search for the JobSet of the release if the record says that an external JobSet is used.
        prune: whether to read the objects of earlier releases.
        prune_crds: whether their CRDs may be pruned; this also reads whether the CRDs are in use.
        unrecorded: called as soon as the install record is known to be missing, before the remaining reads.

    Raises:
        RightsError: permissions to read are missing; names all of them.
        ApiError, UnreachableError: the server failed.
    """
    _learn_kinds(cluster, bundle, also := list(also))
    look = _Look(cluster, bundle, also, unrecorded)
    look.first(may_be_external)
    if look.denied:
        raise missing_permissions(look.denied, "read the cluster")
    return Observed(
        metadata=look.metadata,
        webhook_configurations=look.configurations,
        record=look.record,
        kubernetes=str(look.version.get("gitVersion", "")).lstrip("v"),
        endings={
            key: ending(cluster, key)
            for key, found in look.metadata.items()
            if found.get("deletionTimestamp") and key.kind in _SAY_WHY
        },
        cluster_uid=look.uid,
        leftovers=look_at_leftovers(cluster, bundle, look.record, prune_crds=prune_crds) if prune else (),
        unserved=frozenset(key for key in bundle.extras if not find_resource(key.api_version, key.kind)),
        absent=look.absent,
    )


def _learn_kinds(cluster: Cluster, bundle: Bundle, also: Iterable[Key]) -> None:
    """Learn the kinds of users' objects: from the server, or from CRDs that come with them.

    Raises:
        InputError: an object is in a namespace and should not be, or the other way round.
    """
    others = [key for key in (*bundle.extras, *also) if key[:2] not in RESOURCES]
    if others:
        # A late import: most installations have no other kinds.
        from .discovery import learn_kinds

        learn_kinds(cluster, others)
        for resource, kind in custom_kinds(bundle.objects()):
            if find_resource(resource.api_version, kind) is None:
                learn(kind, resource)
    for key in bundle.extras:
        found = find_resource(key.api_version, key.kind)
        if found is not None and found.namespaced != bool(key.namespace):
            raise InputError(
                f"`conductor_extra_objects`: {key} {'needs a' if found.namespaced else 'is cluster-wide and has a'} "
                "namespace",
                next_step=f"{'set' if found.namespaced else 'remove'} metadata.namespace",
            )


class _Look:
    """The requests of one observation, as many at once as the client has connections.

    A cluster may have hundreds of ClusterRoles. So these lists select our label first. If an object is not among the
    results, it is missing, has another owner or lost its label: then the list is repeated without the selector. Without
    an install record this is expected, and the first list has no selector. Rounds of requests are slow if the server is
    far away: nothing is listed in a namespace that the first round shows to be missing.
    """

    def __init__(self, cluster: Cluster, bundle: Bundle, also: Iterable[Key], unrecorded: Callable[[], object]) -> None:
        self.metadata: dict[Key, dict[str, Any]] = {}
        self.configurations: list[dict[str, Any]] = []
        self.record = Record()
        self.version: dict[str, Any] = {}
        self.uid = ""
        self.denied: list[str] = []
        self._cluster = cluster
        self._home = bundle.namespace
        self._unrecorded = unrecorded
        self._is_recorded = True
        # Missing namespaces: nothing can be in them.
        self._absent: frozenset[str] = frozenset()
        self._wanted: dict[_Type, set[Key]] = {}
        for key in (*map(key_of, bundle.objects()), *also):
            if find_resource(key.api_version, key.kind) is None:
                continue
            self._wanted.setdefault((key.api_version, key.kind, key.namespace), set()).add(key)

    @property
    def absent(self) -> frozenset[str]:
        """Return the missing namespaces."""
        return self._absent

    def first(self, may_be_external: bool) -> None:
        """Send all requests. See C(observe)."""
        # Webhook configurations first: they are the largest responses.
        whole = [of_type for of_type in self._wanted if of_type[1] in _WHOLE]
        spread = [of_type for of_type in self._wanted if _is_selected(of_type)]
        placed = [of_type for of_type in self._wanted if of_type[2]]
        begun: list[Callable[[], None]] = [self._read_record, self._read_version, self._read_namespaces]
        # Requests that do not depend on the record run at the same time, if there are enough connections.
        independent = [*whole, *placed][: max(0, self._cluster.connections - len(begun))]
        begun += [lambda of_type=of_type: self._read_type(of_type, ours=True) for of_type in independent]  # type: ignore[misc]
        self._cluster.each(lambda task: task(), begun)
        if not self._is_recorded:
            self._unrecorded()
        rest = [
            of_type
            for of_type in [*spread, *whole, *placed]
            if of_type not in independent and of_type[2] not in self._absent
        ]
        self._read_types(rest)
        not_ours = may_be_external and self.record.jobset == "external"
        missing = {
            key[:3]
            for keys in self._wanted.values()
            for key in keys
            if key not in self.metadata and not (not_ours and is_named_jobset(key.name))
        }
        if self._is_recorded:
            self._read_types([of_type for of_type in spread if of_type in missing], ours=False)

    def _read_types(self, types: Iterable[_Type], *, ours: bool = True) -> None:
        self._cluster.each(lambda of_type: self._read_type(of_type, ours=ours), types)

    def _read_type(self, of_type: _Type, *, ours: bool) -> None:
        api_version, kind, namespace = of_type
        whole = kind in _WEBHOOK_KINDS
        selector = f"{MANAGED_LABEL}=true" if ours and self._is_recorded and _is_selected(of_type) else None
        resource = resource_of(api_version, kind)
        items = self._list(resource, namespace, metadata_only=not whole, label_selector=selector)
        for item in items:
            key = Key(api_version, kind, namespace, item["metadata"]["name"])
            if key in self._wanted[of_type]:
                self.metadata[key] = item["metadata"]
        if whole:
            self.configurations.extend(items)

    def _read_namespaces(self) -> None:
        """Read kube-system (its uid identifies the cluster) and the namespaces of the bundle and its objects."""
        of_type = (*_NAMESPACES, "")
        wanted = {key.name for key in self._wanted.get(of_type, ())}
        names = {NAMESPACE, *wanted, *(namespace for _version, _kind, namespace in self._wanted if namespace)}
        found = self._readable(lambda: self._cluster.namespaces(names), resource_of(*_NAMESPACES))
        if found is None:
            return
        existing = {item["metadata"]["name"]: item["metadata"] for item in found}
        self.uid = existing[NAMESPACE]["uid"] if NAMESPACE in existing else ""
        self.metadata.update({Key(*of_type, name): existing[name] for name in wanted & existing.keys()})
        self._absent = frozenset(names - existing.keys())

    def _read_version(self) -> None:
        self.version = self._cluster.get("/version", step="read the server version")

    def _read_record(self) -> None:
        try:
            self.record = read_install_record(self._cluster, self._home)
        except ApiError as error:
            if error.status != 403:
                raise
            self.denied.append(f"get configmaps {INSTALL_RECORD} in namespace {self._home}")
        else:
            self._is_recorded = bool(self.record.resource_version)

    def _list(self, resource: Resource, namespace: str, **options: Any) -> list[dict[str, Any]]:
        """Return the objects of a type; none if the type is not served, because its CRD is missing."""
        return (
            self._readable(
                lambda: self._cluster.list_all(resource, namespace or None, **options)[0], resource, namespace
            )
            or []
        )

    def _readable(
        self, ask: Callable[[], list[dict[str, Any]]], resource: Resource, namespace: str = ""
    ) -> list[dict[str, Any]] | None:
        """Return the response; None if the type is not served or may not be read. C(denied) gets the permission."""
        try:
            return ask()
        except ApiError as error:
            if error.status == 403:
                right = f"list {resource}" + (f" in namespace {namespace}" if namespace else "")
                if right not in self.denied:
                    self.denied.append(right)
            elif error.status != 404:
                raise
        return None


def _is_selected(of_type: _Type) -> bool:
    """Return whether the first list of this type selects our label."""
    api_version, kind, namespace = of_type
    return not namespace and kind not in _WHOLE and (api_version, kind) != _NAMESPACES


def ending(cluster: Cluster, key: Key) -> str:
    """Return the server's messages about what a deletion waits for; empty if none exist or they may not be read."""
    if key.kind not in _SAY_WHY:
        return ""
    try:
        found = cluster.find(path_of(key)) or {}
    except ApiError as error:
        if error.status != 403:
            raise
        # The object is known to be Terminating; leave out what it waits for.
        return ""
    return "; ".join([*conditions_of(key.kind, found), *_holders(cluster, key, found)])


def conditions_of(kind: str, item: Mapping[str, Any]) -> list[str]:
    """Return the server's messages in a Namespace or a CRD about what its deletion waits for."""
    return [
        text(condition, "message")
        for condition in parts(item, "status", "conditions")
        if text(condition, "status") == "True" and text(condition, "type") in _SAY_WHY.get(kind, ())
    ]


def _holders(cluster: Cluster, key: Key, crd: Mapping[str, Any]) -> list[str]:
    """Return the objects of a CRD that hold its deletion; the server names those of a Namespace itself."""
    # A late import: most runs find no Terminating CRD.
    from ..objects.finalizers import holders

    served = [version for version in parts(crd, "spec", "versions") if version.get("served")]
    if key.kind != "CustomResourceDefinition" or not served:
        return []
    group, plural = text(crd, "spec", "group"), text(crd, "spec", "names", "plural")
    resource = Resource(group, text(served[0], "name"), plural, text(crd, "spec", "scope") == "Namespaced")
    try:
        items, _version = cluster.list_all(resource, metadata_only=True)
    except ApiError as error:
        if error.status not in (403, 404):
            raise
        return []
    return holders(text(crd, "spec", "names", "kind"), items)
