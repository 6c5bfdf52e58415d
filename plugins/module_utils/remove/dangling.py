# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stays and needs what goes: webhooks that would be called in vain, controllers of others. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from ..objects.fields import is_terminating, name_of, part, text
from ..ownership.owner import owner_of
from ..release.recognition import is_jobset, is_trainer, places, speaks_for

Item = Mapping[str, Any]
# Component to how its controller is known.
TESTS: Mapping[str, Callable[[Item], bool]] = {"trainer": is_trainer, "jobset": is_jobset}


def is_alive(deployments: Iterable[Item], test: Callable[[Item], bool]) -> bool:
    """Whether a controller is at work, which answers its webhooks and lets go of what it holds."""
    return any(
        test(item) and not is_terminating(item) and int(text(item, "status", "readyReplicas") or "0") > 0
        for item in deployments
    )


def dangling(
    configurations: Iterable[Item], services: Collection[tuple[str, str]], going: Collection[str]
) -> list[str]:
    """What would point to a Service that is no more, a line each.

    Args:
        configurations: every webhook configuration of the cluster, whole.
        services: (namespace, name) of those that go.
        going: the uids of the configurations that go.
    """
    return [
        f"webhook configuration {name_of(configuration)} ({owner_of(part(configuration, 'metadata'))}) points to "
        f"Service {place}, which would go"
        for configuration in configurations
        if text(configuration, "metadata", "uid") not in going
        for place in sorted(places([configuration]))
        if (place.namespace, place.service) in services
    ]


def speakers(configurations: Iterable[Item], group: str, going: Collection[str]) -> list[str]:
    """The webhook configurations that stay and are those of an API group's own controller: whoever has it installed."""
    return sorted(
        name_of(configuration)
        for configuration in configurations
        if speaks_for(configuration, group) and text(configuration, "metadata", "uid") not in going
    )
