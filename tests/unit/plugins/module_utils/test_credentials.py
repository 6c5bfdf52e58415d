# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.conductor.trainer.plugins.module_utils.credentials import (
    docker_config,
    secrets_in,
    secrets_in_files,
    secrets_of_text,
    shown_options,
    usernames_in,
)
from ansible_collections.conductor.trainer.plugins.module_utils.module_call import CONNECTION_ARG_SPEC as SPEC
from ansible_collections.conductor.trainer.plugins.module_utils.redaction import MASKED, Secrets

BODY = "\n".join("MIIEpAIBAAKCAQEA7" + "abcDEF123/+xyz0"[index % 15 :] * 3 for index in range(5))
PEM = f"-----BEGIN RSA PRIVATE KEY-----\n{BODY}\n-----END RSA PRIVATE KEY-----\n"
KEY_DATA = base64.b64encode(PEM.encode()).decode()


def kubeconfig(user: dict[str, Any] | None = None, cluster: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return a kubeconfig of one user and one cluster."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "berlin", "cluster": {"server": "https://berlin.example:6443", **(cluster or {})}}],
        "users": [{"name": "admin", "user": user or {}}],
        "contexts": [{"name": "prod", "context": {"cluster": "berlin", "user": "admin", "namespace": "ops"}}],
        "current-context": "prod",
    }


# Every setting of the kubeconfig API (client-go, tools/clientcmd/api/v1) that may hold a secret.
SECRET_SETTINGS: list[tuple[dict[str, Any], dict[str, Any], set[str]]] = [
    ({"token": "T0ken-1"}, {}, {"T0ken-1"}),
    ({"token": 12345678}, {}, {"12345678"}),
    ({"password": "p", "username": "me"}, {}, {"p"}),
    ({"client-key-data": KEY_DATA}, {}, {KEY_DATA}),
    ({"client-certificate-data": "Q0VSVA=="}, {}, {"Q0VSVA=="}),
    ({"exec": {"command": "c", "env": [{"name": "A", "value": "word"}]}}, {}, {"word"}),
    ({"exec": {"command": "c", "args": ["get-token", "--client-secret=s3cret"]}}, {}, {"s3cret"}),
    ({"exec": {"command": "c", "args": ["login", "--password", "swordfish"]}}, {}, {"swordfish"}),
    ({"exec": {"command": "c", "args": ["login", "-p", "swordfish"]}}, {}, {"swordfish"}),
    ({"exec": {"command": "c", "args": ["--client-secret-id", "swordfish", "--region"]}}, {}, {"swordfish"}),
    ({"exec": {"command": "c", "args": ["--issuer-url=https://me:word@i.example"]}}, {}, {"word"}),
    ({"exec": {"command": "c", "args": ["--region", "--token", "swordfish"]}}, {}, {"swordfish"}),
    ({"exec": {"command": "c", "env": [{"name": "TOKEN_PROFILE", "value": "word"}]}}, {}, {"word"}),
    ({"exec": {"command": "c", "args": ["S3CR3T-positional"]}}, {}, {"S3CR3T-positional"}),
    ({"exec": {"command": "c", "args": ["https://me:word@idp.example"]}}, {}, {"https://me:word@idp.example", "word"}),
    ({"exec": {"command": "sh", "args": "'login --token=T0ken'"}}, {}, {"T0ken"}),
    ({"auth-provider": {"name": "oidc", "config": {"id-token": "i", "refresh-token": "r"}}}, {}, {"i", "r"}),
    ({"auth-provider": {"name": "oidc", "config": {"client-secret": "word"}}}, {}, {"word"}),
    ({"auth-provider": {"name": "oidc", "config": {"idp-issuer-url": "https://a:word@idp.example"}}}, {}, {"word"}),
    (
        {"auth-provider": {"name": "gcp", "config": {"access-token": "word", "cmd-args": "--key=value1"}}},
        {},
        {"word", "value1"},
    ),
    ({"unknown-setting": "word"}, {}, {"word"}),
    # Pasted where the path of a file belongs.
    ({"tokenFile": "wMgThFpmGBxzGjmNNG0L1oTY"}, {}, {"wMgThFpmGBxzGjmNNG0L1oTY"}),
    ({"tokenFile": "sha256~wMgThFpmGBx-GjmNNG0L1oTY"}, {}, {"sha256~wMgThFpmGBx-GjmNNG0L1oTY"}),
    ({"tokenFile": "eyJhbGciOiJSUzI1NiIs.eyJpc3MiOiJr.c2ln"}, {}, {"eyJhbGciOiJSUzI1NiIs.eyJpc3MiOiJr.c2ln"}),
    ({"client-key": KEY_DATA}, {}, {KEY_DATA}),
    ({}, {"proxy-url": "http://me:wo%2Frd@proxy.example:3128"}, {"wo%2Frd", "wo/rd"}),
    ({}, {"proxy-url": "http://T0ken@proxy.example:3128"}, {"T0ken"}),
    ({}, {"server": "https://me:word@berlin.example:6443"}, {"word"}),
    ({}, {"unknown-setting": "word"}, {"word"}),
]


@pytest.mark.parametrize(("user", "cluster", "expected"), SECRET_SETTINGS)
def test_every_setting_that_may_be_secret_is_found(
    tmp_path: Path, user: dict[str, Any], cluster: dict[str, Any], expected: set[str]
) -> None:
    content = kubeconfig(user, cluster)
    assert secrets_in({"kubeconfig": content}) == expected
    text = yaml.safe_dump(content)
    assert secrets_of_text(text) == expected
    assert secrets_in({"kubeconfig": text}) >= expected
    for name, data in {
        "utf-8": text.encode(),
        "bom": text.encode("utf-8-sig"),
        "utf-16": text.encode("utf-16"),
        "latin-1": b"# \xe9\n" + text.encode(),
        "base64": base64.b64encode(text.encode()),
        "secret": yaml.safe_dump(
            {"kind": "Secret", "data": {"config": base64.b64encode(text.encode()).decode()}}
        ).encode(),
    }.items():
        path = tmp_path / name
        path.write_bytes(data)
        assert secrets_in_files({"kubeconfig": str(path)}, {}) >= expected, name


HARMLESS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"username": "me", "tokenFile": "/run/token", "client-key": "/k.pem", "client-certificate": "/c.pem"}, {}),
    ({"exec": {"apiVersion": "v1", "command": "aws", "args": ["eks", "get-token", "--region"], "env": None}}, {}),
    ({"exec": {"command": "aws", "installHint": "install it", "interactiveMode": "Never"}}, {}),
    ({"token": None, "password": "null"}, {}),
    ({"exec": {"command": "aws", "args": ["--cluster-name", "prod"], "env": [{"name": "P", "value": "prod"}]}}, {}),
    ({"as": "me", "as-groups": ["ops"], "as-uid": "1"}, {}),
    # What cloud providers write: the words are also those of results, e.g. the profile "default".
    (
        {
            "exec": {
                "command": "aws",
                "args": ["--region", "eu-west-1", "eks", "get-token", "--cluster-name", "kubeflow", "--output", "json"],
                "env": [{"name": "AWS_PROFILE", "value": "default"}, {"value": "regional", "name": "AWS_REGION"}],
            }
        },
        {},
    ),
    ({"exec": {"command": "doctl", "args": ["exec-credential", "--version=v1beta1", "--context=default"]}}, {}),
    ({"exec": {"command": "kubelogin", "args": ["get-token", "--environment", "Cloud1", "--server-id", "6dae"]}}, {}),
    ({"exec": {"command": "kubectl", "args": ["--oidc-issuer-url=https://i.example", "--oidc-client-id=kube"]}}, {}),
    ({"auth-provider": {"name": "oidc", "config": {"client-id": "kubernetes", "extra-scopes": "groups"}}}, {}),
    ({}, {"certificate-authority-data": "Q0E=", "tls-server-name": "a", "insecure-skip-tls-verify": True}),
    ({}, {"proxy-url": "http://proxy.example:3128", "extensions": [{"name": "x", "extension": {"version": "1.2"}}]}),
]


@pytest.mark.parametrize(("user", "cluster"), HARMLESS)
def test_names_and_paths_are_shown(user: dict[str, Any], cluster: dict[str, Any]) -> None:
    assert secrets_in({"kubeconfig": kubeconfig(user, cluster)}) == set()


def test_files_that_a_kubeconfig_names_are_searched(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("T0ken-in-file\n")
    (tmp_path / "key.pem").write_text(PEM)
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(kubeconfig({"tokenFile": "token", "client-key": "key.pem"})))
    assert secrets_in_files({"kubeconfig": str(path)}, {}) == {"T0ken-in-file", PEM}
    assert secrets_in_files({"client_key": str(tmp_path / "key.pem"), "host": "https://a"}, {}) == {PEM}
    assert secrets_in_files({}, {"KUBECONFIG": f"/none:{path}"}) == {"T0ken-in-file", PEM}


DAMAGED = [
    "users:\n- user:\n    token: T0ken-in-damaged\n  x: [\n",
    "users:\n- user: {token: T0ken-in-damaged, x: [\n",
    "token: 'T0ken-in-damaged\n",
    "a: 1\n---\ntoken: T0ken-in-damaged\n",
    "<html><input value=T0ken-in-damaged123></html>",
    "users: &a [*a]\nclusters: *a\ntoken: T0ken-in-damaged\n",
    "users: [[[T0ken-in-damaged]]]",
    "users: {admin: {token: T0ken-in-damaged}}",
    "users: T0ken-in-damaged\ncontexts: []",
    "- T0ken-in-damaged",
]


@pytest.mark.parametrize("text", DAMAGED)
def test_a_damaged_file_gives_its_secrets(text: str) -> None:
    assert "T0ken-in-damaged" not in Secrets(secrets_of_text(text)).hidden_in(f"line 2: {text} or T0ken-in-damaged")


def test_what_cannot_be_read_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for path in ("/none", str(tmp_path / "folder"), "a\0b", "/dev/zero"):
        assert secrets_in_files({"kubeconfig": path}, {}) == set()
    assert secrets_in_files({"kubeconfig": ["list"]}, {}) == set()
    assert secrets_in_files({"kubeconfig": {"users": "text"}}, {}) == set()


def test_the_invocation_shows_no_setting_of_a_user_but_harmless_ones() -> None:
    user = {
        "username": "me",
        "token": "word",
        "exec": {"command": "aws", "args": ["eks", "get-token"], "env": [{"name": "AWS_PROFILE", "value": "x"}]},
    }
    shown = shown_options({"kubeconfig": kubeconfig(user), "context": "prod"}, SPEC)
    assert shown["context"] == "prod"
    assert shown["kubeconfig"]["clusters"] == kubeconfig()["clusters"]
    masked = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
    assert shown["kubeconfig"]["users"] == [
        {
            "name": "admin",
            "user": {
                "username": "me",
                "token": masked,
                "exec": {"command": "aws", "args": masked, "env": [{"name": "AWS_PROFILE", "value": masked}]},
            },
        }
    ]
    assert shown_options({"kubeconfig": {"users": "word"}}, SPEC) == {"kubeconfig": {"users": masked}}


def test_the_invocation_shows_no_value_of_an_option_that_does_not_exist() -> None:
    options = {"cert_file": "/c", "host": "https://a", "api_keyy": "T0ken", "proxyy": {"password": "word"}}
    shown = shown_options(options, SPEC)
    assert shown == {**options, "api_keyy": MASKED, "proxyy": MASKED}


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


LOGIN = {"username": "kubeflow", "password": "swordfish"}
AUTH = base64.b64encode(b"kubeflow:swordfish").decode()


def test_credentials_of_registries_are_secret_in_every_form_in_which_they_are_sent() -> None:
    options = {"customize": {"image_pull_credentials": {"m.io": LOGIN, "n.io": {**LOGIN, "password": "trout"}}}}
    found = secrets_in(options)
    assert {"swordfish", "kubeflow:swordfish", AUTH, "trout", "kubeflow:trout"} <= found
    sent = docker_config(options["customize"]["image_pull_credentials"])
    assert sent in found
    hidden = Secrets(found).hidden_in
    for text in (sent, base64.b64decode(sent).decode(), AUTH, base64.b64decode(AUTH).decode(), "a swordfish, a trout"):
        for word in ("swordfish", "trout", AUTH, sent):
            assert word not in hidden(f"said: {text}!")
    # Registry and username are words of messages.
    assert hidden("namespace kubeflow-system, m.io") == "namespace kubeflow-system, m.io"


@pytest.mark.parametrize(
    ("credentials", "secrets"),
    [
        (None, set()),
        ({}, set()),
        ("swordfish", {"swordfish"}),
        ({"m.io": "swordfish"}, {"swordfish"}),
        ({"m.io": ["trout", {"a": "swordfish"}]}, {"trout", "swordfish"}),
        ({"m.io": {"pasword": "swordfish"}}, {"swordfish"}),
        ({"m.io": {"username": "me", "token": {"x": "word"}}}, {"word"}),
        ({"m.io": {"username": None, "password": None}}, set()),
        ({"m.io": None}, set()),
    ],
)
def test_credentials_of_registries_that_are_rejected_are_not_shown(credentials: Any, secrets: set[str]) -> None:
    assert secrets_in({"customize": {"image_pull_credentials": credentials}}) >= secrets
    assert secrets_in({"customize": [credentials]}) == set()


def test_usernames_for_registries() -> None:
    assert usernames_in({"customize": {"image_pull_credentials": {"m.io": LOGIN, "n.io": "x"}}}) == {"kubeflow"}
    odd: list[Any] = [None, [], {"image_pull_credentials": None}, {"image_pull_credentials": ["x"]}]
    for customize in odd:
        assert usernames_in({"customize": customize}) == set()


SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "ours"}}
OBJECTS = {
    "extra_objects": [
        {**SECRET, "data": {"a": "aHVudGVy"}, "stringData": {"b": "tulip", "c": "yes", "d": None}},
        {"kind": "List", "items": [{**SECRET, "stringData": {"a": "rose"}}]},
        {"kind": "ConfigMap", "data": {"a": "public"}},
        "file.yml",
    ],
    "patches": [
        {"target": {"kind": "Secret"}, "merge": {"stringData": {"a": "lily"}, "type": "Opaque"}},
        {"target": {"kind": "Secret"}, "json": [{"op": "add", "path": "/data", "value": {"a": "iris"}}]},
        {"target": {"kind": "ConfigMap"}, "merge": {"data": {"a": "public"}}},
        "text",
    ],
}


def test_the_values_of_users_secrets_are_secret() -> None:
    assert secrets_in({"customize": OBJECTS}) == {"aHVudGVy", "tulip", "rose", "lily", "iris"}
    assert secrets_in({"customize": {"extra_objects": "text", "patches": {"a": 1}}}) == set()


@pytest.mark.parametrize(
    "customize",
    [
        {"extra_objects": {**SECRET, "stringData": {"a": "tulip"}}},
        {"extra_objects": [{"kind": "secret", "stringData": {"a": "tulip"}}]},
        {"extra_objects": [{"data": {"a": "tulip"}}]},
        {"patches": [{"target": {"name": "ours"}, "merge": {"data": {"a": "tulip"}}}]},
        {"patches": [{"merge": {"stringData": {"a": "tulip"}}}]},
        {"patches": {"target": {"kind": "Secret"}, "merge": {"stringData": {"a": "tulip"}}}},
        {
            "patches": [
                {
                    "target": {"name": "ours"},
                    "json": [
                        {"op": "replace", "path": "/data/a", "value": "tulip"},
                        {"op": "replace", "path": "/spec/replicas", "value": 2},
                    ],
                }
            ]
        },
    ],
)
def test_what_may_be_meant_for_a_secret_is_secret(customize: dict[str, Any]) -> None:
    assert secrets_in({"customize": customize}) == {"tulip"}
    assert "tulip" not in str(shown_options({"customize": customize}, {"customize": {}}))


def test_options_are_shown_without_the_values_of_users_secrets() -> None:
    shown = shown_options({"customize": OBJECTS}, {"customize": {}})["customize"]
    assert not any(word in str(shown) for word in ("aHVudGVy", "tulip", "rose", "lily", "iris"))
    assert shown["extra_objects"][0]["metadata"] == {"name": "ours"}
    assert shown["extra_objects"][2:] == OBJECTS["extra_objects"][2:]
    assert shown["patches"][2:] == OBJECTS["patches"][2:]


def test_passwords_in_other_options_are_secret() -> None:
    env = [{"name": "HTTP_PROXY", "value": "http://me:a%20b@proxy"}, {"name": "HF_TOKEN", "value": "c"}]
    customize = {
        "trainer_controller": {"env": env},
        "patches": [{"json": [{"value": {"name": "PGPASSWORD", "value": "d"}}]}],
    }
    assert secrets_in({"customize": customize}) == {"a%20b", "a b", "c", "d"}


def test_half_a_character_in_a_password_is_no_traceback() -> None:
    login = {"username": "me", "password": "\ud800"}
    assert "\ud800" in secrets_in({"customize": {"image_pull_credentials": {"r.example.com": login}}})
