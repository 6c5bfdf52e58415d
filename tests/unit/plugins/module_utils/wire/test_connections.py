# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import gc
import socket
import threading
import weakref
from collections.abc import Callable
from typing import Any

import pytest
import urllib3

from ansible_collections.conductor.trainer.plugins.module_utils.wire.connections import Exchange, limit_connections

# Seconds that nothing here takes.
LIMIT = 10


def test_the_result_or_the_exception_of_the_work() -> None:
    assert Exchange(lambda: 7).result(LIMIT) == 7
    with pytest.raises(ZeroDivisionError):
        Exchange(lambda: 1 // 0).result(LIMIT)


def test_an_exception_does_not_keep_what_was_read() -> None:
    class Large:
        pass

    kept: list[weakref.ref[Large]] = []

    def work() -> None:
        large = Large()
        kept.append(weakref.ref(large))
        raise ValueError

    gc.disable()
    try:
        with pytest.raises(ValueError):  # noqa: PT011
            Exchange(work).result(LIMIT)
    finally:
        gc.enable()
    gc.collect()
    assert kept[0]() is None


def given_up(pool: Any, url: str) -> None:
    """Ask, and give up soon; return once the thread of the exchange has ended."""
    ended = threading.Event()

    def ask() -> None:
        try:
            pool.request("GET", url, retries=False, timeout=LIMIT)
        finally:
            ended.set()

    with pytest.raises(TimeoutError):
        Exchange(ask).result(0.2)
    assert ended.wait(LIMIT)


@pytest.mark.parametrize("begin", [b"", b"HTTP/1.1 200 ", b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"])
def test_giving_up_ends_the_connection(begin: bytes) -> None:
    pool = urllib3.PoolManager()
    limit_connections(pool)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _address = listener.accept()
            connection.sendall(begin)
            with connection:
                while connection.recv(1000):
                    pass

        server = threading.Thread(target=serve)
        server.start()
        given_up(pool, f"http://127.0.0.1:{listener.getsockname()[1]}/")
        server.join(LIMIT)
        assert not server.is_alive()


def test_nothing_is_sent_after_giving_up(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = urllib3.PoolManager()
    limit_connections(pool)
    looked_up = threading.Event()
    real: Callable[..., Any] = socket.getaddrinfo

    def slow(*arguments: Any, **settings: Any) -> Any:
        looked_up.wait(LIMIT)
        return real(*arguments, **settings)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    failed: list[Exception] = []
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"

        def ask() -> None:
            try:
                pool.request("GET", url, retries=False, timeout=LIMIT)
            except (urllib3.exceptions.HTTPError, OSError) as error:
                failed.append(error)
            finally:
                ended.set()

        with pytest.raises(TimeoutError):
            Exchange(ask).result(0.1)
        looked_up.set()
        assert ended.wait(LIMIT)
    assert "given up" in str(failed[0])


def test_a_proxy_has_limits_too() -> None:
    pool = urllib3.ProxyManager("http://127.0.0.1:1")
    limit_connections(pool)
    assert {name: made.__name__ for name, made in pool.pool_classes_by_scheme.items()} == {
        "http": "HTTPConnectionPool",
        "https": "HTTPSConnectionPool",
    }
