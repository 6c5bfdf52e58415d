# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Explain at the deadline why a pod of a TrainJob has not started: by its status, else by the events of its kubelet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..cluster.client import Cluster
from ..diagnose.event_causes import event_cause
from ..diagnose.events import last_warning
from ..diagnose.failures import start_failures
from ..objects.fields import name_of
from ..redaction import redact
from ..verdicts.pods import is_being_made

# Pods of one TrainJob mostly have the same trouble, so the events of a few are enough.
_ASKED = 3


def why_not_started(cluster: Cluster, pods: Sequence[Any], namespace: str) -> tuple[str, str]:
    """Return why a pod has not started, and the next step; both empty if neither its status nor its events show it."""
    for failure in start_failures(pods, namespace):
        return str(failure), failure.next_step
    for pod in [pod for pod in pods if is_being_made(pod)][:_ASKED]:
        words = last_warning(cluster, namespace, pod)
        if found := event_cause(words, weak=False, installed=False):
            return f"pod {name_of(pod)}: {found[0]}: {redact(words)}", found[1]
    return "", ""
