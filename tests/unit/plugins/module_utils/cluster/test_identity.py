# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
import hashlib

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.cluster.identity import (
    Identity,
    ca_digest,
    identity_of,
    parse_pin,
    require_identity,
)
from ansible_collections.conductor.trainer.plugins.module_utils.errors import InputError, RefusedError
from tests.unit.plugins.helpers.fakes import FakeCluster

UID = "0f9c3c2e-6a52-4a2b-9d59-1f6f5f3f8f11"
OTHER = "1f9c3c2e-6a52-4a2b-9d59-1f6f5f3f8f11"
CA = "8d1f0a6c54b2e937"
OTHER_CA = "9d1f0a6c54b2e937"


def pem(*certificates: bytes) -> str:
    """Return PEM blocks with arbitrary content, because the digest does not parse the certificates."""
    blocks = (base64.encodebytes(certificate).decode() for certificate in certificates)
    return "".join(f"-----BEGIN CERTIFICATE-----\n{block}-----END CERTIFICATE-----\n" for block in blocks)


@pytest.mark.parametrize(
    ("text", "identity"),
    [
        (UID, Identity(UID)),
        (f"{UID}/{CA}", Identity(UID, CA)),
        (f" {UID.upper()}/{CA.upper()}\n", Identity(UID, CA)),
    ],
)
def test_a_pin_is_a_uid_or_a_uid_and_a_digest(text: str, identity: Identity) -> None:
    assert parse_pin(text) == identity
    assert parse_pin(str(identity)) == identity


@pytest.mark.parametrize(
    "text", ["production", UID[:-1], f"{UID}/", f"{UID}/{CA}0", f"{UID}/{CA[1:]}", f"/{CA}", "{{ x }}"]
)
def test_invalid_pin_is_rejected(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_pin(text)
    assert repr(text) in str(caught.value)
    assert "copy cluster_uid from the result" in str(caught.value)


def test_the_digest_of_one_ca_is_the_beginning_of_its_fingerprint() -> None:
    assert ca_digest(pem(b"one")) == hashlib.sha256(b"one").hexdigest()[:16]


def test_the_digest_is_of_the_certificates_not_of_the_text() -> None:
    plain = pem(b"one", b"two")
    assert ca_digest("# a comment\n" + pem(b"two", b"one", b"two").replace("\n", "\r\n")) == ca_digest(plain)
    assert ca_digest(pem(b"one")) != ca_digest(plain)


@pytest.mark.parametrize("text", ["", "no certificate", "-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----\n"])
def test_text_without_certificates_has_no_digest(text: str) -> None:
    assert ca_digest(text) == ""


def test_the_identity_of_a_connection() -> None:
    cluster = FakeCluster()
    assert identity_of(cluster, UID) == Identity(UID)
    cluster.authorities = pem(b"one").encode()
    assert identity_of(cluster, UID) == Identity(UID, ca_digest(pem(b"one")))


@pytest.mark.parametrize(
    ("pin", "found"),
    [
        (None, Identity(UID, CA)),
        (Identity(UID), Identity(UID)),
        (Identity(UID), Identity(UID, CA)),
        (Identity(UID, CA), Identity(UID, CA)),
    ],
)
def test_the_right_cluster(pin: Identity | None, found: Identity) -> None:
    require_identity(pin, found, "https://a")


@pytest.mark.parametrize(
    ("pin", "found", "words"),
    [
        (Identity(OTHER), Identity(UID), "another cluster than the pinned one"),
        (Identity(OTHER, CA), Identity(UID, CA), "another cluster than the pinned one"),
        (Identity(UID, OTHER_CA), Identity(UID, CA), "another CA"),
        (Identity(UID, CA), Identity(UID), "names no CA"),
        (Identity(UID), Identity(""), "another cluster than the pinned one"),
    ],
)
def test_wrong_cluster_is_rejected_and_both_are_named(pin: Identity, found: Identity, words: str) -> None:
    with pytest.raises(RefusedError, match=words) as caught:
        require_identity(pin, found, "https://a")
    text = str(caught.value)
    assert f"pinned: {pin}\n" in text
    assert f"found:  {found} at https://a" in text
    assert "Next: nothing was written" in text
    assert caught.value.facts == {"cluster_uid": str(found)}
