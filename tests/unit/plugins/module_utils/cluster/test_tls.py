# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3
from kubernetes.client import Configuration

from ansible_collections.conductor.trainer.plugins.module_utils.cluster.retry import Backoff
from ansible_collections.conductor.trainer.plugins.module_utils.cluster.tls import TlsMaterial, share_context
from ansible_collections.conductor.trainer.plugins.module_utils.cluster.transport import Transport
from ansible_collections.conductor.trainer.plugins.module_utils.errors import UnreachableError
from tests.unit.plugins.helpers.certificates import Authority
from tests.unit.plugins.helpers.server import Server
from tests.unit.plugins.helpers.tunnel_proxy import TunnelProxy

HOST = "kubernetes.example"


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority("ours")


@pytest.fixture
def files(tmp_path: Path, authority: Authority) -> dict[str, Path]:
    """The authority's certificate, another authority's, and a client's with its key."""
    client = authority.client("somebody")
    contents = {
        "ca": authority.pem,
        "stranger": Authority("strangers").pem,
        "certificate": client.certificate,
        "key": client.key,
        "nonsense": b"nonsense",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    return {name: tmp_path / name for name in contents}


@pytest.fixture
def server(authority: Authority) -> Iterator[Server]:
    """Serve for HOST and the loopback address, to clients with a certificate of the authority."""
    with Server(authority.tls([HOST, "127.0.0.1"], ssl.CERT_REQUIRED)) as running:
        yield running


def transport(server: Server, files: dict[str, Path], **settings: Any) -> Transport:
    configuration = Configuration()
    configuration.host = server.url
    # The official client keeps file names as strings.
    configuration.cert_file, configuration.key_file = str(files["certificate"]), str(files["key"])
    for name, value in settings.items():
        setattr(configuration, name, value)
    return Transport(configuration, backoff=Backoff(attempts=1))


def ask(one: Transport) -> dict[str, Any]:
    return one.request("GET", "/version", step="read", subject="version")


def test_files_are_read_once(server: Server, files: dict[str, Path]) -> None:
    one = transport(server, files, ssl_ca_cert=str(files["ca"]))
    for path in files.values():
        path.unlink()

    for again in (one, one.fresh(), one.fresh().fresh()):
        ask(again)

    assert len(server.asked) == 3


def test_connections_do_not_change_the_shared_context(
    server: Server, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenSSL frees replaced protocols even while another thread copies them for its connection."""
    changed: list[list[str]] = []
    original = ssl.SSLContext.set_alpn_protocols

    def count(self: ssl.SSLContext, protocols: list[str]) -> None:
        changed.append(protocols)
        original(self, protocols)

    monkeypatch.setattr(ssl.SSLContext, "set_alpn_protocols", count)
    one = transport(server, files, ssl_ca_cert=str(files["ca"]))
    before = len(changed)
    assert changed[-1] == ["http/1.1"]
    ask(one)
    ask(one.fresh())
    assert len(changed) == before


def test_ca_may_be_given_as_text(server: Server, files: dict[str, Path], authority: Authority) -> None:
    # Only newer releases of the official client pass such text to a pool.
    pool = urllib3.PoolManager(
        cert_reqs=ssl.CERT_REQUIRED,
        ca_cert_data=authority.pem.decode(),
        cert_file=str(files["certificate"]),
        key_file=str(files["key"]),
    )
    assert share_context(pool)
    assert pool.request("GET", f"{server.url}/version").status == 200


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"ssl_ca_cert": "stranger"}, "certificate verify failed"),
        # The machine's own authorities did not sign it either.
        ({}, "certificate verify failed"),
        ({"ssl_ca_cert": "ca", "tls_server_name": "another.example"}, "another.example"),
        ({"ssl_ca_cert": "ca", "cert_file": None}, None),
        # An unusable file is reported by urllib3 at the first request.
        ({"ssl_ca_cert": "nonsense"}, None),
        ({"ssl_ca_cert": "ca", "key_file": "ca"}, None),
    ],
    ids=str,
)
def test_no_request_is_sent_to_an_untrusted_server(
    server: Server, files: dict[str, Path], settings: dict[str, Any], words: str | None
) -> None:
    given = {name: str(files.get(value, value)) if value else value for name, value in settings.items()}
    one = transport(server, files, **given)

    for again in (one, one.fresh()):
        with pytest.raises(UnreachableError, match=words):
            ask(again)

    assert server.asked == []


def test_server_name_can_be_overridden(server: Server, files: dict[str, Path]) -> None:
    one = transport(server, files, ssl_ca_cert=str(files["ca"]), tls_server_name=HOST)
    ask(one)
    ask(one.fresh())


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_verification_can_be_switched_off(server: Server, files: dict[str, Path]) -> None:
    one = transport(server, files, ssl_ca_cert=None, verify_ssl=False)
    ask(one)
    ask(one.fresh())


@pytest.mark.parametrize("secure", [False, True])
def test_material_is_used_through_a_proxy(
    server: Server, files: dict[str, Path], authority: Authority, secure: bool
) -> None:
    """A proxy with HTTPS is verified by the same authorities, and gets no client certificate."""
    tls = authority.tls(["127.0.0.1"]) if secure else None
    material = TlsMaterial(files["ca"].read_bytes(), files["certificate"].read_bytes(), files["key"].read_bytes())
    with TunnelProxy(tls=tls) as proxy:
        configuration = Configuration()
        configuration.host, configuration.proxy = server.url, proxy.url
        one = Transport(configuration, backoff=Backoff(attempts=1), material=material)
        for path in files.values():
            path.unlink()
        ask(one)
        ask(one.fresh())
        one.close()
        assert proxy.tunnels == [server.address] * 2
    assert len(server.asked) == 2


@pytest.mark.parametrize("name", ["stranger", "nonsense"])
def test_material_that_does_not_fit_is_an_error(server: Server, files: dict[str, Path], name: str) -> None:
    configuration = Configuration()
    configuration.host = server.url
    material = TlsMaterial(files["ca"].read_bytes(), files["certificate"].read_bytes(), files[name].read_bytes())
    with pytest.raises(ssl.SSLError):
        Transport(configuration, backoff=Backoff(attempts=1), material=material)


def test_context_is_not_shared_with_a_proxy(server: Server, files: dict[str, Path]) -> None:
    # The proxy may use HTTPS, and urllib3 verifies it with the same authorities.
    one = transport(server, files, ssl_ca_cert=str(files["ca"]), proxy="http://proxy.example:3128")
    for pool in (one._pool, one.fresh()._pool):
        assert pool.connection_pool_kw["ca_certs"] == str(files["ca"])
        assert "ssl_context" not in pool.connection_pool_kw
