# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a call of a webhook came to nothing, in plain words: the server's error → cause → what to do. Pure.

Sources of the words: kubernetes/apiserver pkg/admission/plugin/webhook (errors.go, generic), pkg/util/webhook; and of
what they quote: Go's net, net/http, crypto/tls and crypto/x509. kubernetes/kubernetes plugin/pkg/admission for what
refuses an object before any webhook is asked.
"""

from __future__ import annotations

from .causes import KnownCause, cause_in

_PORT = (
    "let the control plane reach TCP port 9443 of the controllers' pods: firewall rules, security groups, "
    "NetworkPolicies"
)
_ROTATION = "wait for the controller to write its CA again; where it does not, read its log for the words cert-rotation"
_POD = "read the log of the controller behind the Service"

# The first that fits counts.
WEBHOOK_CAUSES: tuple[KnownCause, ...] = (
    # A proxy may refuse in the words of any other failure.
    KnownCause(
        r"proxyconnect|Proxy Authentication Required",
        "the API server sends the call through a proxy",
        "put .svc and the ranges of Services and pods into NO_PROXY of the API server",
    ),
    # -- nobody is there -------------------------------------------------------------------------------------
    KnownCause(
        r'no endpoints available for service "?([\w.-]+)"?',
        "the Service {0} has no ready pod behind it",
        "look at its pods: kubectl get endpointslices,pods -n kubeflow-system",
    ),
    KnownCause(
        r'service "([\w.-]+)" not found',
        "the Service {0} that the webhook points to is not there",
        "run the install, which puts it back, or delete the webhook configuration if nothing is installed any more",
    ),
    KnownCause(
        r'no service port (\d+) found for service "([\w.-]+)"',
        "the Service {1} does not have the port {0} that the webhook points to",
        "run the install, which puts it back",
    ),
    KnownCause(
        r"connect: connection refused",
        "nobody listens behind the Service: the controller is starting, or a node has not learnt of its new pod yet",
        _POD,
    ),
    KnownCause(
        r"no route to host|network is unreachable|host is down",
        "the pod behind the Service cannot be reached: it has just gone, or the control plane has no way to pods",
        "check the network between the API server and the pods; on a managed control plane, its overlay",
    ),
    KnownCause(
        r"Address is not allowed",
        "the control plane may not call addresses of pods, as with an overlay network on a managed control plane",
        "run the controllers with hostNetwork, or use the cloud's own pod network (kubernetes-sigs/jobset issue 977)",
    ),
    KnownCause(
        r"lookup ([\w.-]+).*(no such host|server misbehaving|i/o timeout)",
        "the API server does not know the host {0} that the webhook points to",
        "let the webhook configuration name a Service instead of a URL",
    ),
    # -- who is there is not who it should be ----------------------------------------------------------------
    KnownCause(
        r"x509: certificate signed by unknown authority|ECDSA verification failure|crypto/rsa: verification error",
        "its certificate is not of the CA in caBundle: one was renewed just now, or two controllers write there",
        _ROTATION,
    ),
    KnownCause(
        r"x509: certificate (?:is valid for .+?, not|is not valid for any names, but wanted to match) ([\w.-]+\w)",
        "who answered has a certificate of another name than {0}: not the controller, or made for another Service",
        "look whose address the Service leads to; after a change of namespace, empty the certificate's Secret",
    ),
    KnownCause(
        r"x509: (?:certificate relies on legacy Common Name field|cannot validate certificate for)",
        "its certificate names no Service among its subject alternative names",
        "make it anew with the name SERVICE.NAMESPACE.svc among them",
    ),
    KnownCause(
        r"x509: certificate has expired or is not yet valid: .*is before",
        "its certificate is not valid yet: clocks differ",
        "set the clocks of the nodes and of the control plane",
    ),
    KnownCause(
        r"x509: certificate has expired",
        "its certificate has expired",
        "empty the certificate's Secret, so that the controller makes a new one; an external one, renew",
    ),
    KnownCause(
        r"unable to (?:load root certificates|parse bytes as PEM block)",
        "its caBundle is no certificate",
        _ROTATION,
    ),
    KnownCause(
        r"server gave HTTP response to HTTPS client|first record does not look like a TLS handshake",
        "who answers there speaks no TLS: another program listens on the webhook's port",
        "look which pods the Service selects: kubectl get endpointslices -n kubeflow-system",
    ),
    KnownCause(
        r"remote error: tls|handshake failure|TLS handshake timeout|tls: ",
        "the TLS handshake fails",
        "look for a service mesh's sidecar or a proxy in between; port 9443 must be left out of it",
    ),
    # -- it is slow, or in between ---------------------------------------------------------------------------
    KnownCause(
        r"context deadline exceeded|i/o timeout|Client\.Timeout exceeded|request canceled|operation timed out",
        "no answer in time: packets to it are dropped, or the controller is overloaded",
        _PORT,
    ),
    KnownCause(
        r"could not find the requested resource|404 page not found",
        "the controller is there and does not know this webhook: it is starting, or it is of another release",
        "wait a moment; then compare its image with the release",
    ),
    KnownCause(
        r"connection reset by peer|broken pipe|server closed idle connection|\bEOF\b|use of closed network connection",
        "the connection was cut off: the controller is ending or starting, or something in between closes it",
        "look for restarts of the controller, and for a service mesh's sidecar in front of it",
    ),
    KnownCause(
        r"expected webhook response|received invalid webhook response|response was absent|response\.uid"
        r"|invalid character '",
        "who answered is no admission webhook",
        "look which pods the Service selects: kubectl get endpointslices -n kubeflow-system",
    ),
    KnownCause(
        r"an error on the server|currently unable to handle the request|rejected our request",
        "the controller answers with an error",
        _POD,
    ),
    # -- somebody else says no -------------------------------------------------------------------------------
    KnownCause(
        r"admission webhook \"([^\"]+)\" denied the request",
        "the webhook {0} of somebody else refuses what is sent to try it",
        "exempt the namespace conductor-probe from it",
    ),
    KnownCause(
        r"ValidatingAdmissionPolicy '([^']+)'",
        "the ValidatingAdmissionPolicy {0} refuses what is sent to try it",
        "exempt the namespace conductor-probe from it",
    ),
    KnownCause(
        r"violates PodSecurity",
        "Pod Security refuses what is sent to try it",
        "leave the level of the namespace conductor-probe as the install has set it",
    ),
    KnownCause(
        r"exceeded quota: ([\w.-]+)",
        "the ResourceQuota {0} refuses what is sent to try it",
        "take it away from the namespace conductor-probe",
    ),
    KnownCause(
        r"serviceaccount \"default\" not found",
        "the probes' namespace has no ServiceAccount yet",
        "wait until the controller manager of the cluster has made it",
    ),
    KnownCause(
        r"namespace \S+ (?:because it )?is being terminated",
        "the probes' namespace is being deleted",
        "wait until it is gone, then run the install, which makes it anew",
    ),
    KnownCause(
        r"namespaces \"([^\"]+)\" not found",
        "the namespace {0} is not there",
        "run the install, which makes it",
    ),
)


def webhook_cause(message: str) -> tuple[str, str] | None:
    """The cause of a failure and what to do, in words; None where the catalogue does not know it.

    Args:
        message: the server's, as it is.
    """
    return cause_in(message, WEBHOOK_CAUSES)
