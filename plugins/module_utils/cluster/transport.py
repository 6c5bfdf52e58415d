# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Send requests to one API server: a connection pool, credentials, time limits, retries.

The official kubernetes library does authentication, TLS and pooling. C(cluster/client.py) builds the requests.
"""

from __future__ import annotations

import copy
import json
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import urlencode, urlsplit

try:
    import urllib3
    from kubernetes.client.rest import RESTClientObject

    # urllib3 1 does not export it elsewhere.
    from urllib3._collections import HTTPHeaderDict
except ImportError:  # reported by module_runner.py, so that documentation and argument checks work without it
    pass

from ..errors import AnswerError, ConductorError, UnreachableError
from ..kubeconfig.address import is_loopback
from ..objects.resources import RESOURCES
from ..wire.body import PIECE, SENT, Limits, OddAnswer, parse, read_beginning, read_body, weight_of
from ..wire.connections import Exchange, limit_connections
from ..wire.held import Held
from ..wire.request import JSON, Request
from ..wire.shapes import check_answer, wanted_of
from .read_cache import Memory
from .responses import failed_answer, odd_answer, too_late, unreachable
from .retry import Backoff, pause_before_retry
from .tls import TlsMaterial, share_context

if TYPE_CHECKING:
    from kubernetes.client import Configuration

VERSION = "1.0.0"

# Seconds after the deadline of a wait in which responses are still accepted, and what is missing is still read.
GRACE = 8.0
# The shortest time limit of a request, in seconds; it is also how long after a deadline requests are still sent.
_SHORTEST = 1.0
_SUCCESS = (200, 201, 202)
_KINDS = {
    (resource.root, resource.plural): (kind, resource.namespaced) for (_version, kind), resource in RESOURCES.items()
}
# Shorter credentials are not searched for in answers: they would match ordinary words.
_SHORTEST_SECRET = 6

_In = TypeVar("_In")
_Out = TypeVar("_Out")
_Same = TypeVar("_Same", bound="Transport")


class Response(NamedTuple):
    """A complete response of status 200 to 202."""

    status: int
    headers: Mapping[str, str]
    data: bytearray


class Transport:
    """The connection to one API server.

    Args:
        configuration: the official client's configuration: address, TLS, credentials, proxies.
        headers: sent with each request besides the credentials, e.g. impersonation; (name, value) pairs.
        connections: how many requests may be in flight at once; also the size of the pool.
        material: certificates and key; None uses the files that the configuration names.
        compress: whether the server may compress its answers.
        backoff: the pauses between retries.
        limits: what an answer may take; smaller ones are injected by tests.
        sleep: injected by tests.
    """

    # The cache of responses; None sends every request.
    _memory: Memory | None = None
    # Claims a cluster by its uid for this host; returns another host of the play that has claimed it before.
    claim: Callable[[str], str] = staticmethod(lambda uid: "")
    # The TLS context of all connections; None if each has its own.
    _tls: ssl.SSLContext | None = None
    limits = Limits()
    # The credentials of the last request.
    _sent: tuple[str, ...] = ()
    _until = float("inf")
    _monotonic: Callable[[], float] = staticmethod(time.monotonic)

    def __init__(
        self,
        configuration: Configuration,
        *,
        headers: Iterable[tuple[str, str]] = (),
        connections: int = 8,
        material: TlsMaterial | None = None,
        compress: bool = True,
        backoff: Backoff | None = None,
        limits: Limits | None = None,
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
        self.limits = limits or self.limits
        self._held = Held(self.limits.held)
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
        limit_connections(pool)
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

    def within(self: _Same, seconds: float) -> _Same:
        """Return a client for work that takes no longer than this, and C(GRACE)."""
        other = self.bounded(self._monotonic)
        other.give_up_at(self._monotonic() + seconds + GRACE)
        return other

    def hurried(self: _Same, seconds: float) -> _Same:
        """Return a client whose requests take no longer than this."""
        other = copy.copy(self)
        other.limits = replace(self.limits, seconds=min(seconds, self.limits.seconds))
        return other

    def give_up_at(self, until: float) -> None:
        """Set a deadline by the clock of C(bounded). After it, do not retry, time out soon, and then send nothing."""
        self._until = until

    def close(self) -> None:
        """Close the idle connections."""
        self._pool.clear()

    def each(self, function: Callable[[_In], _Out], items: Iterable[_In]) -> list[_Out]:
        """Call a function on every item, as many at once as there are connections; raise the first error."""
        failed: list[Exception] = []

        def call(item: _In) -> _Out:
            # Nobody waits for the other results any more, and each may take as long as the one that failed.
            if failed:
                raise failed[0]
            try:
                return function(item)
            except Exception as error:
                failed.append(error)
                raise

        with ThreadPoolExecutor(self.connections) as pool:
            return list(pool.map(call, items))

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
        return self._retried(lambda seconds: self._within(seconds, request, partial(self._document, request)))

    def _retried(self, attempt_within: Callable[[float], _Out]) -> _Out:
        """Return the result of the first attempt that succeeds. All attempts together have the time of one request."""
        attempt = 0
        end = self._monotonic() + self.limits.seconds
        while True:
            attempt += 1
            try:
                return attempt_within(end - self._monotonic())
            except ConductorError as error:
                pause = pause_before_retry(error, attempt, self._backoff)
                if pause is None or self._monotonic() + pause > min(end, self._until):
                    raise
                self._sleep(pause)

    def _within(self, seconds: float, request: Request, work: Callable[[float], _Out]) -> _Out:
        return self._exchanged(seconds, request, work)[0]

    def _exchanged(
        self, seconds: float, request: Request, work: Callable[[float], _Out]
    ) -> tuple[_Out, Callable[[], None]]:
        """Return the result of C(work), which gets the seconds that it has, and a function that ends its connection.

        Raises:
            UnreachableError: it took longer, or nobody waits for the result any more.
        """
        left = self._until - self._monotonic()
        seconds = max(_SHORTEST, min(seconds, left))
        if left < -_SHORTEST:
            raise too_late(0, self.host, request.step, request.subject)
        try:
            exchange = Exchange(partial(work, seconds))
            return exchange.result(seconds), exchange.hang_up
        except TimeoutError:
            raise too_late(seconds, self.host, request.step, request.subject) from None

    def _document(self, request: Request, seconds: float) -> dict[str, Any]:
        dry_run = "dryRun" in request.query
        wanted = wanted_of(request.method, request.path, request.body, kind_of, dry_run=dry_run)
        limit = self.limits.page if wanted.form == "list" else self.limits.document
        with self._held.turn() as turn:
            response = self._read(request, seconds, limit, turn.grown)
            answer: dict[str, Any] = {}
            try:
                self._held.take(request.objects, weight_of(response.data), more="continue" in request.query)
                answer = parse(response.data, limit)
                check_answer(answer, wanted)
                return answer
            except OddAnswer as odd:
                problem = str(odd)
            # Outside of the handler: an exception keeps the one that it follows, and the variables of this function.
            self._held.drop(request.objects)
            response.data.clear()
            answer.clear()
            raise self._odd(problem, response.status, response.headers, request)

    def _read(
        self, request: Request, seconds: float, limit: int, grown: Callable[[int], None] = lambda size: None
    ) -> Response:
        """Send a request and read its response. Used in the thread of an exchange."""
        response = self._open(request, seconds, compressed=True)
        try:
            data = read_body(
                response.stream(PIECE, decode_content=False), response.headers.get("Content-Encoding", ""), limit, grown
            )
        except OddAnswer as odd:
            response.close()
            raise self._odd(str(odd), response.status, response.headers, request) from None
        except (urllib3.exceptions.HTTPError, OSError) as error:
            response.close()
            raise unreachable(error, self.host, request.step, request.subject) from error
        return Response(response.status, response.headers, data)

    def _open(
        self, request: Request, seconds: float, *, compressed: bool, silence: float | None = None
    ) -> urllib3.BaseHTTPResponse:
        """Send a request and return its response with the body still to be read. Raise if it is not a success.

        Args:
            silence: seconds without data after which the response is considered dead.
        """
        headers = HTTPHeaderDict({"Accept": request.accept, "User-Agent": f"conductor.trainer/{VERSION}"})
        if compressed and self._compress:
            headers["Accept-Encoding"] = "gzip"
        credentials = list(self._credentials())
        sent = {*self.credentials(), *(value for _name, value in credentials)}
        self._sent = tuple(sorted((word for word in sent if len(word) >= _SHORTEST_SECRET), key=len, reverse=True))
        SENT.set(self._sent)
        for name, value in (*credentials, *self._headers):
            headers.add(name, value)
        data = None
        if request.body is not None:
            headers["Content-Type"] = request.content_type
            data = json.dumps(request.body, separators=(",", ":")).encode()
        url = self.host + request.path + ("?" + urlencode(request.query) if request.query else "")
        try:
            response = self._pool.request(
                request.method,
                url,
                body=data,
                headers=headers,
                timeout=urllib3.Timeout(connect=min(5, seconds), read=silence or seconds),
                retries=False,
                preload_content=False,
                enforce_content_length=True,
            )
            if response.status in _SUCCESS and "html" not in response.headers.get("Content-Type", "").lower():
                return response
            body, whole = read_beginning(
                response.stream(PIECE, decode_content=False),
                response.headers.get("Content-Encoding", ""),
                self.limits.error,
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise unreachable(error, self.host, request.step, request.subject) from error
        except ValueError:
            # The exception shows the header.
            raise UnreachableError(
                f"no request can be sent to {self.host}: a credential or another header has invalid characters",
                transient=False,
                step=request.step,
                subject=request.subject,
                next_step="check the credentials for line breaks and characters that are not ASCII",
            ) from None
        if not whole or response.status < 200:
            # What is left of it must not be taken for the answer to the next request.
            response.close()
        raise failed_answer(
            response.status, response.headers, body, self.host, str(request), request.step, request.subject
        )

    def _odd(self, what: str, status: int, headers: Mapping[str, str], request: Request) -> AnswerError:
        return odd_answer(what, status, headers, self.host, str(request), request.step, request.subject)

    def credentials(self) -> set[str]:
        """Return the credentials that are in use now, which no output may show."""
        configuration = self._configuration
        values: list[Any] = [*(configuration.api_key or {}).values()]
        values += (getattr(self._transport, "proxy_headers", None) or {}).values()
        if configuration.username and configuration.password:
            values.append(configuration.get_basic_auth_token())
        # Without the scheme, e.g. Bearer.
        words = [configuration.password, *(str(value).partition(" ")[2] or str(value) for value in values)]
        return {str(word) for word in words if word}

    def exposure(self) -> str:
        """Return a warning if others in the network can read what is sent, the credentials above all; empty if not."""
        sent = "the credentials are" if self.credentials() else "everything is"
        if not self.host.startswith("https:"):
            local = is_loopback(urlsplit(self.host).hostname or "")
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


def kind_of(root: str, plural: str) -> tuple[str, bool]:
    """Return the kind of an API root and a plural, and whether it is in namespaces; empty if it is not known."""
    return _KINDS.get((root, plural), ("", False))
