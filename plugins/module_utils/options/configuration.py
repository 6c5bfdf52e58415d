# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Change the configuration of a controller within a draft. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from ..names import CONFIG_HASH
from ..objects.digest import canonical
from .draft import Controller, Draft

# No value of a configuration is that long: none is wrapped.
_WIDTH = 10_000  # pragma: no mutate


def config_of(draft: Draft, controller: Controller) -> dict[str, Any]:
    """Return the parsed configuration of a controller."""
    import yaml

    [content] = draft.look(controller.config_map)["data"].values()
    # Each option parses it, and the loader in C takes a tenth of the time. Both write differently, but read the same.
    found: dict[str, Any] = yaml.load(content, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    return found


def edit_config(draft: Draft, controller: Controller, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the configuration of a controller, and the annotation of its pods that holds the digest of it.

    Args:
        change: edits the parsed configuration. Without an effect, no object is edited.
    """
    # Only some runs change a configuration.
    import yaml

    [name] = draft.look(controller.config_map)["data"]
    before, after = config_of(draft, controller), config_of(draft, controller)
    change(after)
    if after == before:
        return
    data = draft.edit(controller.config_map)["data"]
    # The text of equal values is equal, in whatever order they are given: a second run writes nothing.
    data[name] = yaml.safe_dump(after, default_flow_style=False, width=_WIDTH)
    metadata = draft.edit(controller.deployment)["spec"]["template"]["metadata"]
    # Like the generator of the bundle.
    metadata.setdefault("annotations", {})[CONFIG_HASH] = hashlib.sha256(canonical(data)).hexdigest()
