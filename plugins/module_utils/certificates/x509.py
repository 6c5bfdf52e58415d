# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads certificates out of PEM texts: when they begin and end, for which names they are, and who signed them.

C(cryptography) reads and verifies them. ansible-core brings it to every control node; on a bastion that lacks it nobody
knows.
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
    """Whether certificates can be read here, and their signatures verified."""
    try:
        from cryptography.x509 import Certificate
    except ImportError:
        return False
    # Since cryptography 40.
    return hasattr(Certificate, "verify_directly_issued_by")


def certificates_in(pem: bytes) -> list[x509.Certificate]:
    """The certificates of a PEM text in their order; those that cannot be read are left out."""
    return [certificate for block in _BLOCK.findall(pem) if (certificate := _loaded(block))]


def refused_in(pem: bytes) -> bool:
    """Whether it has a certificate that OpenSSL takes and C(cryptography) does not.

    The serial number 0, which the controllers' own authorities have (open-policy-agent/cert-controller), is to become
    such a case: the library warns of it (release 50).
    """
    return can_read() and any(_loaded(block) is None and _openssl_takes(block) for block in _BLOCK.findall(pem))


def _loaded(block: bytes) -> x509.Certificate | None:
    try:
        # Six megabytes, of which a run that writes nothing has no use.
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
    """The PEM text of a C(caBundle) or of a value of a Secret, which the API has as base64; empty where it is none."""
    try:
        return base64.b64decode(ca_bundle)
    except (binascii.Error, ValueError):
        return b""


def ends_of(ca_bundle: str) -> list[datetime]:
    """When each certificate of a C(caBundle) ends; those that cannot be read are left out.

    Args:
        ca_bundle: PEM, once more encoded as base64, as the API has it.
    """
    found = []
    for certificate in certificates_in(decoded(ca_bundle)):
        try:
            found.append(not_after(certificate))
        except ValueError:
            continue
    return found


def not_after(certificate: x509.Certificate) -> datetime:
    """The last moment at which it is valid."""
    if hasattr(certificate, "not_valid_after_utc"):
        return certificate.not_valid_after_utc
    # Before cryptography 42: the same without saying that it is UTC.
    return certificate.not_valid_after.replace(tzinfo=timezone.utc)


def not_before(certificate: x509.Certificate) -> datetime:
    """The first moment at which it is valid."""
    if hasattr(certificate, "not_valid_before_utc"):
        return certificate.not_valid_before_utc
    return certificate.not_valid_before.replace(tzinfo=timezone.utc)


def host_names(certificate: x509.Certificate) -> list[str]:
    """The DNS names it is for. The common name does not count: Go looks at it no more, and the API server is Go."""
    from cryptography.x509 import DNSName, ExtensionNotFound, SubjectAlternativeName

    try:
        names = certificate.extensions.get_extension_for_class(SubjectAlternativeName).value
    except ExtensionNotFound:
        return []
    return names.get_values_for_type(DNSName)


def serves(certificate: x509.Certificate) -> bool:
    """Whether a server may show it: its extended key usages, if it has any, say so."""
    from cryptography.x509 import ExtendedKeyUsage, ExtensionNotFound
    from cryptography.x509.oid import ExtendedKeyUsageOID

    try:
        usages = certificate.extensions.get_extension_for_class(ExtendedKeyUsage).value
    except ExtensionNotFound:
        return True
    return ExtendedKeyUsageOID.SERVER_AUTH in usages or ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in usages


def is_signed_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether the issuer, a certificate authority, signed it."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.x509 import BasicConstraints, ExtensionNotFound

    try:
        if not issuer.extensions.get_extension_for_class(BasicConstraints).value.ca:
            return False
        certificate.verify_directly_issued_by(issuer)
    except (ExtensionNotFound, InvalidSignature, TypeError, ValueError):
        # Not an authority; another key; a kind of key that signs nothing; another name, or an unknown signature.
        return False
    return True


def is_key_of(key: bytes, certificate: x509.Certificate) -> bool:
    """Whether a PEM text is the certificate's private key, not encrypted."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    try:
        public = load_pem_private_key(key, password=None).public_key()
    except (TypeError, ValueError, UnsupportedAlgorithm):
        # Encrypted; no key at all; of a kind that is not known. The words of these errors may repeat what they read.
        return False
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return public.public_bytes(*form) == certificate.public_key().public_bytes(*form)
