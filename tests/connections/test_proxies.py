# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Through a proxy, with and without a login, and past it."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote, urlsplit

import pytest

from tests.connections.asking import User, assert_answered, assert_refused
from tests.connections.conftest import Access
from tests.support.tunnel_proxy import TunnelProxy

PASSWORD = "the@password/of:the-proxy"  # noqa: S105 - of nothing
LOGIN = f"somebody:{PASSWORD}"


@pytest.fixture
def proxy() -> Iterator[TunnelProxy]:
    with TunnelProxy() as found:
        yield found


@pytest.fixture
def strict_proxy(user: User) -> Iterator[TunnelProxy]:
    user.secrets += [PASSWORD, quote(PASSWORD, safe="")]
    with TunnelProxy(LOGIN) as found:
        yield found


def with_login(proxy: TunnelProxy) -> str:
    """The URL of a proxy with user and password."""
    return f"http://somebody:{quote(PASSWORD, safe='')}@{proxy.address}"


def server(access: Access) -> str:
    """Host and port of the API server."""
    return urlsplit(access.host).netloc


def test_through_a_proxy(user: User, access: Access, proxy: TunnelProxy) -> None:
    answer = user.ask({"kubeconfig": access.kubeconfig, "context": access.context, "proxy": proxy.url})
    assert_answered(answer)
    assert set(proxy.tunnels) == {server(access)}


def test_through_a_proxy_that_wants_a_login(user: User, access: Access, strict_proxy: TunnelProxy) -> None:
    options = {"kubeconfig": access.kubeconfig, "context": access.context}
    assert_answered(user.ask({**options, "proxy": with_login(strict_proxy)}))
    assert strict_proxy.turned_away == 0
    assert set(strict_proxy.tunnels) == {server(access)}


def test_the_login_may_be_in_a_header_too(user: User, access: Access, strict_proxy: TunnelProxy) -> None:
    options = {"kubeconfig": access.kubeconfig, "proxy": strict_proxy.url}
    assert_answered(user.ask({**options, "proxy_headers": {"proxy_basic_auth": LOGIN}}))


def test_a_proxy_that_turns_us_away(user: User, access: Access, strict_proxy: TunnelProxy) -> None:
    answer = user.ask({"kubeconfig": access.kubeconfig, "context": access.context, "proxy": strict_proxy.url})
    assert_refused(answer, "407", "http://user:password@")
    # Asking again cannot help.
    assert strict_proxy.turned_away == 1
    assert strict_proxy.tunnels == []


def test_a_wrong_password_is_not_shown(user: User, access: Access, strict_proxy: TunnelProxy) -> None:
    user.secrets.append("wrong-password-0")
    url = f"http://somebody:wrong-password-0@{strict_proxy.address}"
    assert_refused(user.ask({"kubeconfig": access.kubeconfig, "proxy": url}), "407")


def test_past_the_proxy(user: User, access: Access, proxy: TunnelProxy) -> None:
    options = {"kubeconfig": access.kubeconfig, "proxy": proxy.url, "no_proxy": "10.0.0.0/8,127.0.0.1"}
    assert_answered(user.ask(options))
    assert proxy.tunnels == []


def test_a_proxy_in_the_kubeconfig(user: User, access: Access, strict_proxy: TunnelProxy) -> None:
    kubeconfig = access.kubeconfig_with(
        access.kubeconfig["users"][0]["user"], **{"proxy-url": with_login(strict_proxy)}
    )
    assert_answered(user.ask({"kubeconfig": kubeconfig}))
    assert set(strict_proxy.tunnels) == {server(access)}


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "K8S_AUTH_PROXY"])
def test_a_proxy_in_the_environment(user: User, access: Access, proxy: TunnelProxy, variable: str) -> None:
    options = {"kubeconfig": access.kubeconfig, "context": access.context}
    assert_answered(user.ask(options, environment={variable: proxy.url}))
    assert set(proxy.tunnels) == {server(access)}


def test_something_that_is_no_proxy(user: User, access: Access) -> None:
    answer = user.ask({"kubeconfig": access.kubeconfig, "proxy": "127.0.0.1:3128"})
    assert_refused(answer, "proxy is no URL of a proxy", "http://proxy.example:3128")
