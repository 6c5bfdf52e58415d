# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the machines of a cluster offer to the controllers: which may take them, and whether there is room."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from ..findings.rules import NOT_READY
from ..objects.fields import is_true, name_of, part, parts, some, text
from ..objects.line import Line
from ..objects.quantities import amount, demand, total
from ..release.versions import ARCHITECTURES

_LISTED_TAINTS = 10
_KEEPS_AWAY = ("NoSchedule", "NoExecute")


def by_free_cpu(nodes: Iterable[Mapping[str, Any]]) -> list[str]:
    """The names of the nodes that may take a pod without tolerations, those with most CPU first."""
    usable = [node for node in nodes if _refusal(node, ()) == ""]
    return [name_of(node) for node in sorted(usable, key=lambda node: (-_offer(node)["cpu"], name_of(node)))]


def node_facts(
    nodes: Sequence[Mapping[str, Any]] | None,
    count: int,
    pods: Mapping[str, Sequence[Mapping[str, Any]] | None],
    wanted: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Numbers of nodes and kinds, and whether the pods still to be placed fit.

    Args:
        nodes: the nodes that were read; None if they may not be.
        count: how many there are.
        pods: node to the pods on it, for some of the nodes; None where they may not be read.
        wanted: pod templates of the Deployments that are not there yet.

    Returns:
        C(room) has C(fits) False only where every node was looked into and none has room, None where that is not known.
    """
    facts: dict[str, Any] = {"readable": nodes is not None, "total": count, "inspected": len(nodes or ())}
    nodes = nodes or ()
    tolerations = [entry for template in wanted[:1] for entry in parts(template, "spec", "tolerations")]
    usable = [node for node in nodes if _refusal(node, tolerations) == ""]
    facts["ready"] = sum(is_true(node, "Ready") for node in nodes)
    facts["schedulable"] = len(usable)
    facts["architectures"] = dict(Counter(_architecture(node) for node in nodes))
    facts["supported_architecture"] = any(_architecture(node) in ARCHITECTURES for node in nodes) if nodes else None
    taints = Counter(_words(taint) for node in nodes for taint in parts(node, "spec", "taints"))
    facts["taints"] = dict(sorted(taints.items())[:_LISTED_TAINTS])
    facts["rejections"] = some({why for node in nodes if (why := _refusal(node, tolerations))})
    whole = facts["readable"] and len(nodes) >= count
    facts["controllers_to_schedule"] = len(wanted)
    facts["capacity"] = _room(usable, pods, wanted, whole)
    # Not known before somebody asks.
    facts["can_scale_up"] = None
    return facts


def _room(
    usable: Sequence[Mapping[str, Any]],
    pods: Mapping[str, Sequence[Mapping[str, Any]] | None],
    wanted: Sequence[Mapping[str, Any]],
    whole: bool,
) -> dict[str, Any]:
    demands = sorted((demand(part(template, "spec")) for template in wanted), key=lambda one: -one["cpu"])
    needed = total(demands)
    facts: dict[str, Any] = {
        "cpu": float(needed["cpu"]),
        "memory": int(needed["memory"]),
        "fits": None,
        "free_cpu": None,
    }
    if not demands:
        facts["fits"] = True
        return facts
    free = {}
    for node in usable:
        there = pods.get(name_of(node))
        if there is not None:
            # Pods beside those we can see may only make it less, so a "no" is sure and a "yes" is not a promise.
            taken = total(
                demand(part(pod, "spec")) for pod in there if text(pod, "status", "phase") in ("Pending", "Running")
            )
            offer = _offer(node)
            free[name_of(node)] = {name: offer[name] - taken[name] for name in offer}
    if free:
        facts["free_cpu"] = float(max(one["cpu"] for one in free.values()))
    if _places(demands, free):
        facts["fits"] = True
    elif whole and len(free) == len(usable):
        facts["fits"] = False
    return facts


def _places(demands: Sequence[Mapping[str, Decimal]], free: Mapping[str, Mapping[str, Decimal]]) -> bool:
    """Whether all fit, biggest first and each where most CPU is free."""
    left = {node: dict(amounts) for node, amounts in free.items()}
    for one in demands:
        node = max(
            (node for node, amounts in left.items() if all(amounts[name] >= one[name] for name in one)),
            key=lambda node: left[node]["cpu"],
            default=None,
        )
        if node is None:
            return False
        for name, value in one.items():
            left[node][name] -= value
    return True


def _offer(node: Mapping[str, Any]) -> dict[str, Decimal]:
    return {name: amount(text(node, "status", "allocatable", name)) or Decimal(0) for name in ("cpu", "memory")}


def _architecture(node: Mapping[str, Any]) -> str:
    return text(node, "status", "nodeInfo", "architecture") or text(node, "metadata", "labels", "kubernetes.io/arch")


def _refusal(node: Mapping[str, Any], tolerations: Iterable[Mapping[str, Any]]) -> str:
    """Why a node takes no pod with these tolerations; empty if it does."""
    if part(node, "spec").get("unschedulable") is True:
        return "cordoned"
    if not is_true(node, "Ready"):
        return Line("not Ready", about=[NOT_READY])
    tolerations = list(tolerations)
    for taint in parts(node, "spec", "taints"):
        if text(taint, "effect") in _KEEPS_AWAY and not any(_tolerates(entry, taint) for entry in tolerations):
            return Line(f"taint {_words(taint)}", about=[text(taint, "key")])
    return ""


def _tolerates(toleration: Mapping[str, Any], taint: Mapping[str, Any]) -> bool:
    if text(toleration, "effect") not in ("", text(taint, "effect")):
        return False
    if text(toleration, "operator") == "Exists":
        return text(toleration, "key") in ("", text(taint, "key"))
    return text(toleration, "key") == text(taint, "key") and text(toleration, "value") == text(taint, "value")


def _words(taint: Mapping[str, Any]) -> str:
    value = text(taint, "value")
    return f"{text(taint, 'key')}{'=' + value if value else ''}:{text(taint, 'effect')}"
