# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds an object that is being deleted, and who has to let go. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .fields import text, texts

# Trainer up to 2.2 holds runtimes with it while any TrainJob uses them (kubeflow/trainer issue 3715).
RUNTIME_FINALIZER = "trainer.kubeflow.org/resource-in-use"

# Sources: kubernetes/api core/v1 and meta/v1 (garbage collection, namespaces), apiextensions/v1 (CRDs), batch/v1.
_HOLDERS = {
    RUNTIME_FINALIZER: "Trainer's controller lets go once no TrainJob uses it",
    "foregroundDeletion": "the garbage collector lets go once what it owns is gone",
    "orphan": "the garbage collector lets go once what it owned is its own",
    "kubernetes": "the namespace controller lets go once nothing is left in it",
    "customresourcecleanup.apiextensions.k8s.io": "the API server lets go once no object of its kind is left",
    "batch.kubernetes.io/job-tracking": "the Job controller lets go",
}


def holds(finalizer: str) -> str:
    """A finalizer, and who has to let go of what it holds."""
    domain = finalizer.partition("/")[0]
    return f"finalizer {finalizer} ({_HOLDERS.get(finalizer, f'whoever works as {domain} has to let go')})"


def held_by(metadata: Mapping[str, Any], said: str = "") -> str:
    """What an object waits for that is Terminating.

    Args:
        said: the server's own words about it, where it has some.
    """
    finalizers = texts(metadata, "finalizers")
    waits = ", ".join(map(holds, finalizers)) or "its grace period, or a kubelet that does not answer"
    since = text(metadata, "deletionTimestamp")
    state = f"is Terminating since {since}, waiting for {waits}" if since else "is still there"
    return f"{state}: {said}" if said else state
