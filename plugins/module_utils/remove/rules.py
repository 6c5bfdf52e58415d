# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide which objects an uninstall may delete, and what would break without them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from ..cluster.namespace_contents import Contents
from ..objects.fields import is_terminating, name_of, part, text
from ..objects.resources import Key
from ..ownership.kubectl import kubectl_applied
from ..ownership.owner import mark_of, own_entry, owner_of
from ..ownership.record import Record
from ..plan.plan import Observed
from ..release.bundle import Bundle
from ..release.recognition import is_jobset, is_trainer, is_webhook_of, places
from ..verdicts.verdict import count


def why_not_ours(key: Key, metadata: Mapping[str, Any], record: Record) -> str | None:
    """Return why an uninstall retains an object; None if Conductor created it.

    The install record decides, by uid. If the record does not know the object, our managedFields entry decides, because
    we apply only our own objects: a run whose record was lost created it. Namespaces are an exception: a namespace is
    applied even if it existed before. It needs an entry in the record, or the intent of an interrupted run.
    """
    entry = record.entries.get(key)
    known = entry if entry is not None and entry.uid == metadata.get("uid") else None
    mark = mark_of(metadata)
    if mark is not None:
        return f"it is managed by {mark.words}"
    if known is not None:
        return None if known.created else "it existed before Conductor"
    if own_entry(metadata) is None:
        if kubectl_applied(metadata):
            return (
                "it was applied by kubectl and never taken over by Conductor: delete it by its name with kubectl "
                "delete (with -k, kubectl would delete the CRDs and with them every TrainJob)"
            )
        return f"it is managed by another owner ({owner_of(metadata)})"
    if key.kind == "Namespace" and key not in record.intent:
        return "no record shows that Conductor created it"
    return None


def is_of_conductor(key: Key, metadata: Mapping[str, Any], record: Record) -> bool:
    """Return whether Conductor has applied an object, even if it did not create it."""
    entry = record.entries.get(key)
    return own_entry(metadata) is not None or (entry is not None and entry.uid == metadata.get("uid"))


def needs_record(key: Key, metadata: Mapping[str, Any], bundle: Bundle) -> bool:
    """Return whether a later uninstall would not recognise an object of Conductor without the install record."""
    return not bundle.is_of_release(key) or why_not_ours(key, metadata, Record()) is not None


def why_not_empty(contents: Contents, going: Collection[str]) -> str:
    """Return why a namespace is retained: the objects in it, and what may be in it; empty if it can be deleted."""
    left = contents.left(going)
    if not left:
        return ""
    about = "it is not empty: " if len(left) > len(contents.unknown) else "it may not be empty: "
    return f"{about}{', '.join(left)}; run the uninstall again once this is resolved"


def homes(observed: Observed) -> list[str]:
    """Return the namespaces that may be deleted: Conductor created them and they are not Terminating."""
    return [
        key.name
        for key, metadata in observed.metadata.items()
        if key.kind == "Namespace"
        and why_not_ours(key, metadata, observed.record) is None
        and not metadata.get("deletionTimestamp")
    ]


Item = Mapping[str, Any]
# Component to the test that recognises its controller.
TESTS: Mapping[str, Callable[[Item], bool]] = {"trainer": is_trainer, "jobset": is_jobset}


def is_alive(deployments: Iterable[Item], test: Callable[[Item], bool]) -> bool:
    """Return whether a controller is running: only then it answers its webhooks and removes its finalizers."""
    return any(
        test(item) and not is_terminating(item) and count(part(item, "status").get("readyReplicas")) > 0
        for item in deployments
    )


def dangling(
    configurations: Iterable[Item], services: Collection[tuple[str, str]], going: Collection[str]
) -> list[str]:
    """Return a line for each webhook configuration that would refer to a deleted Service.

    Args:
        configurations: every webhook configuration of the cluster, complete.
        services: (namespace, name) of the Services to delete.
        going: the uids of the configurations to delete.
    """
    return [
        f"webhook configuration {name_of(configuration)} ({owner_of(part(configuration, 'metadata'))}) points to "
        f"Service {place}, which would be deleted"
        for configuration in configurations
        if text(configuration, "metadata", "uid") not in going
        for place in sorted(places([configuration]))
        if (place.namespace, place.service) in services
    ]


def speakers(configurations: Iterable[Item], group: str, going: Collection[str]) -> list[str]:
    """Return the remaining webhook configurations of an API group's own controller, whoever installed it."""
    return sorted(
        name_of(configuration)
        for configuration in configurations
        if is_webhook_of(configuration, group) and text(configuration, "metadata", "uid") not in going
    )
