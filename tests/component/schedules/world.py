# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is on the cluster of a schedule at each moment, and when all of it is good. Pure, and told before it happens.

A facet is one thing that must be good: a CRD, a pod, the caBundle, whether one API server reaches the webhooks. Each
changes at times of its own, so in the end any of them may be the last.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import Key, key_of
from ansible_collections.conductor.trainer.plugins.module_utils.release.bundle import Bundle
from tests.unit.plugins.helpers.builders import (
    CRD,
    DEPLOYMENT,
    NAMESPACE,
    POD,
    SECRET,
    SLICE,
    VALIDATOR,
    api_servers,
    bundle,
    content,
    key,
    obj,
    serving,
)

DEFAULTER = key("MutatingWebhookConfiguration", "defaulter", "admissionregistration.k8s.io/v1")
LEASE = key("Lease", "trainer.kubeflow.org", "coordination.k8s.io/v1", NAMESPACE)
GOOD = "good"
# What each object may be besides good. What is said of a replica has the replica's number in its name.
OBJECT_STATES: Mapping[Key, Sequence[str]] = {
    CRD: ("absent", "new"),
    DEPLOYMENT: ("absent", "stale", "starting"),
    # Whether it is ready its Deployment says.
    POD: ("absent",),
    SLICE: ("absent", "not ready", "stranger"),
    VALIDATOR: ("bare",),
    DEFAULTER: ("bare",),
    SECRET: ("empty",),
    LEASE: ("ghost",),
}
REPLICA_FACETS = ("reaches", "validates", "mutates")
ANSWERS = "answers"


class Change(NamedTuple):
    """One facet becomes something at so many seconds from the start."""

    seconds: float
    facet: str
    state: str


class Event(NamedTuple):
    """One change of an object: C(ADDED), C(MODIFIED) or C(DELETED), at its resourceVersion."""

    seconds: float
    version: int
    kind: str
    key: Key
    item: dict[str, Any]


@dataclass(frozen=True)
class World:
    """All that happens.

    Args:
        replicas: how many API servers there are.
        changes: in order; every facet has at least one, at 0 or before.
    """

    replicas: int
    changes: tuple[Change, ...]

    @cached_property
    def events(self) -> list[Event]:
        """The changes of objects, each at a resourceVersion of its own."""
        versions = iter(range(101, 1_000_000))
        known: dict[str, str] = {}
        events: list[Event] = []
        keys = {str(object_key): object_key for object_key in OBJECT_STATES}
        incarnations: dict[Key, int] = {}
        for change in self.changes:
            before, known[change.facet] = known.get(change.facet), change.state
            object_key = keys.get(change.facet)
            if object_key is None or before == change.state:
                continue
            version = next(versions)
            there = before not in (None, "absent")
            item = object_in(object_key, change.state if change.state != "absent" else "good")
            if not there and change.state != "absent":
                incarnations[object_key] = incarnations.get(object_key, 0) + 1
            if incarnations.get(object_key, 0) > 1:
                # What is made again is another object.
                item["metadata"]["uid"] += f"-{incarnations[object_key]}"
            item["metadata"] |= {"resourceVersion": str(version), "generation": version}
            if "status" in item and object_key == DEPLOYMENT:
                item["status"]["observedGeneration"] = version - (change.state == "stale")
            if change.state == "absent":
                if there:
                    events.append(Event(change.seconds, version, "DELETED", object_key, item))
                continue
            events.append(Event(change.seconds, version, "MODIFIED" if there else "ADDED", object_key, item))
        return events

    def state(self, facet: str, seconds: float) -> str:
        """What a facet is then."""
        found = [change.state for change in self.changes if change.facet == facet and change.seconds <= seconds]
        return found[-1]

    def objects(self, seconds: float) -> tuple[dict[Key, dict[str, Any]], int]:
        """All objects then, and the newest resourceVersion."""
        found = {still: copy.deepcopy(item) for still, item in base().items() if still not in OBJECT_STATES}
        found[key_of(api_servers())] = api_servers(*(f"192.0.2.{number}" for number in range(self.replicas)))
        for still, item in found.items():
            item["metadata"] = {"uid": f"uid-{still.name}", "resourceVersion": "100", **item["metadata"]}
        version = 100
        for event in self.events:
            if event.seconds > seconds:
                break
            version = event.version
            if event.kind == "DELETED":
                found.pop(event.key, None)
            else:
                found[event.key] = event.item
        return found, version

    @cached_property
    def good(self) -> list[tuple[float, float]]:
        """When everything is good: from, to; seconds, the last without an end where it stays so."""
        known: dict[str, str] = {}
        spans: list[tuple[float, float]] = []
        since: float | None = None
        for change in self.changes:
            known[change.facet] = change.state
            if len(known) < len(self.facets):
                continue
            well = all(state == GOOD for state in known.values())
            if well and since is None:
                since = change.seconds
            if not well and since is not None:
                spans.append((since, change.seconds))
                since = None
        return spans + ([(since, float("inf"))] if since is not None else [])

    @cached_property
    def facets(self) -> frozenset[str]:
        """The names of all of them."""
        return frozenset(change.facet for change in self.changes)


def facets_of(replicas: int) -> dict[str, Sequence[str]]:
    """Facet to what it may be besides good."""
    found: dict[str, Sequence[str]] = {str(object_key): states for object_key, states in OBJECT_STATES.items()}
    found[ANSWERS] = ("refuses all", "fails")
    for number in range(replicas):
        found |= {f"{facet} {number}": ("bad",) for facet in REPLICA_FACETS}
    return found


def release() -> Bundle:
    """The small bundle, with a second webhook configuration."""
    small = content()
    hook = copy.deepcopy(small["phases"][3]["objects"][0])
    hook |= {"kind": DEFAULTER.kind, "metadata": {"name": DEFAULTER.name}}
    hook["webhooks"][0]["name"] = "mutate.defaulter"
    small["phases"][3]["objects"].append(hook)
    small["probes"].append(
        {
            "webhook": "mutate.defaulter",
            "configuration": "defaulter",
            "expect": "mutated",
            "adds": ["/spec/defaulted"],
            "object": obj("TrainJob", "good", "trainer.kubeflow.org/v1alpha1", "probe"),
        }
    )
    return bundle(phases=small["phases"], probes=small["probes"])


_BASE: dict[Key, dict[str, Any]] = {}
_MAKING = threading.Lock()


def base() -> dict[Key, dict[str, Any]]:
    """All objects when they are good."""
    # Each connection has a thread, and they may all be the first to ask; a second certificate would fit no caBundle.
    with _MAKING:
        if not _BASE:
            objects = serving(release()).objects
            lease = obj("Lease", LEASE.name, LEASE.api_version, NAMESPACE, spec={"holderIdentity": "manager-1_0"})
            _BASE.update({**objects, LEASE: lease})
    return _BASE


def object_in(object_key: Key, state: str) -> dict[str, Any]:
    """An object as it is in a state."""
    item = copy.deepcopy(base()[object_key])
    metadata = item["metadata"]
    metadata.setdefault("uid", f"uid-{object_key.name}")
    if state == "new":
        item["status"] = {}
    elif state == "starting":
        item["status"]["availableReplicas"] = 0
    elif state == "not ready":
        item["endpoints"][0]["conditions"]["ready"] = False
    elif state == "stranger":
        item["endpoints"][0]["targetRef"] = {"uid": "uid-stranger", "name": "stranger"}
    elif state == "bare":
        del item["webhooks"][0]["clientConfig"]["caBundle"]
    elif state == "empty":
        item["data"] = {}
        metadata["managedFields"] = []
    elif state == "ghost":
        item["spec"]["holderIdentity"] = "manager-0_0"
    return item
