# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probe webhooks: send dry runs that a webhook must reject, accept or mutate."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ..cluster.client import Cluster
from ..cluster.retry import is_webhook_transport
from ..diagnose.webhook_causes import webhook_cause
from ..errors import ApiError, ConductorError, missing_permissions
from ..objects.resources import key_of, resource_of
from ..release.bundle import Bundle, Probe
from ..rights.required import summed_up, to_probe
from ..verdicts.verdict import State, Verdict

_DENIED = re.compile(r" cannot (create|patch) resource ")


def useful_probes(bundle: Bundle, runtimes: Collection[str]) -> list[Probe]:
    """Return the probes that are possible now.

    Args:
        runtimes: the existing ClusterTrainingRuntimes. Probes that need another one are left out, because the validator
            rejects every TrainJob whose runtime does not exist.
    """
    return [probe for probe in bundle.probes if not probe.needs or probe.needs in runtimes]


def prove_webhooks(cluster: Cluster, bundle: Bundle, probes: Iterable[Probe], *, at_once: bool = True) -> list[Verdict]:
    """Send probes and return a verdict for each.

    Args:
        bundle: the bundle of the probes.
        at_once: use as many connections as the client has; otherwise send one after the other over one connection.

    Raises:
        RightsError: a dry run needs the permission for the real request; names every missing one.
    """
    denied: list[str] = []

    def one(probe: Probe) -> Verdict:
        try:
            return judge(probe, _send(cluster, probe.manifest))
        except ConductorError as error:
            if verb := _denied_verb(error):
                key = key_of(probe.manifest)
                denied.extend(
                    summed_up(
                        right
                        for right in to_probe(bundle)
                        if (right.verb, right.namespace) == (verb, key.namespace)
                        and right.resource == resource_of(key.api_version, key.kind).plural
                    )
                )
            return judge(probe, error)

    verdicts = cluster.each(one, probes) if at_once else list(map(one, probes))
    if denied:
        raise missing_permissions(denied, "probe webhooks", written=True)
    return verdicts


def judge(probe: Probe, answer: Mapping[str, Any] | ConductorError) -> Verdict:
    """Return the verdict on a webhook from the response to a probe."""

    def verdict(state: State, evidence: str, error: ConductorError | None = None) -> Verdict:
        cause, next_step = (webhook_cause(error.message) if error else None) or ("", "")
        said = ": ".join(filter(None, (evidence, cause, error.message if error else "")))
        subject, rule = f"webhook {probe.webhook}", f"probe: {probe.expect}"
        return Verdict(subject, rule, state, said, next_step, name=probe.webhook, is_probe=True)

    if isinstance(answer, ConductorError):
        by_us = f'admission webhook "{probe.webhook}" denied the request' in answer.message
        if probe.expect == "denied" and by_us and probe.says in answer.message:
            return verdict("ready", "rejected an invalid object")
        if is_webhook_transport(answer):
            return verdict("progressing", "it cannot be called", answer)
        if by_us:
            return verdict("progressing", f"it rejected the object for an unexpected reason: {answer.message}")
        if isinstance(answer, ApiError):
            # A namespace without its default ServiceAccount yet, a CRD not served yet, another webhook, ...
            return verdict("progressing", "the probe did not reach it", answer)
        return verdict("unknown", str(answer))
    if probe.expect == "denied":
        return verdict("progressing", "it accepted an invalid object: not active yet")
    missing = [pointer for pointer in probe.adds if not has_pointer(answer, pointer)]
    if missing:
        return verdict("progressing", f"it did not set {', '.join(missing)}: not active yet")
    return verdict("ready", "accepted a valid object" if probe.expect == "allowed" else "set the defaults")


def _send(cluster: Cluster, manifest: dict[str, Any]) -> dict[str, Any]:
    """Send a dry run: a create in the namespace of the probes, or an apply of a cluster-scoped object.

    When the server authorizes an apply it knows the object's name, unlike for a POST. So the permission can be limited
    to this one name.
    """
    if key_of(manifest).namespace:
        return cluster.dry_run_create(manifest, step="probe")
    return cluster.server_side_apply(manifest, dry_run=True, whole_answer=True)


def _denied_verb(error: ConductorError) -> str:
    """Return the verb that the server's authorizer denied; empty otherwise. Admission webhooks answer 403, too."""
    found = _DENIED.search(error.message) if isinstance(error, ApiError) and error.status == 403 else None
    return found[1] if found else ""


def has_pointer(document: Any, pointer: str) -> bool:
    """Return whether a JSON Pointer (RFC 6901) refers to a value."""
    parts: Sequence[str] = pointer.split("/")[1:]
    for part in parts:
        part = part.replace("~1", "/").replace("~0", "~")
        if isinstance(document, Mapping) and part in document:
            document = document[part]
        elif isinstance(document, list) and part.isdigit() and int(part) < len(document):
            document = document[int(part)]
        else:
            return False
    return document is not None
