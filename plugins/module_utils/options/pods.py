# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the pods of the controllers contain, one function for each option. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import InputError
from ..objects.quantities import amount
from .draft import Controller, Draft, container_of, pod_of
from .words import likely

# RFC 1123, subdomain.
_OBJECT_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
_LEVELS = ("debug", "info", "error")
_LOG_LEVEL = "--zap-log-level="
_RESOURCES = dict.fromkeys(("cpu", "memory", "ephemeral-storage"))
_QUANTITY = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?[0-9]{1,2}))?", re.ASCII)


def log_level(draft: Draft, controller: Controller, value: str) -> None:
    """Set how much the controller logs."""
    level = str(value).lower()
    if level == "0":
        # The flag accepts no zero; it has a name.
        level = "info"
    if level not in _LEVELS and not (level.isascii() and level.isdigit() and 0 < int(level) <= 10):
        raise InputError(
            f"{draft.variable} is {value}", next_step=f"set it to a number from 0 to 10, or to {', '.join(_LEVELS)}"
        )
    container = container_of(draft.edit(controller.deployment))
    others = [argument for argument in container["args"] if not argument.startswith(_LOG_LEVEL)]
    container["args"] = [*others, f"{_LOG_LEVEL}{level}"]


def resources(draft: Draft, controller: Controller, value: Mapping[str, Any]) -> None:
    """Merge requests and limits into those of the release; null removes one."""
    before = container_of(draft.look(controller.deployment)).get("resources") or {}
    after: dict[str, dict[str, str]] = {}
    for which in ("requests", "limits"):
        amounts = dict(before.get(which) or {})
        given = value.get(which, {})
        for name, stated in (dict.fromkeys(amounts) if given is None else given).items():
            amounts[name] = stated
            if stated is None:
                del amounts[name]
            else:
                amounts[name] = _checked(name, stated, f"{draft.variable}.{which}")
        if amounts:
            after[which] = amounts
    for name, limit in after.get("limits", {}).items():
        request = after.get("requests", {}).get(name)
        if request is not None and (amount(limit) or 0) < (amount(request) or 0):
            own = (value.get("requests") or {}).get(name) is not None
            raise InputError(
                f"{draft.variable}: the limit of {name} for {controller.component} is {limit}, and its request "
                f"{'' if own else 'in the release '}is {request}",
                next_step=f"raise limits.{name}, or set requests.{name} to at most the limit",
            )
    container_of(draft.edit(controller.deployment))["resources"] = after


def _checked(name: str, stated: Any, where: str) -> str:
    if name not in _RESOURCES and "/" not in name and not name.startswith("hugepages-"):
        raise InputError(
            f"{where} has no resource {name}{likely(name, _RESOURCES)}",
            next_step=f"correct or remove it; the resources are {', '.join(_RESOURCES)}, and extended ones like "
            "example.com/device",
        )
    if not _QUANTITY.fullmatch(str(stated)):
        raise InputError(f"{where}.{name} is {stated}", next_step="write a quantity, e.g. 500m, 2 or 128Mi")
    return str(stated)


def pod_labels(draft: Draft, controller: Controller, value: Mapping[str, str]) -> None:
    """Add labels to the pods, and not to the selectors that find them."""
    before = draft.look(controller.deployment)["spec"]["template"]["metadata"]["labels"]
    _keep(before, value, draft.variable, "by which pods are found")
    for key in draft.of_kind("Service", "Deployment"):
        spec = draft.look(key)["spec"]
        selector = (spec.get("selector") or {}) if key.kind == "Service" else spec["selector"]["matchLabels"]
        if _selects(selector, {**before, **value}) and not _selects(selector, before):
            raise InputError(
                f"{draft.variable} would make the pods of {controller.component} pods of {key}, which finds its own by "
                f"{', '.join(f'{name}={label}' for name, label in selector.items())}",
                next_step=f"leave out {', '.join(name for name in selector if name in value)}",
            )
    draft.edit(controller.deployment)["spec"]["template"]["metadata"]["labels"] = {**before, **value}


def pod_annotations(draft: Draft, controller: Controller, value: Mapping[str, str]) -> None:
    """Add annotations to the pods."""
    before = draft.look(controller.deployment)["spec"]["template"]["metadata"].get("annotations") or {}
    _keep(before, value, draft.variable, "which the release needs")
    draft.edit(controller.deployment)["spec"]["template"]["metadata"]["annotations"] = {**before, **value}


def _keep(before: Mapping[str, Any], added: Mapping[str, str], variable: str, why: str) -> None:
    for name, value in added.items():
        if name in before and before[name] != value:
            raise InputError(f"{variable} changes {name} of the release, {why}", next_step=f"leave {name} out")


def _selects(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    return bool(selector) and all(labels.get(name) == value for name, value in selector.items())


def env(draft: Draft, controller: Controller, value: list[dict[str, Any]]) -> None:
    """Add environment variables to the container."""
    for number, one in enumerate(value):
        if one.get("value") is not None and one.get("valueFrom") is not None:
            raise InputError(
                f"{draft.variable}[{number}] has both value and valueFrom", next_step="remove one of the two"
            )
    container = container_of(draft.edit(controller.deployment))
    container["env"] = _joined(container.get("env") or [], value, "name", draft.variable)


def env_from(draft: Draft, controller: Controller, value: list[dict[str, Any]]) -> None:
    """Add sources of environment variables to the container."""
    for number, one in enumerate(value):
        if sum(one.get(name) is not None for name in ("configMapRef", "secretRef")) != 1:
            raise InputError(
                f"{draft.variable}[{number}] needs one of configMapRef and secretRef", next_step="name one source there"
            )
    container = container_of(draft.edit(controller.deployment))
    container["envFrom"] = [*(container.get("envFrom") or []), *value]


def volumes(draft: Draft, controller: Controller, value: list[dict[str, Any]]) -> None:
    """Add volumes to the pods."""
    for number, one in enumerate(value):
        sources = [name for name, source in one.items() if name != "name" and source is not None]
        if len(sources) != 1:
            raise InputError(
                f"{draft.variable}[{number}] has {' and '.join(sources) or 'no source'}",
                next_step="give each volume one source, e.g. `configMap: {name: company-ca}`",
            )
    pod = pod_of(draft.edit(controller.deployment))
    pod["volumes"] = _joined(pod.get("volumes") or [], value, "name", draft.variable)


def volume_mounts(draft: Draft, controller: Controller, value: list[dict[str, Any]]) -> None:
    """Mount volumes into the container."""
    deployment = draft.edit(controller.deployment)
    container, known = container_of(deployment), {volume["name"]: None for volume in pod_of(deployment)["volumes"]}
    ours = container["volumeMounts"]
    for number, one in enumerate(value):
        where = f"{draft.variable}[{number}]"
        if one["name"] not in known:
            raise InputError(
                f"{where}: there is no volume {one['name']}{likely(one['name'], known)}",
                next_step=f"add it to volumes; there are {', '.join(known)}",
            )
        path = one["mountPath"].rstrip("/")
        hidden = [mount["mountPath"] for mount in ours if not path or f"{path}/".startswith(f"{mount['mountPath']}/")]
        if hidden:
            raise InputError(
                f"{where} would hide {hidden[0]}, which the controller needs", next_step="mount it somewhere else"
            )
    container["volumeMounts"] = _joined(ours, value, "mountPath", draft.variable)


def _joined(
    ours: Iterable[dict[str, Any]], added: Iterable[dict[str, Any]], name: str, variable: str
) -> list[dict[str, Any]]:
    """Return both lists as one, in which each name occurs once."""
    found = {one[name]: one for one in ours}
    release = set(found)
    for one in added:
        if one[name] in found:
            whose = "the release has one of its own" if one[name] in release else "it is there twice"
            raise InputError(f"{variable} has {one[name]}, and {whose}", next_step=f"give it another {name}")
        found[one[name]] = one
    return list(found.values())


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
