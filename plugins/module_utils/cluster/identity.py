# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which cluster it really is, and whether it is the one that was pinned.

A context or an address may come to mean another cluster: a kubeconfig is rewritten, a name points elsewhere, a test
cluster is made anew. The uid of the namespace kube-system is given once in the life of a cluster; the CA the connection
is verified with tells a cluster from a copy restored elsewhere, and shows whoever opens the TLS on the way.
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
    """A cluster's uid, and the digest of its CA; the digest is empty where no CA is named or wanted."""

    uid: str
    ca: str = ""

    def __str__(self) -> str:
        return f"{self.uid}/{self.ca}" if self.ca else self.uid


def parse_pin(text: str) -> Identity:
    """The identity a user pinned: C(UID) or C(UID/DIGEST).

    Raises:
        InputError: it is neither.
    """
    found = _PIN.fullmatch(text.strip().lower())
    if not found:
        raise InputError(
            f"cluster_uid is no identity of a cluster: {text!r}",
            next_step="it is the uid of the namespace kube-system, or that, a slash and the CA's digest; "
            "run without it and copy cluster_uid from the result",
        )
    return Identity(found[1], found[2] or "")


def ca_digest(pem: str) -> str:
    """The first 16 hexadecimal digits of the SHA-256 over all certificates in a PEM text, empty where there is none.

    Of one certificate that is the beginning of its fingerprint, as C(openssl x509 -fingerprint -sha256) shows it. Order
    and white space do not count.
    """
    try:
        certificates = {ssl.PEM_cert_to_DER_cert(block) for block in _CERTIFICATE.findall(pem)}
    except ValueError:
        return ""
    return hashlib.sha256(b"".join(sorted(certificates))).hexdigest()[:_DIGITS] if certificates else ""


def identity_of(cluster: Cluster, uid: str) -> Identity:
    """The identity of the cluster whose kube-system has this uid. No request is sent."""
    if not cluster.ca_file:
        return Identity(uid)
    try:
        with open(cluster.ca_file, encoding="utf-8", errors="replace") as stream:
            return Identity(uid, ca_digest(stream.read()))
    except OSError:
        # The connection says so better, or has said so.
        return Identity(uid)


def require_identity(pin: Identity | None, found: Identity, host: str) -> None:
    """Stops where the cluster is not the pinned one; without a pin any is right.

    Raises:
        RefusedError: names both.
    """
    if pin is None or pin == (found if pin.ca else Identity(found.uid)):
        return
    if pin.uid != found.uid:
        words, step_to_take = "it is another cluster", "name the right cluster"
    elif not found.ca:
        words = "the CA is pinned as well, and this connection names none"
        step_to_take = "give ca_cert (or certificate-authority in the kubeconfig) and let it be verified"
    else:
        words = "it has the same uid and another CA: a copy, a renewed CA, or somebody between here and there"
        step_to_take = "find out which"
    raise RefusedError(
        f"{words}\n  pinned: {pin}\n  found:  {found} at {host}",
        step=STEP,
        next_step=f"nothing was written; {step_to_take}, or, if it is the one you mean, "
        f"set cluster_uid (conductor_cluster_uid in an inventory) to {found}",
        facts={"cluster_uid": str(found)},
    )


def require_pinned(cluster: Cluster, text: str | None) -> None:
    """Asks the cluster who it is, where that is pinned; one request, or none.

    Raises:
        InputError, RefusedError, RightsError: see above; the identity in use may not read the namespace.
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
        missing.next_step = f"cluster_uid needs it: {missing.next_step}, or leave cluster_uid out"
        raise missing from error
    require_identity(pin, identity_of(cluster, metadata["uid"]), cluster.host)
