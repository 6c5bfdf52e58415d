# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proof that a webhook does its work: dry runs that it must refuse, let pass or mutate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ._bundle import Bundle, Probe
from ._client import Cluster
from ._errors import ApiError, ConductorError, missing_rights
from ._resources import key_of, resource_of
from ._retry import is_webhook_transport
from ._verdicts import State, Verdict


def prove_webhooks(cluster: Cluster, bundle: Bundle, runtimes: frozenset[str]) -> list[Verdict]:
    """Sends every probe that can prove something now, and judges the answers.

    Args:
        runtimes: the ClusterTrainingRuntimes that exist; probes that need another one are left out, because the
            validator refuses every TrainJob whose runtime is not there.

    Raises:
        RightsError: a dry run takes the right to the real thing, and this identity lacks it; names every such right.
    """
    denied: list[str] = []

    def one(probe: Probe) -> Verdict:
        try:
            return judge(probe, cluster.dry_run_create(probe.manifest, step="probe"))
        except ConductorError as error:
            if _is_denied(error):
                key = key_of(probe.manifest)
                resource = resource_of(key.api_version, key.kind)
                denied.append(f"create {resource}" + (f" in namespace {key.namespace}" if key.namespace else ""))
            return judge(probe, error)

    verdicts = cluster.each(one, [probe for probe in bundle.probes if not probe.needs or probe.needs in runtimes])
    if denied:
        raise missing_rights(denied, "probe webhooks", written=True)
    return verdicts


def judge(probe: Probe, answer: Mapping[str, Any] | ConductorError) -> Verdict:
    """The verdict on one webhook from the answer to one probe."""

    def verdict(state: State, evidence: str) -> Verdict:
        return Verdict(f"webhook {probe.webhook}", f"probe: {probe.expect}", state, evidence)

    if isinstance(answer, ConductorError):
        by_us = f'admission webhook "{probe.webhook}" denied the request' in answer.message
        if probe.expect == "denied" and by_us and probe.says in answer.message:
            return verdict("ready", "refused a bad object")
        if is_webhook_transport(answer):
            return verdict("progressing", f"it cannot be called: {answer.message}")
        if by_us:
            return verdict("progressing", f"it refused for another reason than expected: {answer.message}")
        if isinstance(answer, ApiError):
            # A namespace without its default ServiceAccount yet, a CRD not served yet, somebody else's webhook, ...
            return verdict("progressing", f"the probe did not get through to it: {answer.message}")
        return verdict("unknown", str(answer))
    if probe.expect == "denied":
        return verdict("progressing", "it let a bad object pass: it is not in force")
    missing = [pointer for pointer in probe.adds if not has_pointer(answer, pointer)]
    if missing:
        return verdict("progressing", f"it did not set {', '.join(missing)}: it is not in force")
    return verdict("ready", "let a good object pass" if probe.expect == "allowed" else "set its defaults")


def _is_denied(error: ConductorError) -> bool:
    """Whether the server's authorizer said no. Admission answers 403 as well, and other words."""
    return isinstance(error, ApiError) and error.status == 403 and " cannot create resource " in error.message


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
