# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way from an API server of this machine into a cluster network that does not exist.

To call a webhook the API server connects to a Service's address. Without this those connections would leave the
machine, for whoever has such an address there. The API server is told to ask here instead (HTTP CONNECT, KEP-1281),
and here the part of kube-proxy is played: an address leads to a ready endpoint, and is refused where there is none.
"""

from __future__ import annotations

import contextlib
import select
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer

_CONNECT_SECONDS = 5.0
_IDLE_SECONDS = 60.0
_CHUNK = 65536

# The port of this machine that stands for an address of the cluster network, C(("10.96.0.7", 443)); None: nobody does.
Route = Callable[[str, int], int | None]


class Egress:
    """A proxy behind a socket of the file system."""

    def __init__(self) -> None:
        self.route: Route = lambda _address, _port: None
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_CONNECT(self) -> None:
                """Called by the base class."""
                address, _colon, port = self.path.rpartition(":")
                to = owner.route(address.strip("[]"), int(port))
                if to is None:
                    # Without a body: the API server does not wait for one.
                    self.wfile.write(b"HTTP/1.1 503 connection refused\r\nConnection: close\r\n\r\n")
                    self.close_connection = True
                    return
                with contextlib.closing(socket.create_connection(("127.0.0.1", to), _CONNECT_SECONDS)) as there:
                    self.send_response(200)
                    self.end_headers()
                    _carry(self.connection, there)
                self.close_connection = True

            def log_message(self, *_arguments: object) -> None:
                """Quiet."""

        self._handler = Handler

    @contextlib.contextmanager
    def serving(self) -> Iterator[Path]:
        """Serves as long as the block lasts, on the socket of this path."""
        # The path of a socket may have some hundred characters, so it is not below the test's own folder.
        with tempfile.TemporaryDirectory(prefix="egress-") as folder:
            path = Path(folder) / "socket"
            with ThreadingUnixStreamServer(str(path), self._handler) as server:
                server.daemon_threads = True
                server.block_on_close = False
                thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
                thread.start()
                try:
                    yield path
                finally:
                    server.shutdown()
                    thread.join()


def _carry(one: socket.socket, other: socket.socket) -> None:
    """Carries bytes both ways until one side has no more."""
    while True:
        readable, _writable, _broken = select.select([one, other], [], [], _IDLE_SECONDS)
        if not readable:
            return
        for source in readable:
            try:
                data = source.recv(_CHUNK)
                if not data:
                    return
                (other if source is one else one).sendall(data)
            except OSError:
                return
