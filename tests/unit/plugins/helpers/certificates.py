# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A certificate authority of our own, for API servers and users that live as long as a test run."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_LIFE = datetime.timedelta(days=2)
# Clocks of other machines are not asked, but that of this one may be set back.
_EARLIER = datetime.timedelta(hours=1)
_SIGNS = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


@dataclass(frozen=True)
class Pair:
    """A certificate and its private key, both PEM."""

    certificate: bytes
    key: bytes


def private_key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A private key as PEM, not encrypted."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )


def new_key() -> ec.EllipticCurvePrivateKey:
    """A key that is made within milliseconds."""
    return ec.generate_private_key(ec.SECP256R1())


class Authority:
    """A certificate authority; its key never leaves the process.

    Args:
        life: how long its certificate is valid from now on, and those that it signs.
        above: another authority, which signs it; by default it does so itself.
        lawful: whether its certificate says that it may sign others.
    """

    def __init__(
        self,
        name: str,
        *,
        life: datetime.timedelta = _LIFE,
        above: Authority | None = None,
        lawful: bool = True,
    ) -> None:
        self._key = new_key()
        self._name = _name(name)
        self._life = life
        signer = above or self
        builder = _builder(self._name, signer, self._key, life).add_extension(
            x509.BasicConstraints(ca=lawful, path_length=None), critical=True
        )
        if lawful:
            builder = builder.add_extension(_SIGNS, critical=True)
        self._certificate = builder.sign(signer._key, hashes.SHA256())

    @property
    def pem(self) -> bytes:
        """Its certificate."""
        return self._certificate.public_bytes(serialization.Encoding.PEM)

    def server(self, name: str, hosts: Iterable[str], *, life: datetime.timedelta | None = None) -> Pair:
        """A certificate for a server that is reached under these host names and addresses."""
        names = x509.SubjectAlternativeName([_host(host) for host in hosts])
        return self._sign(_name(name), ExtendedKeyUsageOID.SERVER_AUTH, names, life)

    def tls(self, hosts: Iterable[str], clients: ssl.VerifyMode = ssl.CERT_NONE) -> ssl.SSLContext:
        """TLS for a server under these names; C(clients): whether they have certificates of this authority."""
        pair = self.server("server", hosts)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        # Python loads them from files only.
        with tempfile.NamedTemporaryFile() as file:
            Path(file.name).write_bytes(pair.certificate + pair.key)
            context.load_cert_chain(file.name)
        context.load_verify_locations(cadata=self.pem.decode())
        context.verify_mode = clients
        return context

    def client(self, user: str, groups: Iterable[str] = (), hosts: Iterable[str] = ()) -> Pair:
        """A certificate that Kubernetes takes for C(user), member of C(groups)."""
        names = [_host(host) for host in hosts]
        return self._sign(
            _name(user, groups), ExtendedKeyUsageOID.CLIENT_AUTH, x509.SubjectAlternativeName(names) if names else None
        )

    def _sign(
        self,
        subject: x509.Name,
        usage: x509.ObjectIdentifier,
        names: x509.SubjectAlternativeName | None,
        life: datetime.timedelta | None = None,
    ) -> Pair:
        key = new_key()
        builder = _builder(subject, self, key, life or self._life).add_extension(
            x509.ExtendedKeyUsage([usage]), critical=False
        )
        if names is not None:
            builder = builder.add_extension(names, critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        return Pair(certificate.public_bytes(serialization.Encoding.PEM), private_key_pem(key))


def _name(common: str, organizations: Iterable[str] = ()) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, common)]
        + [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in organizations]
    )


def _builder(
    subject: x509.Name, issuer: Authority, key: ec.EllipticCurvePrivateKey, life: datetime.timedelta
) -> x509.CertificateBuilder:
    """What all certificates have. Python 3.13 and later take none without key identifiers (RFC 5280, 4.2.1.1 and 2)."""
    now = datetime.datetime.now(datetime.timezone.utc)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer._name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # One that has ended was valid before.
        .not_valid_before(min(now, now + life) - _EARLIER)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer._key.public_key()), critical=False)
    )


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
