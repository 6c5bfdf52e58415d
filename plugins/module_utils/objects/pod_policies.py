# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Predict what LimitRanges and ResourceQuotas of a namespace do with a pod before it is created. Pure.

As the API server does it: defaults of the API, defaults of the LimitRanges, their limits, then the quotas
(kubernetes: plugin/pkg/admission/limitranger, pkg/quota/v1/evaluator/core/pods.go).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from .fields import name_of, part, parts, text, texts
from .line import Line
from .quantities import amount, in_words

Item = Mapping[str, Any]
Amounts = dict[str, Decimal]
_BOTH = ("requests", "limits")
# The resources that each container has to state, if a quota limits them, and where it states them.
_STATED = {
    "cpu": ("requests", "cpu"),
    "requests.cpu": ("requests", "cpu"),
    "limits.cpu": ("limits", "cpu"),
    "memory": ("requests", "memory"),
    "requests.memory": ("requests", "memory"),
    "limits.memory": ("limits", "memory"),
}
# What decides about the quality of service.
_BASIC = ("cpu", "memory")
_COUNTED = ("pods", "count/pods")


class Pods(NamedTuple):
    """Pods that are alike.

    Args:
        owner: what creates them, e.g. C(Deployment x).
        spec: the spec of a pod.
        number: how many there are.
    """

    owner: str
    spec: Item
    number: int = 1


class Excess(NamedTuple):
    """A limit of a quota that pods exceed.

    Args:
        line: C(subject) names the quota.
        for_good: whether they would exceed it even if nothing else used it.
    """

    line: Line
    for_good: bool


def with_defaults(spec: Item, ranges: Iterable[Item]) -> dict[str, Any]:
    """Return the spec of a pod with the defaults of the API and of the LimitRanges in its containers."""
    done = copy.deepcopy({**spec})
    for container in _containers(done):
        resources = container["resources"] = {**part(container, "resources")}
        for which in _BOTH:
            resources[which] = {**part(resources, which)}
        # A container with a limit and no request requests its limit.
        resources["requests"] = {**resources["limits"], **resources["requests"]}
        for limit_range in ranges:
            for limit in _of_type(limit_range, "Container"):
                highest, lowest = part(limit, "max"), part(limit, "min")
                limits = {**highest, **part(limit, "default")}
                requests = {**lowest, **limits, **part(limit, "defaultRequest")}
                resources["limits"] = {**limits, **resources["limits"]}
                resources["requests"] = {**requests, **resources["requests"]}
    return done


def refused_by_limit_ranges(pods: Pods, ranges: Sequence[Item]) -> list[Line]:
    """Return a line for each limit of a LimitRange that the pods break; C(subject) names the LimitRange."""
    spec = with_defaults(pods.spec, ranges)
    lines = []
    for limit_range in ranges:
        subject = f"LimitRange {name_of(limit_range)}"
        for limit in parts(limit_range, "spec", "limits"):
            details = dict.fromkeys(_broken(limit, spec, pods))
            lines += [Line(f"{subject}: {detail}", subject=subject, detail=detail) for detail in details]
    return lines


def unstated(pods: Pods, quota: Item, ranges: Sequence[Item] = ()) -> list[Line]:
    """Return a line for each resource that a quota requires and that a container does not state."""
    spec = with_defaults(pods.spec, ranges)
    if not _is_in_scope(quota, spec) or part(spec, "resources"):
        return []
    lines = []
    for resource in _hard(quota):
        if resource not in _STATED:
            continue
        which, name = _STATED[resource]
        silent = [text(one, "name") for one in _containers(spec) if not _stated(one, which, name)]
        if silent:
            detail = f"{which}.{name} of container {', '.join(silent)} of {pods.owner}"
            subject = f"ResourceQuota {name_of(quota)}"
            lines.append(Line(f"{subject}: {detail}", subject=subject, detail=detail))
    return lines


def exceeded(
    wanted: Sequence[Pods], quota: Item, ranges: Sequence[Item] = (), objects: Item | None = None
) -> list[Excess]:
    """Return the limits of a quota that these pods would exceed together.

    Args:
        objects: names of resources, e.g. C(configmaps) or C(deployments.apps), to the number of objects to create.
    """
    specs = [
        (pods.number, spec)
        for pods in wanted
        for spec in (with_defaults(pods.spec, ranges),)
        if _is_in_scope(quota, spec)
    ]
    scoped = bool(texts(quota, "spec", "scopes") or parts(quota, "spec", "scopeSelector", "matchExpressions"))
    found = []
    for resource, hard in _hard(quota).items():
        limit, used = amount(str(hard)), amount(text(quota, "status", "used", resource) or "0")
        needed = _needed(resource, specs, {} if scoped else objects or {})
        if limit is None or used is None or not needed or used + needed <= limit:
            continue
        subject = f"ResourceQuota {name_of(quota)}"
        detail = f"{resource} is limited to {hard}: {in_words(used)} used, {in_words(needed)} more needed"
        found.append(Excess(Line(f"{subject}: {detail}", subject=subject, detail=detail), needed > limit))
    return found


def _broken(limit: Item, spec: Item, pods: Pods) -> Iterator[str]:
    """Return in words which parts of a limit the pods break."""
    if text(limit, "type") == "Container":
        for container in _containers(spec):
            who = f"container {text(container, 'name')} of {pods.owner}"
            values = {which: part(container, "resources", which) for which in _BOTH}
            yield from _outside(limit, who, values)
            yield from _above_its_limit(limit, who, values)
    elif text(limit, "type") == "Pod":
        yield from _outside(limit, f"the pod of {pods.owner}", {which: _sum(spec, which) for which in _BOTH})


def _above_its_limit(limit: Item, who: str, values: Item) -> Iterator[str]:
    """A default limit below the request makes the pod invalid."""
    for name, default in {**part(limit, "max"), **part(limit, "default")}.items():
        request, highest = amount(text(values, "requests", name)), amount(text(values, "limits", name))
        if request is not None and highest is not None and request > highest == amount(str(default)):
            yield f"{who} requests {text(values, 'requests', name)} {name}, and its default limit is {default}"


def _outside(limit: Item, who: str, values: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for name, bound in part(limit, "min").items():
        yield from _compared(name, bound, who, values, "minimum", lambda value, least: value < least, ("requests",))
    for name, bound in part(limit, "max").items():
        yield from _compared(name, bound, who, values, "maximum", lambda value, most: value > most, ("limits",))
    for name, bound in part(limit, "maxLimitRequestRatio").items():
        request, highest = (_number(values[which].get(name)) for which in _BOTH)
        most = amount(str(bound))
        if most is None:
            continue
        if not request or not highest:
            missing = "limit" if request else "request"
            yield f"{who} has no {name} {missing}, and the maximum ratio of limit to request is {bound}"
        elif highest / request > most:
            ratio = float(highest / request)
            yield f"{who} has a ratio of {name} limit to request of {ratio:g}, and the maximum is {bound}"


def _compared(
    name: str,
    bound: Any,
    who: str,
    values: Mapping[str, Mapping[str, Any]],
    kind: str,
    breaks: Callable[[Decimal, Decimal], bool],
    needs: tuple[str, ...],
) -> Iterator[str]:
    number = amount(str(bound))
    if number is None:
        return
    for which in _BOTH:
        value = _number(values[which].get(name))
        if value is None and which in needs:
            yield f"{who} has no {name} {which.removesuffix('s')}, and the {kind} is {bound}"
        elif value is not None and breaks(value, number):
            shown = _shown(values[which][name])
            yield f"{who} has a {name} {which.removesuffix('s')} of {shown}, and the {kind} is {bound}"


def _needed(resource: str, specs: Sequence[tuple[int, Item]], objects: Item) -> Decimal:
    if resource in _COUNTED:
        return Decimal(sum(count for count, _spec in specs))
    counted = objects.get(resource.removeprefix("count/"))
    if counted is not None:
        return Decimal(int(counted))
    which, _dot, name = resource.rpartition(".") if resource in _STATED else resource.partition(".")
    if resource in ("cpu", "memory", "ephemeral-storage") or resource.startswith("hugepages-"):
        which, name = "requests", resource
    if which not in _BOTH:
        return Decimal(0)
    return sum((count * _with_overhead(spec, which).get(name, Decimal(0)) for count, spec in specs), Decimal(0))


def _sum(spec: Item, which: str) -> Amounts:
    """Return what a pod requests or is limited to: its containers, or more for an init container."""
    total: Amounts = {}
    sidecars: Amounts = {}
    largest: Amounts = {}
    for container in parts(spec, "containers"):
        _add(total, _amounts(container, which))
    for container in parts(spec, "initContainers"):
        own = _amounts(container, which)
        if text(container, "restartPolicy") == "Always":
            _add(total, own)
            _add(sidecars, own)
            own = dict(sidecars)
        else:
            _add(own, sidecars)
        largest = _larger(own, largest)
    # Values of the pod itself count instead of those of its containers.
    return {**_larger(total, largest), **_values(part(spec, "resources", which))}


def _with_overhead(spec: Item, which: str) -> Amounts:
    total = _sum(spec, which)
    if which == "requests":
        _add(total, _values(part(spec, "overhead")))
    return total


def _amounts(container: Item, which: str) -> Amounts:
    return _values(part(container, "resources", which))


def _values(values: Item) -> Amounts:
    found = {name: amount(str(value)) for name, value in values.items()}
    return {name: value for name, value in found.items() if value is not None}


def _add(total: Amounts, more: Amounts) -> None:
    for name, value in more.items():
        total[name] = total.get(name, Decimal(0)) + value


def _larger(one: Amounts, other: Amounts) -> Amounts:
    return {name: max(one.get(name, Decimal(0)), other.get(name, Decimal(0))) for name in {*one, *other}}


def _number(value: Any) -> Decimal | None:
    return value if value is None or isinstance(value, Decimal) else amount(str(value))


def _shown(value: Any) -> str:
    return in_words(value) if isinstance(value, Decimal) else str(value)


def _stated(container: Item, which: str, name: str) -> bool:
    return amount(text(container, "resources", which, name)) is not None


def _containers(spec: Item) -> list[Any]:
    return [*parts(spec, "containers"), *parts(spec, "initContainers")]


def _of_type(limit_range: Item, kind: str) -> list[Item]:
    return [limit for limit in parts(limit_range, "spec", "limits") if text(limit, "type") == kind]


def _hard(quota: Item) -> Item:
    # The controller copies the spec into the status, and admission reads the status.
    hard = part(quota, "status", "hard") or part(quota, "spec", "hard")
    return {name: limit for name, limit in hard.items() if amount(str(limit)) is not None}


def _is_in_scope(quota: Item, spec: Item) -> bool:
    """Return whether a quota counts such pods."""
    required: list[tuple[str, str, list[str]]] = [(scope, "", []) for scope in texts(quota, "spec", "scopes")] + [
        (text(one, "scopeName"), text(one, "operator"), texts(one, "values"))
        for one in parts(quota, "spec", "scopeSelector", "matchExpressions")
    ]
    return all(_is_matched(scope, operator, values, spec) for scope, operator, values in required)


def _is_matched(scope: str, operator: str, values: Sequence[str], spec: Item) -> bool:
    ends = bool(text(spec, "activeDeadlineSeconds"))
    stated = [part(one, "resources", which) for one in (*_containers(spec), spec) for which in _BOTH]
    # An amount of zero counts as none.
    best_effort = not any(amount(text(values, name)) for values in stated for name in _BASIC)
    priority = text(spec, "priorityClassName")
    if scope == "PriorityClass":
        if operator == "NotIn":
            return priority not in values
        if operator == "DoesNotExist":
            return not priority
        return bool(priority) and (operator != "In" or priority in values)
    answers = {
        "Terminating": ends,
        "NotTerminating": not ends,
        "BestEffort": best_effort,
        "NotBestEffort": not best_effort,
    }
    # An unknown scope, or one that is about affinity: no controller or job of ours is in it.
    return answers.get(scope, False)
