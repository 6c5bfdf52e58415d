# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Identify a cluster, and check that it is the pinned one.

A context or an address may one day name another cluster: a kubeconfig is rewritten, a DNS name changes, a test cluster
is created again. The uid of the namespace kube-system never changes during the life of a cluster. The CA that verifies
the connection distinguishes a cluster from a restored copy, and reveals a proxy that intercepts TLS.
"""

from __future__ import annotations

import hashlib
import re
import ssl
from typing import NamedTuple

from ..errors import ApiError, InputError, RefusedError, missing_permissions
from ..objects.resources import resource_of
from .client import Cluster

NAMESPACE = "kube-system"
STEP = "check the cluster's identity"

_DIGITS = 16
_PIN = re.compile(rf"([0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}})(?:/([0-9a-f]{{{_DIGITS}}}))?")
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


class Identity(NamedTuple):
    """A cluster's uid, and the digest of its CA; the digest is empty if no CA is known or pinned."""

    uid: str
    ca: str = ""

    def __str__(self) -> str:
        return f"{self.uid}/{self.ca}" if self.ca else self.uid


def parse_pin(text: str) -> Identity:
    """Parse a pinned identity: C(UID) or C(UID/DIGEST).

    Raises:
        InputError: the text is neither.
    """
    found = _PIN.fullmatch(text.strip().lower())
    if not found:
        raise InputError(
            f"cluster_uid is not a valid identity of a cluster: {text!r}",
            next_step="give the uid of the namespace kube-system, optionally followed by a slash and the CA's digest; "
            "run without it and copy cluster_uid from the result",
        )
    return Identity(found[1], found[2] or "")


def ca_digest(pem: str) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 over all certificates in a PEM text; empty without any.

    For a single certificate this is the beginning of the fingerprint that C(openssl x509 -fingerprint -sha256) shows.
    Order and white space do not matter.
    """
    try:
        certificates = {ssl.PEM_cert_to_DER_cert(block) for block in _CERTIFICATE.findall(pem)}
    except ValueError:
        return ""
    return hashlib.sha256(b"".join(sorted(certificates))).hexdigest()[:_DIGITS] if certificates else ""


def identity_of(cluster: Cluster, uid: str) -> Identity:
    """Return the identity of the cluster whose kube-system has this uid. No request is sent."""
    return Identity(uid, ca_digest(cluster.authorities.decode(errors="replace")))


def require_identity(pin: Identity | None, found: Identity, host: str) -> None:
    """Fail if the cluster is not the pinned one. Without a pin every cluster is accepted.

    Raises:
        RefusedError: names both identities.
    """
    if pin is None or pin == (found if pin.ca else Identity(found.uid)):
        return
    if pin.uid != found.uid:
        words, step_to_take = "this is another cluster than the pinned one", "name the right cluster"
    elif not found.ca:
        words = "the CA is pinned, but this connection names no CA"
        step_to_take = "give ca_cert (or certificate-authority in the kubeconfig) with certificate verification on"
    else:
        words = "the cluster has the pinned uid but another CA: a copy, a renewed CA, or a proxy that intercepts TLS"
        step_to_take = "find out which"
    raise RefusedError(
        f"{words}\n  pinned: {pin}\n  found:  {found} at {host}",
        step=STEP,
        next_step=f"nothing was written; {step_to_take}, or, if this is the intended cluster, "
        f"set conductor_cluster_uid to {found}",
        facts={"cluster_uid": str(found)},
    )


def require_expected(cluster: Cluster, pin: Identity | None, uid: str) -> None:
    """Fail if the cluster is not the pinned one, or if another host of the play means the same one.

    Call it after the first read and before the first write. No request is sent.

    Args:
        uid: that of the namespace kube-system.

    Raises:
        RefusedError: the cluster must not be changed by this run.
    """
    require_identity(pin, identity_of(cluster, uid), cluster.host)
    if other := cluster.claim(uid) if uid else "":
        raise RefusedError(
            f"this host and {other} mean the same cluster, with the uid {uid}. One inventory host is one cluster",
            step=STEP,
            next_step="nothing was written for this host; set conductor_context (or conductor_kubeconfig, "
            "conductor_host) for each of them in the inventory to a cluster of its own, or remove one of the hosts",
        )


def require_pinned(cluster: Cluster, text: str | None) -> None:
    """Check the cluster against a pinned identity. Send one request, or none without a pin.

    Raises:
        InputError: the pin is invalid.
        RefusedError: the cluster is another one.
        RightsError: the identity in use may not read the namespace.
    """
    if not text:
        return
    pin = parse_pin(text)
    path = resource_of("v1", "Namespace").path(name=NAMESPACE)
    try:
        metadata = cluster.get(path, metadata_only=True, step=STEP)["metadata"]
    except ApiError as error:
        if error.status != 403:
            raise
        missing = missing_permissions([f"get namespaces {NAMESPACE}"], STEP)
        missing.next_step = f"cluster_uid requires it: {missing.next_step}, or remove cluster_uid"

        raise missing from error
    require_identity(pin, identity_of(cluster, metadata["uid"]), cluster.host)
