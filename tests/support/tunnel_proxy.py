# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An HTTP proxy that opens tunnels (CONNECT), with or without a login, and keeps what it was asked for."""

from __future__ import annotations

import base64
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class TunnelProxy:
    """Listens on the loopback interface while the context is open.

    Args:
        login: C(user:password) it wants; None lets everybody through.
    """

    def __init__(self, login: str | None = None) -> None:
        self.tunnels: list[str] = []
        self.turned_away = 0
        wanted = login and "Basic " + base64.b64encode(login.encode()).decode()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_CONNECT(self) -> None:
                if wanted and self.headers.get("Proxy-Authorization") != wanted:
                    owner.turned_away += 1
                    self.send_response(407)
                    self.send_header("Proxy-Authenticate", 'Basic realm="test"')
                    self.end_headers()
                    return
                owner.tunnels.append(self.path)
                host, _colon, port = self.path.rpartition(":")
                with socket.create_connection((host, int(port)), timeout=10) as server:
                    server.settimeout(None)
                    self.send_response(200)
                    self.end_headers()
                    back = threading.Thread(target=_pour, args=(server, self.connection), daemon=True)
                    back.start()
                    _pour(self.connection, server)
                    back.join()
                self.close_connection = True

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Keeps the output of the tests clean."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._server.server_port}"

    @property
    def url(self) -> str:
        """Its address without a login."""
        return f"http://{self.address}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _pour(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        # One side is gone: nothing is left to pour.
        pass
