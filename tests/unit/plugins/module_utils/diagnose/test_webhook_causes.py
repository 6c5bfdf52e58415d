# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.diagnose.webhook_causes import (
    WEBHOOK_CAUSES,
    webhook_cause,
)

SERVICE = "kubeflow-trainer-controller-manager.kubeflow-system.svc"
CALL = (
    'Internal error occurred: failed calling webhook "validator.trainjob.trainer.kubeflow.org": '
    "failed to call webhook: "
    f'Post "https://{SERVICE}:443/validate-trainer-kubeflow-org-v1alpha1-trainjob?timeout=10s": '
)
# In the order of the catalogue: a message of an API server, and words of the cause.
SAID: list[tuple[str, str]] = [
    (CALL + "proxyconnect tcp: dial tcp 10.0.0.1:3128: connect: connection timed out", "through a proxy"),
    (CALL + 'no endpoints available for service "kubeflow-trainer-controller-manager"', "has no ready pod behind it"),
    (
        CALL + 'service "jobset-webhook-service" not found',
        "jobset-webhook-service that the webhook points to is missing",
    ),
    (CALL + 'no service port 443 found for service "jobset-webhook-service"', "does not have the port 443"),
    (CALL + "dial tcp 10.96.57.135:443: connect: connection refused", "nothing listens"),
    (CALL + "dial tcp 10.244.0.9:9443: connect: no route to host", "cannot be reached"),
    (CALL + "Address is not allowed", "cannot call the addresses of pods"),
    (CALL + "No agent available", "no tunnel to the nodes"),
    (CALL + "dial tcp: lookup hooks.example.com on 10.0.0.2:53: no such host", "hooks.example.com"),
    (CALL + "tls: failed to verify certificate: x509: certificate signed by unknown authority", "not signed by the CA"),
    (
        CALL + f"tls: failed to verify certificate: x509: certificate is valid for proxy.example.com, not {SERVICE}",
        f"without the name {SERVICE}:",
    ),
    (
        CALL
        + "tls: failed to verify certificate: x509: certificate relies on legacy Common Name field, use SANs instead",
        "has no Service among",
    ),
    (
        CALL
        + "x509: certificate has expired or is not yet valid: current time 2026-01-01T00:00:00Z is before 2026-01-02",
        "not valid yet",
    ),
    (
        CALL
        + "x509: certificate has expired or is not yet valid: current time 2026-01-03T00:00:00Z is after 2026-01-02",
        "has expired",
    ),
    (CALL + "unable to load root certificates: unable to parse bytes as PEM block", "is not a certificate"),
    (CALL + "http: server gave HTTP response to HTTPS client", "does not use TLS"),
    (CALL + "remote error: tls: internal error", "handshake fails"),
    (CALL + "context deadline exceeded", "no answer in time"),
    (CALL + "the server could not find the requested resource", "does not know this webhook"),
    (CALL + "EOF", "was closed"),
    (
        CALL + "expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got /, Kind=",
        "is not an admission webhook",
    ),
    (CALL + 'an error on the server ("") has prevented the request from succeeding', "answers with an error"),
]
MORE = [
    # Kubernetes 1.32 and earlier.
    (CALL + 'endpoints "jobset-webhook-service" not found', "jobset-webhook-service has no ready pod"),
    (CALL + "proxyconnect tcp: dial tcp 10.0.0.1:3128: connect: connection refused", "through a proxy"),
    (CALL + "proxyconnect tcp: tls: first record does not look like a TLS handshake", "through a proxy"),
    (CALL + "net/http: TLS handshake timeout", "handshake fails"),
    (
        CALL + "x509: cannot validate certificate for 10.0.0.1 because it doesn't contain any IP SANs",
        "has no Service among",
    ),
    (CALL + "invalid character '<' looking for beginning of value", "is not an admission webhook"),
    (
        CALL + f"x509: certificate is not valid for any names, but wanted to match {SERVICE}",
        f"without the name {SERVICE}:",
    ),
    (CALL + "x509: ECDSA verification failure", "not signed by the CA"),
    (CALL + "tls: first record does not look like a TLS handshake", "does not use TLS"),
    (CALL + "dial tcp 10.96.0.9:443: i/o timeout", "no answer in time"),
    (CALL + "net/http: request canceled while waiting for connection (Client.Timeout exceeded)", "no answer in time"),
    (CALL + "write tcp 172.18.0.2:57062->10.96.57.135:443: write: broken pipe", "was closed"),
    (
        CALL + "proxy error from 127.0.0.1:6443 while dialing 10.42.0.5:9443, code 502: 502 Bad Gateway",
        "no tunnel to the nodes",
    ),
    (CALL + "http: server closed idle connection", "was closed"),
    (CALL + "read tcp 10.0.0.1:1->10.0.0.2:2: read: connection reset by peer", "was closed"),
    (CALL + "Webhook response was absent", "is not an admission webhook"),
    (CALL + "the server is currently unable to handle the request", "answers with an error"),
]


@pytest.mark.parametrize(("message", "cause"), SAID + MORE)
def test_a_message_has_a_cause_and_a_next_step(message: str, cause: str) -> None:
    found = webhook_cause(message)
    assert found is not None
    assert cause in found[0]
    assert found[1]
    assert "{" not in "".join(found)


def test_every_entry_is_matched_first_by_its_message() -> None:
    assert len(SAID) == len(WEBHOOK_CAUSES)
    for (message, _words), entry in zip(SAID, WEBHOOK_CAUSES, strict=True):
        first = next(other for other in WEBHOOK_CAUSES if _fits(other.words, message))
        assert first is entry, message


def _fits(words: str, message: str) -> bool:
    return re.search(words, message, re.IGNORECASE | re.DOTALL) is not None


def test_unknown_messages_have_no_cause() -> None:
    assert webhook_cause("something new") is None
    assert webhook_cause("") is None
