# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.redaction import HIDDEN, redact

JWT = "eyJhbGciOiJSUzI1NiIsImtpZCI6IiJ9.eyJpc3MiOiJrdWJlcm5ldGVzIn0.c2lnbmF0dXJl"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKC\nAQEA7\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"starting with {JWT} now", JWT),
        (f"key: {PEM} end", "MIIEowIBAAKC"),
        # Cut off by whoever logged it.
        ("-----BEGIN PRIVATE KEY-----\nMIIEowIBAAKC", "MIIEowIBAAKC"),
        ("Authorization: Bearer abc.def-ghi", "abc.def-ghi"),
        ("authorization: basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("cloning https://user:hunter2@example.com/x", "hunter2"),
        ("password=hunter2, user=me", "hunter2"),
        ('{"db_password": "hunter2"}', "hunter2"),
        ("HF_TOKEN: hf_abcdefghij", "hf_abcdefghij"),
        ("aws_secret_access_key = AKIA/abc", "AKIA/abc"),
        ("client-key-data: LS0tLS1CRUdJTg==", "LS0tLS1CRUdJTg"),
        ("blob " + "QUJD" * 30, "QUJDQUJD"),
        # One line of a PEM block.
        ("line " + "QUJD" * 16, "QUJDQUJD"),
        # The last lines of a log begin in the middle of one.
        ("MIIEowIBAAKC\nAQEA7==\n-----END RSA PRIVATE KEY-----\nafter", "AQEA7"),
        ('{"password":"hunter2 and more"}', "and more"),
        (r"{\"password\":\"hunter2 and more\"}", "hunter2"),
    ],
)
def test_what_looks_like_a_secret_is_hidden_and_nothing_else(text: str, secret: str) -> None:
    text = text.replace("{JWT}", JWT).replace("{PEM}", PEM)
    hidden = redact(text)
    assert secret not in hidden
    assert HIDDEN in hidden
    # The words around it stay.
    assert hidden.split()[0] == text.split()[0] or text.startswith(("-----", "password=", "{", "MII"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        'Unable to load configuration: strict decoding error: unknown field "noSuchKey"',
        'secret "kubeflow-trainer-webhook-cert" not found',
        "dial tcp 10.96.0.1:443: connect: connection refused",
        "server certs refreshed",
        "pulling registry.invalid/manager@sha256:" + "0a" * 32,
        "https://example.com:443/path",
    ],
)
def test_what_does_not_stays(text: str) -> None:
    assert redact(text) == text
