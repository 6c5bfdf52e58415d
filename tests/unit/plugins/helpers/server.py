# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A web server on the loopback interface that gives prepared answers and keeps what it was asked."""

from __future__ import annotations

import json
import ssl
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from kubernetes.client import Configuration

from ansible_collections.conductor.trainer.plugins.module_utils.cluster.client import Cluster
from ansible_collections.conductor.trainer.plugins.module_utils.cluster.retry import Backoff
from ansible_collections.conductor.trainer.plugins.module_utils.cluster.transport import kind_of
from ansible_collections.conductor.trainer.plugins.module_utils.wire.shapes import wanted_of
from tests.unit.plugins.helpers.fakes import Clock
from tests.unit.plugins.helpers.loopback import Loopback


@dataclass
class Answer:
    """One answer: a JSON body, raw bytes, or chunks for a stream; without a body what an API server might answer."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    chunks: list[bytes] | None = None


def status(code: int, message: str = "no", headers: dict[str, str] | None = None, **more: Any) -> Answer:
    """The answer of an API server that refuses: a Status with its C(message) and the fields C(more)."""
    return Answer(code, {"kind": "Status", "status": "Failure", "message": message, **more}, headers or {})


def plausible(method: str, path: str, body: bytes) -> dict[str, Any]:
    """The smallest answer to a request that is what it asks for."""
    wanted = wanted_of(method, path, json.loads(body or b"null"), kind_of)
    if wanted.form == "document":
        return {"gitVersion": "v1.35.0"} if path.endswith("/version") else {}
    if wanted.form == "review":
        return {"kind": wanted.kind, "status": {}}
    if wanted.form == "list":
        return {"kind": f"{wanted.kind}List", "metadata": {"resourceVersion": "1"}, "items": []}
    metadata = {"name": wanted.name or "x", "uid": "1", "resourceVersion": "1"}
    metadata |= {"namespace": wanted.namespace} if wanted.namespace else {}
    return {"kind": wanted.kind, "metadata": metadata}


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    query: dict[str, str]
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """The value of a header, None if it was not sent."""
        return next((value for other, value in self.headers if other.lower() == name.lower()), None)


class Server(Loopback):
    """Answers in the order given; the last answer is given again and again.

    Args:
        tls: to serve HTTPS with.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.answers: list[Answer] = [Answer()]
        self.asked: list[Asked] = []
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # One packet an answer: unbuffered, each header waits for the acknowledgement of the one before.
            wbufsize = -1

            def answer(self) -> None:
                url = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                owner.asked.append(
                    Asked(self.command, url.path, dict(parse_qsl(url.query)), self.headers.items(), body)
                )
                answer = owner.answers.pop(0) if len(owner.answers) > 1 else owner.answers[0]
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                if answer.chunks is not None:
                    self.send_header("Transfer-Encoding", "chunked")
                    self.end_headers()
                    for chunk in [*answer.chunks, b""]:
                        self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
                    return
                content = plausible(self.command, url.path, body) if answer.body is None else answer.body
                data = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_PATCH = do_POST = do_DELETE = answer  # noqa: N815

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Keeps the output of the tests clean."""

        super().__init__(Handler, tls)

    def client(self, clock: Clock) -> Cluster:
        """A client of it, with a token and a header of its own, that tries three times by C(clock)."""
        configuration = Configuration()
        configuration.host = self.url + "/"
        configuration.api_key = {"authorization": "Bearer secret"}
        headers = [("Impersonate-User", "u")]
        return Cluster(configuration, headers=headers, backoff=Backoff(attempts=3), sleep=clock.sleep)
