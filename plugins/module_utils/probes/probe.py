# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probe webhooks: send dry runs that a webhook must reject, accept or mutate."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from ..cluster.client import Cluster
from ..errors import ApiError, ConductorError, missing_permissions
from ..objects.fields import whole_number
from ..objects.line import Line
from ..objects.resources import Key, key_of, resource_of
from ..redaction import redact
from ..release.bundle import Bundle, Probe
from ..verdicts.verdict import State, Verdict

if TYPE_CHECKING:
    from ..rejections.rejection import Rejection, Scene

# The name of a webhook to namespace and name of the Services that it calls; none if they are unknown.
Webhooks: TypeAlias = "Mapping[str, Collection[tuple[str, str]]]"


@dataclass(frozen=True)
class ProbeVerdict(Verdict):
    """The verdict on one webhook of ours.

    Args:
        rejection: what rejected the test object before it reached this webhook; None if nothing of others did.
        sent: the test object.
    """

    rejection: Rejection | None = None
    sent: Key | None = None


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
    ours = webhooks_of(bundle)

    def one(probe: Probe) -> Verdict:
        try:
            return judge(probe, _send(cluster, probe.manifest), ours)
        except ConductorError as error:
            verdict = judge(probe, error, ours)
            # Where our webhook has answered, no permission was missing.
            if not verdict.ready and (verb := _denied_verb(error)):
                denied.extend(_missing(probe, bundle, verb))
            return verdict

    verdicts = cluster.each(one, probes) if at_once else list(map(one, probes))
    if denied:
        raise missing_permissions(denied, "probe webhooks", written=True)
    return verdicts


def _missing(probe: Probe, bundle: Bundle, verb: str) -> list[Line]:
    """Return the permission that a probe was denied."""
    # A late import: most identities have the permissions.
    from ..rights.required import summed_up, to_probe

    key = key_of(probe.manifest)
    return summed_up(
        right
        for right in to_probe(bundle)
        if (right.verb, right.namespace) == (verb, key.namespace)
        and right.resource == resource_of(key.api_version, key.kind).plural
    )


def webhooks_of(bundle: Bundle) -> dict[str, frozenset[tuple[str, str]]]:
    """Return the webhooks of a bundle with their Services, and those of an external JobSet that it probes."""
    found: dict[str, frozenset[tuple[str, str]]] = {probe.webhook: frozenset() for probe in bundle.probes}
    for configuration in bundle.webhook_configurations():
        for webhook in configuration["webhooks"]:
            service = webhook["clientConfig"]["service"]
            found[webhook["name"]] = frozenset({(service["namespace"], service["name"])})
    return found


def judge(probe: Probe, answer: Mapping[str, Any] | ConductorError, ours: Webhooks | None = None) -> ProbeVerdict:
    """Return the verdict on a webhook from the response to a probe.

    Args:
        ours: the webhooks of the release; None if only that of the probe is known.
    """
    sent = key_of(probe.manifest)

    def verdict(
        state: State, evidence: str, said: str = "", next_step: str = "", rejection: Rejection | None = None
    ) -> ProbeVerdict:
        evidence = ": ".join(filter(None, (evidence, said)))
        subject, rule = f"webhook {probe.webhook}", f"probe: {probe.expect}"
        return ProbeVerdict(
            subject=subject,
            rule=rule,
            state=state,
            evidence=evidence,
            next_step=next_step,
            name=probe.webhook,
            is_probe=True,
            rejection=rejection,
            sent=sent,
        )

    if isinstance(answer, ConductorError):
        by_us = f'admission webhook "{probe.webhook}" denied the request' in answer.message
        if probe.expect == "denied" and by_us and probe.says in answer.message:
            return verdict("ready", "rejected an invalid object")
        if by_us:
            return verdict("progressing", f"it rejected the object for an unexpected reason: {redact(answer.message)}")
        if not isinstance(answer, ApiError):
            return verdict("unknown", redact(str(answer)))
        # A late import: most probes get the answer that they expect.
        from ..rejections.rejection import Scene, rejection_of

        scene = Scene("the test object", sent.namespace) if sent.namespace else Scene(f"{sent.kind} {sent.name}")
        shown = redact(answer.message)
        found = rejection_of(answer.message, answer.status, answer.reason)
        is_ours = found.is_of({probe.webhook: frozenset()} if ours is None else ours)
        if found.is_unanswered and is_ours:
            from ..diagnose.webhook_causes import webhook_cause

            cause, next_step = webhook_cause(answer.message) or ("", "")
            if ours and not ours[found.name]:
                # An external JobSet: no install restores it.
                next_step = f"repair {found.called} of the JobSet that another owner manages"
            what = "it cannot be called" if found.name == probe.webhook else f"{found.name} cannot be called"
            return verdict("progressing", what, ": ".join(filter(None, (cause, shown))), next_step)
        if is_ours or not found.is_admission:
            # A CRD is not served yet, the server is busy, another webhook of ours rejects the object, ...
            return verdict("progressing", "the probe did not reach it", shown, own_step(found, scene))
        # A namespace may not have its default ServiceAccount yet, or may be terminating: that passes.
        lasting = found.is_lasting and found.kind not in _PASSING
        said = f"{redact(found.cause(scene))}: {shown}"
        return verdict(
            "failed" if lasting or found.is_called_service_missing else "progressing",
            "the probe did not reach it",
            said,
            own_step(found, scene),
            found if found.kind not in _PASSING else None,
        )
    if probe.expect == "denied":
        return verdict("progressing", "it accepted an invalid object: not active yet")
    missing = [pointer for pointer in probe.adds if not has_pointer(answer, pointer)]
    if missing:
        return verdict("progressing", f"it did not set {', '.join(missing)}: not active yet")
    return verdict("ready", "accepted a valid object" if probe.expect == "allowed" else "set the defaults")


# Rejections that Kubernetes itself ends soon, or that the install ends.
_PASSING = frozenset({"service_account_missing", "namespace_terminating", "namespace_missing", "not_ready_yet"})
_STEPS = {
    "service_account_missing": "wait until the controller manager of the cluster has created the ServiceAccount",
    "namespace_terminating": "wait until the namespace is gone, then run the install, which creates it again",
    "namespace_missing": "run the install, which creates the namespace",
    "type_missing": "run the install, which creates the CRD",
    "pod_security": "keep the Pod Security level that the install sets on the namespace of the probes",
}


def _of_quota(found: Rejection, scene: Scene) -> str:
    if not found.kind.startswith("quota_") or not found.name:
        return ""
    return f"remove the ResourceQuota {found.name} from the namespace {scene.namespace}, in which nothing runs"


def own_step(found: Rejection, scene: Scene) -> str:
    """Return what to do about a rejected test object, which cannot be changed."""
    return _STEPS.get(found.kind) or _of_quota(found, scene) or found.next_step(scene._replace(given=True))


def _send(cluster: Cluster, manifest: dict[str, Any]) -> dict[str, Any]:
    """Send a dry run: a create in the namespace of the probes, or an apply of a cluster-scoped object.

    When the server authorizes an apply it knows the object's name, unlike for a POST. So the permission can be limited
    to this one name.
    """
    if key_of(manifest).namespace:
        return cluster.dry_run_create(manifest, step="probe")
    return cluster.server_side_apply(manifest, dry_run=True, whole_answer=True)


def _denied_verb(error: ConductorError) -> str:
    """Return the verb that the server's authorizer denied; empty otherwise. Admission answers 403, too."""
    if not isinstance(error, ApiError) or error.status != 403:
        return ""
    from ..rejections.rejection import rejection_of

    found = rejection_of(error.message)
    verb = found.words.get("verb", "") if found.kind == "permission" else ""
    return verb if verb in ("create", "patch") else ""


def has_pointer(document: Any, pointer: str) -> bool:
    """Return whether a JSON Pointer (RFC 6901) refers to a value."""
    parts: Sequence[str] = pointer.split("/")[1:]
    for part in parts:
        part = part.replace("~1", "/").replace("~0", "~")
        if isinstance(document, Mapping) and part in document:
            document = document[part]
        elif isinstance(document, list) and (index := whole_number(part)) is not None and index < len(document):
            document = document[index]
        else:
            return False
    return document is not None
