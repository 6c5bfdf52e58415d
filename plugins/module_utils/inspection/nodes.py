# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judge whether the nodes of a cluster accept the controllers and have enough capacity for them. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from ..objects.fields import is_true, name_of, namespace_of, part, parts, some, text
from ..objects.line import Line, about
from ..objects.quantities import amount, demand, total
from ..release.versions import ARCHITECTURES
from .placement import refusal, taint_words
from .rollout import ToPlace

_LISTED_TAINTS = 10
# The priority of the classes that Kubernetes creates itself.
SYSTEM_CLASSES = {"system-cluster-critical": 2_000_000_000, "system-node-critical": 2_000_001_000}
_HIGHEST, _LOWEST = 2**31, -(2**31)


class _Pod(NamedTuple):
    """A pod on a node, or one to place there."""

    demand: Mapping[str, Decimal]
    ports: frozenset[str]
    priority: int = 0
    place: str = ""
    labels: Mapping[str, Any] = {}


def by_free_cpu(nodes: Iterable[Mapping[str, Any]], wanted: Sequence[ToPlace] = ()) -> list[str]:
    """Return the names of the nodes that accept one of these pods, those with the most CPU first."""
    specs = [one.spec for one in wanted] or [{}]
    usable = [node for node in nodes if any(refusal(node, spec) == "" for spec in specs)]
    return [name_of(node) for node in sorted(usable, key=lambda node: (-_offer(node)["cpu"], name_of(node)))]


def node_facts(
    nodes: Sequence[Mapping[str, Any]] | None,
    count: int,
    pods: Mapping[str, Sequence[Mapping[str, Any]] | None],
    wanted: Sequence[ToPlace],
    classes: Mapping[str, Mapping[str, Any] | None] | None = None,
) -> dict[str, Any]:
    """Return counts of nodes by kind, and whether the pods that are still to be scheduled fit.

    Args:
        nodes: the nodes that were read; None if they cannot be read.
        count: the number of all nodes.
        pods: node to the pods on it, for some of the nodes; None if they cannot be read.
        wanted: the pods that are still to be scheduled.
        classes: PriorityClasses by name; None if one cannot be read.

    Returns:
        C(capacity) has C(fits), which is False only if every node was checked and none has enough capacity, and None if
        that is unknown.
    """
    facts: dict[str, Any] = {"readable": nodes is not None, "total": count, "inspected": len(nodes or ())}
    nodes = nodes or ()
    specs = [one.spec for one in wanted] or [{}]
    refusals = [[refusal(node, spec) for node in nodes] for spec in specs]
    # The controller that the fewest nodes accept.
    hardest = max(refusals, key=lambda found: sum(map(bool, found)))
    facts["ready"] = sum(is_true(node, "Ready") for node in nodes)
    facts["schedulable"] = sum(not why for why in hardest)
    facts["architectures"] = dict(Counter(_architecture(node) for node in nodes))
    facts["supported_architecture"] = any(_architecture(node) in ARCHITECTURES for node in nodes) if nodes else None
    taints = Counter(taint_words(taint) for node in nodes for taint in parts(node, "spec", "taints"))
    facts["taints"] = dict(sorted(taints.items())[:_LISTED_TAINTS])
    facts["rejections"] = _some({why for why in hardest if why})
    facts["refused"] = [
        {"deployment": one.deployment, "rejections": _some(set(found))}
        for one, found in zip(wanted, refusals, strict=False)
        if all(found)
    ]
    facts["controllers_to_schedule"] = len(wanted)
    whole = facts["readable"] and len(nodes) >= count
    accepting = [
        {name_of(node) for node, why in zip(nodes, found, strict=True) if not why} for found in refusals[: len(wanted)]
    ]
    facts["capacity"] = _capacity(_rooms(nodes, pods, accepting), accepting, wanted, classes or {}, whole)
    # Read only if it decides about a blocker.
    facts["can_scale_up"] = None
    return facts


def _some(rejections: Iterable[str]) -> list[str]:
    """Return the first few reasons. The last line, if it counts the others, is about all of them."""
    shown = some(rejections)
    rest = Line(shown[-1], about=about(*rejections)) if shown else ""
    return [*shown[:-1], rest] if shown and shown[-1] not in rejections else shown


class _Room(NamedTuple):
    """What a node offers, and the pods on it."""

    offer: Mapping[str, Decimal]
    pods: Sequence[_Pod]

    def free(self, floor: int = _LOWEST) -> dict[str, Decimal]:
        """Return what the node has left for a pod that displaces pods below this priority."""
        taken = total(pod.demand for pod in self.pods if pod.priority >= floor)
        return {name: self.offer[name] - taken[name] for name in self.offer}


def _rooms(
    nodes: Iterable[Mapping[str, Any]],
    pods: Mapping[str, Sequence[Mapping[str, Any]] | None],
    accepting: Iterable[Collection[str]],
) -> dict[str, _Room]:
    """Return the nodes that accept a pod and whose pods are known."""
    usable = set().union(*accepting)
    return {
        name_of(node): _Room(_offer(node), [_present(pod) for pod in there if _counts(pod)])
        for node in nodes
        if name_of(node) in usable
        for there in (pods.get(name_of(node)),)
        if there is not None
    }


def _capacity(
    rooms: Mapping[str, _Room],
    accepting: Sequence[Collection[str]],
    wanted: Sequence[ToPlace],
    classes: Mapping[str, Mapping[str, Any] | None],
    whole: bool,
) -> dict[str, Any]:
    asked = [_Pod(demand(one.spec), _ports(one.spec), _floor(one.spec, classes)) for one in wanted]
    # Of one kind with the nodes that accept it, the largest first.
    places = sorted(
        ((pod, nodes) for one, pod, nodes in zip(wanted, asked, accepting, strict=True) for _each in range(one.number)),
        key=lambda place: -place[0].demand["cpu"],
    )
    needed = total(pod.demand for pod, _nodes in places)
    facts: dict[str, Any] = {
        "cpu": float(needed["cpu"]),
        "memory": int(needed["memory"]),
        "fits": None,
        "free_cpu": None,
        "updates": [],
        "host_ports": [],
    }
    if not places:
        facts["fits"] = True
        return facts
    if rooms:
        facts["free_cpu"] = float(max(room.free()["cpu"] for room in rooms.values()))
    # In the end the present pods that are replaced are gone; before that, one more pod has to fit beside them.
    later = {name: _without(room, wanted) for name, room in rooms.items()}
    fits = _places(places, later)
    crowded = [
        one.deployment
        for one, pod, nodes in zip(wanted, asked, accepting, strict=True)
        if one.surge and not _places([(pod, nodes)], rooms)
    ]
    if fits and not crowded:
        facts["fits"] = True
    elif whole and set(rooms) >= set().union(*accepting):
        # Other pods can only reduce the capacity, so False is certain and True is not.
        facts["fits"] = False
        facts["updates"] = crowded if fits else []
        if not fits and _places([(pod._replace(ports=frozenset()), nodes) for pod, nodes in places], later):
            facts["host_ports"] = sorted(set().union(*(pod.ports for pod in asked)))
    return facts


def _places(places: Sequence[tuple[_Pod, Collection[str]]], rooms: Mapping[str, _Room]) -> bool:
    """Return whether all pods fit, placing each on the node with the most free CPU."""
    left = {name: _Room(room.offer, list(room.pods)) for name, room in rooms.items()}
    for pod, nodes in places:
        fitting = {
            name: free["cpu"]
            for name, room in left.items()
            if name in nodes
            for free in (room.free(pod.priority),)
            if all(free[resource] >= pod.demand[resource] for resource in pod.demand)
            if not any(pod.ports & other.ports for other in room.pods if other.priority >= pod.priority)
        }
        if not fitting:
            return False
        name = max(fitting, key=lambda name: fitting[name])
        # What was placed is never displaced.
        left[name] = _Room(left[name].offer, [*left[name].pods, pod._replace(priority=_HIGHEST)])
    return True


def _without(room: _Room, wanted: Iterable[ToPlace]) -> _Room:
    """Return a node without the pods that are replaced."""
    ending = [one.present for one in wanted if one.present]
    stay = [
        pod
        for pod in room.pods
        if not any(pod.place == place and labels.items() <= pod.labels.items() for place, labels in ending)
    ]
    return _Room(room.offer, stay)


def _floor(spec: Mapping[str, Any], classes: Mapping[str, Mapping[str, Any] | None]) -> int:
    """Return the priority of a pod to place: pods below it give way. The highest if the class is not known."""
    name = text(spec, "priorityClassName")
    if not name or name in SYSTEM_CLASSES:
        return SYSTEM_CLASSES.get(name, 0)
    known = classes.get(name)
    value = part(known).get("value")
    if not known or not isinstance(value, int):
        return _HIGHEST
    return _LOWEST if text(known, "preemptionPolicy") == "Never" else value


def _present(pod: Mapping[str, Any]) -> _Pod:
    spec = part(pod, "spec")
    priority = spec.get("priority")
    return _Pod(
        demand(spec),
        _ports(spec),
        priority if isinstance(priority, int) else 0,
        namespace_of(pod),
        part(pod, "metadata", "labels"),
    )


def _ports(spec: Mapping[str, Any]) -> frozenset[str]:
    """Return the ports of its node that a pod uses."""
    field = "containerPort" if spec.get("hostNetwork") is True else "hostPort"
    return frozenset(
        f"{number}/{text(port, 'protocol') or 'TCP'}"
        for container in parts(spec, "containers")
        for port in parts(container, "ports")
        for number in (text(port, field),)
        if number
    )


def _counts(pod: Mapping[str, Any]) -> bool:
    return text(pod, "status", "phase") in ("Pending", "Running")


def _offer(node: Mapping[str, Any]) -> dict[str, Decimal]:
    return {name: amount(text(node, "status", "allocatable", name)) or Decimal(0) for name in ("cpu", "memory")}


def _architecture(node: Mapping[str, Any]) -> str:
    return text(node, "status", "nodeInfo", "architecture") or text(node, "metadata", "labels", "kubernetes.io/arch")
