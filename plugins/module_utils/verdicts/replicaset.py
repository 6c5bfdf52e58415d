# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a ReplicaSet has its pods, and which ReplicaSet is a Deployment's present one. Pure.

Who refuses pods (a quota, Pod Security, an admission webhook) is told on the ReplicaSet first, by its condition
ReplicaFailure (kubernetes/api apps/v1); the Deployment has it from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..objects.fields import is_terminating, part, parts, text
from .verdict import State, Verdict, count, true_conditions, words_of

_REVISION = "deployment.kubernetes.io/revision"


def replicaset_verdict(name: str, replica_set: Mapping[str, Any] | None) -> Verdict:
    """Ready where its newest generation was seen and all pods it is to have are available."""

    def verdict(state: State, evidence: str, since: str = "", brief: str = "") -> Verdict:
        return Verdict(f"ReplicaSet {name}", "pods", state, evidence, since=since, name=name, brief=brief)

    if replica_set is None:
        return verdict("progressing", "it is not there")
    if is_terminating(replica_set):
        return verdict("progressing", "it is being deleted")
    generation = count(part(replica_set, "metadata").get("generation"))
    status = part(replica_set, "status")
    if not generation or count(status.get("observedGeneration")) < generation:
        return verdict("progressing", "its newest generation was not seen by the ReplicaSet controller yet")
    wanted, there = count(part(replica_set, "spec").get("replicas")), count(status.get("replicas"))
    available = count(status.get("availableReplicas"))
    numbers = f"{there} of {wanted} pods are there, {available} available"
    failure = true_conditions(replica_set).get("ReplicaFailure")
    if failure is not None:
        words = words_of(failure)
        return verdict("progressing", f"{numbers}; {words}", text(failure, "lastTransitionTime"), words)
    return verdict("ready" if wanted and there == available == wanted else "progressing", numbers)


def present_replicaset(
    deployment: Mapping[str, Any], replica_sets: Iterable[Mapping[str, Any]]
) -> Mapping[str, Any] | None:
    """The one that has the Deployment's present revision; None where its controller has not made it."""
    uid, revision = (text(deployment, "metadata", *names) for names in (("uid",), ("annotations", _REVISION)))
    return next(
        (
            item
            for item in replica_sets
            if revision and text(item, "metadata", "annotations", _REVISION) == revision
            if any(owner.get("uid") == uid for owner in parts(item, "metadata", "ownerReferences"))
        ),
        None,
    )
