# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proof that a webhook does its work: dry runs that it must refuse, let pass or mutate."""

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
    """The probes that can prove something now.

    Args:
        runtimes: the ClusterTrainingRuntimes that exist; probes that need another one are left out, because the
            validator refuses every TrainJob whose runtime is not there.
    """
    return [probe for probe in bundle.probes if not probe.needs or probe.needs in runtimes]


def prove_webhooks(cluster: Cluster, bundle: Bundle, probes: Iterable[Probe], *, at_once: bool = True) -> list[Verdict]:
    """Sends probes, and judges the answers.

    Args:
        bundle: whose probes they are.
        at_once: over as many connections as the client has; else one after the other, over one.

    Raises:
        RightsError: a dry run takes the right to the real thing, and this identity lacks it; names every such right.
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
    """The verdict on one webhook from the answer to one probe."""

    def verdict(state: State, evidence: str, error: ConductorError | None = None) -> Verdict:
        cause, next_step = (webhook_cause(error.message) if error else None) or ("", "")
        said = ": ".join(filter(None, (evidence, cause, error.message if error else "")))
        subject, rule = f"webhook {probe.webhook}", f"probe: {probe.expect}"
        return Verdict(subject, rule, state, said, next_step, name=probe.webhook, is_probe=True)

    if isinstance(answer, ConductorError):
        by_us = f'admission webhook "{probe.webhook}" denied the request' in answer.message
        if probe.expect == "denied" and by_us and probe.says in answer.message:
            return verdict("ready", "refused a bad object")
        if is_webhook_transport(answer):
            return verdict("progressing", "it cannot be called", answer)
        if by_us:
            return verdict("progressing", f"it refused for another reason than expected: {answer.message}")
        if isinstance(answer, ApiError):
            # A namespace without its default ServiceAccount yet, a CRD not served yet, somebody else's webhook, ...
            return verdict("progressing", "the probe did not get through to it", answer)
        return verdict("unknown", str(answer))
    if probe.expect == "denied":
        return verdict("progressing", "it let a bad object pass: it is not in force")
    missing = [pointer for pointer in probe.adds if not has_pointer(answer, pointer)]
    if missing:
        return verdict("progressing", f"it did not set {', '.join(missing)}: it is not in force")
    return verdict("ready", "let a good object pass" if probe.expect == "allowed" else "set its defaults")


def _send(cluster: Cluster, manifest: dict[str, Any]) -> dict[str, Any]:
    """A dry run in the probes' namespace; of a cluster-wide object by an apply.

    When it looks for the right to create, the server knows the name of what is applied, and not of what is posted. So
    the right can be to this one name.
    """
    if key_of(manifest).namespace:
        return cluster.dry_run_create(manifest, step="probe")
    return cluster.server_side_apply(manifest, dry_run=True, whole_answer=True)


def _denied_verb(error: ConductorError) -> str:
    """What the server's authorizer said no to; empty otherwise. Admission answers 403 as well, and other words."""
    found = _DENIED.search(error.message) if isinstance(error, ApiError) and error.status == 403 else None
    return found[1] if found else ""


def has_pointer(document: Any, pointer: str) -> bool:
    """Whether a JSON Pointer (RFC 6901) leads to a value."""
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
