# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users of a kubeconfig: what is rejected before the first request, and what arrives at the server."""

from __future__ import annotations

import base64
import json
import os
import ssl
import sys
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.conductor.trainer.plugins.module_utils.cluster import tls
from ansible_collections.conductor.trainer.plugins.module_utils.cluster.client import Cluster
from ansible_collections.conductor.trainer.plugins.module_utils.cluster.connection import connect
from ansible_collections.conductor.trainer.plugins.module_utils.cluster.target import Target
from ansible_collections.conductor.trainer.plugins.module_utils.errors import TargetError
from ansible_collections.conductor.trainer.plugins.module_utils.kubeconfig.exec_plugin import run_plugin
from ansible_collections.conductor.trainer.plugins.module_utils.kubeconfig.oidc import expiry_of
from tests.unit.plugins.helpers.certificates import Authority
from tests.unit.plugins.helpers.kubeconfigs import config, encoded
from tests.unit.plugins.helpers.server import Answer, Server

AUTHORITY = Authority("kubernetes")
PAIR, OTHER = AUTHORITY.client("somebody"), AUTHORITY.client("another")
V1 = "client.authentication.k8s.io/v1"


CERTIFICATE = {"client-certificate-data": encoded(PAIR.certificate), "client-key-data": encoded(PAIR.key)}


def connected(user: Any, **settings: Any) -> Cluster:
    return connect(Target(kubeconfig=config(user), settings=settings))


@pytest.fixture
def secure() -> Iterator[Server]:
    """Serve HTTPS to everybody, with or without a client certificate."""
    with Server(AUTHORITY.tls(["127.0.0.1"], ssl.CERT_OPTIONAL)) as running:
        yield running


def plugin(**more: Any) -> dict[str, Any]:
    return {"exec": {"apiVersion": V1, "command": "x", "interactiveMode": "Never", **more}}


def provider(name: str, **settings: str) -> dict[str, Any]:
    return {"auth-provider": {"name": name, "config": settings}}


def id_token(expires: float) -> str:
    parts = ({"alg": "none"}, {"exp": expires}, "signature")
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)


OIDC = {"idp-issuer-url": "https://127.0.0.1:1", "client-id": "kubernetes"}
# Claims that Python's parser does not take, or no float.
DEEP_TOKEN, HUGE_TOKEN = (
    f"e30.{base64.urlsafe_b64encode(claims).decode().rstrip('=')}.e30"
    for claims in (b"[" * 100_000, b'{"exp":' + b"9" * 400 + b"}")
)


@pytest.mark.parametrize(
    ("user", "words"),
    [
        ({}, "names user 'u', which brings no credentials"),
        (None, "names user 'u', which brings no credentials"),
        ({"token": None, "username": None, "client-key-data": None}, "brings no credentials"),
        ({"token": ""}, "brings no credentials"),
        ({"password": "hush"}, "brings no credentials"),
        ({"client-key-data": encoded(PAIR.key)}, "brings no credentials"),
        ({"as": "jane"}, "brings no credentials"),
        ({"Token": "hush", "clientKey": "hush"}, "brings no credentials; unknown settings: Token, clientKey"),
        (provider("azure", **{"access-token": "hush"}), "auth-provider 'azure', which kubectl no longer has"),
        (provider("gcp", **{"access-token": "hush"}), "auth-provider 'gcp', which kubectl no longer has"),
        ({"auth-provider": {"name": "gcp"}}, "auth-provider 'gcp', which kubectl no longer has"),
        (provider("openstack"), "auth-provider 'openstack', which kubectl no longer has"),
        ({"auth-provider": {}}, "auth-provider '', which kubectl no longer has"),
        ({**provider("gcp"), "token": "hush"}, "auth-provider 'gcp', which kubectl no longer has"),
        (provider("oidc"), "without idp-issuer-url and client-id"),
        (provider("oidc", **OIDC), "without id-token and refresh-token"),
        (provider("oidc", **OIDC, **{"id-token": "hush"}), "its id-token is not an ID token"),
        (provider("oidc", **OIDC, **{"id-token": "a.b.c"}), "its id-token is not an ID token"),
        (provider("oidc", **OIDC, **{"id-token": "a.e30=.c"}), "its id-token is not an ID token"),
        (provider("oidc", **OIDC, **{"id-token": id_token(1)}), "has expired, and it has no refresh-token"),
        (
            provider("oidc", **OIDC, **{"id-token": id_token(1), "refresh-token": "hush"}),
            "has expired, and the issuer 127.0.0.1:1 does not answer",
        ),
        (
            provider("oidc", **{**OIDC, "idp-issuer-url": "http://a.example", "refresh-token": "hush"}),
            "its idp-issuer-url is not an https URL",
        ),
        (
            provider("oidc", **OIDC, **{"refresh-token": "hush", "idp-certificate-authority-data": "%"}),
            "its idp-certificate-authority-data is not valid base64",
        ),
        ({**provider("oidc", **OIDC), **plugin()}, "and an exec plugin"),
        ({"token": "hush\nhush"}, "has line breaks"),
        ({"token": "  "}, "token of user 'u' .* is blank"),
        ({"token": "hush", "as": "a\n b"}, "to impersonate has line breaks"),
        ({"token": "hush", "as": "a", "as-groups": ["g", "b\r"]}, "to impersonate has line breaks"),
        ({"tokenFile": "/missing/file", "username": "u"}, "has both a token and a password"),
        ({"token": "hush", "username": "u"}, "has both a token and a password"),
        ({"token": "hush", "as-uid": "1"}, "as-uid, as-groups or as-user-extra without as"),
        ({"token": "hush", "as-groups": ["g"]}, "as-uid, as-groups or as-user-extra without as"),
        ({"token": "hush", "as-user-extra": {"a": ["b"]}}, "as-uid, as-groups or as-user-extra without as"),
        ({"tokenFile": "/missing/file"}, "file not found: /missing/file"),
        ({"tokenFile": "/"}, "/ cannot be read: Is a directory"),
        ({"client-certificate-data": encoded(PAIR.certificate)}, "a client certificate without a key"),
        ({**CERTIFICATE, "client-key": "/x"}, "has both client-key and client-key-data"),
        ({**CERTIFICATE, "client-certificate": "/x"}, "has both client-certificate and client-certificate-data"),
        ({**CERTIFICATE, "client-key-data": encoded(OTHER.key)}, "does not belong to the client certificate"),
        (
            {**CERTIFICATE, "client-key-data": encoded(PAIR.certificate)},
            "holds a certificate, but must be a private key",
        ),
        (
            {**CERTIFICATE, "client-certificate-data": encoded(PAIR.key)},
            "holds a private key, but must be a certificate",
        ),
        ({**CERTIFICATE, "client-certificate-data": encoded(b"hush")}, "is not PEM text, but must be a certificate"),
        ({**CERTIFICATE, "client-certificate-data": encoded(PAIR.certificate[:90])}, "is cut off or damaged"),
        (
            {**CERTIFICATE, "client-certificate-data": encoded(PAIR.certificate.replace(b"MII", b"MIJ"))},
            "a certificate or a key is damaged",
        ),
        (
            {**CERTIFICATE, "client-key-data": encoded(PAIR.key.replace(b"\n", b"\nProc-Type: 4,ENCRYPTED\n", 1))},
            "is a private key with a passphrase",
        ),
        ({"client-certificate": "/missing/file", "client-key": "/missing/file"}, "file not found: /missing/file"),
        (plugin(command=""), "an exec plugin without a command"),
        (plugin(apiVersion=""), "an exec plugin with no apiVersion"),
        (plugin(apiVersion="client.authentication.k8s.io/v1alpha1"), "exec plugin with apiVersion .*v1alpha1"),
        (plugin(interactiveMode=""), "an exec plugin with no interactiveMode"),
        (plugin(interactiveMode="Always"), "a task has no terminal"),
        (plugin(interactiveMode="Perhaps"), "interactiveMode 'Perhaps'"),
        (plugin(env=[{"value": "hush"}]), "a variable without a name"),
        (plugin(command="/missing/login", installHint="hint for it"), "/missing/login was not found"),
        (plugin(command="/"), "cannot be run: Permission denied"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_what_brings_no_usable_credentials_is_rejected_before_the_first_request(user: Any, words: str) -> None:
    """Otherwise the server would take us for system:anonymous, and the error would list missing permissions."""
    with pytest.raises(TargetError, match=words) as caught:
        connected(user)
    assert "'u'" in str(caught.value) or "context 'x'" in str(caught.value)
    assert caught.value.next_step
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({**config({"token": "t"}), "users": None}, "context 'x' .* names user 'u', which does not exist"),
        ({**config({"token": "t"}), "users": []}, "names user 'u', which does not exist"),
        ({**config({"token": "t"}), "clusters": None}, "names cluster 'c', which does not exist"),
        ({**config({"token": "t"}), "contexts": [{"name": "x", "context": {"cluster": "c"}}]}, "names no user"),
        ({**config({"token": "t"}), "contexts": [{"name": "x", "context": {"user": "u"}}]}, "names no cluster"),
        ({**config({"token": "t"}), "contexts": [{"name": "x"}]}, "names no cluster"),
        (config({"token": "t"}, ""), "names cluster 'c', which has no server"),
        (config({"token": "t"}, **{"certificate-authority": "/missing/file"}), "file not found: /missing/file"),
        (config({"token": "t"}, **{"certificate-authority-data": encoded(PAIR.key)}), "holds a private key"),
        (config({"token": "t"}, **{"certificate-authority-data": encoded(b"x")}), "is not PEM text"),
        (
            config({"token": "t"}, **{"certificate-authority-data": encoded(AUTHORITY.pem.replace(b"MII", b"AAA"))}),
            "holds a certificate that is damaged",
        ),
        (
            config(
                {"token": "t"},
                **{"certificate-authority-data": encoded(AUTHORITY.pem), "insecure-skip-tls-verify": True},
            ),
            "a certificate-authority and insecure-skip-tls-verify: true",
        ),
        (
            config(
                {"token": "t"},
                **{"certificate-authority-data": encoded(AUTHORITY.pem), "certificate-authority": "/x"},
            ),
            "has both certificate-authority and certificate-authority-data",
        ),
    ],
    ids=str,
)
def test_a_context_that_names_nothing_usable_is_rejected(content: dict[str, Any], words: str) -> None:
    with pytest.raises(TargetError, match=words) as caught:
        connect(Target(kubeconfig=content))
    assert caught.value.next_step


@pytest.mark.parametrize("name", ["azure", "gcp", "other"])
def test_a_provider_that_is_gone_has_a_plugin_in_its_place(name: str) -> None:
    with pytest.raises(TargetError) as caught:
        connected(provider(name))
    assert "exec plugin" in str(caught.value.next_step)


def test_credentials_of_options_replace_those_of_the_kubeconfig(tmp_path: Path) -> None:
    """A certificate beside the token would win at the server."""
    for user in ({}, None, CERTIFICATE, plugin(command="/missing/file"), provider("gcp"), {"token": "t"}):
        if user == provider("gcp"):
            continue
        cluster = connected(user, api_key="mine")
        assert dict(cluster._credentials()) == {"authorization": "Bearer mine"}
        assert cluster._material is not None
        assert cluster._material.certificate == b""
    without = {**config({}), "users": None}
    assert connect(Target(kubeconfig=without, settings={"api_key": "mine"})).host == "https://a.example"
    # Who may only impersonate must not become more powerful by another token.
    assert connected({"token": "t", "as": "jane"}, api_key="mine")._headers == (("Impersonate-User", "jane"),)


def test_impersonation_of_the_kubeconfig_and_of_options() -> None:
    user = {
        "token": "t",
        "as": "jane",
        "as-uid": "42",
        "as-groups": ["g", "h"],
        "as-user-extra": {"scopes": ["a", "b"], "example.com/X": ["c"]},
    }
    assert connected(user)._headers == (
        ("Impersonate-User", "jane"),
        ("Impersonate-Uid", "42"),
        ("Impersonate-Group", "g"),
        ("Impersonate-Group", "h"),
        ("Impersonate-Extra-scopes", "a"),
        ("Impersonate-Extra-scopes", "b"),
        ("Impersonate-Extra-example.com%2FX", "c"),
    )
    assert connected(user, impersonate_user="joe")._headers == (("Impersonate-User", "joe"),)
    assert connected(user, impersonate_groups=["i"])._headers == (
        ("Impersonate-User", "jane"),
        ("Impersonate-Group", "i"),
    )
    with pytest.raises(TargetError, match="impersonate_groups is set without impersonate_user"):
        connected({"token": "t"}, impersonate_groups=["i"])


def test_a_token_file_is_read_again_and_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "token"
    path.write_text("one\n")
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    hidden: set[str] = set()
    user = {"tokenFile": str(path), "token": "beside"}
    cluster = connect(Target(kubeconfig=config(user)), hide=hidden.update)
    assert dict(cluster._credentials())["authorization"] == "Bearer one"
    path.write_text("two\n")
    assert dict(cluster._credentials())["authorization"] == "Bearer one"
    now[0] += 61
    assert dict(cluster._credentials())["authorization"] == "Bearer two"
    path.unlink()
    now[0] += 61
    # What was read last stays.
    assert dict(cluster._credentials())["authorization"] == "Bearer two"
    assert {"one", "two", "beside"} <= hidden
    assert dict(connected(user)._credentials())["authorization"] == "Bearer beside"


# -- keys --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("in_memory", [True, False])
@pytest.mark.parametrize("source", ["kubeconfig", "options", "plugin"])
def test_a_client_key_is_in_no_file_once_it_is_loaded(
    secure: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, in_memory: bool
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    if not in_memory:
        monkeypatch.delattr(os, "memfd_create", raising=False)
    authority = {"certificate-authority-data": encoded(AUTHORITY.pem)}
    (tmp_path / "client.crt").write_bytes(PAIR.certificate)
    (tmp_path / "client.key").write_bytes(PAIR.key)
    if source == "kubeconfig":
        target = Target(kubeconfig=config(CERTIFICATE, secure.url, **authority))
    elif source == "options":
        (tmp_path / "ca.crt").write_bytes(AUTHORITY.pem)
        paths = {"client_cert": "client.crt", "client_key": "client.key", "ca_cert": "ca.crt"}
        target = Target(host=secure.url, settings={name: str(tmp_path / file) for name, file in paths.items()})
    else:
        status = {"clientCertificateData": PAIR.certificate.decode(), "clientKeyData": PAIR.key.decode()}
        answer = {"apiVersion": V1, "kind": "ExecCredential", "status": status}
        user = plugin(command=sys.executable, args=["-c", f"print({json.dumps(answer)!r})"])
        target = Target(kubeconfig=config(user, secure.url, **authority))
    cluster = connect(target)
    assert list(scratch.iterdir()) == []
    for path in tmp_path.glob("client.*"):
        path.unlink()
    cluster.get("/version")
    cluster.fresh().get("/version")
    assert len(secure.asked) == 2
    assert list(scratch.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="other systems have no files in memory")
def test_a_client_key_is_in_memory_only(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []
    original = ssl.SSLContext.load_cert_chain

    def record(self: ssl.SSLContext, certfile: Any, keyfile: Any, password: Any) -> None:
        loaded.extend((certfile, keyfile))
        original(self, certfile, keyfile, password)

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", record)
    tls.load_pair(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), PAIR.certificate, PAIR.key)
    assert [path.rpartition("/")[0] for path in loaded] == ["/proc/self/fd"] * 2
    # Both are closed.
    assert [path for path in loaded if os.path.exists(path) and "conductor" in os.readlink(path)] == []


# -- plugins -----------------------------------------------------------------------------------------------------


def script(text: str, **more: Any) -> dict[str, Any]:
    return plugin(command=sys.executable, args=["-c", text], **more)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import sys; sys.exit('session expired')", "ended with code 1: session expired"),
        ("import sys; sys.exit(3)", "ended with code 3"),
        ("print('no')", "returned no JSON"),
        ("print('[]')", "returned no JSON"),
        ("print(chr(123))", "returned no JSON"),
        ("print('{}'); print('{}')", "returned no JSON"),
        ("print('kind: Secret')", "returned no ExecCredential"),
        ("print('{}')", "returned apiVersion '' instead of"),
        ('print(\'{"kind": "ExecCredential", "apiVersion": "x/v1"}\')', "returned apiVersion 'x/v1' instead of"),
        (f'print(\'{{"kind": "ExecCredential", "apiVersion": "{V1}"}}\')', "returned no status"),
        (
            f'print(\'{{"kind": "ExecCredential", "apiVersion": "{V1}", "status": {{"token": 7}}}}\')',
            "neither a token nor a certificate",
        ),
        (
            f'print(\'{{"kind": "ExecCredential", "apiVersion": "{V1}", "status": {{"clientKeyData": "hush"}}}}\')',
            "returned only one of certificate and key",
        ),
        (
            f'print(\'{{"kind": "ExecCredential", "apiVersion": "{V1}", '
            '"status": {"token": "hush", "expirationTimestamp": "soon"}}\')',
            "returned an invalid expirationTimestamp",
        ),
        (
            f'print(\'{{"kind": "ExecCredential", "apiVersion": "{V1}", "status": {{"token": "hush\\\\n"}}}}\')',
            "has line breaks",
        ),
    ],
)
def test_a_plugin_that_fails_is_said_to(text: str, words: str) -> None:
    with pytest.raises(TargetError, match=words) as caught:
        connected(script(text))
    assert caught.value.next_step
    assert "hush" not in str(caught.value)


def test_arguments_and_variables_of_a_plugin_are_not_shown() -> None:
    text = "import os, sys; sys.exit(' '.join(sys.argv) + os.environ['A'] + ' password=hush-other')"
    user = script(text, env=[{"name": "A", "value": "hush-variable"}])
    user["exec"]["args"].append("--client-secret=hush-argument")
    with pytest.raises(TargetError, match="ended with code 1") as caught:
        connected(user)
    assert "hush" not in str(caught.value)


def test_a_plugin_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{run_plugin.__module__}._LIMIT", 0.1)
    with pytest.raises(TargetError, match=r"did not end within 0\.1 s"):
        connected(script("import time; time.sleep(60)"))


BACKGROUND = """
import json, os, subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(10)"], stdout=STDOUT, stdin=subprocess.DEVNULL)
print(json.dumps({"apiVersion": API, "kind": "ExecCredential", "status": {"token": "t"}}))
"""


def test_a_program_that_a_plugin_leaves_in_the_background_may_keep_its_messages_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = BACKGROUND.replace("API", repr(V1))
    assert connected(script(text.replace("STDOUT", "subprocess.DEVNULL"))).credentials() == {"t"}
    # kubectl also waits for the end of the output.
    monkeypatch.setattr(f"{run_plugin.__module__}._LIMIT", 2)
    with pytest.raises(TargetError, match="did not end within 2 s"):
        connected(script(text.replace("STDOUT", "None")))


@pytest.mark.parametrize("closed", ["", "os.close(1); "])
def test_a_plugin_that_hangs_after_its_output_is_ended(closed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{run_plugin.__module__}._LIMIT", 1)
    with pytest.raises(TargetError, match="did not end within 1 s"):
        connected(script(f"import os, time; {closed}time.sleep(60)"))


def test_the_output_of_a_plugin_is_bounded() -> None:
    with pytest.raises(TargetError, match="returned more than 1 MiB"):
        connected(script("import sys\nwhile True: sys.stdout.write('x' * 65536)"))


def test_of_many_messages_the_end_is_shown() -> None:
    text = "import sys; sys.stderr.write('x' * 3_000_000 + ' the cause'); sys.exit(2)"
    with pytest.raises(TargetError, match=r"ended with code 2: .* the cause"):
        connected(script(text))


def test_a_plugin_learns_of_the_cluster_and_is_run_again_after_its_credential_expired(tmp_path: Path) -> None:
    log = tmp_path / "log"
    text = (
        "import json, os, sys, datetime\n"
        f"log = open({str(log)!r}, 'a')\n"
        "log.write(os.environ['KUBERNETES_EXEC_INFO'] + '\\n')\n"
        "soon = datetime.datetime.now(datetime.timezone.utc).strftime('%Y-%m-%dT%H:%M:%S.123456789Z')\n"
        f"print(json.dumps({{'apiVersion': {V1!r}, 'kind': 'ExecCredential',\n"
        f"  'status': {{'token': 'run-' + str(len(open({str(log)!r}).readlines())), 'expirationTimestamp': soon}}}}))\n"
    )
    cluster = {
        "certificate-authority-data": encoded(AUTHORITY.pem),
        "tls-server-name": "b",
        "extensions": [{"name": "client.authentication.k8s.io/exec", "extension": {"audience": "y"}}],
    }
    client = connect(Target(kubeconfig=config(script(text, provideClusterInfo=True), **cluster)))
    first = dict(client._credentials())["authorization"]
    assert first != dict(client._credentials())["authorization"]
    spec = json.loads(log.read_text().splitlines()[0])["spec"]
    assert spec["interactive"] is False
    assert spec["cluster"]["server"] == "https://a.example"
    assert spec["cluster"]["config"] == {"audience": "y"}
    assert spec["cluster"]["tls-server-name"] == "b"
    assert base64.b64decode(spec["cluster"]["certificate-authority-data"]) == AUTHORITY.pem


# -- oidc --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("persist", [True, False])
def test_an_expired_id_token_is_renewed(server: Server, tmp_path: Path, persist: bool) -> None:
    fresh = id_token(time.time() + 3600)
    server.answers = [
        Answer(body={"token_endpoint": f"{server.url}/token"}),
        Answer(body={"id_token": fresh, "refresh_token": "hush-second"}),
    ]
    settings = {"idp-issuer-url": server.url, "client-id": "k", "client-secret": "hush", "refresh-token": "hush-first"}
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(config(provider("oidc", **settings, **{"id-token": id_token(1)}))))
    hidden: set[str] = set()
    warnings: list[str] = []
    target = Target(kubeconfig=str(path), settings={"persist_config": persist})
    cluster = connect(target, hide=hidden.update, warn=warnings.append)
    assert dict(cluster._credentials())["authorization"] == f"Bearer {fresh}"
    assert [request.path for request in server.asked] == ["/.well-known/openid-configuration", "/token"]
    assert b"refresh_token=hush-first" in server.asked[1].body
    assert {fresh, "hush-second", "hush-first", "hush"} <= hidden
    kept = yaml.safe_load(path.read_text())["users"][0]["user"]["auth-provider"]["config"]["refresh-token"]
    assert kept == ("hush-second" if persist else "hush-first")
    assert [("persist_config" in text) for text in warnings] == ([] if persist else [True])


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ([Answer(404)], "answered 404"),
        ([Answer(body=b"<html>")], "did not answer with a JSON object"),
        ([Answer(body=[])], "did not answer with a JSON object"),
        ([Answer(body={})], "names no token_endpoint with https://"),
        ([Answer(body={"token_endpoint": "http://other.example"})], "names no token_endpoint with https://"),
        ([Answer(body={"token_endpoint": "SERVER"}), Answer(400, {"error": "invalid_grant hush"})], "answered 400"),
        ([Answer(body={"token_endpoint": "SERVER"}), Answer(body={})], "returned no ID token"),
        ([Answer(body={"token_endpoint": "SERVER"}), Answer(body={"id_token": "hush"})], "returned no ID token"),
        ([Answer(302, headers={"Location": "http://other.example"})], "answered 302"),
        ([Answer(body=b"[" * 100_000)], "did not answer with a JSON object"),
        ([Answer(body=b'{"a":"' + b" " * (2 << 20))], "did not answer with a JSON object"),
        (
            [Answer(body=zlib.compress(b"{}"), headers={"Content-Encoding": "gzip"})],
            "did not answer with a JSON object",
        ),
        ([Answer(body={"token_endpoint": "SERVER"}), Answer(body={"id_token": DEEP_TOKEN})], "returned no ID token"),
    ],
)
def test_an_issuer_that_does_not_renew_is_an_error(server: Server, answers: list[Answer], words: str) -> None:
    for answer in answers:
        if isinstance(answer.body, dict) and answer.body.get("token_endpoint") == "SERVER":
            answer.body["token_endpoint"] = server.url
    server.answers = answers
    settings = {"idp-issuer-url": server.url, "client-id": "k", "refresh-token": "hush"}
    with pytest.raises(TargetError, match=words) as caught:
        connected(provider("oidc", **settings))
    assert "hush" not in str(caught.value)
    assert caught.value.next_step


def test_when_an_id_token_expires() -> None:
    assert expiry_of(id_token(12.5)) == 12.5
    assert expiry_of("e30.e30.e30") == 0
    for text in (
        "",
        "a",
        "a.b",
        "a.b.c.d",
        "e30.W10.e30",
        "e30.eyJleHAiOiAieCJ9.e30",
        "e30.!.e30",
        DEEP_TOKEN,
        HUGE_TOKEN,
    ):
        assert expiry_of(text) is None
