# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""List the objects in a namespace before it is deleted, because all of them would be deleted with it."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import AnswerError, ApiError
from ..names import INSTALL_LEASE, INSTALL_RECORD
from ..objects.fields import name_of, part, parts, some, text, texts
from ..objects.resources import Resource
from .client import Cluster

_DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
# Objects that controllers derive from others (_DERIVED), or that servers and meshes put into every namespace.
_DERIVED = frozenset(
    {("", "events"), ("events.k8s.io", "events"), ("", "endpoints"), ("discovery.k8s.io", "endpointslices")}
)
_EVERYWHERE = frozenset(
    {
        ("", "serviceaccounts", "default"),
        ("", "configmaps", "kube-root-ca.crt"),
        ("", "configmaps", "openshift-service-ca.crt"),
        ("", "configmaps", "istio-ca-root-cert"),
        ("", "configmaps", INSTALL_RECORD),
        ("coordination.k8s.io", "leases", INSTALL_LEASE),
    }
)
_NOT_LISTED = "the server does not list its resource types"
# Seconds that the garbage collector may take, and seconds between two checks.
_GARBAGE_PATIENCE, _GARBAGE_PAUSE = 30.0, 0.25


@dataclass(frozen=True)
class Item:
    """One object in a namespace."""

    resource: Resource
    name: str
    uid: str
    owners: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.resource} {self.name}"


@dataclass(frozen=True)
class Contents:
    """All objects of a namespace.

    Args:
        unknown: the reasons why the list may be incomplete, as text.
    """

    items: tuple[Item, ...] = ()
    unknown: tuple[str, ...] = ()

    def left(self, going: Collection[str]) -> list[str]:
        """Return the first few objects that would remain, as text, and the reasons why there may be more.

        Args:
            going: the uids of the objects that will be deleted; objects that they own count as deleted too.
        """
        return some(map(str, self._rest(going))) + list(self.unknown)

    def is_garbage(self, going: Collection[str]) -> bool:
        """Return whether only objects without existing owners would remain: the garbage collector deletes them soon.

        A controller may create such objects before it learns that their owner was deleted.
        """
        present = {item.uid for item in self.items}
        rest = self._rest(going)
        return bool(rest) and not self.unknown and all(item.owners and present.isdisjoint(item.owners) for item in rest)

    def _rest(self, going: Collection[str]) -> list[Item]:
        # The Lease goes as well, at the end, and what it owns with it: pods of a run that was killed.
        gone = {*going, *(item.uid for item in self.items if _is_install_lease(item))}
        rest = [item for item in self.items if not _is_everywhere(item)]
        while owned := [item for item in rest if item.uid in gone or gone.intersection(item.owners)]:
            gone |= {item.uid for item in owned}
            rest = [item for item in rest if item not in owned]
        return rest


def read_contents(cluster: Cluster, namespace: str) -> Contents:
    """List the objects of every namespaced resource type. Types that cannot be listed are reported in C(unknown).

    Raises:
        ApiError, UnreachableError: the server failed.
    """
    resources, unknown = _types(cluster)
    answers = cluster.each(lambda resource: _list(cluster, resource, namespace), resources)
    items = tuple(item for found, _problem in answers for item in found)
    return Contents(items, tuple(dict.fromkeys([*unknown, *(problem for _found, problem in answers if problem)])))


def settled_contents(
    cluster: Cluster,
    namespace: str,
    going: Collection[str],
    *,
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Contents:
    """Return C(read_contents) after the garbage collector had time to delete objects without owners.

    Args:
        going: the uids of the objects that will be deleted.
        monotonic, sleep: a clock and a pause, in seconds; injected by tests.
    """
    deadline = monotonic() + _GARBAGE_PATIENCE
    while (contents := read_contents(cluster, namespace)).is_garbage(going) and monotonic() < deadline:
        sleep(_GARBAGE_PAUSE)
    return contents


def _types(cluster: Cluster) -> tuple[list[Resource], list[str]]:
    """Return the deletable namespaced types, each in one version, and the reasons why the list may be incomplete."""
    found, stale = [], []
    for root in ("/api", "/apis"):
        document = cluster.request("GET", root, accept=_DISCOVERY, step="list resource types", subject=root)
        groups = parts(document, "items")
        if document.get("kind") != "APIGroupDiscoveryList" or not all(_is_described(group, root) for group in groups):
            stale.append(_NOT_LISTED)
        for group in groups:
            seen: set[str] = set()
            for version in parts(group, "versions"):
                if text(version, "freshness") == "Stale":
                    stale.append(f"the API {name_of(group)} does not answer")
                found += [
                    Resource(name_of(group), text(version, "version"), text(resource, "resource"), True)
                    for resource in parts(version, "resources")
                    if _counts(name_of(group), resource) and text(resource, "resource") not in seen
                ]
                seen |= {text(resource, "resource") for resource in parts(version, "resources")}
    if not any(resource.group == "" for resource in found):
        stale.append(_NOT_LISTED)
    return found, stale


def _is_described(group: Mapping[str, Any], root: str) -> bool:
    """Return whether discovery describes the types of a group. One that is left out would make a namespace empty."""
    versions = parts(group, "versions")
    return bool(versions and (name_of(group) or root == "/api")) and all(
        text(version, "freshness") == "Stale"
        or (
            text(version, "version") != ""
            and isinstance(version.get("resources"), list)
            and all(text(resource, "resource") and text(resource, "scope") for resource in parts(version, "resources"))
            and len(parts(version, "resources")) == len(version["resources"])
        )
        for version in versions
    )


def _counts(group: str, resource: Mapping[str, Any]) -> bool:
    return (
        text(resource, "scope") == "Namespaced"
        and {"list", "delete"} <= set(texts(resource, "verbs"))
        and (group, text(resource, "resource")) not in _DERIVED
    )


def _list(cluster: Cluster, resource: Resource, namespace: str) -> tuple[Sequence[Item], str]:
    try:
        found, _version = cluster.list_all(resource, namespace)
    except ApiError as error:
        if error.status in (404, 405):
            return (), ""
        if error.status == 403:
            return (), f"missing permission to list {resource} in namespace {namespace}"
        return (), f"{resource} in namespace {namespace} could not be listed: {error.message}"
    except AnswerError as error:
        # An extension API server may serve this type.
        return (), f"{resource} in namespace {namespace} could not be listed: {error.message}"
    return tuple(_items(resource, found)), ""


def _items(resource: Resource, found: Iterable[Mapping[str, Any]]) -> Iterable[Item]:
    for item in found:
        owners = tuple(text(owner, "uid") for owner in parts(part(item, "metadata"), "ownerReferences"))
        yield Item(resource, name_of(item), text(item, "metadata", "uid"), owners)


def _is_install_lease(item: Item) -> bool:
    return (item.resource.plural, item.name) == ("leases", INSTALL_LEASE)


def _is_everywhere(item: Item) -> bool:
    return (item.resource.group, item.resource.plural, item.name) in _EVERYWHERE
