# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Through a proxy, with and without a login, and past it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import NamedTuple
from urllib.parse import quote, urlsplit

import pytest

from tests.integration.connections.asking import User, assert_answered, assert_refused
from tests.integration.connections.conftest import Access, Hosts
from tests.support.playing import Played
from tests.support.real_cluster import RealCluster
from tests.unit.plugins.helpers.tunnel_proxy import TunnelProxy

PASSWORD = "the@password/of:the-proxy"  # noqa: S105 - of nothing
WRONG = "wrong-password-0"
LOGIN = f"somebody:{PASSWORD}"
# Each host has a proxy of its own; these want a login.
STRICT = ("login", "login_in_header", "login_in_kubeconfig", "no_login", "wrong_login")
FREE = ("plain", "past_it")


class Run(NamedTuple):
    """The end of a run, and the proxies of its hosts."""

    answer: Played
    proxies: dict[str, TunnelProxy]


def with_login(proxy: TunnelProxy, password: str = PASSWORD) -> str:
    """The URL of a proxy with user and password."""
    return f"http://somebody:{quote(password, safe='')}@{proxy.address}"


def inventory(access: Access, proxies: dict[str, TunnelProxy]) -> Hosts:
    """Hosts by the way they go."""
    admin = access.kubeconfig["users"][0]["user"]
    by_kubeconfig = access.kubeconfig_with(admin, **{"proxy-url": with_login(proxies["login_in_kubeconfig"])})
    ways: Hosts = {
        "plain": {"k8s_proxy": proxies["plain"].url},
        "past_it": {"k8s_proxy": proxies["past_it"].url, "k8s_no_proxy": "10.0.0.0/8,127.0.0.1"},
        "login": {"k8s_proxy": with_login(proxies["login"])},
        "login_in_header": {
            "k8s_proxy": proxies["login_in_header"].url,
            "k8s_proxy_headers": {"proxy_basic_auth": LOGIN},
        },
        "login_in_kubeconfig": {"k8s_kubeconfig": by_kubeconfig},
        "no_login": {"k8s_proxy": proxies["no_login"].url},
        "wrong_login": {"k8s_proxy": with_login(proxies["wrong_login"], WRONG)},
        "no_proxy_at_all": {"k8s_proxy": "127.0.0.1:3128"},
    }
    shared = {"ansible_connection": "local", "k8s_kubeconfig": access.kubeconfig, "k8s_context": access.context}
    return {name: {**shared, **way} for name, way in ways.items()}


@pytest.fixture(scope="module")
def run(user: User, access: Access) -> Iterator[Run]:
    user.secrets += [PASSWORD, quote(PASSWORD, safe=""), WRONG]
    with ExitStack() as stack:
        proxies = {name: stack.enter_context(TunnelProxy(LOGIN)) for name in STRICT}
        proxies |= {name: stack.enter_context(TunnelProxy()) for name in FREE}
        yield Run(user.ask(inventory(access, proxies)), proxies)


def server(access: Access) -> str:
    """Host and port of the API server."""
    return urlsplit(access.host).netloc


@pytest.mark.parametrize("host", ["plain", "login", "login_in_header", "login_in_kubeconfig"])
def test_through_a_proxy(run: Run, access: Access, host: str) -> None:
    assert_answered(run.answer, host)
    assert set(run.proxies[host].tunnels) == {server(access)}
    assert run.proxies[host].turned_away == 0


def test_past_the_proxy(run: Run) -> None:
    assert_answered(run.answer, "past_it")
    assert run.proxies["past_it"].tunnels == []


@pytest.mark.parametrize("host", ["no_login", "wrong_login"])
def test_a_proxy_that_turns_us_away(run: Run, host: str) -> None:
    assert_refused(run.answer, host, "407", "put the user and the password of the proxy into the URL")
    # Asking again cannot help.
    assert run.proxies[host].turned_away == 1
    assert run.proxies[host].tunnels == []


def test_something_that_is_no_proxy(run: Run) -> None:
    assert_refused(run.answer, "no_proxy_at_all", "proxy is not a valid proxy URL", "http://proxy.example:3128")


def test_a_proxy_in_the_environment(user: User, access: Access) -> None:
    hosts = {"localhost": {"ansible_connection": "local", "k8s_kubeconfig": access.kubeconfig}}
    with TunnelProxy() as proxy:
        assert_answered(user.ask(hosts, environment={"K8S_AUTH_PROXY": proxy.url}))
        assert set(proxy.tunnels) == {server(access)}


def test_the_proxy_of_all_programs(user: User, access: Access, cluster: RealCluster) -> None:
    """As kubectl does, it is not asked for a server on this machine."""
    (node,) = cluster.get("nodes")["items"]
    address = next(entry["address"] for entry in node["status"]["addresses"] if entry["type"] == "InternalIP")
    elsewhere = access.kubeconfig_with(access.kubeconfig["users"][0]["user"], server=f"https://{address}:6443")
    for kubeconfig, tunnels in ((access.kubeconfig, set()), (elsewhere, {f"{address}:6443"})):
        hosts = {"localhost": {"ansible_connection": "local", "k8s_kubeconfig": kubeconfig}}
        with TunnelProxy() as proxy:
            assert_answered(user.ask(hosts, environment={"HTTPS_PROXY": proxy.url}))
            assert set(proxy.tunnels) == tunnels
