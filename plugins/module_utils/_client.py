# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster client: one API server, one connection pool, plain JSON objects.

The official kubernetes library does authentication, TLS and pooling; this file adds what an installer needs on top:
server-side apply, answers with metadata only, retries for what is safe to retry, errors that name their object.
"""

from __future__ import annotations

import contextlib
import copy
import json
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode

try:
    import urllib3
    from kubernetes.client.rest import RESTClientObject
except ImportError:  # reported by _module.py, so that documentation and argument checks work without it
    pass

from ._answers import api_error, no_json, unreachable
from ._errors import ApiError, ConductorError
from ._resources import Key, Resource, key_of, path_of, resource_of
from ._retry import Backoff, pause_before_retry

if TYPE_CHECKING:
    from kubernetes.client import Configuration

FIELD_MANAGER = "conductor"
VERSION = "1.0.0"

_METADATA_ONLY = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
METADATA_ONLY_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_JSON = "application/json"
# JSON is YAML; the server has no JSON content type for apply patches.
_APPLY_PATCH = "application/apply-patch+yaml"
_JSON_PATCH = "application/json-patch+json"
_MERGE_PATCH = "application/merge-patch+json"
_PAGE = 500
_LOG_BYTES = 1 << 20
# Seconds that a request has at least: to answer, and to connect.
_SHORTEST = 1.0

_In = TypeVar("_In")
_Out = TypeVar("_Out")


class Cluster:
    """One API server.

    Args:
        configuration: the official client's configuration: address, TLS, credentials, proxies.
        headers: sent with each request beside the credentials, e.g. impersonation; (name, value) pairs.
        connections: how many requests may be in flight at once; also the size of the pool.
        backoff: how failed requests that are safe to repeat are repeated.
        sleep: injected by tests.
    """

    def __init__(
        self,
        configuration: Configuration,
        *,
        headers: Iterable[tuple[str, str]] = (),
        connections: int = 8,
        backoff: Backoff | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        configuration.connection_pool_maxsize = connections
        self.host: str = configuration.host.rstrip("/")
        self.connections = connections
        self._configuration = configuration
        # What renews expired credentials puts address and TLS of a kubeconfig back as well: not into this copy.
        self._transport = copy.copy(configuration)
        verified = configuration.verify_ssl and self.host.startswith("https:")
        # The CA certificates the server is verified with; None where nothing is, or where the machine's own are.
        self.ca_file: str | None = configuration.ssl_ca_cert if verified else None
        self._headers = tuple(headers)
        self._backoff = backoff or Backoff()
        self._sleep = sleep
        self._monotonic: Callable[[], float] = time.monotonic
        self._until = float("inf")
        self._pool = RESTClientObject(self._transport).pool_manager

    def fresh(self) -> Cluster:
        """The same server over new connections: behind a load balancer they may reach another API server."""
        other = copy.copy(self)
        other._pool = RESTClientObject(self._transport).pool_manager
        return other

    def bounded(self, monotonic: Callable[[], float]) -> Cluster:
        """The same server for somebody whose time is limited: see C(give_up_at)."""
        other = copy.copy(self)
        other._monotonic = monotonic
        return other

    def give_up_at(self, until: float) -> None:
        """From then on (seconds of the clock of C(bounded)) nothing is asked again, and an answer must come at once."""
        self._until = until

    def close(self) -> None:
        """Closes the idle connections."""
        self._pool.clear()

    # -- reading -------------------------------------------------------------------------------------------------

    def get(self, path: str, *, metadata_only: bool = False, step: str = "read") -> dict[str, Any]:
        """One object or document. Raises ApiError (404 when it is not there), UnreachableError."""
        accept = _METADATA_ONLY if metadata_only else _JSON
        return self.request("GET", path, accept=accept, step=step, subject=path)

    def find(self, path: str, *, metadata_only: bool = False) -> dict[str, Any] | None:
        """One object, None when it (or its resource type) is not there."""
        try:
            return self.get(path, metadata_only=metadata_only)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def list_all(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        metadata_only: bool = True,
        field_selector: str | None = None,
        label_selector: str | None = None,
    ) -> tuple[list[dict[str, Any]], str]:
        """All objects of a resource type, in pages, and the resourceVersion to watch from."""
        items: list[dict[str, Any]] = []
        query = {"limit": str(_PAGE)}
        if field_selector:
            query["fieldSelector"] = field_selector
        if label_selector:
            query["labelSelector"] = label_selector
        while True:
            page = self.request(
                "GET",
                resource.path(namespace),
                query=query,
                accept=METADATA_ONLY_LIST if metadata_only else _JSON,
                step="list",
                subject=f"{resource} in {namespace}" if namespace else str(resource),
            )
            items.extend(page.get("items") or [])
            metadata = page.get("metadata") or {}
            if not metadata.get("continue"):
                return items, metadata.get("resourceVersion", "")
            query = {**query, "continue": metadata["continue"]}

    def watch(
        self,
        resource: Resource,
        namespace: str | None,
        resource_version: str,
        seconds: float,
        *,
        metadata_only: bool,
        name: str = "",
        silence: float = 3600.0,
        opened: Callable[[Callable[[], None]], None] | None = None,
    ) -> Iterator[dict[str, Any]]:
        """The watch events after C(resource_version), of one object or of all: dictionaries with C(type), C(object).

        Ends when the server ends the stream, after C(seconds) at the latest. A C(resource_version) that is too old
        arrives as an event of type C(ERROR) with a Status of code 410, or as ApiError.

        Args:
            silence: seconds without a word after which the stream is given up as dead, with UnreachableError.
            opened: gets, once the stream is open, what ends it from another thread.
        """
        response = self._send(
            "GET",
            resource.path(namespace),
            query={
                "watch": "1",
                "resourceVersion": resource_version,
                "timeoutSeconds": str(max(1, int(seconds))),
                "allowWatchBookmarks": "true",
                **({"fieldSelector": f"metadata.name={name}"} if name else {}),
            },
            accept=_METADATA_ONLY if metadata_only else _JSON,
            read_timeout=min(seconds + 5, silence),
            preload=False,
            subject=str(resource),
            step="watch",
        )
        if response.status >= 400:
            raise api_error(response.status, response.headers, response.read(), "watch", str(resource))
        if opened is not None:
            opened(partial(_hang_up, getattr(response.connection, "sock", None)))
        rest = b""
        try:
            for chunk in response.stream():
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    if line.strip():
                        yield json.loads(line)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise unreachable(error, self.host, "watch", str(resource)) from error
        finally:
            response.close()

    def pod_log(self, namespace: str, pod: str, *, container: str, lines: int, previous: bool = False) -> list[str]:
        """The last lines of a container's log.

        Args:
            previous: of the container as it ran before it was started again.

        Raises:
            ApiError: there is none (400, 404) or it may not be read (403).
        """
        subject = f"Pod {namespace}/{pod}"
        query = {"container": container, "tailLines": str(lines), "limitBytes": str(_LOG_BYTES)}
        if previous:
            query["previous"] = "true"
        response = self._send(
            "GET",
            f"{resource_of('v1', 'Pod').path(namespace, pod)}/log",
            query=query,
            step="read log",
            subject=subject,
        )
        if response.status >= 400:
            raise api_error(response.status, response.headers, response.data, "read log", subject)
        return response.data.decode(errors="replace").splitlines()

    # -- writing -------------------------------------------------------------------------------------------------

    def apply(
        self, manifest: dict[str, Any], *, dry_run: bool = False, force: bool = False, whole_answer: bool = False
    ) -> dict[str, Any]:
        """Server-side apply of one object under our field manager (KEP-555).

        Unknown fields are an error, not silently dropped: the manifest and the server's schema must agree.

        Returns:
            the object's metadata, or the whole object where C(whole_answer) is set.
        """
        key = key_of(manifest)
        query = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict", "force": "true" if force else "false"}
        if dry_run:
            query["dryRun"] = "All"
        return self.request(
            "PATCH",
            path_of(key),
            query=query,
            body=manifest,
            content_type=_APPLY_PATCH,
            accept=_JSON if whole_answer else _METADATA_ONLY,
            step="apply",
            subject=str(key),
        )

    def create(self, manifest: dict[str, Any], *, step: str) -> dict[str, Any]:
        """Makes an object that must not be there yet; its metadata. Raises ApiError, 409 where it is there."""
        key = key_of(manifest)
        return self.request(
            "POST",
            resource_of(key.api_version, key.kind).path(key.namespace),
            query={"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"},
            body=manifest,
            accept=_METADATA_ONLY,
            step=step,
            subject=str(key),
        )

    def dry_run_create(self, manifest: dict[str, Any], *, step: str = "dry run") -> dict[str, Any]:
        """What the server would make of a new object after admission; nothing is stored (KEP-576)."""
        key = key_of(manifest)
        return self.request(
            "POST",
            resource_of(key.api_version, key.kind).path(key.namespace),
            query={"dryRun": "All", "fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"},
            body=manifest,
            step=step,
            subject=str(key),
        )

    def patch(self, key: Key, operations: list[dict[str, Any]], *, step: str) -> dict[str, Any]:
        """Changes an object by a JSON Patch (RFC 6902); returns its metadata."""
        return self.request(
            "PATCH",
            path_of(key),
            query={"fieldManager": FIELD_MANAGER},
            body=operations,
            content_type=_JSON_PATCH,
            accept=_METADATA_ONLY,
            step=step,
            subject=str(key),
        )

    def annotate_status(self, key: Key, annotations: dict[str, str]) -> None:
        """Sets annotations through the C(status) subresource, which takes no right to change the object's spec."""
        self.request(
            "PATCH",
            path_of(key) + "/status",
            query={"fieldManager": FIELD_MANAGER},
            body={"metadata": {"annotations": annotations}},
            content_type=_MERGE_PATCH,
            accept=_METADATA_ONLY,
            step="annotate",
            subject=str(key),
        )

    def delete(self, key: Key, uid: str, *, foreground: bool = False) -> dict[str, Any]:
        """Deletes this very object, not one that has its name since. Raises ApiError, 404 or 409 where it is gone.

        Args:
            foreground: it stays, Terminating, until everything it owns is gone.

        Returns:
            a Status where it is gone; else its metadata, as long as something holds it.
        """
        options: dict[str, Any] = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid}}
        if foreground:
            options["propagationPolicy"] = "Foreground"
        return self.request(
            "DELETE",
            path_of(key),
            body=options,
            accept=_METADATA_ONLY,
            step="delete",
            subject=str(key),
        )

    def review(self, manifest: dict[str, Any]) -> dict[str, Any]:
        """Sends a review (authorization.k8s.io), which is answered and not stored."""
        group, _slash, _version = manifest["apiVersion"].rpartition("/")
        plural = manifest["kind"].lower() + "s"
        return self.request(
            "POST", f"/apis/{group}/v1/{plural}", body=manifest, step="ask for rights", subject=manifest["kind"]
        )

    # -- transport -----------------------------------------------------------------------------------------------

    def each(self, function: Callable[[_In], _Out], items: Iterable[_In]) -> list[_Out]:
        """C(function) of every item, as many at once as there are connections; the first error is raised."""
        with ThreadPoolExecutor(self.connections) as pool:
            return list(pool.map(function, items))

    def request(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, str] | None = None,
        body: Any = None,
        content_type: str = _JSON,
        accept: str = _JSON,
        step: str,
        subject: str,
    ) -> dict[str, Any]:
        """One request and its JSON answer, repeated where that is safe.

        Raises:
            ApiError: the server answered with a failure that is not, or no longer, worth repeating.
            UnreachableError: the server did not answer.
        """
        attempt = 0
        while True:
            attempt += 1
            try:
                response = self._send(
                    method,
                    path,
                    query=query,
                    body=body,
                    content_type=content_type,
                    accept=accept,
                    step=step,
                    subject=subject,
                )
                if response.status >= 400:
                    raise api_error(response.status, response.headers, response.data, step, subject)
                return self._object(response.status, response.data, step, subject)
            except ConductorError as error:
                pause = pause_before_retry(error, attempt, self._backoff)
                if pause is None or self._monotonic() + pause > self._until:
                    raise
                self._sleep(pause)

    def _object(self, status: int, data: bytes, step: str, subject: str) -> dict[str, Any]:
        try:
            answer = json.loads(data)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise no_json(status, self.host, step, subject)
        return answer

    def _send(
        self,
        method: str,
        path: str,
        *,
        step: str,
        subject: str,
        query: dict[str, str] | None = None,
        body: Any = None,
        content_type: str = _JSON,
        accept: str = _JSON,
        read_timeout: float = 60,
        preload: bool = True,
    ) -> urllib3.BaseHTTPResponse:
        headers = urllib3.HTTPHeaderDict({"Accept": accept, "User-Agent": f"conductor.trainer/{VERSION}"})
        if preload:
            headers["Accept-Encoding"] = "gzip"
        for name, value in (*self._credentials(), *self._headers):
            headers.add(name, value)
        data = None
        if body is not None:
            headers["Content-Type"] = content_type
            data = json.dumps(body, separators=(",", ":")).encode()
        url = self.host + path + ("?" + urlencode(query) if query else "")
        left = max(_SHORTEST, self._until - self._monotonic())
        try:
            return self._pool.request(
                method,
                url,
                body=data,
                headers=headers,
                timeout=urllib3.Timeout(connect=min(5, left), read=min(read_timeout, left)),
                retries=False,
                preload_content=preload,
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise unreachable(error, self.host, step, subject) from error

    def _credentials(self) -> Iterator[tuple[str, str]]:
        # Asked anew for each request: the official client refreshes tokens that expire behind this call.
        settings: dict[str, Any] = dict(self._configuration.auth_settings())
        for setting in settings.values():
            if setting["in"] == "header" and setting["value"]:
                yield setting["key"], setting["value"]
        if self._configuration.username:
            yield "authorization", str(self._configuration.get_basic_auth_token())


def _hang_up(sock: socket.socket | None) -> None:
    """Lets whoever reads from a connection find its end; to close it is theirs."""
    if sock is not None:
        with contextlib.suppress(OSError):
            # It has ended by itself.
            sock.shutdown(socket.SHUT_RDWR)
