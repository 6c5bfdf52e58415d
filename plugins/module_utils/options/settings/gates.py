# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Feature gates of the controllers. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import InputError
from ...release.bundle import Bundle
from ..configuration import edit_config
from ..draft import Controller, Draft
from ..shapes import shown
from ..spec import COMPONENTS, CONTROLLERS, variables_of
from ..words import likely

_NAME = "feature_gates"
TITLES = {"trainer": "Trainer", "jobset": "JobSet"}


def check_gates(draft: Draft, options: Mapping[str, Any]) -> None:
    """Fail if a feature gate is unknown, belongs to another controller, or is neither true nor false.

    Raises:
        InputError: names the gate and the likely one.
    """
    known = {component: gates_of(draft.bundle, component) for component in COMPONENTS}
    every = {gate: component for component in COMPONENTS for gate in known[component]}
    for variable, gates, allowed in variables_of(options, _NAME):
        for gate, value in gates.items():
            if gate not in every:
                raise InputError(
                    f"`{variable}`: no controller of Trainer {draft.bundle.release} has a feature gate "
                    f"{gate}{likely(str(gate), every)}",
                    next_step=f"correct or remove it; the gates are {', '.join(sorted(every))}",
                )
            if every[gate] not in allowed:
                raise InputError(
                    f"`{variable}`: {gate} is a feature gate of {TITLES[every[gate]]}",
                    next_step=f"move it to `conductor_{CONTROLLERS[every[gate]]}.{_NAME}` or to `conductor_{_NAME}`",
                )
            if value is not None and not isinstance(value, bool):
                raise InputError(
                    f"`{variable}`: {gate} is {shown(value)}, and must be true or false", next_step="write one of them"
                )


def gates_of(bundle: Bundle, component: str) -> Mapping[str, Mapping[str, Any]]:
    """Return the feature gates of a controller, each with its default and stage."""
    found: Mapping[str, Mapping[str, Any]] = bundle.configurations[component][_NAME]
    return found


def feature_gates(draft: Draft, controller: Controller, value: Mapping[str, Any]) -> None:
    """Switch those feature gates that this controller has."""
    known = gates_of(draft.bundle, controller.component)
    wanted = {gate: on for gate, on in value.items() if gate in known and on is not None}
    if wanted:
        edit_config(draft, controller, lambda config: config.setdefault("featureGates", {}).update(wanted))
