# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide which nodes accept a pod, as the scheduler does: readiness, taints, labels. Pure.

Only what keeps a pod away for certain counts (kubernetes, pkg/scheduler/framework/plugins: nodeunschedulable,
tainttoleration, nodeaffinity).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..findings.rules import NOT_READY
from ..objects.fields import is_terminating, is_true, name_of, part, parts, text, texts
from ..objects.line import Line
from ..verdicts.nodes import is_temporary_taint

ARCHITECTURE = "kubernetes.io/arch"
_KEEPS_AWAY = ("NoSchedule", "NoExecute")
_CORDONED = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def refusal(node: Mapping[str, Any], pod: Mapping[str, Any]) -> str:
    """Return why a node does not accept a pod with this spec; empty if it accepts it."""
    if is_terminating(node):
        return "being deleted"
    tolerations = parts(pod, "tolerations")
    if part(node, "spec").get("unschedulable") is True and not _is_tolerated(_CORDONED, tolerations):
        return "cordoned"
    if not is_true(node, "Ready"):
        return Line("not Ready", about=[NOT_READY])
    if why := _mismatch(node, pod):
        return why
    untolerated = [
        taint
        for taint in parts(node, "spec", "taints")
        if text(taint, "effect") in _KEEPS_AWAY and not _is_tolerated(taint, tolerations)
    ]
    # A taint that stays decides, whatever else passes.
    untolerated.sort(key=lambda taint: is_temporary_taint(text(taint, "key")))
    return next((Line(f"taint {taint_words(taint)}", about=[text(taint, "key")]) for taint in untolerated), "")


def architectures(nodes: Iterable[Mapping[str, Any]], pod: Mapping[str, Any]) -> list[str]:
    """Return the architectures of the nodes that accept a pod, as their label says; empty if none is known.

    Args:
        pod: the spec of the pod.
    """
    accepting = [node for node in nodes if not refusal(node, pod)]
    return sorted({text(node, "metadata", "labels", ARCHITECTURE) for node in accepting} - {""})


def taint_words(taint: Mapping[str, Any]) -> str:
    """Return a taint as kubectl writes it."""
    value = text(taint, "value")
    return f"{text(taint, 'key')}{'=' + value if value else ''}:{text(taint, 'effect')}"


def _is_tolerated(taint: Mapping[str, Any], tolerations: list[Mapping[str, Any]]) -> bool:
    return any(_tolerates(entry, taint) for entry in tolerations)


def _tolerates(toleration: Mapping[str, Any], taint: Mapping[str, Any]) -> bool:
    if text(toleration, "effect") not in ("", text(taint, "effect")):
        return False
    operator = text(toleration, "operator")
    if operator == "Exists":
        return text(toleration, "key") in ("", text(taint, "key"))
    if text(toleration, "key") != text(taint, "key"):
        return False
    if operator in ("Lt", "Gt"):
        return _compared(operator, text(taint, "value"), text(toleration, "value"))
    return text(toleration, "value") == text(taint, "value")


def _mismatch(node: Mapping[str, Any], pod: Mapping[str, Any]) -> str:
    """Return which labels the pod requires that the node does not have; empty if it has all of them."""
    labels = part(node, "metadata", "labels")
    missing = [f"{name}={value}" for name, value in part(pod, "nodeSelector").items() if labels.get(name) != value]
    if missing:
        return f"without the label {', '.join(missing)}"
    required = part(pod, "affinity", "nodeAffinity", _REQUIRED)
    if required and not any(_matches(node, term) for term in parts(required, "nodeSelectorTerms")):
        return "not in the node affinity"
    return ""


def _matches(node: Mapping[str, Any], term: Mapping[str, Any]) -> bool:
    """Return whether a node is in a term of a node affinity. An empty term matches nothing."""
    labels, fields = parts(term, "matchExpressions"), parts(term, "matchFields")
    return bool(labels or fields) and all(
        _OPERATORS.get(text(one, "operator"), _nothing)(values.get(text(one, "key")), texts(one, "values"))
        for ones, values in ((labels, part(node, "metadata", "labels")), (fields, {"metadata.name": name_of(node)}))
        for one in ones
    )


def _nothing(value: Any, values: list[str]) -> bool:
    del value, values
    return False


def _compared(operator: str, value: Any, than: Any) -> bool:
    try:
        number, bound = int(str(value)), int(str(than))
    except ValueError:
        return False
    return number > bound if operator == "Gt" else number < bound


_OPERATORS: dict[str, Callable[[Any, list[str]], bool]] = {
    "In": lambda value, values: value in values,
    "NotIn": lambda value, values: value not in values,
    "Exists": lambda value, values: value is not None,
    "DoesNotExist": lambda value, values: value is None,
    "Gt": lambda value, values: len(values) == 1 and _compared("Gt", value, values[0]),
    "Lt": lambda value, values: len(values) == 1 and _compared("Lt", value, values[0]),
}
