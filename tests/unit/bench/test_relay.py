# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import pytest
import urllib3

from tests.bench.relay import Relay
from tests.unit.plugins.helpers.loopback import Loopback

ANSWER = b"GET is no request here"


class Handler(BaseHTTPRequestHandler):
    """Answers anything, over a connection that stays."""

    protocol_version = "HTTP/1.1"

    def do_PATCH(self) -> None:
        """Called by the base class."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    def do_GET(self) -> None:
        """The same."""
        self.do_PATCH()

    def log_message(self, *_arguments: object) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[int]:
    with Loopback(Handler) as serving:
        yield int(serving.address.rpartition(":")[2])


@pytest.mark.parametrize("round_trip", [0.0, 0.02])
def test_everything_passes_and_is_counted(server: int, round_trip: float) -> None:
    relay = Relay(server, round_trip=round_trip)
    body = b"x" * 200_000
    with relay.serving() as port, urllib3.PoolManager() as pool:
        for method in ("GET", "PATCH", "GET"):
            answer = pool.request(method, f"http://127.0.0.1:{port}/a?b=c", body=body if method == "PATCH" else None)
            assert answer.data == ANSWER
        assert pool.connection_from_url(f"http://127.0.0.1:{port}").num_connections == 1
    assert relay.counts.requests == 3
    assert relay.counts.sent > len(body)
    assert relay.counts.received > 3 * len(ANSWER)
