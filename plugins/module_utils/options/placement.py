# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the pods of the controllers run and how many there are, one function for each option. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import InputError
from ..objects.resources import Key
from .configuration import config_of
from .draft import Controller, Draft, pod_of
from .shapes import CONSTRAINTS, check_shape, shown

MOST_REPLICAS = 5
AUTO, NONE = "auto", "none"
_TOPOLOGIES = {
    "zone": ("topology.kubernetes.io/zone", "kubernetes.io/hostname"),
    "node": ("kubernetes.io/hostname",),
}
_BUDGETS = {"min_available": "minAvailable", "max_unavailable": "maxUnavailable"}


def tolerations(draft: Draft, controller: Controller, value: list[dict[str, Any]]) -> None:
    """Let the pods run on nodes with these taints."""
    for number, toleration in enumerate(value):
        if not toleration.get("key") and toleration.get("operator") != "Exists":
            raise InputError(
                f"{draft.variable}[{number}] has no key, and only the operator Exists works without one",
                next_step="add the key of the taint, or `operator: Exists` to tolerate every taint",
            )
        if toleration.get("operator") == "Exists" and toleration.get("value"):
            raise InputError(
                f"{draft.variable}[{number}] has a value, which the operator Exists does not compare",
                next_step="remove the value, or set the operator to Equal",
            )
    pod_of(draft.edit(controller.deployment))["tolerations"] = value


def node_selector(draft: Draft, controller: Controller, value: dict[str, str]) -> None:
    """Let the pods run only on nodes with these labels."""
    pod_of(draft.edit(controller.deployment))["nodeSelector"] = value


def affinity(draft: Draft, controller: Controller, value: dict[str, Any]) -> None:
    """Set the affinity of the pods."""
    pod_of(draft.edit(controller.deployment))["affinity"] = value


def priority_class(draft: Draft, controller: Controller, value: str) -> None:
    """Set the PriorityClass of the pods."""
    pod_of(draft.edit(controller.deployment))["priorityClassName"] = value


def replicas(draft: Draft, controller: Controller, value: Any) -> None:
    """Run this many pods. One of them works, the others take over when it ends."""
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_REPLICAS:
        raise InputError(
            f"{draft.variable} is {shown(value)}",
            next_step=f"set it to a number from 1 to {MOST_REPLICAS}: one pod works, the others only take over, and "
            "without a pod the webhooks reject every TrainJob",
        )
    draft.edit(controller.deployment)["spec"]["replicas"] = value


def check_election(draft: Draft, controller: Controller, variable: str) -> None:
    """Fail if several pods would work on the same objects.

    Raises:
        InputError: there are several replicas without leader election.
    """
    number = replicas_of(draft, controller)
    election = config_of(draft, controller).get("leaderElection") or {}
    if number > 1 and election.get("leaderElect") is False:
        raise InputError(
            f"{variable}: {number} replicas of {controller.component} without leader election would all work on the "
            "same objects",
            next_step=f"leave leaderElection.leaderElect out of conductor_{controller.component}_controller.config, or "
            f"set {variable} to 1",
        )


def replicas_of(draft: Draft, controller: Controller) -> int:
    """Return the number of pods; 1 if nothing says otherwise."""
    return int(draft.look(controller.deployment)["spec"].get("replicas", 1))


def spread(draft: Draft, controller: Controller, value: Any) -> None:
    """Spread the pods over nodes or zones."""
    if value == NONE:
        return
    labels = {"matchLabels": _selector(draft, controller)}
    if isinstance(value, str) and value in _TOPOLOGIES:
        value = [{"topologyKey": key, "matchLabelKeys": ["pod-template-hash"]} for key in _TOPOLOGIES[value]]
    elif isinstance(value, list):
        check_shape(value, CONSTRAINTS, draft.variable)
    else:
        raise InputError(
            f"{draft.variable} is {shown(value)}",
            next_step=f"set it to one of {', '.join(sorted([*_TOPOLOGIES, NONE]))}, or to a list of topology spread "
            "constraints",
        )
    pod_of(draft.edit(controller.deployment))["topologySpreadConstraints"] = [
        {"maxSkew": 1, "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": labels, **without_nulls(one)}
        for one in value
    ]


def disruption_budget(draft: Draft, controller: Controller, value: Any) -> None:
    """Limit how many pods a drain may end at the same time."""
    number = replicas_of(draft, controller)
    if value == NONE or (value == AUTO and number == 1):
        return
    if value == AUTO:
        value = {"max_unavailable": 1}
    key = Key("policy/v1", "PodDisruptionBudget", controller.deployment.namespace, controller.deployment.name)
    draft.add(
        "access",
        {
            "apiVersion": key.api_version,
            "kind": key.kind,
            "metadata": {"name": key.name, "namespace": key.namespace},
            "spec": {
                **dict(_budget(value, number, draft.variable)),
                "selector": {"matchLabels": _selector(draft, controller)},
                # A pod that is not ready anyway does not keep its node from being drained.
                "unhealthyPodEvictionPolicy": "AlwaysAllow",
            },
        },
    )


def _budget(value: Any, number: int, variable: str) -> Iterator[tuple[str, Any]]:
    """Yield the limit of a budget.

    Raises:
        InputError: it is none, or no node with a pod could be drained.
    """
    allowed = f"set it to {AUTO}, {NONE} or a mapping with one of {' and '.join(_BUDGETS)}"
    if not isinstance(value, Mapping):
        raise InputError(f"{variable} is {shown(value)}", next_step=allowed)
    check_shape(value, dict.fromkeys(_BUDGETS), variable)
    given = [(name, limit) for name, limit in value.items() if limit is not None]
    if len(given) != 1:
        raise InputError(
            f"{variable} has {' and '.join(name for name, _limit in given) or 'no limit'}", next_step=allowed
        )
    [(name, limit)] = given
    pods = _pods(limit, number)
    if pods is None:
        raise InputError(
            f"{variable}.{name} is {shown(limit)}",
            next_step='set it to a number of pods, e.g. 1, or to a percentage, e.g. "50%"',
        )
    left = number - pods if name == "min_available" else pods
    if left < 1:
        raise InputError(
            f"{variable} with {name} {limit} allows none of {number} pods to end: no node with one of them could be "
            "drained",
            next_step="set conductor_replicas to 2 or more and a limit that lets one of them end, or set "
            f"{variable} to {NONE}",
        )
    yield _BUDGETS[name], limit


def _pods(limit: Any, number: int) -> int | None:
    """Return a number of pods, of which Kubernetes rounds percentages up; None if it is not one."""
    if isinstance(limit, str) and limit.endswith("%"):
        share = limit[:-1]
        return -(-int(share) * number // 100) if share.isascii() and share.isdigit() and int(share) <= 100 else None
    return limit if isinstance(limit, int) and not isinstance(limit, bool) and limit >= 0 else None


def without_nulls(value: Any) -> Any:
    """Return a value without the null entries of its mappings."""
    if isinstance(value, Mapping):
        return {name: without_nulls(part) for name, part in value.items() if part is not None}
    return [without_nulls(part) for part in value] if isinstance(value, list) else value


def _selector(draft: Draft, controller: Controller) -> dict[str, str]:
    labels: dict[str, str] = draft.look(controller.deployment)["spec"]["selector"]["matchLabels"]
    return dict(labels)
