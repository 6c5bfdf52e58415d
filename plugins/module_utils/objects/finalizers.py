# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Explain the finalizers of an object: who removes each of them, and when. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .fields import is_terminating, name_of, namespace_of, some, text, texts

# Trainer up to 2.2 sets it on runtimes while a TrainJob uses them (kubeflow/trainer issue 3715).
RUNTIME_FINALIZER = "trainer.kubeflow.org/resource-in-use"

# Sources: kubernetes/api core/v1 and meta/v1 (garbage collection, namespaces), apiextensions/v1 (CRDs), batch/v1.
_HOLDERS = {
    RUNTIME_FINALIZER: "Trainer's controller removes it when no TrainJob uses the runtime",
    "foregroundDeletion": "the garbage collector removes it when the dependent objects are deleted",
    "orphan": "the garbage collector removes it when the dependent objects have no owner reference",
    "kubernetes": "the namespace controller removes it when the namespace is empty",
    "customresourcecleanup.apiextensions.k8s.io": "the API server removes it when no custom resource remains",
    "batch.kubernetes.io/job-tracking": "the Job controller removes it",
}


def holds(finalizer: str) -> str:
    """Return a finalizer with an explanation of who removes it."""
    domain = finalizer.partition("/")[0]
    return f"finalizer {finalizer} ({_HOLDERS.get(finalizer, f'the controller of {domain} must remove it')})"


def holders(kind: str, items: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the first few of these objects that hold the deletion of their CRD: Terminating ones with finalizers."""
    return some(
        f"{kind} {'/'.join(filter(None, (namespace_of(item), name_of(item))))} ({', '.join(map(holds, finalizers))})"
        for item in items
        for finalizers in (texts(item, "metadata", "finalizers"),)
        if finalizers and is_terminating(item)
    )


def held_by(metadata: Mapping[str, Any], said: str = "") -> str:
    """Return why an object is not deleted yet.

    Args:
        said: the server's own message about it; empty without one.
    """
    finalizers = texts(metadata, "finalizers")
    waits = ", ".join(map(holds, finalizers)) or "its grace period or a kubelet that does not answer"
    since = text(metadata, "deletionTimestamp")
    state = f"is Terminating since {since}, waiting for {waits}" if since else "still exists"
    return f"{state}: {said}" if said else state
