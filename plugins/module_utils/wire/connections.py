# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Limit what a connection may take: seconds for a whole exchange, bytes for its lines.

The time limits of sockets count for each read, so a server that sends one byte now and then is never late. Here the
time is kept outside the reading thread, and covers all of it: name lookup, connect, proxy, TLS, headers and body.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

try:
    import urllib3
except ImportError:  # reported by module_runner.py, so that documentation and argument checks work without it
    pass

# The longest line of a header, or of a chunk with its extensions; and all lines before a body, in bytes.
_LINE, _HEAD = 1 << 16, 1 << 18

_Out = TypeVar("_Out")


class _Running(threading.local):
    """The exchange of the current thread."""

    exchange: Exchange[Any] | None = None


_running = _Running()


class Exchange(Generic[_Out]):
    """A request and its answer in a thread of their own, which can be given up.

    Args:
        work: sends the request and reads the answer.
    """

    def __init__(self, work: Callable[[], _Out]) -> None:
        self.given_up = False
        self.connection: Any = None
        # Of the response: a connection that is not kept forgets its own.
        self.sock: Any = None
        self._work = work
        self._done = threading.Event()
        self._result: list[_Out] = []
        self._error: BaseException | None = None

    def result(self, seconds: float) -> _Out:
        """Return the result of the work, or raise its exception.

        Raises:
            TimeoutError: it takes longer than C(seconds). Its connection is ended, and it sends nothing from now on.
        """
        # A daemon: what is stuck, e.g. in a name lookup, must not keep the process.
        threading.Thread(target=self._run, name="request", daemon=True).start()
        if not self._done.wait(seconds):
            self.given_up = True
            self.hang_up()
            raise TimeoutError
        error, self._error = self._error, None
        try:
            if error is not None:
                raise error
            return self._result[0]
        finally:
            # An exception keeps this variable, which would keep the exception.
            del error

    def hang_up(self) -> None:
        """End the connection, so that a thread that reads from it sees the end."""
        for sock in (getattr(self.connection, "sock", None), self.sock):
            _shut_down(sock)

    def _run(self) -> None:
        _running.exchange = self
        try:
            self._result.append(self._work())
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
            self._error = error
        finally:
            self._done.set()


def _shut_down(sock: socket.socket | None) -> None:
    """Shut down a connection. Its reader closes it."""
    if sock is not None:
        # OSError: the connection has already ended. AttributeError: TLS within the TLS of a proxy has no such method.
        with contextlib.suppress(OSError, AttributeError):
            sock.shutdown(socket.SHUT_RDWR)


def limit_connections(pool: urllib3.PoolManager) -> None:
    """Make a new pool use connections with limits."""
    pool.pool_classes_by_scheme = {
        scheme: _limited(pool_class) for scheme, pool_class in pool.pool_classes_by_scheme.items()
    }


def _limited(pool_class: Any) -> Any:
    connection_class = type(
        pool_class.ConnectionCls.__name__, (_Connection, pool_class.ConnectionCls), {"response_class": _Response}
    )
    return type(pool_class.__name__, (_Pool, pool_class), {"ConnectionCls": connection_class})


class _Pool:
    """Tells the exchange of a thread which connection it uses."""

    def _get_conn(self, timeout: float | None = None) -> Any:
        connection = super()._get_conn(timeout)  # type: ignore[misc]
        if _running.exchange is not None:
            _running.exchange.connection = connection
        return connection


class _Connection:
    """Sends nothing for an exchange that was given up."""

    def connect(self) -> Any:
        super().connect()  # type: ignore[misc]
        self._check()

    def send(self, data: Any) -> Any:
        self._check()
        return super().send(data)  # type: ignore[misc]

    def _check(self) -> None:
        if _running.exchange is not None and _running.exchange.given_up:
            self.close()  # type: ignore[attr-defined]
            raise OSError("the request was given up before it was sent")


class _Response(http.client.HTTPResponse):
    """Reads lines with limits: status, headers, informational responses, chunk sizes and trailers."""

    fp: Any

    def __init__(self, sock: Any, *arguments: Any, **settings: Any) -> None:
        super().__init__(sock, *arguments, **settings)
        if _running.exchange is not None:
            _running.exchange.sock = sock
        self._lines = self.fp = _Lines(self.fp)

    def begin(self) -> None:
        super().begin()
        # From here on there may be any number of lines, one per chunk.
        self._lines.left = None


class _Lines:
    """A stream with limits for its lines."""

    def __init__(self, stream: Any) -> None:
        self.left: int | None = _HEAD
        self._stream = stream

    def readline(self, _limit: int = -1) -> bytes:
        line: bytes = self._stream.readline(_LINE + 1)
        if len(line) > _LINE:
            raise http.client.HTTPException(f"a line of the response is longer than {_LINE >> 10} KiB")
        if self.left is not None:
            self.left -= len(line)
            if self.left < 0:
                raise http.client.HTTPException(f"the headers of the response are longer than {_HEAD >> 10} KiB")
        return line

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
