# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the controllers' Deployments, each of one function. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from . import placement, pods, ports
from .draft import Controller, Draft
from .settings.config import config
from .settings.gates import feature_gates
from .settings.tls import tls
from .shapes import SHAPES, check_shape
from .spec import CONTROLLERS

Lay = Callable[[Draft, Controller, Any], None]

# In this order: the number of replicas decides about the two options after it. A test holds that every option of the
# spec is here.
EFFECTS: dict[str, Lay] = {
    "host_network": ports.host_network,
    "replicas": placement.replicas,
    "spread": placement.spread,
    "disruption_budget": placement.disruption_budget,
    "tolerations": placement.tolerations,
    "node_selector": placement.node_selector,
    "affinity": placement.affinity,
    "priority_class": placement.priority_class,
    "resources": pods.resources,
    "log_level": pods.log_level,
    "pod_labels": pods.pod_labels,
    "pod_annotations": pods.pod_annotations,
    "env": pods.env,
    "env_from": pods.env_from,
    "volumes": pods.volumes,
    "volume_mounts": pods.volume_mounts,
    "image_pull_policy": pods.image_pull_policy,
    "image_pull_secrets": pods.image_pull_secrets,
    "feature_gates": feature_gates,
    "tls": tls,
    "config": config,
}
# What several replicas get if nothing else is set.
_OF_REPLICAS = {"spread": "node", "disruption_budget": placement.AUTO}
# Nulls in these remove what the release has.
_INTO_THE_RELEASE = frozenset({"resources", "config"})


def lay_controllers(draft: Draft, options: Mapping[str, Any]) -> None:
    """Lay the options of both controllers and of each one.

    Raises:
        InputError: a value cannot be used; names the variable and what is allowed.
    """
    for name in EFFECTS.keys() & options.keys() & SHAPES.keys():
        check_shape(options[name], SHAPES[name], f"conductor_{name}")
    for controller in draft.controllers():
        own = options.get(CONTROLLERS[controller.component]) or {}
        for name in own.keys() & SHAPES.keys():
            check_shape(own[name], SHAPES[name], f"conductor_{CONTROLLERS[controller.component]}.{name}")
        _lay(draft, controller, options, own)
    ports.check_ports(draft)


def _lay(draft: Draft, controller: Controller, options: Mapping[str, Any], own: Mapping[str, Any]) -> None:
    def name_of(option: str) -> str:
        return f"{CONTROLLERS[controller.component]}.{option}" if option in own else option

    for option, lay in EFFECTS.items():
        value, because = merged(options.get(option), own.get(option), nulls=option in _INTO_THE_RELEASE), option
        if value is None and option in _OF_REPLICAS and placement.replicas_of(draft, controller) > 1:
            value, because = _OF_REPLICAS[option], "replicas"
        if option in SHAPES and option not in _INTO_THE_RELEASE:
            value = placement.without_nulls(value)
        if value is not None:
            with draft.because(name_of(because)):
                lay(draft, controller, value)
    if own.get("config"):
        placement.check_election(draft, controller, f"conductor_{name_of('replicas')}")


def merged(both: Any, own: Any, *, nulls: bool = False) -> Any:
    """Return the value for one controller: its own instead of the common one, but mappings are merged key by key.

    A null in the controller's own mapping removes the key.

    Args:
        nulls: keep such a null, because it removes a value of the release, too.
    """
    if not (isinstance(both, Mapping) and isinstance(own, Mapping)):
        return both if own is None else own
    names = [name for name in {**both, **own} if nulls or not (name in own and own[name] is None)]
    return {
        name: None if name in own and own[name] is None else merged(both.get(name), own.get(name), nulls=nulls)
        for name in names
    }
