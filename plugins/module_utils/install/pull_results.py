# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The results of a pull proof: its rows, and the error that names what cannot be pulled and what helps. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..diagnose.pull_failures import PULL_REASONS
from ..diagnose.signature import Signature
from ..errors import NotReadyError, listed
from ..objects.fields import text
from .pull_pods import PullPod

FAILED, PLANNED = "failed", "planned"
TIMEOUT = "conductor_pull_proof_timeout"
# The maximum number of next steps in an error.
_NEXT_STEPS = 5
_IMAGES = "`conductor_registries` and `conductor_images` set where the images come from"
_CREDENTIALS = (
    f"{_IMAGES}, `conductor_image_pull_secrets` and `conductor_image_pull_credentials` with which credentials"
)
_POLICY = f"{_IMAGES}, `conductor_image_pull_policy` whether they are pulled"
_PLACEMENT = (
    "`conductor_tolerations`, `conductor_node_selector` and `conductor_affinity` set which nodes accept the pods"
)


@dataclass(frozen=True)
class Unproven:
    """An image that was not shown to be on a node.

    Args:
        pod: as last seen; empty if there is none.
        words: the cause, and the words of kubelet, scheduler or API server; secrets are hidden.
        next_step: what to do; empty if the words say nothing that helps.
        signature: the sign of failure, if that is why.
    """

    wanted: PullPod
    pod: Mapping[str, Any]
    words: str
    next_step: str = ""
    signature: Signature | None = None

    @property
    def node(self) -> str:
        """Return the name of the node; empty if the pod is on none."""
        return text(self.pod, "spec", "nodeName")

    @property
    def is_avoidable(self) -> bool:
        """Return whether those who need the image may do without this architecture: other nodes may take their pods."""
        unplaced = bool(self.pod) and not self.node
        return unplaced or self.wanted.is_choice

    @property
    def line(self) -> str:
        """Return image, architecture, node, and why."""
        return f"{self.wanted.place}{f' on node {self.node}' if self.node else ''}: {self.words}"

    @property
    def notice(self) -> str:
        """Return a sentence for the user if the run goes on."""
        return f"the pull proof shows nothing for the architecture {self.wanted.architecture}: {self.line}"

    @property
    def next_steps(self) -> list[str]:
        """Return what to do, and the variables that decide about it."""
        return [step for step in (self.next_step, self._variables) if step]

    @property
    def _variables(self) -> str:
        if self.pod and not self.node:
            return _PLACEMENT
        reasons = self.signature.reasons if self.signature else frozenset()
        if self.wanted.is_choice or "InvalidImageName" in reasons:
            return _IMAGES
        if "ErrImageNeverPull" in reasons:
            return _POLICY
        return _CREDENTIALS if reasons & PULL_REASONS else ""


def row_of(wanted: PullPod, pod: Mapping[str, Any], outcome: str, seconds: float) -> dict[str, Any]:
    """Return the result for one image on one architecture."""
    return {
        "image": wanted.image,
        "architecture": wanted.architecture,
        "node": text(pod, "spec", "nodeName"),
        "outcome": outcome,
        "seconds": round(seconds, 2),
        "needed_by": list(wanted.needed_by),
    }


def not_proven(found: Sequence[Unproven], step: str, seconds: float | None) -> NotReadyError:
    """Return the error for images that cannot be pulled.

    Args:
        seconds: how long the proof lasted; None if it ended earlier.
    """
    count = "1 image is" if len(found) == 1 else f"{len(found)} images are"
    after = "" if seconds is None else f" after {seconds:.0f} s"
    next_steps = list(dict.fromkeys(step for unproven in found for step in unproven.next_steps))
    # A sign of failure says it by itself.
    silent = seconds is not None and any(unproven.signature is None for unproven in found)
    late = [f"raise `{TIMEOUT}` if the pull is only slow"] if silent else []
    return NotReadyError(
        listed(f"{count} not on a node{after}, and no controller was changed:", [one.line for one in found]),
        step=step,
        next_step="; ".join([*next_steps[:_NEXT_STEPS], *late, "then run this again"]),
    )
