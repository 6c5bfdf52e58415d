# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.conductor.trainer.plugins.module_utils.cluster.connection import connect
from ansible_collections.conductor.trainer.plugins.module_utils.cluster.target import Target
from ansible_collections.conductor.trainer.plugins.module_utils.errors import TargetError
from ansible_collections.conductor.trainer.plugins.module_utils.kubeconfig.files import kubeconfig_of
from tests.unit.plugins.helpers.certificates import Authority
from tests.unit.plugins.helpers.server import Server


def kubeconfig(server: str, *contexts: str, user: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return contexts of one server, each with a user whose token is the name of the context."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": contexts[0] if contexts else "",
        "clusters": [{"name": "cluster", "cluster": {"server": server}}],
        "users": [{"name": name, "user": user or {"token": f"token-{name}"}} for name in contexts],
        "contexts": [{"name": name, "context": {"cluster": "cluster", "user": name}} for name in contexts],
    }


def written(folder: Path, content: Any, name: str = "config") -> str:
    path = folder / name
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content), encoding="utf-8")
    return str(path)


def named(where: str, server: str, user: dict[str, Any] | None = None, **settings: Any) -> Target:
    """Return a target whose server is in an option or in a kubeconfig, with credentials."""
    if where == "option":
        return Target(host=server, settings={"api_key": "t", **settings})
    return Target(kubeconfig=kubeconfig(server, "a", user=user), context="a", settings=settings)


def asked(target: Target) -> Target:
    """Return the target with the setting that sends credentials to a server on this machine without encryption."""
    return replace(target, settings={"validate_certs": False, **target.settings})


def sent(server: Server, target: Target, header: str) -> list[str]:
    connect(asked(target)).get("/version")
    return [value for name, value in server.asked[-1].headers if name.lower() == header.lower()]


@pytest.mark.parametrize("context", ["a", "b"])
def test_the_named_context_is_used_not_the_current_one(server: Server, tmp_path: Path, context: str) -> None:
    path = written(tmp_path, kubeconfig(server.url, "a", "b"))
    assert sent(server, Target(kubeconfig=path, context=context), "Authorization") == [f"Bearer token-{context}"]


def test_the_only_context_of_a_file_needs_no_name(server: Server, tmp_path: Path) -> None:
    path = written(tmp_path, kubeconfig(server.url, "only"))
    assert sent(server, Target(kubeconfig=path), "Authorization") == ["Bearer token-only"]


def test_several_files_are_one_kubeconfig(server: Server, tmp_path: Path) -> None:
    first = written(tmp_path, kubeconfig(server.url, "a"), "first")
    second = written(tmp_path, kubeconfig(server.url, "b"), "second")
    path = f"{first}:{tmp_path / 'missing'}:{second}"
    assert sent(server, Target(kubeconfig=path, context="a"), "Authorization") == ["Bearer token-a"]
    with pytest.raises(TargetError, match="has 2") as caught:
        connect(Target(kubeconfig=path))
    assert "a, b" in str(caught.value.next_step)


def test_context_alone_is_found_in_kubeconfig_variable(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", written(tmp_path, kubeconfig(server.url, "a", "b")))
    assert sent(server, Target(context="b"), "Authorization") == ["Bearer token-b"]


def test_context_alone_is_found_in_the_home_directory() -> None:
    with pytest.raises(TargetError, match=r"kubeconfig file not found: /nonexistent/\.kube/config"):
        connect(Target(context="a"))


def test_an_inline_kubeconfig_is_not_written_anywhere(server: Server, tmp_path: Path) -> None:
    inline = kubeconfig(server.url, "a", "b")
    assert sent(server, Target(kubeconfig=inline, context="b"), "Authorization") == ["Bearer token-b"]
    with pytest.raises(TargetError, match="the inline kubeconfig"):
        connect(Target(kubeconfig=inline, context="c"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a: [", "is not valid YAML: line 2, column 1"),
        ("", "holds nothing"),
        ("just text", "is plain text, not a kubeconfig"),
        ({"kind": "Config"}, "has no contexts"),
        ({"contexts": [{"context": {}}]}, "has contexts without a name"),
        ({"contexts": None}, "has no contexts"),
        ({"contexts": [{"name": "a", "context": {"cluster": "gone", "user": "gone"}}]}, "names cluster 'gone', which"),
    ],
)
def test_damaged_kubeconfig_is_named_in_the_error(tmp_path: Path, content: Any, words: str) -> None:
    path = written(tmp_path, content)
    with pytest.raises(TargetError, match=words) as caught:
        connect(Target(kubeconfig=path))
    assert path in str(caught.value)
    assert caught.value.next_step


def test_kubeconfig_of_a_wrong_type_is_an_error() -> None:
    target: Any = Target(kubeconfig=["secret"])  # type: ignore[arg-type]
    with pytest.raises(TargetError, match="wrong type") as caught:
        connect(target)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("where", ["option", "kubeconfig"])
@pytest.mark.parametrize(
    ("server", "url"),
    [
        ("a.example:6443", "https://a.example:6443"),
        ("10.0.0.1:6443", "https://10.0.0.1:6443"),
        ("[::1]:6443", "https://[::1]:6443"),
        ("localhost", "https://localhost"),
        ("127.0.0.1:18080", "https://127.0.0.1:18080"),
        ("HTTPS://A.example/", "https://a.example"),
        ("https://a.example/k8s/clusters/c-1/", "https://a.example/k8s/clusters/c-1"),
    ],
)
def test_a_server_without_a_scheme_is_https(where: str, server: str, url: str) -> None:
    assert connect(named(where, server)).host == url


@pytest.mark.parametrize("where", ["option", "kubeconfig"])
@pytest.mark.parametrize(
    "server",
    ["ftp://a", "unix:///run/x", "https://", "https://a:port", "https://a b", "https:/a", "https://a?x=1", "::1"],
)
def test_a_server_that_is_no_url_is_rejected(where: str, server: str) -> None:
    with pytest.raises(TargetError, match="is not the URL of an API server"):
        connect(named(where, server))


@pytest.mark.parametrize("where", ["option", "kubeconfig"])
@pytest.mark.parametrize(
    "server",
    ["https://user:hush@a", "https://hush@a", "https://:hush@a", "user:hush@a:6443", "http://u:hush@127.0.0.1"],
)
def test_a_login_in_the_url_of_a_server_is_rejected_and_not_shown(where: str, server: str) -> None:
    with pytest.raises(TargetError, match="a user name or a password in its URL") as caught:
        connect(named(where, server))
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("where", ["option", "kubeconfig"])
@pytest.mark.parametrize(
    "user",
    [{"token": "t"}, {"username": "u", "password": "p"}, {"tokenFile": "/nonexistent"}, {"exec": {
        "apiVersion": "client.authentication.k8s.io/v1", "command": "/nonexistent", "interactiveMode": "Never",
    }}],
    ids="-".join,
)  # fmt: skip
def test_credentials_are_not_sent_over_http_to_another_machine(where: str, user: dict[str, Any]) -> None:
    for server in ("http://a.example", "HTTP://10.0.0.1:80", "http://0.0.0.0", "http://localhost.example"):
        for settings in ({}, {"validate_certs": False}):
            target = named(where, server, user, **settings)
            with pytest.raises(TargetError, match="credentials are not sent to http://") as caught:
                connect(target)
            assert caught.value.next_step


@pytest.mark.parametrize("where", ["option", "kubeconfig"])
def test_credentials_are_sent_over_http_to_this_machine_only_if_asked_for(server: Server, where: str) -> None:
    target = named(where, server.url)
    warnings: list[str] = []
    connect(target, warn=warnings.append).get("/version")
    assert server.asked[-1].header("Authorization") is None
    assert len(warnings) == 1
    assert "validate_certs" in warnings[0]

    assert sent(server, target, "Authorization") == ["Bearer t" if where == "option" else "Bearer token-a"]


def test_a_request_without_encryption_to_this_machine_uses_no_proxy_of_the_environment(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("http_proxy", "http://proxy.invalid:1")
    assert sent(server, Target(host=server.url, settings={"api_key": "t"}), "Authorization") == ["Bearer t"]
    settings = {"api_key": "t", "proxy": "http://proxy.invalid:1", "validate_certs": False}
    with pytest.raises(TargetError, match="credentials are not sent"):
        connect(Target(host=server.url, settings=settings))


def test_a_proxy_on_this_machine_brings_credentials_of_its_own(server: Server) -> None:
    connect(Target(kubeconfig=kubeconfig(server.url, "a", user={"as": "jane"}))).get("/version")
    assert server.asked[-1].header("Authorization") is None


def test_missing_file_is_named_in_the_error() -> None:
    with pytest.raises(TargetError, match="kubeconfig file not found: /nonexistent/config") as caught:
        connect(Target(kubeconfig="~/config", context="a"))
    assert caught.value.next_step == "check the path"


def test_without_any_kubeconfig_the_error_says_that_nothing_names_one() -> None:
    """Under AWX the built-in credential brings host and token, and the inventory may name a context."""
    with pytest.raises(TargetError, match="no option, variable or credential gives a kubeconfig") as caught:
        connect(Target(context="a"))
    assert "AWX" in str(caught.value.next_step)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ({"command": "/nonexistent/login-helper"}, "login-helper"),
        ({"command": sys.executable, "args": ["-c", "import sys; sys.exit('session expired')"]}, "session expired"),
    ],
)
def test_failing_credential_plugin_is_an_error(
    server: Server, tmp_path: Path, command: dict[str, Any], words: str
) -> None:
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never", **command}}
    path = written(tmp_path, kubeconfig(server.url, "a", user=user))
    with pytest.raises(TargetError, match=words) as caught:
        connect(asked(Target(kubeconfig=path, context="a")))
    assert "where this task runs" in str(caught.value.next_step)
    assert server.asked == []


def test_a_credential_plugin_gives_the_token(server: Server, tmp_path: Path) -> None:
    credential = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {"token": "from-plugin"},
    }
    command = {"command": sys.executable, "args": ["-c", f"print({json.dumps(credential)!r})"]}
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never", **command}}
    path = written(tmp_path, kubeconfig(server.url, "a", user=user))
    assert sent(server, Target(kubeconfig=path, context="a"), "Authorization") == ["Bearer from-plugin"]


def test_host_and_token(server: Server) -> None:
    target = Target(host=server.url, settings={"api_key": "secret"})
    assert sent(server, target, "Authorization") == ["Bearer secret"]


def test_host_with_user_and_password(server: Server) -> None:
    target = Target(host=server.url, settings={"username": "u", "password": "p"})
    assert sent(server, target, "Authorization") == ["Basic dTpw"]


def test_options_override_the_kubeconfig(server: Server, tmp_path: Path) -> None:
    path = written(tmp_path, kubeconfig(server.url, "a"))
    target = Target(kubeconfig=path, context="a", settings={"api_key": "other"})
    assert sent(server, target, "Authorization") == ["Bearer other"]


def test_impersonation_is_sent_with_each_request(server: Server) -> None:
    settings = {"api_key": "t", "impersonate_user": "u", "impersonate_groups": ["g", "h"]}
    target = Target(host=server.url, settings=settings)
    assert sent(server, target, "Impersonate-User") == ["u"]
    assert ", ".join(sent(server, target, "Impersonate-Group")) == "g, h"


@pytest.mark.parametrize("option", ["ca_cert", "client_cert", "client_key"])
def test_missing_certificate_file_names_the_option(option: str) -> None:
    with pytest.raises(TargetError, match=f"{option}: file not found: /nonexistent/x"):
        connect(Target(host="https://a", settings={"api_key": "t", option: "~/x"}))


@pytest.mark.parametrize("option", ["ca_cert", "client_cert", "client_key"])
def test_pasted_file_is_not_shown_in_the_error(option: str) -> None:
    pasted = "-----BEGIN PRIVATE KEY-----\nsecret\n"
    with pytest.raises(TargetError, match=f"{option} is the content of a file") as caught:
        connect(Target(host="https://a", settings={"api_key": "t", option: pasted}))
    assert "secret" not in str(caught.value)


def test_proxy_reaches_the_connection() -> None:
    proxy = {"proxy": "http://proxy.invalid:3128", "proxy_headers": {"proxy_basic_auth": "u:p"}}
    manager: Any = connect(Target(host="https://a", settings={"api_key": "t", **proxy}))._pool
    assert str(manager.proxy) == "http://proxy.invalid:3128"
    assert manager.proxy_headers == {"proxy-authorization": "Basic dTpw"}


def test_number_of_connections_is_passed_on() -> None:
    cluster = connect(Target(host="https://a", settings={"api_key": "t"}), connections=3)
    assert cluster.connections == cluster._pool.connection_pool_kw["maxsize"] == 3


def test_in_cluster_outside_of_a_pod_is_an_error() -> None:
    with pytest.raises(TargetError, match="does not run in a pod"):
        connect(Target(in_cluster=True))


def test_in_cluster_uses_what_the_pod_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its token is read again by the official client."""
    pem = Authority("pods").pem
    ca_cert = written(tmp_path, pem.decode(), "ca.crt")
    tokens = iter(("one", "two", "three"))

    def load(client_configuration: Any) -> None:
        def renew(configuration: Any) -> None:
            configuration.api_key["authorization"] = f"bearer {next(tokens)}"

        client_configuration.host, client_configuration.ssl_ca_cert = "https://10.96.0.1:443", ca_cert
        renew(client_configuration)
        client_configuration.refresh_api_key_hook = renew

    monkeypatch.setattr("kubernetes.config.load_incluster_config", load)
    hidden: set[str] = set()
    target = Target(in_cluster=True, settings={"impersonate_user": "weak", "impersonate_groups": ["g"]})
    cluster = connect(target, hide=hidden.update)
    assert (cluster.host, cluster.authorities, hidden) == ("https://10.96.0.1:443", pem, {"one"})
    assert [dict(cluster._credentials())["authorization"] for _time in range(2)] == ["bearer two", "bearer three"]
    assert cluster._headers == (("Impersonate-User", "weak"), ("Impersonate-Group", "g"))


def test_two_targets_do_not_share_credentials(server: Server) -> None:
    first = connect(asked(Target(host=server.url, settings={"api_key": "one"})))
    connect(asked(Target(host=server.url, settings={"api_key": "two"})))
    first.get("/version")
    assert server.asked[-1].header("Authorization") == "Bearer one"


def test_verification_can_be_switched_off_for_one_target_only() -> None:
    loose = connect(Target(host="https://a", settings={"api_key": "t", "validate_certs": False}))
    strict = connect(Target(host="https://a", settings={"api_key": "t"}))
    modes = [cluster._pool.connection_pool_kw["cert_reqs"].name for cluster in (loose, strict)]
    assert modes == ["CERT_NONE", "CERT_REQUIRED"]


@pytest.mark.parametrize(
    ("proxy", "url", "header"),
    [
        ("http://proxy.invalid:3128", "http://proxy.invalid:3128", None),
        ("http://u:p@proxy.invalid:3128", "http://proxy.invalid:3128", "Basic dTpw"),
        # Colon, slash and @ in a password are percent-encoded; an @ may also stay as it is.
        ("http://u:%3A%2Fp@%40@proxy.invalid:3128", "http://proxy.invalid:3128", "Basic dTo6L3BAQA=="),
        ("https://ü:p@proxy.invalid", "https://proxy.invalid:443", "Basic w7w6cA=="),
        ("http://u:/p?#@proxy.invalid:3128", "http://proxy.invalid:3128", "Basic dTovcD8j"),
    ],
)
@pytest.mark.parametrize("where", ["option", "kubeconfig"])
def test_a_login_in_the_url_of_a_proxy_is_sent_to_it(where: str, proxy: str, url: str, header: str | None) -> None:
    inline = kubeconfig("https://a", "x")
    if where == "kubeconfig":
        inline["clusters"][0]["cluster"]["proxy-url"] = proxy
    cluster = connect(Target(kubeconfig=inline, settings={"proxy": proxy} if where == "option" else {}))
    manager: Any = cluster._pool
    assert str(manager.proxy) == url
    assert manager.proxy_headers.get("proxy-authorization") == header


def test_tls_server_name_is_read_from_the_kubeconfig() -> None:
    inline = kubeconfig("https://a", "x")
    inline["clusters"][0]["cluster"]["tls-server-name"] = "b.example"
    assert connect(Target(kubeconfig=inline))._pool.connection_pool_kw["server_hostname"] == "b.example"


def test_of_two_clusters_with_one_name_the_first_file_counts(tmp_path: Path) -> None:
    first, second = kubeconfig("https://a", "x"), kubeconfig("https://b", "y")
    first["clusters"][0]["cluster"]["proxy-url"] = "http://first.invalid:1"
    second["clusters"][0]["cluster"]["proxy-url"] = "http://second.invalid:1"
    paths = [written(tmp_path, content, name) for name, content in (("first", first), ("second", second))]
    manager: Any = connect(Target(kubeconfig=":".join(paths), context="y"))._pool
    assert str(manager.proxy) == "http://first.invalid:1"


@pytest.mark.parametrize(
    ("environment", "host", "proxy"),
    [
        ({"HTTPS_PROXY": "http://p.invalid:1"}, "https://a.example", "http://p.invalid:1"),
        ({"https_proxy": "http://p.invalid:1", "NO_PROXY": "b.example"}, "https://a.example", "http://p.invalid:1"),
        ({"https_proxy": "http://p.invalid:1", "NO_PROXY": ".example"}, "https://a.example", None),
        ({"https_proxy": "http://p.invalid:1", "NO_PROXY": "x, *.example"}, "https://a.example", None),
        ({"https_proxy": "http://p.invalid:1", "NO_PROXY": "10.0.0.0/8"}, "https://10.1.2.3:6443", None),
        ({"HTTP_PROXY": "http://p.invalid:1"}, "https://a.example", None),
        # A local cluster, e.g. of kind or minikube.
        ({"HTTPS_PROXY": "http://p.invalid:1"}, "https://127.0.0.1:6443", None),
        ({"HTTPS_PROXY": "http://p.invalid:1"}, "https://localhost:6443", None),
        ({"HTTPS_PROXY": "http://p.invalid:1"}, "https://[::1]:6443", None),
        ({"ALL_PROXY": "http://p.invalid:1"}, "https://a.example", "http://p.invalid:1"),
    ],
)
def test_a_proxy_in_the_environment_is_used(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], host: str, proxy: str | None
) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    manager: Any = connect(Target(host=host, settings={"api_key": "t"}))._pool
    assert str(getattr(manager, "proxy", None)) == str(proxy)


@pytest.mark.parametrize("exceptions", ["", "a", "*"])
def test_a_proxy_of_the_kubeconfig_wins_over_the_environment(exceptions: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://environment.invalid:1")
    # As in kubectl this is about proxies of the environment.
    monkeypatch.setenv("NO_PROXY", exceptions)
    inline = kubeconfig("https://a", "x")
    inline["clusters"][0]["cluster"]["proxy-url"] = "http://kubeconfig.invalid:1"
    manager: Any = connect(Target(kubeconfig=inline))._pool
    assert str(manager.proxy) == "http://kubeconfig.invalid:1"


def test_proxy_headers_override_the_login_in_the_url() -> None:
    settings = {"api_key": "t", "proxy": "http://a:b@proxy.invalid:1", "proxy_headers": {"proxy_basic_auth": "u:p"}}
    manager: Any = connect(Target(host="https://a", settings=settings))._pool
    assert manager.proxy_headers == {"proxy-authorization": "Basic dTpw"}


@pytest.mark.parametrize(
    "proxy",
    [
        "proxy.invalid:3128",
        "u:secret@proxy.invalid",
        "ftp://u:secret@proxy.invalid",
        "http://u:secret@",
        "http://u:secret@[::1",
        "http://u:secret@a:port",
        "http://u:secret@a:99999",
        "http://",
    ],
)
def test_invalid_proxy_url_is_not_shown_in_the_error(proxy: str) -> None:
    with pytest.raises(TargetError, match="proxy is not a valid proxy URL") as caught:
        connect(Target(host="https://a", settings={"api_key": "t", "proxy": proxy}))
    assert "secret" not in str(caught.value)


def test_new_connections_keep_the_overrides(tmp_path: Path) -> None:
    inline = kubeconfig("https://a", "x")
    ours, theirs = Authority("ours").pem, Authority("theirs").pem
    inline["clusters"][0]["cluster"].update(
        {
            "certificate-authority-data": base64.b64encode(theirs).decode(),
            "proxy-url": "http://u:p@inner.invalid:1",
        }
    )
    ca_cert = written(tmp_path, ours.decode(), "ca")
    cluster = connect(Target(kubeconfig=inline, settings={"ca_cert": ca_cert, "proxy": "http://outer.invalid:2"}))
    assert dict(cluster._credentials())["authorization"] == "Bearer token-x"
    manager: Any = cluster.fresh()._pool
    assert manager.connection_pool_kw["ssl_context"] is cluster._pool.connection_pool_kw["ssl_context"]
    assert cluster.authorities == ours
    assert str(manager.proxy) == "http://outer.invalid:2"


@pytest.mark.parametrize("settings", [{}, {"validate_certs": False}])
def test_the_authority_is_known_only_with_verification(tmp_path: Path, settings: dict[str, Any]) -> None:
    pem = Authority("ours").pem
    ca_cert = written(tmp_path, pem.decode(), "ca")
    cluster = connect(Target(host="https://a", settings={"api_key": "t", "ca_cert": ca_cert, **settings}))
    assert cluster.authorities == (b"" if settings else pem)


def test_a_kubeconfig_as_text() -> None:
    inline = kubeconfig("https://a", "x")
    assert kubeconfig_of(yaml.safe_dump(inline)) == inline
    assert kubeconfig_of(json.dumps(inline, indent=1)) == inline
    assert kubeconfig_of(json.dumps(inline)) == inline


@pytest.mark.parametrize("text", ["secret\n", "- secret\n- b\n", "secret: [\n"])
def test_invalid_kubeconfig_text_is_not_shown(text: str) -> None:
    with pytest.raises(TargetError, match="not the content of a kubeconfig") as caught:
        kubeconfig_of(text)
    assert "secret" not in str(caught.value)
