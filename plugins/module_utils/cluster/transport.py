# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Send requests to one API server: a connection pool, credentials, time limits, retries.

The official kubernetes library does authentication, TLS and pooling. C(cluster/client.py) builds the requests.
"""

from __future__ import annotations

import contextlib
import copy
import json
import socket
import ssl
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode, urlsplit

try:
    import urllib3
    from kubernetes.client.rest import RESTClientObject

    # urllib3 1 does not export it elsewhere.
    from urllib3._collections import HTTPHeaderDict
except ImportError:  # reported by module_runner.py, so that documentation and argument checks work without it
    pass

from ..errors import ConductorError
from .read_cache import Memory
from .responses import api_error, no_json, unreachable
from .retry import Backoff, pause_before_retry
from .tls import TlsMaterial, share_context

if TYPE_CHECKING:
    from kubernetes.client import Configuration

VERSION = "1.0.0"

JSON = "application/json"
# Reviews are posted, but the server stores nothing.
_REVIEWS = "/apis/authorization.k8s.io/"
# The shortest time limit of a request, in seconds.
_SHORTEST = 1.0

_In = TypeVar("_In")
_Out = TypeVar("_Out")
_Same = TypeVar("_Same", bound="Transport")


@dataclass(frozen=True)
class Request:
    """One request to an API server.

    Args:
        path: the path below the address of the server.
        step: what the request is for, e.g. C(apply); named in errors.
        subject: the object or resource type it is about; named in errors.
        query: the parameters of the URL.
        body: is sent as JSON; None sends no body.
        content_type: the media type of the body.
        accept: the media type of the response.
    """

    method: str
    path: str
    step: str
    subject: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    content_type: str = JSON
    accept: str = JSON

    @property
    def only_reads(self) -> bool:
        """Return whether the server stores nothing and does not run admission, so that a response can be reused."""
        return self.method == "GET" or self.path.startswith(_REVIEWS)

    @property
    def question(self) -> Hashable:
        """Return a value that is equal for requests that have the same response."""
        return self.path, json.dumps([dict(self.query), self.body], sort_keys=True), self.accept


class Transport:
    """The connection to one API server.

    Args:
        configuration: the official client's configuration: address, TLS, credentials, proxies.
        headers: sent with each request besides the credentials, e.g. impersonation; (name, value) pairs.
        connections: how many requests may be in flight at once; also the size of the pool.
        material: certificates and key; None uses the files that the configuration names.
        compress: whether the server may compress its answers.
        backoff: the pauses between retries.
        sleep: injected by tests.
    """

    # The cache of responses; None sends every request.
    _memory: Memory | None = None
    # Claims a cluster by its uid for this host; returns another host of the play that has claimed it before.
    claim: Callable[[str], str] = staticmethod(lambda uid: "")
    # The TLS context of all connections; None if each has its own.
    _tls: ssl.SSLContext | None = None

    def __init__(
        self,
        configuration: Configuration,
        *,
        headers: Iterable[tuple[str, str]] = (),
        connections: int = 8,
        material: TlsMaterial | None = None,
        compress: bool = True,
        backoff: Backoff | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        configuration.connection_pool_maxsize = connections
        self.host: str = configuration.host.rstrip("/")
        self.connections = connections
        self._configuration = configuration
        # When the official client renews credentials, it also resets address and TLS to those of the kubeconfig. This
        # copy stays as it is.
        self._transport = copy.copy(configuration)
        verified = configuration.verify_ssl and self.host.startswith("https:")
        # The CA that verifies the server; empty without verification or with the machine's own certificates.
        self.authorities = material.authorities if material and verified else b""
        self._material = material
        self._compress = compress
        self._headers = tuple(headers)
        self._backoff = backoff or Backoff()
        self._sleep = sleep
        self._monotonic: Callable[[], float] = time.monotonic
        self._until = float("inf")
        self._pool = self._new_pool()

    def fresh(self: _Same) -> _Same:
        """Return a client with new connections: behind a load balancer they may reach another API server."""
        other = copy.copy(self)
        other._pool = other._new_pool()
        return other

    def _new_pool(self) -> urllib3.PoolManager:
        pool = RESTClientObject(self._transport).pool_manager
        # Releases of the official client before 28 do not pass this on.
        if server_name := getattr(self._transport, "tls_server_name", None):
            pool.connection_pool_kw["server_hostname"] = server_name
        if self.host.startswith("https:"):
            self._tls = share_context(pool, self._tls, self._material)
        return pool

    def remembering(self: _Same) -> _Same:
        """Return a client for one decision, which sends no request twice. See C(Memory)."""
        other = copy.copy(self)
        other._memory = Memory(self.connections)
        return other

    def bounded(self: _Same, monotonic: Callable[[], float]) -> _Same:
        """Return a client for a caller with a deadline. See C(give_up_at)."""
        other = copy.copy(self)
        other._monotonic = monotonic
        return other

    def give_up_at(self, until: float) -> None:
        """Set a deadline by the clock of C(bounded). After it, do not retry, and time out as early as possible."""
        self._until = until

    def close(self) -> None:
        """Close the idle connections."""
        self._pool.clear()

    def each(self, function: Callable[[_In], _Out], items: Iterable[_In]) -> list[_Out]:
        """Call a function on every item, as many at once as there are connections; raise the first error."""
        with ThreadPoolExecutor(self.connections) as pool:
            return list(pool.map(function, items))

    def request(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, str] | None = None,
        body: Any = None,
        content_type: str = JSON,
        accept: str = JSON,
        step: str,
        subject: str,
    ) -> dict[str, Any]:
        """Send a request, retry it after passing failures, and return the JSON response. See C(Request).

        Raises:
            ApiError: the server answered with a final failure, or the last retry failed.
            UnreachableError: the server did not answer.
        """
        request = Request(
            method,
            path,
            query=query or {},
            body=body,
            content_type=content_type,
            accept=accept,
            step=step,
            subject=subject,
        )
        if self._memory is None or not request.only_reads:
            return self._exchange(request)
        return self._memory.ask(request.question, partial(self._exchange, request))

    def _exchange(self, request: Request) -> dict[str, Any]:
        attempt = 0
        while True:
            attempt += 1
            try:
                response = self._send(request)
                if response.status >= 400:
                    raise api_error(response.status, response.headers, response.data, request.step, request.subject)
                return self._object(response.status, response.data, request)
            except ConductorError as error:
                pause = pause_before_retry(error, attempt, self._backoff)
                if pause is None or self._monotonic() + pause > self._until:
                    raise
                self._sleep(pause)

    def _object(self, status: int, data: bytes, request: Request) -> dict[str, Any]:
        try:
            answer = json.loads(data)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise no_json(status, self.host, request.step, request.subject)
        return answer

    def _send(self, request: Request, *, read_timeout: float = 60, preload: bool = True) -> urllib3.BaseHTTPResponse:
        headers = HTTPHeaderDict({"Accept": request.accept, "User-Agent": f"conductor.trainer/{VERSION}"})
        if preload and self._compress:
            headers["Accept-Encoding"] = "gzip"
        for name, value in (*self._credentials(), *self._headers):
            headers.add(name, value)
        data = None
        if request.body is not None:
            headers["Content-Type"] = request.content_type
            data = json.dumps(request.body, separators=(",", ":")).encode()
        url = self.host + request.path + ("?" + urlencode(request.query) if request.query else "")
        left = max(_SHORTEST, self._until - self._monotonic())
        try:
            return self._pool.request(
                request.method,
                url,
                body=data,
                headers=headers,
                timeout=urllib3.Timeout(connect=min(5, left), read=min(read_timeout, left)),
                retries=False,
                preload_content=preload,
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise unreachable(error, self.host, request.step, request.subject) from error

    def credentials(self) -> set[str]:
        """Return the credentials that are in use now, which no output may show."""
        configuration = self._configuration
        keys = [str(value).partition(" ")[2] or str(value) for value in (configuration.api_key or {}).values()]
        logins = (getattr(self._transport, "proxy_headers", None) or {}).values()
        words = [*keys, configuration.password, *(str(login).partition(" ")[2] or str(login) for login in logins)]
        if configuration.username and configuration.password:
            words.append(str(configuration.get_basic_auth_token()).partition(" ")[2])
        return {str(word) for word in words if word}

    def exposure(self) -> str:
        """Return a warning if others in the network can read what is sent, the credentials above all; empty if not."""
        sent = "the credentials are" if self.credentials() else "everything is"
        if not self.host.startswith("https:"):
            local = urlsplit(self.host).hostname in ("localhost", "127.0.0.1", "::1")
            return (
                "" if local and not self.credentials() else f"{sent} sent to {self.host} without encryption (http://)"
            )
        if self._transport.verify_ssl:
            return ""
        return (
            f"{sent} sent to {self.host} without verifying its certificate (validate_certs is false, or the kubeconfig "
            "disables it): another server could pretend to be this one"
        )

    def _credentials(self) -> Iterator[tuple[str, str]]:
        # Read for each request: this call makes the official client refresh expired tokens.
        settings: dict[str, Any] = dict(self._configuration.auth_settings())
        for setting in settings.values():
            if setting["in"] == "header" and setting["value"]:
                yield setting["key"], setting["value"]
        if self._configuration.username:
            yield "authorization", str(self._configuration.get_basic_auth_token())


def hang_up(sock: socket.socket | None) -> None:
    """Shut down a connection, so that a thread that reads from it sees the end. The reader closes it."""
    if sock is not None:
        # OSError: the connection has already ended.
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
