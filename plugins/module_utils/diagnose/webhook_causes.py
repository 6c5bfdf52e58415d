# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The causes of failed webhook calls: the server's error → cause → next step. Pure.

Sources of the messages: kubernetes/apiserver pkg/admission/plugin/webhook (errors.go, generic), pkg/util/webhook, and
Go's net, net/http, crypto/tls and crypto/x509, which they quote. What other webhooks, policies and rules reject is in
C(rejections/catalogue.py).
"""

from __future__ import annotations

from .causes import KnownCause, cause_in

_PORT = (
    "allow the control plane to connect to TCP port 9443 of the controllers' pods: check firewall rules, security "
    "groups and NetworkPolicies"
)
_ROTATION = "wait for the controller to write its CA again; if it does not, search its log for cert-rotation"
_ANNOTATIONS = "by `pod_annotations` in `conductor_trainer_controller` and `conductor_jobset_controller`"
_POD = "read the log of the controller behind the Service"
_SLICES = "check which pods the Service selects: `kubectl -n kubeflow-system get endpointslices`"

# The first match counts.
WEBHOOK_CAUSES: tuple[KnownCause, ...] = (
    # A proxy may fail with the words of any other failure, so it comes first.
    KnownCause(
        r"proxyconnect|Proxy Authentication Required",
        "the API server sends the call through a proxy",
        "add .svc and the address ranges of Services and pods to NO_PROXY of the API server",
    ),
    # -- nothing answers -------------------------------------------------------------------------------------
    KnownCause(
        r'no endpoints available for service "?([\w.-]+)"?|endpoints "([\w.-]+)" not found',
        "the Service {0}{1} has no ready pod behind it",
        "check its pods: `kubectl -n kubeflow-system get endpointslices,pods`",
    ),
    KnownCause(
        r'service "([\w.-]+)" not found',
        "the Service {0} that the webhook points to is missing",
        "run the install, which restores it, or delete the webhook configuration if nothing is installed any more",
    ),
    KnownCause(
        r'no service port (\d+) found for service "([\w.-]+)"',
        "the Service {1} does not have the port {0} that the webhook points to",
        "run the install, which restores it",
    ),
    KnownCause(
        r"connect: connection refused",
        "nothing listens behind the Service: the controller is starting, or a node does not know its new pod",
        _POD,
    ),
    KnownCause(
        r"no route to host|network is unreachable|host is down",
        "the pod behind the Service cannot be reached: it was just deleted, or the control plane has no route to pods",
        "check the network between the API server and the pods; on a managed control plane, check its overlay network",
    ),
    KnownCause(
        r"Address is not allowed",
        "the control plane cannot call the addresses of pods, for example with an overlay network on a managed control "
        "plane",
        "set `conductor_host_network: true`, or use the pod network of the cloud (kubernetes-sigs/jobset issue 977)",
    ),
    KnownCause(
        r"No agent available|proxy error from \S+ while dialing|failed to dial backend",
        "the control plane has no tunnel to the nodes, e.g. of konnectivity or k3s",
        "check the agents of the tunnel on the nodes, and that the nodes reach the control plane",
    ),
    KnownCause(
        r"lookup ([\w.-]+).*(no such host|server misbehaving|i/o timeout)",
        "the API server cannot resolve the host {0} that the webhook points to",
        "configure the webhook with a Service instead of a URL",
    ),
    # -- the wrong server, or the wrong certificate, answers -------------------------------------------------
    KnownCause(
        r"x509: certificate signed by unknown authority|ECDSA verification failure|crypto/rsa: verification error",
        "its certificate is not signed by the CA in caBundle: one was just renewed, or two controllers write it",
        _ROTATION,
    ),
    KnownCause(
        r"x509: certificate (?:is valid for .+?, not|is not valid for any names, but wanted to match) ([\w.-]+\w)",
        "the server that answered has a certificate without the name {0}: it is not the controller, or the certificate "
        "was issued for another Service",
        "check which pods the Service selects; after a change of the namespace, empty the certificate's Secret",
    ),
    KnownCause(
        r"x509: (?:certificate relies on legacy Common Name field|cannot validate certificate for)",
        "its certificate has no Service among its subject alternative names",
        "issue a new certificate with the subject alternative name SERVICE.NAMESPACE.svc",
    ),
    KnownCause(
        r"x509: certificate has expired or is not yet valid: .*is before",
        "its certificate is not valid yet: the clocks differ",
        "synchronise the clocks of the nodes and of the control plane",
    ),
    KnownCause(
        r"x509: certificate has expired",
        "its certificate has expired",
        "empty the certificate's Secret, so that the controller issues a new certificate; with "
        "`conductor_certificates: external`, renew your certificate",
    ),
    KnownCause(
        r"unable to (?:load root certificates|parse bytes as PEM block)",
        "its caBundle is not a certificate",
        _ROTATION,
    ),
    KnownCause(
        r"server gave HTTP response to HTTPS client|first record does not look like a TLS handshake",
        "the server that answers does not use TLS: another program listens on the webhook's port",
        _SLICES,
    ),
    KnownCause(
        r"remote error: tls|handshake failure|TLS handshake timeout|tls: ",
        "the TLS handshake fails",
        f"look for a service mesh sidecar or a proxy in between, and exclude port 9443 from it {_ANNOTATIONS}",
    ),
    # -- it is slow, or interrupted --------------------------------------------------------------------------
    KnownCause(
        r"context deadline exceeded|i/o timeout|Client\.Timeout exceeded|request canceled|operation timed out",
        "there was no answer in time: packets are dropped, or the controller is overloaded",
        _PORT,
    ),
    KnownCause(
        r"could not find the requested resource|404 page not found",
        "the controller answers but does not know this webhook: it is starting, or it is of another release",
        "wait a moment, then compare its image with the release",
    ),
    KnownCause(
        r"connection reset by peer|broken pipe|server closed idle connection|\bEOF\b|use of closed network connection",
        "the connection was closed: the controller is stopping or starting, or something in between closes it",
        "look for restarts of the controller, and for a service mesh sidecar in front of it; port 9443 can be excluded "
        f"from it {_ANNOTATIONS}",
    ),
    KnownCause(
        r"expected webhook response|received invalid webhook response|response was absent|response\.uid"
        r"|invalid character '",
        "the server that answered is not an admission webhook",
        _SLICES,
    ),
    KnownCause(
        r"an error on the server|currently unable to handle the request|rejected our request",
        "the controller answers with an error",
        _POD,
    ),
)


def webhook_cause(message: str) -> tuple[str, str] | None:
    """Return the cause and the next step of a failed call; None if the catalogue has no match.

    Args:
        message: the unchanged message of the server.
    """
    return cause_in(message, WEBHOOK_CAUSES)
