# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.credentials import secrets_in
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
def test_only_secrets_are_hidden(text: str, secret: str) -> None:
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
def test_other_text_is_kept(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, set()),
        ({"kubeconfig": "~/.kube/config", "proxy": "http://proxy.example:3128"}, set()),
        ({"kubeconfig": "apiVersion: v1\nkind: Config\n"}, {"apiVersion: v1\nkind: Config\n"}),
        ({"kubeconfig": '{"kind": "Config"}'}, {'{"kind": "Config"}'}),
        ({"kubeconfig": [{"users": [{"user": {"token": "word"}}]}, "a\nb"]}, {"word", "a\nb"}),
        ({"client_key": "-----BEGIN PRIVATE KEY-----\n"}, {"-----BEGIN PRIVATE KEY-----\n"}),
        ({"certificates_ca": "-----BEGIN RSA PRIVATE KEY-----\n"}, {"-----BEGIN RSA PRIVATE KEY-----\n"}),
        ({"host": "https://me:word@10.0.0.1"}, {"word"}),
        ({"proxy": "me:word@proxy.example:3128"}, {"word"}),
        ({"proxy": "http://me:a%40b@proxy.example:3128"}, {"a%40b", "a@b"}),
        ({"kubeconfig": {"clusters": [{"cluster": {"proxy-url": "http://me:word@proxy.example"}}]}}, {"word"}),
        ({"kubeconfig": {"users": [{"user": {"username": "me", "password": "word", "tokenFile": "/f"}}]}}, {"word"}),
        ({"kubeconfig": {"users": [{"user": {"exec": {"command": "c", "env": [{"value": "word"}]}}}]}}, {"word"}),
        ({"kubeconfig": {"users": [None, {"user": "text"}], "clusters": ["text"]}}, {"text"}),
        ({"certificates_pem": {"jobset": {"key": "word"}}}, {"word", "d29yZAo="}),
    ],
)
def test_secrets_of_options(options: dict[str, Any], expected: set[str]) -> None:
    assert secrets_in(options) == expected
