# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sign of permanent failure: how to recognise it, its cause and the next step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SignatureSource = Literal["container", "scheduler", "creation", "deployment"]


@dataclass(frozen=True)
class Signature:
    """A permanent failure and how to recognise it.

    Args:
        cause: the problem, in a few words.
        source: where the sign comes from: the kubelet's status of a container, the scheduler's condition of a pod, the
            rejection of a pod (the Deployment's condition C(ReplicaFailure)), or the Deployment itself.
        reasons: the machine-readable reasons; one of them must be given.
        next_step: what to do; may name C({namespace}), C({deployment}), C({pod}), C({image}), and C({timeout}), the
            variable for the duration of the wait. For a container that exited, the pod is followed by the option of
            kubectl that names the container, if there are several.
        words: a regular expression that must match the unchanged message, ignoring case. Names and URLs of images are
            left out, because they may contain any word.
        but_not: a regular expression that must not match the message.
        if_installed: the next step if it is a pod of a controller: it names the variables that change what an install
            applies; empty if it is the same.
        grace: seconds that the sign must last, because until then it may be temporary. C(SLOW) if it may only be slow:
            it is then never certain, and the next step is reported when the deadline has passed.
        restarts: how often the container must have been restarted, at least once during the wait.
        nodes_help: whether a node that an autoscaler adds would resolve it.
        own_fault: whether it is certain only if the container exited with an error of its own and its log mentions
            nothing that others may still provide.
    """

    cause: str
    source: SignatureSource
    reasons: frozenset[str]
    next_step: str
    words: str = ""
    but_not: str = ""
    grace: float = 0.0
    restarts: int = 0
    nodes_help: bool = False
    own_fault: bool = False
    if_installed: str = ""


SLOW = float("inf")
