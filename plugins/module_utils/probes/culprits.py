# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replace the verdicts on webhooks that no probe reached by one verdict on what rejects the probes. Pure.

A webhook or a policy of another owner that rejects all requests is not a fault of ours: it is reported once, with its
owner, and none of our webhooks is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..redaction import redact
from ..verdicts.verdict import Verdict
from .probe import ProbeVerdict, own_step

if TYPE_CHECKING:
    from ..rejections.rejection import Rejection, Scene

# The rule of such a verdict: the object is rejected, or a webhook of another owner cannot be called.
REJECTED, UNANSWERED = "admission", "other webhook"


def with_culprits(verdicts: Sequence[Verdict], configurations: Iterable[Mapping[str, Any]]) -> list[Verdict]:
    """Return the verdicts, with one for each culprit instead of those on the webhooks that no probe reached.

    Args:
        configurations: all webhook configurations of the cluster.
    """
    stopped: dict[tuple[str, str], list[ProbeVerdict]] = {}
    others: list[Verdict] = []
    for verdict in verdicts:
        if isinstance(verdict, ProbeVerdict) and verdict.rejection is not None:
            stopped.setdefault((verdict.rejection.kind, verdict.rejection.name), []).append(verdict)
        else:
            others.append(verdict)
    if not stopped:
        return others
    configurations = list(configurations)
    return [*others, *(_culprit(found, configurations) for found in stopped.values())]


def _culprit(found: Sequence[ProbeVerdict], configurations: Sequence[Mapping[str, Any]]) -> Verdict:
    # A late import: in most runs nothing rejects the probes.
    from ..ownership.admission import origin_of

    first = found[0]
    rejection: Rejection = first.rejection  # type: ignore[assignment]
    scene = _scene(found)
    cause, origin = redact(rejection.cause(scene)), origin_of(rejection, configurations)
    evidence = f"{cause}{f' ({origin})' if origin else ''}: {redact(rejection.message)}"
    return Verdict(
        f"probes of {len(found)} webhooks" if len(found) > 1 else f"probe of the {first.subject}",
        UNANSWERED if rejection.is_unanswered else REJECTED,
        first.state,
        evidence,
        own_step(rejection, scene),
        name=rejection.name or "API server",
        brief=cause,
    )


def _scene(found: Iterable[ProbeVerdict]) -> Scene:
    """Return what is rejected: objects of one namespace, or also cluster-scoped ones, which no namespace exempts."""
    from ..rejections.rejection import Scene

    keys = {verdict.sent for verdict in found if verdict.sent}
    namespaces = {key.namespace for key in keys if key.namespace}
    objects = sorted(str(key) for key in keys if not key.namespace)
    if not objects and len(namespaces) == 1:
        return Scene("the test objects", namespaces.pop(), given=True)
    places = [f"the namespace {namespace}" for namespace in sorted(namespaces)]
    return Scene(" and ".join([*places, *objects]) or "the test objects", given=True)
