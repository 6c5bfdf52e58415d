# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what a plan needs to know of the cluster: one list per resource type, metadata only, in parallel."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from ..cluster.client import Cluster
from ..cluster.identity import NAMESPACE
from ..errors import ApiError, missing_permissions
from ..names import INSTALL_RECORD, MANAGED_LABEL
from ..objects.fields import parts
from ..objects.resources import Key, Resource, key_of, path_of, resource_of
from ..ownership.record import Record, read_install_record
from ..release.bundle import Bundle
from ..release.components import is_named_jobset
from .leftovers import look_at_leftovers
from .plan import Observed

_WEBHOOK_KINDS = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
# The conditions of what is Terminating that say what it waits for (kubernetes/api core/v1, NamespaceConditionType;
# apiextensions/v1, CustomResourceDefinitionConditionType).
# Of these a cluster has few, and not only ours matter: all of them are listed.
_WHOLE = (*_WEBHOOK_KINDS, "ClusterTrainingRuntime")
_NAMESPACES = ("v1", "Namespace")
_SAY_WHY = {
    "Namespace": (
        "NamespaceDeletionDiscoveryFailure",
        "NamespaceDeletionContentFailure",
        "NamespaceContentRemaining",
        "NamespaceFinalizersRemaining",
    ),
    "CustomResourceDefinition": ("Terminating",),
}
# apiVersion, kind, and the namespace that is looked into; empty for a type that has none.
_Type: TypeAlias = "tuple[str, str, str]"


def observe(
    cluster: Cluster,
    bundle: Bundle,
    also: Iterable[Key] = (),
    *,
    beside: bool = False,
    prune: bool = True,
    prune_crds: bool = False,
    unrecorded: Callable[[], object] = lambda: None,
) -> Observed:
    """The state of every object of the bundle, and of what an earlier release left.

    Args:
        also: further objects to look for.
        beside: where the record says that somebody else's JobSet is used, that of the release need not be looked for.
        prune: whether to look at what is left at all.
        prune_crds: whether CRDs that are left may go; then somebody has to look whether they are in use.
        unrecorded: called where there turns out to be no install record, while the rest is still to be read.

    Raises:
        RightsError: something may not be read; names every such right, not only the first.
        ApiError, UnreachableError: the server failed.
    """
    look = _Look(cluster, bundle, also, unrecorded)
    look.first(beside)
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
    )


class _Look:
    """The requests of one observation, as many at once as the client has connections.

    Of what a whole cluster has (hundreds of ClusterRoles, say) first what bears our label. Where that is not all that
    is looked for, something is missing, somebody else's, or lost its label: then all of it. Without a record that is
    to be expected, and all of it is asked for at once. Where the server is far away rounds of requests count: in what
    the first one shows not to be there nothing is looked for.
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
        # Namespaces that are not there: nothing is in them.
        self._absent: frozenset[str] = frozenset()
        self._wanted: dict[_Type, set[Key]] = {}
        for key in (*map(key_of, bundle.objects()), *also):
            self._wanted.setdefault((key.api_version, key.kind, key.namespace), set()).add(key)

    def first(self, beside: bool) -> None:
        """Sends them all. See C(observe)."""
        # Webhook configurations first: they are the largest answers.
        whole = [of_type for of_type in self._wanted if of_type[1] in _WHOLE]
        spread = [of_type for of_type in self._wanted if _is_selected(of_type)]
        placed = [of_type for of_type in self._wanted if of_type[2]]
        begun: list[Callable[[], None]] = [self._read_record, self._read_version, self._read_namespaces]
        # What the record has no say in is asked for beside it, as far as connections go.
        beside_it = [*whole, *placed][: max(0, self._cluster.connections - len(begun))]
        begun += [lambda of_type=of_type: self._read_type(of_type, ours=True) for of_type in beside_it]  # type: ignore[misc]
        self._cluster.each(lambda task: task(), begun)
        if not self._is_recorded:
            self._unrecorded()
        rest = [
            of_type
            for of_type in [*spread, *whole, *placed]
            if of_type not in beside_it and of_type[2] not in self._absent
        ]
        self._read_types(rest)
        not_ours = beside and self.record.jobset == "external"
        lacking = {
            key[:3]
            for keys in self._wanted.values()
            for key in keys
            if key not in self.metadata and not (not_ours and is_named_jobset(key.name))
        }
        if self._is_recorded:
            self._read_types([of_type for of_type in spread if of_type in lacking], ours=False)

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
        """The one that stands for the cluster, those that are looked for, and those in which something is."""
        of_type = (*_NAMESPACES, "")
        wanted = {key.name for key in self._wanted.get(of_type, ())}
        names = {NAMESPACE, *wanted, *(namespace for _version, _kind, namespace in self._wanted if namespace)}
        found = self._readable(lambda: self._cluster.namespaces(names), resource_of(*_NAMESPACES))
        if found is None:
            return
        there = {item["metadata"]["name"]: item["metadata"] for item in found}
        self.uid = there[NAMESPACE]["uid"] if NAMESPACE in there else ""
        self.metadata.update({Key(*of_type, name): there[name] for name in wanted & there.keys()})
        self._absent = frozenset(names - there.keys())

    def _read_version(self) -> None:
        self.version = self._cluster.get("/version", step="ask for the version")

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
        """The objects of a type; none where the type itself is not served yet (its CRD is not there)."""
        return (
            self._readable(
                lambda: self._cluster.list_all(resource, namespace or None, **options)[0], resource, namespace
            )
            or []
        )

    def _readable(
        self, ask: Callable[[], list[dict[str, Any]]], resource: Resource, namespace: str = ""
    ) -> list[dict[str, Any]] | None:
        """The answer; None where it may not be read, which is noted, and where nothing of the kind is served."""
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
    """Whether what bears our label is asked for first."""
    api_version, kind, namespace = of_type
    return not namespace and kind not in _WHOLE and (api_version, kind) != _NAMESPACES


def ending(cluster: Cluster, key: Key) -> str:
    """What keeps an object from going, in the server's words; empty where it has none, or they may not be read."""
    if key.kind not in _SAY_WHY:
        return ""
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
