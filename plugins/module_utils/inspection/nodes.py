# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judge whether the nodes of a cluster accept the controllers and have enough capacity for them. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from ..findings.rules import NOT_READY
from ..objects.fields import is_terminating, is_true, name_of, part, parts, some, text
from ..objects.line import Line, about
from ..objects.quantities import amount, demand, total
from ..release.versions import ARCHITECTURES
from ..verdicts.nodes import is_temporary_taint

_LISTED_TAINTS = 10
_KEEPS_AWAY = ("NoSchedule", "NoExecute")


def by_free_cpu(nodes: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the names of the nodes that accept a pod without tolerations, those with the most CPU first."""
    usable = [node for node in nodes if _refusal(node, ()) == ""]
    return [name_of(node) for node in sorted(usable, key=lambda node: (-_offer(node)["cpu"], name_of(node)))]


def node_facts(
    nodes: Sequence[Mapping[str, Any]] | None,
    count: int,
    pods: Mapping[str, Sequence[Mapping[str, Any]] | None],
    wanted: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Return counts of nodes by kind, and whether the pods that are still to be scheduled fit.

    Args:
        nodes: the nodes that were read; None if they cannot be read.
        count: the number of all nodes.
        pods: node to the pods on it, for some of the nodes; None if they cannot be read.
        wanted: pod templates of the missing Deployments.

    Returns:
        C(capacity) has C(fits), which is False only if every node was checked and none has enough capacity, and None if
        that is unknown.
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
    facts["rejections"] = _some({why for node in nodes if (why := _refusal(node, tolerations))})
    whole = facts["readable"] and len(nodes) >= count
    facts["controllers_to_schedule"] = len(wanted)
    facts["capacity"] = _capacity(usable, pods, wanted, whole)
    # Read only if it decides about a blocker.
    facts["can_scale_up"] = None
    return facts


def _some(rejections: Iterable[str]) -> list[str]:
    """Return the first few reasons. The last line, if it counts the others, is about all of them."""
    shown = some(rejections)
    rest = Line(shown[-1], about=about(*rejections)) if shown else ""
    return [*shown[:-1], rest] if shown and shown[-1] not in rejections else shown


def _capacity(
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
            # Other pods can only reduce the capacity, so False is certain and True is not.
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
    """Return whether all pods fit, placing the largest first, each on the node with the most free CPU."""
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
    """Return why a node accepts no pod with these tolerations; empty if it accepts one."""
    if is_terminating(node):
        return "being deleted"
    if part(node, "spec").get("unschedulable") is True:
        return "cordoned"
    if not is_true(node, "Ready"):
        return Line("not Ready", about=[NOT_READY])
    tolerations = list(tolerations)
    untolerated = [
        taint
        for taint in parts(node, "spec", "taints")
        if text(taint, "effect") in _KEEPS_AWAY and not any(_tolerates(entry, taint) for entry in tolerations)
    ]
    # A taint that stays decides, whatever else passes.
    untolerated.sort(key=lambda taint: is_temporary_taint(text(taint, "key")))
    return next((Line(f"taint {_words(taint)}", about=[text(taint, "key")]) for taint in untolerated), "")


def _tolerates(toleration: Mapping[str, Any], taint: Mapping[str, Any]) -> bool:
    if text(toleration, "effect") not in ("", text(taint, "effect")):
        return False
    if text(toleration, "operator") == "Exists":
        return text(toleration, "key") in ("", text(taint, "key"))
    return text(toleration, "key") == text(taint, "key") and text(toleration, "value") == text(taint, "value")


def _words(taint: Mapping[str, Any]) -> str:
    value = text(taint, "value")
    return f"{text(taint, 'key')}{'=' + value if value else ''}:{text(taint, 'effect')}"
