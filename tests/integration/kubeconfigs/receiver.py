# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An API server on the loopback interface that records who came: token, client certificate, impersonation."""

from __future__ import annotations

import ssl
import threading
from collections import defaultdict
from http.server import BaseHTTPRequestHandler
from typing import Any, NamedTuple

from tests.unit.plugins.helpers.certificates import Authority
from tests.unit.plugins.helpers.loopback import Loopback


class Visit(NamedTuple):
    """What one request proved and asked for."""

    authorization: str
    certificate: str
    impersonation: tuple[tuple[str, str], ...]
    compressed: bool


class Receiver:
    """Two servers, with and without TLS. The path of a request begins with the name of its case."""

    def __init__(self, authority: Authority) -> None:
        tls = authority.tls(["127.0.0.1", "localhost", "inner.example"], ssl.CERT_OPTIONAL)
        self._visits: dict[str, set[Visit]] = defaultdict(set)
        self._lock = threading.Lock()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1

            def do_GET(self) -> None:
                owner._record(self)
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Keeps the output of the tests clean."""

        self.secure = Loopback(Handler, tls)
        self.plain = Loopback(Handler)

    def _record(self, handler: BaseHTTPRequestHandler) -> None:
        peer: dict[str, Any] = getattr(handler.connection, "getpeercert", dict)() or {}
        subject = dict(pair for part in peer.get("subject", ()) for pair in part)
        headers = [(name.lower(), value) for name, value in handler.headers.items()]
        impersonation = {
            (name, part.strip())
            for name, value in headers
            if name.startswith("impersonate-")
            for part in value.split(",")
        }
        visit = Visit(
            handler.headers.get("Authorization", ""),
            subject.get("commonName", ""),
            tuple(sorted(impersonation)),
            "gzip" in handler.headers.get("Accept-Encoding", ""),
        )
        with self._lock:
            self._visits[handler.path.split("/")[1]].add(visit)

    def taken(self, case: str) -> set[Visit]:
        """The visits of a case; they are forgotten."""
        with self._lock:
            return self._visits.pop(case, set())
