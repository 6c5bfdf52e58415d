# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A way to a real API server on which it says that it is older than it is: the one thing these tests make up."""

from __future__ import annotations

import json
import re
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from http.server import BaseHTTPRequestHandler

from tests.support.real_cluster import RealCluster
from tests.unit.plugins.helpers.loopback import Loopback


@contextmanager
def old_server(cluster: RealCluster, version: str) -> Iterator[str]:
    """The URL of a server that passes requests on to the cluster, but for C(/version)."""
    command = [cluster.program, f"--kubeconfig={cluster.kubeconfig}", f"--context={cluster.context}"]
    with subprocess.Popen([*command, "proxy", "--port=0"], stdout=subprocess.PIPE, text=True) as proxy:
        try:
            assert proxy.stdout is not None
            started = re.search(r"127\.0\.0\.1:\d+", proxy.stdout.readline())
            assert started is not None
            with _server(f"http://{started[0]}", version) as url:
                yield url
        finally:
            proxy.terminate()


@contextmanager
def _server(behind: str, version: str) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/version":
                self._answer(200, json.dumps({"gitVersion": version}).encode())
            else:
                self._pass_on(None)

        def do_POST(self) -> None:
            """For the reviews of one's own rights."""
            self._pass_on(self.rfile.read(int(self.headers["Content-Length"])))

        def _pass_on(self, sent: bytes | None) -> None:
            headers = {name: self.headers[name] for name in ("Accept", "Content-Type") if name in self.headers}
            request = urllib.request.Request(behind + self.path, data=sent, headers=headers)  # noqa: S310
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
                    self._answer(answer.status, answer.read(), answer.headers)
            except urllib.error.HTTPError as error:
                # What is not there is an answer like any other.
                with error:
                    self._answer(error.code, error.read(), error.headers)

        def _answer(self, status: int, body: bytes, headers: Message | None = None) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            # An API server has headers of its own: an answer without them may come from a proxy.
            for name in (
                "Audit-Id",
                "Cache-Control",
                "X-Kubernetes-Pf-Flowschema-Uid",
                "X-Kubernetes-Pf-Prioritylevel-Uid",
            ):
                if headers and name in headers:
                    self.send_header(name, headers[name])
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with Loopback(Handler) as server:
        yield server.url
