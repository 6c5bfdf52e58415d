# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the webhooks' certificates come from, and when to make the kubelet mount one at once. Pure.

Both controllers write their certificate into a Secret that is mounted into their own pod, and wait for the files to
appear (open-policy-agent/cert-controller). The kubelet refreshes a mounted Secret at the next sync of the pod, up to
about a minute and a half later; any change of the pod's metadata makes it sync now.

A pod waits for its files, and is not ready, or it serves older ones than the Secret holds. No time tells the latter:
that of a pod's start is its node's, that of a Secret's last write the API server's, and when the kubelet last synced
nobody says. But as long as the API server trusts what the pod shows, it does not matter. So the sign is a proof that
fails over TLS although the Secret holds what would be trusted; it costs no request, and no write where all is well.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..objects.resources import Key
from ..release.bundle import EXTERNAL, Bundle, certificate_secrets
from ..verdicts.verdict import Verdict
from ..verdicts.workloads import is_pod_ready, pods_of

# What cert-controller's rotator writes (pkg/rotator: caCertName, caKeyName, certName, keyName).
CERTIFICATE_KEYS = frozenset({"ca.crt", "ca.key", "tls.crt", "tls.key"})
# What the controllers serve from (controller-runtime, pkg/certwatcher), all that somebody else's Secret must have.
_SERVED_KEYS = frozenset({"tls.crt", "tls.key"})
ANNOTATION = "conductor.trainer/certificate-mounted-at"
# The kubelet remounts from its own watch on the Secret and can lose the race with one touch; the controller looks for
# its files at about 0, 1-2, 3-6, 7-14 s, so a touch must not come late either.
TOUCH_INTERVAL = 2.0
# How Go's TLS begins its errors in what the API server says of a webhook that it could not call.
_TLS = re.compile(r"\b(x509|tls): ")


@dataclass(frozen=True)
class CertificateSource:
    """Where a Service's certificate comes from.

    Args:
        needed: the keys that its Secret must have.
        own_authority: whether the controllers made it, and so trust goes to C(ca.crt) alone.
    """

    secret: str
    service: str
    namespace: str
    needed: frozenset[str]
    own_authority: bool = True

    @property
    def host(self) -> str:
        """The name under which the API server calls it."""
        return f"{self.service}.{self.namespace}.svc"

    def __str__(self) -> str:
        return f"Secret {self.namespace}/{self.secret}"


def data_keys(metadata: Mapping[str, Any]) -> frozenset[str]:
    """The data keys of a Secret or ConfigMap, told from its managedFields: no value is ever read."""
    keys: set[str] = set()
    for entry in metadata.get("managedFields") or []:
        data = (entry.get("fieldsV1") or {}).get("f:data") or {}
        keys |= {field[2:] for field in data if field.startswith("f:")}
    return frozenset(keys)


def has_certificate(secret: Mapping[str, Any] | None, needed: frozenset[str] = CERTIFICATE_KEYS) -> bool:
    """Whether a Secret, known by its metadata, holds a whole certificate."""
    return secret is not None and data_keys(secret.get("metadata") or {}) >= needed


def needed_keys(bundle: Bundle) -> frozenset[str]:
    """The keys that a certificate Secret must have."""
    return _SERVED_KEYS if bundle.certificates == EXTERNAL else CERTIFICATE_KEYS


def sources(bundle: Bundle) -> dict[str, CertificateSource]:
    """Name of each webhook configuration to where the certificate behind it comes from.

    A configuration calls a Service, which selects the pods of a Deployment, which mount a Secret.
    """
    services = {service["metadata"]["name"]: service for service in bundle.objects("Service")}
    found = {}
    for configuration in bundle.webhook_configurations():
        called = configuration["webhooks"][0]["clientConfig"]["service"]
        for deployment in _behind(services.get(called["name"]), bundle.objects("Deployment")):
            for secret in certificate_secrets(deployment):
                found[configuration["metadata"]["name"]] = CertificateSource(
                    secret,
                    called["name"],
                    called["namespace"],
                    needed_keys(bundle),
                    own_authority=bundle.certificates != EXTERNAL,
                )
    return found


def stale_deployments(bundle: Bundle, proofs: Iterable[Verdict], good: Container[str]) -> frozenset[str]:
    """The names of the Deployments whose pods serve something else than their Secrets hold.

    Args:
        proofs: the verdicts on the bundle's webhooks, as they follow from calls by the API server.
        good: the Services whose Secrets hold what would be trusted.
    """
    failed = {proof.name for proof in proofs if proof.is_probe and not proof.ready and _TLS.search(proof.evidence)}
    called = {
        webhook["clientConfig"]["service"]["name"]
        for configuration in bundle.webhook_configurations()
        for webhook in configuration["webhooks"]
        if webhook["name"] in failed
    }
    services = [service for service in bundle.objects("Service") if service["metadata"]["name"] in called]
    return frozenset(
        deployment["metadata"]["name"]
        for service in services
        if service["metadata"]["name"] in good
        for deployment in _behind(service, bundle.objects("Deployment"))
    )


def _behind(service: Mapping[str, Any] | None, deployments: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The Deployments whose pods a Service selects."""
    wanted = ((service or {}).get("spec") or {}).get("selector") or {}
    for deployment in deployments:
        if wanted and wanted.items() <= deployment["spec"]["template"]["metadata"]["labels"].items():
            yield deployment


def pods_to_touch(
    deployments: Iterable[Mapping[str, Any]],
    pods: Iterable[Mapping[str, Any]],
    secrets: Mapping[str, Mapping[str, Any]],
    stale: Container[str] = (),
    needed: frozenset[str] = CERTIFICATE_KEYS,
) -> list[Key]:
    """The pods that wait for a certificate which its Secret already holds, or serve another than that.

    Args:
        deployments: the controllers' Deployments as the bundle has them.
        pods: the pods of their namespace.
        secrets: name to Secret (metadata suffices).
        stale: the names of the Deployments whose pods serve another.
        needed: the keys that a Secret must have.
    """
    pods = list(pods)
    return [
        Key("v1", "Pod", pod["metadata"]["namespace"], pod["metadata"]["name"])
        for deployment in deployments
        if all(has_certificate(secrets.get(name), needed) for name in certificate_secrets(deployment))
        for pod in pods_of(deployment, pods)
        if deployment["metadata"]["name"] in stale or not is_pod_ready(pod)
    ]
