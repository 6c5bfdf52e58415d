# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read certificates from PEM text: their validity, host names and signatures.

This needs the library C(cryptography). ansible-core installs it on every control node, but a bastion may not have it.
"""

from __future__ import annotations

import base64
import binascii
import re
import ssl
from datetime import datetime, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography import x509

_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def can_read() -> bool:
    """Return whether this machine can read certificates and verify their signatures."""
    try:
        from cryptography.x509 import Certificate
    except ImportError:
        return False
    # It exists since cryptography 40.
    return hasattr(Certificate, "verify_directly_issued_by")


def certificates_in(pem: bytes) -> list[x509.Certificate]:
    """Return the certificates of a PEM text in their order, without those that cannot be read."""
    return [certificate for block in _BLOCK.findall(pem) if (certificate := _loaded(block))]


def refused_in(pem: bytes) -> bool:
    """Return whether a PEM text has a certificate that OpenSSL accepts and C(cryptography) rejects.

    The serial number 0, which the controllers' own authorities have (open-policy-agent/cert-controller), will become
    such a case: the library warns about it (release 50).
    """
    return can_read() and any(_loaded(block) is None and _openssl_takes(block) for block in _BLOCK.findall(pem))


def _loaded(block: bytes) -> x509.Certificate | None:
    try:
        # Imported late: it takes 6 MB, which a run without certificates to read does not need.
        from cryptography.x509 import load_pem_x509_certificate

        return load_pem_x509_certificate(block + b"\n")
    except (ImportError, ValueError):
        return None


def _openssl_takes(block: bytes) -> bool:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=block.decode())
    except (ssl.SSLError, ValueError):
        return False
    return True


def decoded(ca_bundle: str) -> bytes:
    """Decode the base64 of a C(caBundle) or of a value of a Secret to PEM text; empty if it is invalid."""
    try:
        return base64.b64decode(ca_bundle)
    except (binascii.Error, ValueError):
        return b""


def ends_of(ca_bundle: str) -> list[datetime]:
    """Return the expiry of each certificate of a C(caBundle), without those that cannot be read.

    Args:
        ca_bundle: PEM text in base64, as in the API.
    """
    found = []
    for certificate in certificates_in(decoded(ca_bundle)):
        try:
            found.append(not_after(certificate))
        except ValueError:
            continue
    return found


def not_after(certificate: x509.Certificate) -> datetime:
    """Return the last moment at which a certificate is valid."""
    if hasattr(certificate, "not_valid_after_utc"):
        return certificate.not_valid_after_utc
    # Before cryptography 42: UTC without a time zone.
    return certificate.not_valid_after.replace(tzinfo=timezone.utc)


def not_before(certificate: x509.Certificate) -> datetime:
    """Return the first moment at which a certificate is valid."""
    if hasattr(certificate, "not_valid_before_utc"):
        return certificate.not_valid_before_utc
    return certificate.not_valid_before.replace(tzinfo=timezone.utc)


def host_names(certificate: x509.Certificate) -> list[str]:
    """Return the DNS names of a certificate. The common name does not count: Go, and so the API server, ignores it."""
    from cryptography.x509 import DNSName, ExtensionNotFound, SubjectAlternativeName

    try:
        names = certificate.extensions.get_extension_for_class(SubjectAlternativeName).value
    except ExtensionNotFound:
        return []
    return names.get_values_for_type(DNSName)


def serves(certificate: x509.Certificate) -> bool:
    """Return whether a server may use a certificate: it has no extended key usages, or one for servers."""
    from cryptography.x509 import ExtendedKeyUsage, ExtensionNotFound
    from cryptography.x509.oid import ExtendedKeyUsageOID

    try:
        usages = certificate.extensions.get_extension_for_class(ExtendedKeyUsage).value
    except ExtensionNotFound:
        return True
    return ExtendedKeyUsageOID.SERVER_AUTH in usages or ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in usages


def is_signed_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Return whether the issuer is a certificate authority and signed the certificate."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.x509 import BasicConstraints, ExtensionNotFound

    try:
        if not issuer.extensions.get_extension_for_class(BasicConstraints).value.ca:
            return False
        certificate.verify_directly_issued_by(issuer)
    except (ExtensionNotFound, InvalidSignature, TypeError, ValueError):
        # Not an authority; another key; a key type that cannot sign; another name; or an unknown signature algorithm.
        return False
    return True


def is_key_of(key: bytes, certificate: x509.Certificate) -> bool:
    """Return whether a PEM text is the certificate's unencrypted private key."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    try:
        public = load_pem_private_key(key, password=None).public_key()
    except (TypeError, ValueError, UnsupportedAlgorithm):
        # Encrypted, not a key, or of an unknown type. The error is dropped because its message may repeat the input.
        return False
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return public.public_bytes(*form) == certificate.public_key().public_bytes(*form)
