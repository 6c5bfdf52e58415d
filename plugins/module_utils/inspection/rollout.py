# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide which pods of the controllers an install brings to the nodes. Pure."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ..names import FIELD_MANAGER
from ..objects.fields import name_of, namespace_of, part, parts, text, whole_number
from ..objects.managed_fields import places, value_at, without
from ..objects.quantities import amount
from ..ownership.kubectl import entries, who
from ..ownership.owner import own_entry
from ..ownership.upstream import remove_field
from ..release.recognition import is_jobset, is_trainer

# What decides where a pod may run.
_OF_PODS = ("nodeSelector", "tolerations", "affinity", "priorityClassName", "hostNetwork")
# Of the replicas, rounded up, if the Deployment says nothing else (kubernetes/api apps/v1).
_SURGE = 25


class ToPlace(NamedTuple):
    """The pods of one Deployment that are still to be scheduled.

    Args:
        deployment: its name.
        spec: the spec of a pod.
        number: how many there are in the end.
        more: how many more than now there are at most.
        surge: whether one of them starts before a present one ends.
        present: the namespace and the labels of the present pods that they replace; None if they replace none.
        new: whether the Deployment does not exist yet.
    """

    deployment: str
    spec: Mapping[str, Any]
    number: int = 1
    more: int = 1
    surge: bool = False
    present: tuple[str, Mapping[str, Any]] | None = None
    new: bool = True


def to_place(wanted: Iterable[Mapping[str, Any]], deployments: Sequence[Mapping[str, Any]] | None) -> list[ToPlace]:
    """Return what an install has to place for these Deployments.

    A controller that another tool installed under another name runs already.

    Args:
        deployments: those that exist.
    """
    found = []
    for manifest in wanted:
        same = [item for item in deployments or () if _is_same(item, manifest)]
        alike = [item for item in deployments or () if _is_alike(item, manifest)]
        if same:
            found += _changed(manifest, same[0])
        elif not alike:
            number = replicas_of(manifest)
            found.append(ToPlace(name_of(manifest), _pod(manifest), number, number))
    return found


def replicas_of(deployment: Mapping[str, Any], default: int = 1) -> int:
    """Return the number of pods that a Deployment wants."""
    number = whole_number(text(deployment, "spec", "replicas"))
    return default if number is None else number


def _changed(manifest: Mapping[str, Any], live: Mapping[str, Any]) -> list[ToPlace]:
    """Return what has to be placed to change a Deployment; nothing if its pods stay."""
    left = _without_own(live, manifest)
    number = replicas_of(manifest, replicas_of(left))
    added = max(0, number - replicas_of(live))
    spec = _with_additions(_pod(manifest), _pod(left))
    template = part(live, "spec", "template")
    if template == part(left, "spec", "template") and _holds(template, part(manifest, "spec", "template")):
        return [ToPlace(name_of(manifest), spec, added, added, new=False)] if added else []
    # During an unfinished update the pods are as many as they may be: one that is not available ends first
    # (kubernetes/kubernetes pkg/controller/deployment/rolling.go).
    surge = _surge(manifest, number) > 0 and (whole_number(text(live, "status", "replicas")) or 0) <= replicas_of(live)
    present = (namespace_of(live), part(live, "spec", "selector", "matchLabels"))
    return [ToPlace(name_of(manifest), spec, number, added + surge, surge, present, new=False)]


def _without_own(live: Mapping[str, Any], manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a Deployment without the fields that the apply of our manifest removes: they are ours alone."""
    metadata = {"managedFields": parts(live, "metadata", "managedFields")}
    fields = _tree(own_entry(metadata), "fieldsV1")
    for entry in entries(metadata) if fields else ():
        if who(entry) != (FIELD_MANAGER, "Apply"):
            fields = without(fields, _tree(entry, "fieldsV1"))
    gone = [path for path in places(fields) if value_at(live, path)[0] and not value_at(manifest, path)[0]]
    if not gone:
        return live
    left = copy.deepcopy(dict(live))
    for path in gone:
        remove_field(left, path)
    return left


def _tree(value: Any, name: str) -> dict[str, Any]:
    """Return a part of an object in which everything is a mapping, without what is none."""
    found = part(value, name)
    return {key: _tree(found, key) for key, below in found.items() if isinstance(below, Mapping)}


def _with_additions(wanted: Mapping[str, Any], live: Mapping[str, Any]) -> dict[str, Any]:
    """Return the spec of a pod with what others added to it, which stays."""
    running = {text(container, "name"): part(container, "resources") for container in parts(live, "containers")}
    containers = []
    for container in parts(wanted, "containers"):
        there = running.get(text(container, "name"), {})
        ours = part(container, "resources")
        amounts = {which: {**part(there, which), **part(ours, which)} for which in ("requests", "limits")}
        containers.append({**container, "resources": amounts})
    added = {name: live[name] for name in _OF_PODS if live.get(name) and not wanted.get(name)}
    return {**wanted, **added, "containers": containers}


def _surge(deployment: Mapping[str, Any], number: int) -> int:
    stated = text(deployment, "spec", "strategy", "rollingUpdate", "maxSurge")
    pods = whole_number(stated)
    share = whole_number(stated.removesuffix("%")) if stated.endswith("%") else _SURGE
    return pods if pods is not None else -(-number * (_SURGE if share is None else share) // 100)


def _is_same(item: Mapping[str, Any], manifest: Mapping[str, Any]) -> bool:
    return name_of(item) == name_of(manifest) and namespace_of(item) == namespace_of(manifest)


def _is_alike(item: Mapping[str, Any], manifest: Mapping[str, Any]) -> bool:
    return (
        name_of(item) == name_of(manifest)
        or (is_trainer(item) and is_trainer(manifest))
        or (is_jobset(item) and is_jobset(manifest))
    )


def _pod(deployment: Mapping[str, Any]) -> Mapping[str, Any]:
    return part(deployment, "spec", "template", "spec")


def _holds(live: Any, wanted: Any) -> bool:
    """Return whether a live value is the wanted one, apart from defaults of the server and additions of others."""
    if not wanted:
        return True
    if isinstance(wanted, Mapping):
        return isinstance(live, Mapping) and all(_holds(live.get(name), value) for name, value in wanted.items())
    if isinstance(wanted, list):
        if not isinstance(live, list):
            return False
        named = {text(one, "name"): one for one in live}
        if all(text(one, "name") for one in wanted):
            return all(_holds(named.get(text(one, "name")), one) for one in wanted)
        return len(live) == len(wanted) and all(_holds(one, other) for one, other in zip(live, wanted, strict=True))
    if live == wanted:
        return True
    # The server writes an amount in another way, e.g. 1 for 1000m.
    amounts = [amount(str(value)) for value in (live, wanted)]
    return None not in amounts and amounts[0] == amounts[1]
