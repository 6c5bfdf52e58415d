# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of a removal: which objects Conductor may delete, and what would break without them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from ..objects.fields import is_terminating, name_of, part, text
from ..objects.resources import Key
from ..ownership.kubectl import kubectl_applied
from ..ownership.owner import mark_of, own_entry, owner_of
from ..ownership.record import Record
from ..plan.plan import Observed
from ..release.recognition import is_jobset, is_trainer, places, speaks_for


def why_not_ours(key: Key, metadata: Mapping[str, Any], record: Record) -> str | None:
    """Why a removal leaves an object; None where Conductor made it.

    The install record tells, by uid. What it does not know was made by a run whose record is lost, if it bears our own
    apply entry: nobody's object is ever applied but one that is ours. A namespace is, so it takes the record's word, or
    that of a run that was cut off.
    """
    entry = record.entries.get(key)
    known = entry if entry is not None and entry.uid == metadata.get("uid") else None
    mark = mark_of(metadata)
    if mark is not None:
        return f"{mark.words} manages it"
    if known is not None:
        return None if known.created else "it existed before Conductor"
    if own_entry(metadata) is None:
        if kubectl_applied(metadata):
            return "kubectl applied it, and Conductor never took it over: kubectl delete -k takes it away"
        return f"it is not Conductor's ({owner_of(metadata)})"
    if key.kind == "Namespace" and key not in record.intent:
        return "no record says that Conductor made it"
    return None


def is_of_conductor(key: Key, metadata: Mapping[str, Any], record: Record) -> bool:
    """Whether Conductor had to do with an object, be it that it only found it there."""
    entry = record.entries.get(key)
    return own_entry(metadata) is not None or (entry is not None and entry.uid == metadata.get("uid"))


def homes(observed: Observed) -> list[str]:
    """The namespaces that may go: those that Conductor made and nobody is deleting."""
    return [
        key.name
        for key, metadata in observed.metadata.items()
        if key.kind == "Namespace"
        and why_not_ours(key, metadata, observed.record) is None
        and not metadata.get("deletionTimestamp")
    ]


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
