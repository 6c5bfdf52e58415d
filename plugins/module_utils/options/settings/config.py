# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings that are merged into the configuration of a controller. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..configuration import edit_config
from ..draft import Controller, Draft
from ..ports import follow_ports
from ..spec import CONTROLLERS
from .gates import TITLES
from .keys import Configurable, Path, settings_of
from .rules import check_setting, check_whole


def config(draft: Draft, controller: Controller, value: Mapping[str, Any]) -> None:
    """Merge settings into the configuration; null removes one of the release.

    Raises:
        InputError: the controller would not start with them, or Conductor relies on what they change.
    """
    bundle, component = draft.bundle, controller.component
    about = Configurable(
        f"{TITLES[component]} {bundle.components[component]}",
        f"conductor_{CONTROLLERS[component]}.config",
        bundle.configurations[component]["keys"],
    )

    def change(present: dict[str, Any]) -> None:
        for path, setting in list(settings_of(value, about, present)):
            check_setting(path, setting, about, present)
            _put(present, path, setting)
        check_whole(present, about)

    edit_config(draft, controller, change)
    follow_ports(draft, controller)


def _put(config: dict[str, Any], path: Path, value: Any) -> None:
    *sections, name = path
    for section in sections:
        if not isinstance(config.get(section), dict):
            config[section] = {}
        config = config[section]
    if isinstance(value, dict):
        for item, below in value.items():
            _put(config, (name, item), below)
    elif value is None:
        config.pop(name, None)
    else:
        config[name] = value
