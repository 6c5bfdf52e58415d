# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A web server on the loopback interface, for as long as a context is open."""

from __future__ import annotations

import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

_Own = TypeVar("_Own", bound="Loopback")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # Connections are kept alive; closing must not wait for the client to end them.
    block_on_close = False
    # They come many at once; one too many would have to be tried again a second later.
    request_queue_size = 128


def answer_json(handler: BaseHTTPRequestHandler, status: int, content: Any) -> None:
    """Answer a request with JSON."""
    data = json.dumps(content).encode()
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data)


class Loopback:
    """Listens from the start, so that its address is known; answers while the context is open.

    Args:
        handler: what answers a connection.
        tls: to serve HTTPS with.
    """

    def __init__(self, handler: type[BaseHTTPRequestHandler], tls: ssl.SSLContext | None = None) -> None:
        self._scheme = "https" if tls else "http"
        self._server = _Server(("127.0.0.1", 0), handler)
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._server.server_port}"

    @property
    def url(self) -> str:
        """Its address with the scheme."""
        return f"{self._scheme}://{self.address}"

    def __enter__(self: _Own) -> _Own:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
