# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import TargetError
from ansible_collections.conductor.trainer.plugins.module_utils.kubeconfig.pem import (
    authority,
    certificates,
    private_key,
    read_file,
)
from tests.unit.plugins.helpers.certificates import Authority

OURS, OTHER = Authority("ours"), Authority("other")
KEY = OURS.client("somebody").key


def test_only_the_certificates_are_kept() -> None:
    noise = b"# a comment with \xe9\n"
    assert certificates(noise + OURS.pem + KEY + noise + OTHER.pem, "x") == OURS.pem + OTHER.pem
    assert authority(OURS.pem.replace(b"\n", b"\r\n"), "x")
    # A bundle of many authorities works without those that are damaged.
    damaged = OURS.pem.replace(b"MII", b"AAA")
    assert authority(damaged + OURS.pem + damaged, "x") == OURS.pem
    assert private_key(noise + OURS.pem + KEY, "x").endswith(KEY)


@pytest.mark.parametrize(
    ("read", "data", "words"),
    [
        (certificates, b"", "x is empty, but must be a certificate"),
        (certificates, b" \n", "x is empty"),
        (certificates, KEY, "x holds a private key, but must be a certificate"),
        (certificates, b"text", "x is not PEM text"),
        (certificates, OURS.pem[:100], "x is PEM text that is cut off or damaged"),
        (certificates, b"-----BEGIN PUBLIC KEY-----\nAA\n-----END PUBLIC KEY-----\n", "x holds a public key"),
        (authority, OURS.pem.replace(b"MII", b"AAA"), "x holds a certificate that is damaged"),
        (authority, b"-----BEGIN CERTIFICATE-----\n%%\n-----END CERTIFICATE-----\n", "that is damaged"),
        (private_key, OURS.pem, "x holds a certificate, but must be a private key"),
        (private_key, b"", "x is empty, but must be a private key"),
        (private_key, KEY[:100], "cut off or damaged"),
        (
            private_key,
            b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
            "x is a private key with a passphrase",
        ),
    ],
)
def test_what_does_not_fit_is_named_and_not_shown(read: Callable[[bytes, str], bytes], data: bytes, words: str) -> None:
    with pytest.raises(TargetError, match=words) as caught:
        read(data, "x")
    assert caught.value.next_step
    assert "MII" not in str(caught.value)


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * (4 * 1024 * 1024 + 1))
    for place, words in (
        (path, "is larger than 4 MiB"),
        (tmp_path, "cannot be read: Is a directory"),
        (tmp_path / "missing", "file not found"),
        ("a\0b", "cannot be read: not a valid path"),
    ):
        with pytest.raises(TargetError, match=f"ca_cert: .*{words}"):
            read_file(str(place), "ca_cert")
