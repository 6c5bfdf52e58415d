# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the controllers' Deployments, one function each. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import InputError
from .draft import Controller, Draft, container_of, pod_of
from .spec import CONTROLLERS

# RFC 1123, subdomain.
_OBJECT_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
Lay = Callable[[Draft, Controller, Any], None]


def tolerations(draft: Draft, controller: Controller, value: list[dict[str, Any]]) -> None:
    """Let the pods run on nodes with these taints."""
    pod_of(draft.edit(controller.deployment))["tolerations"] = value


def node_selector(draft: Draft, controller: Controller, value: dict[str, str]) -> None:
    """Let the pods run only on nodes with these labels."""
    pod_of(draft.edit(controller.deployment))["nodeSelector"] = value


def image_pull_policy(draft: Draft, controller: Controller, value: str) -> None:
    """Set when the nodes pull the image."""
    container_of(draft.edit(controller.deployment))["imagePullPolicy"] = value


def image_pull_secrets(draft: Draft, controller: Controller, value: list[str]) -> None:
    """Let the pods use these Secrets with credentials of registries."""
    for name in value:
        if not _OBJECT_NAME.fullmatch(name):
            raise InputError(
                f"`conductor_image_pull_secrets`: {name} is no name of a Secret",
                next_step="name Secrets in the operator's namespace, or set `conductor_image_pull_credentials`",
            )
    pod_of(draft.edit(controller.deployment))["imagePullSecrets"] = [{"name": name} for name in dict.fromkeys(value)]


# In this order. A test holds that every option of the spec is here.
EFFECTS: dict[str, Lay] = {
    "tolerations": tolerations,
    "node_selector": node_selector,
    "image_pull_policy": image_pull_policy,
    "image_pull_secrets": image_pull_secrets,
}


def lay_controllers(draft: Draft, options: Mapping[str, Any]) -> None:
    """Lay the options of both controllers and of each one."""
    for controller in draft.controllers():
        own = options.get(CONTROLLERS[controller.component]) or {}
        for name, lay in EFFECTS.items():
            value = merged(options.get(name), own.get(name))
            if value is not None:
                with draft.because(f"{CONTROLLERS[controller.component]}.{name}" if name in own else name):
                    lay(draft, controller, value)


def merged(both: Any, own: Any) -> Any:
    """Return the value for one controller: its own instead of the common one, but mappings are merged key by key.

    A null in the controller's own mapping removes the key.
    """
    if not (isinstance(both, Mapping) and isinstance(own, Mapping)):
        return both if own is None else own
    names = [name for name in {**both, **own} if not (name in own and own[name] is None)]
    return {name: merged(both.get(name), own.get(name)) for name in names}
