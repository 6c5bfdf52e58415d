# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An HTTP proxy that opens tunnels (CONNECT), with or without a login, and keeps what it was asked for."""

from __future__ import annotations

import base64
import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.unit.plugins.helpers.loopback import Loopback


class TunnelProxy(Loopback):
    """Listens on the loopback interface while the context is open.

    Args:
        login: C(user:password) it wants; None lets everybody through.
        tls: to serve HTTPS with.
    """

    def __init__(self, login: str | None = None, tls: ssl.SSLContext | None = None) -> None:
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

        super().__init__(Handler, tls)


def _pour(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        # One side is gone: nothing is left to pour.
        pass
