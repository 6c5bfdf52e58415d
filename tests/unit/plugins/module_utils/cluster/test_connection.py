# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.conductor.trainer.plugins.module_utils.cluster.connection import connect, kubeconfig_of
from ansible_collections.conductor.trainer.plugins.module_utils.cluster.target import Target
from ansible_collections.conductor.trainer.plugins.module_utils.errors import TargetError
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


def sent(server: Server, target: Target, header: str) -> list[str]:
    connect(target).get("/version")
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
        ("a: [", "is not a valid kubeconfig"),
        ("", "is not a valid kubeconfig: it has no contexts"),
        ("just text", "is not a valid kubeconfig: it has no contexts"),
        ({"kind": "Config"}, "is not a valid kubeconfig: it has no contexts"),
        ({"contexts": [{"context": {}}]}, "is not a valid kubeconfig"),
        ({"contexts": None}, "has 0"),
        ({"contexts": [{"name": "a", "context": {"cluster": "gone", "user": "gone"}}]}, "cannot be loaded"),
    ],
)
def test_damaged_kubeconfig_is_named_in_the_error(tmp_path: Path, content: Any, words: str) -> None:
    path = written(tmp_path, content)
    with pytest.raises(TargetError, match=words) as caught:
        connect(Target(kubeconfig=path))
    assert path in str(caught.value)


def test_binary_file_is_named_in_the_error(tmp_path: Path) -> None:
    path = tmp_path / "binary"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(TargetError, match="is not a valid kubeconfig") as caught:
        connect(Target(kubeconfig=str(path)))
    assert str(path) in str(caught.value)


def test_kubeconfig_of_a_wrong_type_is_an_error() -> None:
    target: Any = Target(kubeconfig=["secret"])  # type: ignore[arg-type]
    with pytest.raises(TargetError, match="wrong type") as caught:
        connect(target)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("where", ["option", "kubeconfig"])
def test_a_server_without_a_scheme_is_rejected(where: str) -> None:
    """The client would send the token over plain HTTP."""
    if where == "option":
        target = Target(host="a.example:6443", settings={"api_key": "t"})
    else:
        target = Target(kubeconfig=kubeconfig("a.example:6443", "a"), context="a")
    with pytest.raises(TargetError, match=r"a\.example:6443 is not a URL"):
        connect(target)


def test_missing_file_is_named_in_the_error() -> None:
    with pytest.raises(TargetError, match="kubeconfig file not found: /nonexistent/config") as caught:
        connect(Target(kubeconfig="~/config", context="a"))
    assert caught.value.next_step == "check the path"


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
        connect(Target(kubeconfig=path, context="a"))
    assert "credential plugin" in str(caught.value.next_step)
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


def test_certificate_files_and_proxy_reach_the_connection(tmp_path: Path) -> None:
    paths = {option: written(tmp_path, "x", option) for option in ("ca_cert", "client_cert", "client_key")}
    proxy = {"proxy": "http://proxy.invalid:3128", "proxy_headers": {"proxy_basic_auth": "u:p"}}
    cluster = connect(Target(host="https://a", settings={**paths, **proxy}))
    manager: Any = cluster._pool
    pool = manager.connection_pool_kw
    assert (pool["ca_certs"], pool["cert_file"], pool["key_file"]) == tuple(paths.values())
    assert str(manager.proxy) == "http://proxy.invalid:3128"
    assert manager.proxy_headers == {"proxy-authorization": "Basic dTpw"}


def test_number_of_connections_is_passed_on() -> None:
    cluster = connect(Target(host="https://a", settings={"api_key": "t"}), connections=3)
    assert cluster.connections == cluster._pool.connection_pool_kw["maxsize"] == 3


def test_in_cluster_outside_of_a_pod_is_an_error() -> None:
    with pytest.raises(TargetError, match="does not run in a pod"):
        connect(Target(in_cluster=True))


def test_two_targets_do_not_share_credentials(server: Server) -> None:
    first = connect(Target(host=server.url, settings={"api_key": "one"}))
    connect(Target(host=server.url, settings={"api_key": "two"}))
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
        ({"HTTP_PROXY": "http://p.invalid:1"}, "https://a.example", None),
        ({"HTTP_PROXY": "http://p.invalid:1"}, "http://a.example", "http://p.invalid:1"),
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


def test_a_proxy_of_the_kubeconfig_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://environment.invalid:1")
    inline = kubeconfig("https://a", "x")
    inline["clusters"][0]["cluster"]["proxy-url"] = "http://kubeconfig.invalid:1"
    manager: Any = connect(Target(kubeconfig=inline))._pool
    assert str(manager.proxy) == "http://kubeconfig.invalid:1"


def test_proxy_headers_override_the_login_in_the_url() -> None:
    settings = {"api_key": "t", "proxy": "http://a:b@proxy.invalid:1", "proxy_headers": {"proxy_basic_auth": "u:p"}}
    manager: Any = connect(Target(host="https://a", settings=settings))._pool
    assert manager.proxy_headers == {"proxy-authorization": "Basic dTpw"}


@pytest.mark.parametrize("proxy", ["proxy.invalid:3128", "u:secret@proxy.invalid", "ftp://u:secret@proxy.invalid"])
def test_invalid_proxy_url_is_not_shown_in_the_error(proxy: str) -> None:
    with pytest.raises(TargetError, match="proxy is not a valid proxy URL") as caught:
        connect(Target(host="https://a", settings={"api_key": "t", "proxy": proxy}))
    assert "secret" not in str(caught.value)


def test_new_connections_keep_the_overrides(tmp_path: Path) -> None:
    inline = kubeconfig("https://a", "x")
    inline["clusters"][0]["cluster"].update(
        {"certificate-authority-data": "Zm9v", "proxy-url": "http://u:p@inner.invalid:1"}
    )
    ca_cert = written(tmp_path, "x", "ca")
    cluster = connect(Target(kubeconfig=inline, settings={"ca_cert": ca_cert, "proxy": "http://outer.invalid:2"}))
    # The official client restores the settings of the kubeconfig whenever a token is requested.
    assert dict(cluster._credentials())["authorization"] == "Bearer token-x"
    manager: Any = cluster.fresh()._pool
    assert manager.connection_pool_kw["ca_certs"] == cluster.ca_file == ca_cert
    assert str(manager.proxy) == "http://outer.invalid:2"


@pytest.mark.parametrize(
    ("host", "settings"), [("https://a", {}), ("https://a", {"validate_certs": False}), ("http://a", {})]
)
def test_ca_file_is_known_only_with_verification(tmp_path: Path, host: str, settings: dict[str, Any]) -> None:
    ca_cert = written(tmp_path, "x", "ca")
    cluster = connect(Target(host=host, settings={"api_key": "t", "ca_cert": ca_cert, **settings}))
    assert cluster.ca_file == (ca_cert if host.startswith("https") and not settings else None)


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
