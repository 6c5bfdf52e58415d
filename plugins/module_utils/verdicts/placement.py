# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judge whether a node accepts the pods of a template: its state, taints, nodeSelector and node affinity. Pure.

Room for the pods does not count, nor does where other pods run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..objects.fields import is_terminating, is_true, name_of, part, parts, text, texts, whole_number

ARCHITECTURE = "kubernetes.io/arch"
_KEEPS_AWAY = ("NoSchedule", "NoExecute")


def architectures(nodes: Iterable[Mapping[str, Any]], pod: Mapping[str, Any]) -> list[str]:
    """Return the architectures of the nodes that accept a pod, as their label says; empty if none is known.

    Args:
        pod: the spec of the pod.
    """
    return sorted({text(node, "metadata", "labels", ARCHITECTURE) for node in nodes if accepts(node, pod)} - {""})


def accepts(node: Mapping[str, Any], pod: Mapping[str, Any]) -> bool:
    """Return whether the scheduler may place a pod with this spec on a node."""
    labels = part(node, "metadata", "labels")
    return (
        not is_terminating(node)
        and part(node, "spec").get("unschedulable") is not True
        and is_true(node, "Ready")
        and all(labels.get(name) == value for name, value in part(pod, "nodeSelector").items())
        and _is_near(node, pod)
        and not any(
            text(taint, "effect") in _KEEPS_AWAY and not any(_tolerates(entry, taint) for entry in _tolerations(pod))
            for taint in parts(node, "spec", "taints")
        )
    )


def _tolerations(pod: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return parts(pod, "tolerations")


def _tolerates(toleration: Mapping[str, Any], taint: Mapping[str, Any]) -> bool:
    if text(toleration, "effect") not in ("", text(taint, "effect")):
        return False
    if text(toleration, "operator") == "Exists":
        return text(toleration, "key") in ("", text(taint, "key"))
    return text(toleration, "key") == text(taint, "key") and text(toleration, "value") == text(taint, "value")


def _is_near(node: Mapping[str, Any], pod: Mapping[str, Any]) -> bool:
    """Return whether a node has the required node affinity: one of the terms, and each rule of it."""
    required = part(pod, "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
    if not required:
        return True
    labels = part(node, "metadata", "labels")
    return any(
        (rules or fields)
        and all(_fulfils(labels, rule) for rule in rules)
        and all(_fulfils({"metadata.name": name_of(node)}, rule) for rule in fields)
        for term in parts(required, "nodeSelectorTerms")
        for rules, fields in ((parts(term, "matchExpressions"), parts(term, "matchFields")),)
    )


_OPERATORS: Mapping[str, Callable[[str | None, Sequence[str]], bool]] = {
    "In": lambda value, values: value in values,
    "NotIn": lambda value, values: value not in values,
    "Exists": lambda value, values: value is not None,
    "DoesNotExist": lambda value, values: value is None,
    "Gt": lambda value, values: _compare(value, values) > 0,
    "Lt": lambda value, values: _compare(value, values) < 0,
}


def _fulfils(labels: Mapping[str, Any], rule: Mapping[str, Any]) -> bool:
    # The API server rejects other operators.
    operator = _OPERATORS.get(text(rule, "operator"))
    return operator is not None and operator(labels.get(text(rule, "key")), texts(rule, "values"))


def _compare(value: str | None, values: Sequence[str]) -> int:
    """Return a positive number if a label is greater than the only value, a negative one if it is less."""
    label, limit = whole_number(value or ""), whole_number(values[0] if len(values) == 1 else "")
    return 0 if label is None or limit is None else label - limit
