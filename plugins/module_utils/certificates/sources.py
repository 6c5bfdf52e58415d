# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the sources of the webhooks' certificates, and decide when to make the kubelet mount one at once. Pure.

Both controllers write their certificate into a Secret that is mounted into their own pod, and wait for the files to
appear (open-policy-agent/cert-controller). The kubelet refreshes a mounted Secret at the next sync of the pod, up to
90 seconds later; any change of the pod's metadata makes it sync immediately.

A pod either waits for its files and is not ready, or it serves older files than the Secret holds. No timestamp reveals
the latter: the start of a pod is by the clock of its node, the last write of a Secret by that of the API server, and
the last sync of the kubelet is not published. But it only matters if the API server does not trust the served
certificate. So the sign is a probe that fails over TLS although the Secret holds a trusted certificate. It costs no
request, and no write if all is well.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..objects.fields import is_terminating, name_of, namespace_of, part, parts
from ..objects.resources import Key
from ..release.bundle import EXTERNAL, Bundle, certificate_secrets
from ..verdicts.pods import is_pod_ready
from ..verdicts.verdict import Verdict
from ..verdicts.workloads import pods_of

# The keys that cert-controller's rotator writes (pkg/rotator: caCertName, caKeyName, certName, keyName).
CERTIFICATE_KEYS = frozenset({"ca.crt", "ca.key", "tls.crt", "tls.key"})
# The keys that the controllers serve (controller-runtime, pkg/certwatcher). A provided Secret needs only these.
_SERVED_KEYS = frozenset({"tls.crt", "tls.key"})
ANNOTATION = "conductor.trainer/certificate-mounted-at"
# One touch may come before the kubelet's own watch has seen the new Secret, so touches are repeated. The controller
# looks for its files at about 0, 1-2, 3-6, 7-14 s, so a touch must not come late either.
TOUCH_INTERVAL = 2.0
# How TLS errors of Go begin in the API server's message about a webhook that it could not call.
_TLS = re.compile(r"\b(x509|tls): ")


@dataclass(frozen=True)
class CertificateSource:
    """The source of a Service's certificate.

    Args:
        needed: the keys that its Secret must have.
        own_authority: whether the controllers created it, so that only C(ca.crt) is trusted.
    """

    secret: str
    service: str
    namespace: str
    needed: frozenset[str]
    own_authority: bool = True

    @property
    def host(self) -> str:
        """Return the name under which the API server calls the Service."""
        return f"{self.service}.{self.namespace}.svc"

    def __str__(self) -> str:
        return f"Secret {self.namespace}/{self.secret}"


def data_keys(metadata: Mapping[str, Any]) -> frozenset[str]:
    """Return the data keys of a Secret or ConfigMap from its managedFields, without reading values."""
    keys: set[str] = set()
    for entry in parts(metadata, "managedFields"):
        keys |= {field[2:] for field in part(entry, "fieldsV1", "f:data") if field.startswith("f:")}
    return frozenset(keys)


def has_certificate(secret: Mapping[str, Any] | None, needed: frozenset[str] = CERTIFICATE_KEYS) -> bool:
    """Return whether a Secret has all keys of a certificate and stays. Its metadata is enough."""
    return secret is not None and not is_terminating(secret) and data_keys(part(secret, "metadata")) >= needed


def needed_keys(bundle: Bundle) -> frozenset[str]:
    """Return the keys that a certificate Secret must have."""
    return _SERVED_KEYS if bundle.certificates == EXTERNAL else CERTIFICATE_KEYS


def sources(bundle: Bundle) -> dict[str, CertificateSource]:
    """Return the source of the certificate behind each webhook configuration, by name.

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
    """Return the names of the Deployments whose pods serve another certificate than their Secrets hold.

    Args:
        proofs: the verdicts on the bundle's webhooks, from calls by the API server.
        good: the Services whose Secrets hold a trusted certificate.
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
    """Yield the Deployments whose pods a Service selects."""
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
    """Return the pods that wait for a certificate that is already in their Secret, or that serve an older one.

    Args:
        deployments: the controllers' Deployments from the bundle.
        pods: the pods of their namespace.
        secrets: the Secrets by name; metadata is enough.
        stale: the names of the Deployments whose pods serve an older certificate.
        needed: the keys that a Secret must have.
    """
    pods = list(pods)
    return [
        Key("v1", "Pod", namespace_of(pod), name_of(pod))
        for deployment in deployments
        if all(has_certificate(secrets.get(name), needed) for name in certificate_secrets(deployment))
        for pod in pods_of(deployment, pods)
        if deployment["metadata"]["name"] in stale or not is_pod_ready(pod)
    ]
