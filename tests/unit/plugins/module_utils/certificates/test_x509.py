# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
import sys
from datetime import datetime, timedelta, timezone

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ansible_collections.conductor.trainer.plugins.module_utils.certificates.x509 import (
    certificates_in,
    ends_of,
    is_key_of,
    refused_in,
)
from tests.unit.plugins.helpers.certificates import Authority


def certificate(end: datetime) -> bytes:
    """Return a PEM certificate like those of the controllers' rotator."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ca")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(end - timedelta(days=3650)).not_valid_after(end)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def encoded(*pem: bytes) -> str:
    return base64.b64encode(b"".join(pem)).decode()


# X.509 encodes times from the year 2050 on differently.
SOON, LATE = datetime(2035, 11, 21, 22, 59, 1, tzinfo=timezone.utc), datetime(2061, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


@pytest.mark.parametrize("end", [SOON, LATE, datetime(1999, 12, 31, tzinfo=timezone.utc)])
def test_the_end_of_a_certificate(end: datetime) -> None:
    assert ends_of(encoded(certificate(end))) == [end]


def test_each_certificate_of_a_bundle_counts() -> None:
    assert ends_of(encoded(certificate(LATE), b"# renewed\n", certificate(SOON))) == [LATE, SOON]


@pytest.mark.parametrize("damaged", ["", "Y2E=", "not base64!", encoded(b"-----BEGIN CERTIFICATE-----\nAAAA\n")])
def test_text_without_certificates_has_no_expiry(damaged: str) -> None:
    assert ends_of(damaged) == []


@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
def test_a_damaged_certificate_does_not_raise() -> None:
    whole = base64.b64decode(b"".join(certificate(SOON).splitlines()[1:-1]))
    for length in range(len(whole)):
        for piece in (whole[:length], whole[:length] + b"\xff" + whole[length + 1 :]):
            pem = b"-----BEGIN CERTIFICATE-----\n" + base64.b64encode(piece) + b"\n-----END CERTIFICATE-----\n"
            assert len(ends_of(encoded(pem))) <= 1
    assert ends_of(encoded(certificate(SOON))) == [SOON]


def test_certificate_rejected_by_the_library_differs_from_invalid_text(monkeypatch: pytest.MonkeyPatch) -> None:
    good, damaged = certificate(SOON), b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    assert not refused_in(good + damaged)

    def refuse(_pem: bytes) -> None:
        raise ValueError("serial number is not positive")

    monkeypatch.setattr("cryptography.x509.load_pem_x509_certificate", refuse)
    assert refused_in(damaged + good)
    assert not refused_in(damaged)
    monkeypatch.setitem(sys.modules, "cryptography.x509", None)
    assert not refused_in(good)


def test_without_the_library_nothing_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    # This makes the import fail as if the library were missing.
    monkeypatch.setitem(sys.modules, "cryptography.x509", None)
    assert ends_of(encoded(certificate(SOON))) == []


def test_key_belongs_to_its_own_certificate_only() -> None:
    authority = Authority("own")
    one, other = (authority.server("webhook", ["webhook.example"]) for _number in range(2))
    [shown] = certificates_in(one.certificate)
    assert is_key_of(one.key, shown)
    assert not is_key_of(other.key, shown)
    assert not is_key_of(b"key.pem", shown)


def test_encrypted_key_is_rejected() -> None:
    pair = Authority("own").server("webhook", ["webhook.example"])
    key = serialization.load_pem_private_key(pair.key, password=None)
    locked = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
    )
    assert not is_key_of(locked, certificates_in(pair.certificate)[0])
