# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a kubeconfig file may be, and that none of its secrets is in what is said about it."""

from __future__ import annotations

import base64
import codecs
import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.conductor.trainer.plugins.module_utils.cluster.connection import connect
from ansible_collections.conductor.trainer.plugins.module_utils.cluster.target import Target
from ansible_collections.conductor.trainer.plugins.module_utils.errors import TargetError
from ansible_collections.conductor.trainer.plugins.module_utils.kubeconfig.files import (
    INLINE,
    kubeconfig_of,
    read_kubeconfig,
)
from tests.unit.plugins.helpers import kubeconfigs
from tests.unit.plugins.helpers.certificates import Authority
from tests.unit.plugins.helpers.kubeconfigs import encoded

AUTHORITY = Authority("kubernetes")
PAIR = AUTHORITY.client("somebody")
TOKEN = "hush-token-0123456789"  # noqa: S105


def config(user: Any = None, **cluster: Any) -> dict[str, Any]:
    return kubeconfigs.config({"token": TOKEN} if user is None else user, **cluster)


def read(folder: Path, *contents: Any) -> list[Any]:
    """Read files with these contents; return what each holds."""
    paths = []
    for number, content in enumerate(contents):
        path = folder / f"file-{number}"
        text = content if isinstance(content, (str, bytes)) else yaml.safe_dump(content)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        paths.append(str(path))
    return [content.value for content in read_kubeconfig(os.pathsep.join(paths), lambda secrets: None)[1]]


@pytest.mark.parametrize(
    "data",
    [
        yaml.safe_dump(config()).encode("utf-8-sig"),
        # PowerShell's redirection.
        yaml.safe_dump(config()).replace("\n", "\r\n").encode("utf-16"),
        codecs.BOM_UTF16_BE + yaml.safe_dump(config()).encode("utf-16-be"),
        yaml.safe_dump(config()).encode("utf-32"),
        codecs.BOM_UTF32_BE + yaml.safe_dump(config()).encode("utf-32-be"),
        json.dumps(config()),
        json.dumps(config(), indent="\t"),
        "---\n" + yaml.safe_dump(config()) + "---\n# nothing\n",
    ],
)
def test_encodings_and_forms(tmp_path: Path, data: Any) -> None:
    assert read(tmp_path, data) == [config()]


GOOD = yaml.safe_dump(config())


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (GOOD.encode() + b"# caf\xe9\n", "is not valid UTF-8: byte 0xE9 in line 14"),
        (GOOD.encode("utf-16-le"), "UTF-16 without a byte order mark|characters that YAML does not allow"),
        (GOOD.encode("utf-16")[:-1], "is not valid UTF-16"),
        (gzip.compress(GOOD.encode()), "is compressed with gzip"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "is binary"),
        ("<!DOCTYPE html>\n<html><body>Log in</body></html>", "is HTML or XML"),
        ("\n  <html>", "is HTML or XML"),
        (base64.b64encode(GOOD.encode()), "is base64 text"),
        (base64.encodebytes(GOOD.encode()), "is base64 text"),
        ({"apiVersion": "v1", "kind": "Secret", "data": {"config": encoded(GOOD.encode())}}, "is a Secret"),
        ({"apiVersion": "v1", "kind": "ConfigMap", "data": {"config": GOOD}}, "is a ConfigMap"),
        ({**config(), "apiVersion": "v2"}, "has apiVersion v2"),
        ({**config(), "kind": 7}, "has a kind that is not text"),
        ([config()], "is a list"),
        (GOOD + "---\n" + GOOD, "holds 2 YAML documents"),
        ("just words\n", "is plain text"),
        ("/home/somebody/.kube/config", "is plain text"),
        (PAIR.key, "is PEM text: a certificate or a key"),
        ("$ANSIBLE_VAULT;1.1;AES256\n6162\n", "is encrypted with Ansible Vault"),
        ("users: [\n", "is not valid YAML: line 2, column 1"),
        (f"users: [{{token: '{TOKEN}\n", "is not valid YAML: line 2, column 1"),
        (f"users: *{TOKEN}\n", "is not valid YAML: line 1"),
        (f"users: !{TOKEN}x y\n", "is not valid YAML"),
        ("users: &x [*x]\n", "a value contains itself"),
        ("x: " + "[" * 5000, "nested more than 200 levels deep"),
        ('{"users": ' * 100_000, "nested more than 200 levels deep"),
        (GOOD + "y: !vault |\n  abc\n", "Ansible Vault"),
        (b"x: " + b"y" * 17_000_000, "more than 16 MiB"),
    ],
    ids=lambda value: str(value)[:24] if not isinstance(value, bytes) else str(len(value)),
)
def test_a_file_that_is_no_kubeconfig_is_said_to_be_what_it_is(tmp_path: Path, data: Any, words: str) -> None:
    with pytest.raises(TargetError, match=words) as caught:
        read(tmp_path, data)
    assert str(tmp_path / "file-0") in str(caught.value)
    assert caught.value.next_step
    for secret in (TOKEN, PAIR.key.decode()[40:60], "Log in"):
        assert secret not in str(caught.value)


def test_places_that_hold_no_file(tmp_path: Path) -> None:
    places = {str(tmp_path): "is a folder", f"{tmp_path}/a\0b": "cannot be read", "x" * 5000: "cannot be read"}
    for path, words in places.items():
        with pytest.raises(TargetError, match=words) as caught:
            read_kubeconfig(path, lambda secrets: None)
        assert caught.value.next_step


def test_a_file_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "config"
    path.write_text(GOOD)

    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(TargetError, match=f"{path} cannot be read: permission denied"):
        read_kubeconfig(str(path), lambda secrets: None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (encoded(GOOD.encode()), "is base64 text"),
        (encoded(json.dumps(config()).encode()), "is base64 text"),
        # As an option these two are inline kubeconfigs.
        (GOOD, "KUBECONFIG holds the content"),
        (json.dumps(config()), "KUBECONFIG holds the content"),
    ],
    ids=["base64", "base64 of JSON", "YAML", "JSON"],
)
@pytest.mark.parametrize("variable", [True, False], ids=["KUBECONFIG", "option"])
def test_content_in_place_of_a_path_is_not_shown(
    text: str, words: str, variable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden: set[str] = set()
    monkeypatch.setenv("KUBECONFIG", text)
    if not variable and "holds" in words:
        assert read_kubeconfig(text, hidden.update)[0] == INLINE
    else:
        with pytest.raises(TargetError, match=words) as caught:
            read_kubeconfig(None if variable else text, hidden.update)
        assert ("KUBECONFIG " if variable else "kubeconfig ") in caught.value.message
        assert text not in str(caught.value)
        assert TOKEN not in str(caught.value)
        assert caught.value.next_step
    assert hidden >= {text, TOKEN}


def test_a_path_that_could_be_base64_is_a_path() -> None:
    path = "/nonexistent/kubeconfigs/of/production/clusters/Frankfurt1"
    with pytest.raises(TargetError, match=f"kubeconfig file not found: {path}"):
        read_kubeconfig(path, lambda secrets: None)


PARTS = {name: {name: part} for name, part in config().items()}


@pytest.mark.parametrize(
    "contents",
    [
        list(PARTS.values()),
        list(PARTS.values())[::-1],
        ["", *PARTS.values()],
        ["# nothing\n", *PARTS.values()],
        [{"current-context": "y"}, *PARTS.values()],
        [{"clusters": None, "users": None, "contexts": None}, *PARTS.values()],
        [config(), config({"token": "another"})],
        [PARTS["users"], config({"token": "another"})],
    ],
)
def test_the_merged_whole_counts(tmp_path: Path, contents: list[Any]) -> None:
    read(tmp_path, *contents)
    paths = [str(tmp_path / "missing"), *(str(tmp_path / f"file-{number}") for number in range(len(contents)))]
    cluster = connect(Target(kubeconfig=os.pathsep.join(paths), context="x"))
    assert dict(cluster._credentials())["authorization"] == f"Bearer {TOKEN}"


def test_one_bad_file_among_several_is_named(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="file-1 is a Secret"):
        read(tmp_path, config(), {"kind": "Secret"})


def test_paths_are_relative_to_the_file_they_are_in(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder, name, content in (
        (first, "ca.crt", AUTHORITY.pem),
        (second, "token", TOKEN.encode()),
        (first, "config", yaml.safe_dump({**config(**{"certificate-authority": "ca.crt"}), "users": []}).encode()),
        (second, "config", yaml.safe_dump({"users": [{"name": "u", "user": {"tokenFile": "./token"}}]}).encode()),
    ):
        folder.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    cluster = connect(Target(kubeconfig=f"{first / 'config'}:{second / 'config'}", context="x"))
    assert cluster.authorities == AUTHORITY.pem
    assert dict(cluster._credentials())["authorization"] == f"Bearer {TOKEN}"


# -- secrets -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("damage", ["type", "base64", "context", "cluster", "user", "pem", "none"])
@pytest.mark.parametrize("form", ["file", "dictionary", "text"])
def test_secrets_are_registered_before_anything_is_said_about_the_file(tmp_path: Path, form: str, damage: str) -> None:
    secrets = {
        "token": TOKEN,
        "password": "hush-password",
        "client-key-data": encoded(PAIR.key),
        "auth-provider": {"name": "oidc", "config": {"client-secret": "hush-client", "refresh-token": "hush-refresh"}},
        "exec": {"command": "x", "env": [{"name": "LOGIN_SECRET", "value": "hush-variable"}]},
    }
    content = config({**secrets, "username": None, "client-certificate-data": encoded(PAIR.certificate)})
    content["clusters"][0]["cluster"]["proxy-url"] = "http://u:hush-proxy@p.invalid:1"
    content["users"].append({"name": "other", "user": {"token": "hush-other"}})
    if damage == "type":
        content["users"][0]["user"]["username"] = 7
    elif damage == "base64":
        content["users"][0]["user"]["client-certificate-data"] = "%%%"
    elif damage == "context":
        content["contexts"] = 7
    elif damage == "cluster":
        content["clusters"] = 7
    elif damage == "user":
        content["contexts"][0]["context"]["user"] = "missing"
    elif damage == "pem":
        content["users"] = [{"name": "u", "user": {**secrets, "client-certificate-data": encoded(b"no PEM")}}]
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(content))
    hidden: set[str] = set()
    source: Any = {"file": str(path), "dictionary": content, "text": path.read_text()}[form]
    with pytest.raises(TargetError) as caught:
        connect(Target(kubeconfig=kubeconfig_of(source) if form == "text" else source, context="x"), hide=hidden.update)
    wanted = {TOKEN, "hush-password", "hush-client", "hush-refresh", "hush-variable", encoded(PAIR.key)}
    wanted |= {"hush-proxy"} if damage != "cluster" else set()
    assert wanted <= hidden
    assert [secret for secret in wanted if secret in str(caught.value)] == []


def test_secrets_of_options_and_of_the_files_that_they_name_are_registered(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key", tmp_path / "certificate"
    key.write_bytes(PAIR.key)
    certificate.write_bytes(PAIR.certificate)
    settings = {
        "api_key": TOKEN,
        "password": "hush-password",
        "username": "u",
        "client_key": str(key),
        "client_cert": str(certificate),
        "proxy": "http://u:hush-proxy@p.invalid:1",
        "proxy_headers": {"proxy_basic_auth": "u:hush-header"},
    }
    hidden: set[str] = set()
    connect(Target(host="https://a", settings=settings), hide=hidden.update)
    assert {TOKEN, "hush-password", PAIR.key.decode(), "hush-proxy", "hush-header"} <= hidden


def test_a_blank_key_is_not_hidden(tmp_path: Path) -> None:
    """Every text contains it."""
    for data in (b"", b"\n"):
        (tmp_path / "key").write_bytes(data)
        (tmp_path / "certificate").write_bytes(PAIR.certificate)
        user = {"client-certificate": str(tmp_path / "certificate"), "client-key": str(tmp_path / "key")}
        hidden: set[str] = set()
        with pytest.raises(TargetError, match="is empty, but must be a private key"):
            connect(Target(kubeconfig=config(user)), hide=hidden.update)
        assert hidden == set()


def test_a_kubeconfig_that_conductor_reads_stays_quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each file is opened once, and parsed once."""
    opened: list[str] = []
    original = open

    def record(path: Any, *arguments: Any, **more: Any) -> Any:
        opened.append(str(path))
        return original(path, *arguments, **more)

    monkeypatch.setattr("builtins.open", record)
    path = tmp_path / "config"
    path.write_text(GOOD)
    opened.clear()
    connect(Target(kubeconfig=str(path)))
    assert opened == [str(path)]


@pytest.mark.parametrize("space", ["\n", " \n", "\r\n", "# a\n", "#\n\n"])
def test_any_number_of_blank_lines_and_comments_may_come_first(tmp_path: Path, space: str) -> None:
    begin = "# made by a tool\n" + space * 2000
    assert read(tmp_path, begin + json.dumps(config())) == [config()]
    assert config() in read(tmp_path, begin, begin + "# the end", config())
