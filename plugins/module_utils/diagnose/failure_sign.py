# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sign of failure that was found, and the one for what an API server rejects. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..objects.fields import name_of, namespace_of, text
from ..objects.quantities import amount
from ..redaction import redact
from ..rejections.rejection import REQUEST, Rejection, Scene, rejection_of
from .signature import SLOW, Signature


@dataclass(frozen=True)
class FailureSign:
    """A sign that was found. C(uid) is the uid of the object that has it, C(words) are the server's.

    Args:
        run: for a container that exited: its namespace, pod, name, and number of restarts.
        exit_code: of its last run; None if it has not ended.
        needs_nodes: whether it depends on the state of the nodes, which the words do not show.
        is_back_off: whether a pull waits for its next attempt, without the error of the last one.
        rejection: what an API server rejected, if this is a rejected pod.
        scene: where it was rejected.
    """

    signature: Signature
    deployment: str
    uid: str
    words: str
    next_step: str
    run: tuple[str, str, str, int] = ("", "", "", 0)
    exit_code: int | None = None
    needs_nodes: bool = False
    is_back_off: bool = False
    rejection: Rejection | None = None
    scene: Scene = REQUEST

    @property
    def passes(self) -> bool:
        """Return whether the sign may disappear although nobody changes anything in the namespace."""
        return self.rejection is not None and not self.rejection.is_lasting

    def __str__(self) -> str:
        return f"{self.signature.cause}: {self.words}" if self.words else self.signature.cause


# Seconds that a rejection must last: after its cause is removed, it stays in the status until the next attempt, and an
# object that is missing may be created a moment later. Pods that are terminating, which takes 30 s by default, count in
# a quota until they are gone.
_REJECTED, _MISSING, _USED_UP = 3.0, 10.0, 45.0
_MAY_COME = frozenset(
    {
        "service_account_missing",
        "priority_class_missing",
        "runtime_class_missing",
        "security_context_constraint",
        "permission",
        "object_missing",
    }
)


def rejected_objects(owner: Mapping[str, Any], message: str, what: str = "its pods") -> FailureSign:
    """Return the sign that an API server rejects what the controller of an object creates.

    Args:
        owner: the object that is to have them, e.g. a Job.
        message: the message of the controller's event, not redacted.
        what: the rejected objects.
    """
    words = f"{text(owner, 'kind') or 'Job'} {name_of(owner)}: {redact(message).strip()}"
    scene = Scene(what, namespace_of(owner), given=True)
    return rejection_sign(rejection_of(message), scene, text(owner, "metadata", "uid"), words)


def rejection_sign(rejection: Rejection, scene: Scene, uid: str, words: str, deployment: str = "") -> FailureSign:
    """Return the sign for a rejection: certain after a grace period if time does not help, otherwise never."""
    grace = _MISSING if rejection.kind in _MAY_COME else _REJECTED
    if rejection.kind == "quota_exceeded" and not _is_never_enough(rejection.words.get("detail", "")):
        grace = _USED_UP
    known = rejection.kind != "unknown"
    signature = Signature(
        redact(rejection.cause(scene)) if known else f"{scene.what} cannot be created",
        "creation",
        frozenset({"FailedCreate"}),
        redact(rejection.next_step(scene)) if known else "read the controller's message and correct what it names",
        grace=grace if rejection.is_lasting else SLOW,
    )
    return FailureSign(signature, deployment, uid, words, signature.next_step, rejection=rejection, scene=scene)


def _is_never_enough(detail: str) -> bool:
    """Return whether more is requested than a quota allows in total: C(requested: pods=1, used: ..., limited: ...)."""
    found = {
        word: dict(pair.partition("=")[::2] for pair in values.split(","))
        for word, values in re.findall(r"(requested|limited): (\S+?)(?:, |\s|$)", detail)
    }
    for name, value in found.get("requested", {}).items():
        needed, limit = amount(value), amount(found.get("limited", {}).get(name, ""))
        if needed is not None and limit is not None and needed > limit:
            return True
    return False
