# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster client: requests to one API server, with plain JSON objects.

It provides what an installer needs: server-side apply, responses with metadata only, errors that name their object.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

try:
    import urllib3
except ImportError:  # reported by module_runner.py, so that documentation and argument checks work without it
    pass

from ..errors import ApiError
from ..names import FIELD_MANAGER
from ..objects.resources import Key, Resource, key_of, path_of, resource_of
from ..wire.body import SENT, OddAnswer
from ..wire.request import JSON, Request
from ..wire.shapes import wanted_of
from .responses import odd_answer, too_late, unreachable
from .transport import Transport, kind_of

_METADATA_ONLY = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
METADATA_ONLY_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
# JSON is YAML; the server has no JSON content type for apply patches.
_APPLY_PATCH = "application/apply-patch+yaml"
_JSON_PATCH = "application/json-patch+json"
_MERGE_PATCH = "application/merge-patch+json"
_NAMESPACE_NAME = "kubernetes.io/metadata.name"
_PAGE = 500
_LOG_BYTES = 1 << 20
# All pages of a list together may take so many times as long as one request.
_LIST_TIMES = 2


class Cluster(Transport):
    """Send requests to one API server. The arguments are those of C(Transport)."""

    # -- reading -------------------------------------------------------------------------------------------------

    def get(self, path: str, *, metadata_only: bool = False, step: str = "read") -> dict[str, Any]:
        """Return one object or document.

        Raises:
            ApiError: the server answered with a failure, 404 if the object does not exist.
            UnreachableError: the server did not answer.
        """
        # After a complete list, a missing object is known without a request.
        known = None if self._memory is None else self._memory.listed(path)
        if known == {}:
            raise ApiError(
                f"{path} not found",
                status=404,
                reason="NotFound",
                step=step,
                subject=path,
                next_step="run the install if the object belongs to the release; otherwise create it first",
            )
        if known and metadata_only:
            return dict(known)
        accept = _METADATA_ONLY if metadata_only else JSON
        return self.request("GET", path, accept=accept, step=step, subject=path)

    def find(self, path: str, *, metadata_only: bool = False) -> dict[str, Any] | None:
        """Return one object; None if the object or its resource type does not exist."""
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
        """List all objects of a resource type, in pages; return them and the resourceVersion to watch from."""
        items: list[dict[str, Any]] = []
        subject = f"{resource} in {namespace}" if namespace else str(resource)
        longest = _LIST_TIMES * self.limits.seconds
        end = self._monotonic() + longest
        seen: set[str] = set()
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
                accept=METADATA_ONLY_LIST if metadata_only else JSON,
                step="list",
                subject=subject,
            )
            items.extend(page.get("items") or [])
            metadata = page.get("metadata") or {}
            following = metadata.get("continue")
            if not following:
                if self._memory is not None and not (field_selector or label_selector):
                    self._memory.keep_list(resource.path(namespace), items)
                return items, metadata.get("resourceVersion", "")
            problem = "it repeats a page" if following in seen else ""
            if len(seen) >= self.limits.pages:
                problem = f"the list has more than {self.limits.pages} pages"
            if problem:
                raise odd_answer(problem, 200, {}, self.host, f"GET {resource.path(namespace)}", "list", subject)
            if self._monotonic() > end:
                raise too_late(longest, self.host, "list", subject)
            seen.add(following)
            query = {**query, "continue": following}

    def namespaces(self, names: Iterable[str]) -> list[dict[str, Any]]:
        """Return the metadata of those of these Namespaces that exist, with one request.

        They are selected by a label that the API server sets on each Namespace and that nobody can change
        (kubernetes.io/metadata.name, KEP-2161).
        """
        wanted = sorted(set(names))
        resource = resource_of("v1", "Namespace")
        found, _version = self.list_all(resource, label_selector=f"{_NAMESPACE_NAME} in ({','.join(wanted)})")
        if self._memory is not None:
            self._memory.keep_list(resource.path(), found, wanted)
        return found

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
        """Watch one object or all; yield the events after C(resource_version), with C(type) and C(object).

        The stream ends when the server ends it, after C(seconds) at the latest. If C(resource_version) is too old, the
        server sends an event of type C(ERROR) with a Status of code 410, or the call raises ApiError.

        Args:
            silence: seconds without data after which the stream is considered dead (UnreachableError).
            opened: called once the stream is open, with a function that ends the stream from another thread.
        """
        request = Request(
            "GET",
            resource.path(namespace),
            query={
                "watch": "1",
                "resourceVersion": resource_version,
                "timeoutSeconds": str(max(1, int(seconds))),
                "allowWatchBookmarks": "true",
                **({"fieldSelector": f"metadata.name={name}"} if name else {}),
            },
            accept=_METADATA_ONLY if metadata_only else JSON,
            step="watch",
            subject=str(resource),
        )
        wanted = wanted_of("GET", resource.path(namespace), None, kind_of)
        longest = seconds + self.limits.overtime
        silence = min(longest, silence)
        response, end = self._exchanged(
            self.limits.seconds, request, lambda left: self._open(request, left, compressed=False, silence=silence)
        )
        SENT.set(self._sent)
        if name:
            self._held.drop(request.objects)
        # The server ends the stream. If it does not, its reader may never see a whole line.
        overdue = threading.Timer(longest, end)
        overdue.daemon = True
        overdue.start()
        if opened is not None:
            opened(end)
        try:
            encoding = response.headers.get("Content-Encoding", "")
            pieces = response.stream(decode_content=False)
            # A late import: a wait for what is ready already watches nothing.
            from ..wire.events import events_in

            for event, weight in events_in(pieces, encoding, wanted, self.limits.line):
                if not self._held.fits(request.objects, weight):
                    # All that was sent so far is replaced by the next list.
                    return
                yield event
        except OddAnswer as odd:
            raise self._odd(str(odd), response.status, response.headers, request) from odd
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise unreachable(error, self.host, request.step, request.subject) from error
        finally:
            overdue.cancel()
            response.close()

    def pod_log(self, namespace: str, pod: str, *, container: str, lines: int, previous: bool = False) -> list[str]:
        """Return the last lines of a container's log.

        Args:
            previous: read the log from before the container's last restart.

        Raises:
            ApiError: there is no log (400, 404) or no permission to read it (403).
        """
        query = {"container": container, "tailLines": str(lines), "limitBytes": str(_LOG_BYTES)}
        if previous:
            query["previous"] = "true"
        request = Request(
            "GET",
            f"{resource_of('v1', 'Pod').path(namespace, pod)}/log",
            query=query,
            step="read log",
            subject=f"Pod {namespace}/{pod}",
        )
        response = self._within(
            self.limits.seconds, request, lambda left: self._read(request, left, _LOG_BYTES + _LOG_BYTES)
        )
        return response.data.decode(errors="replace").splitlines()

    # -- writing -------------------------------------------------------------------------------------------------

    def server_side_apply(
        self, manifest: dict[str, Any], *, dry_run: bool = False, force: bool = False, whole_answer: bool = False
    ) -> dict[str, Any]:
        """Apply one object on the server side, with our field manager (KEP-555).

        Unknown fields are an error and not silently dropped: the manifest must match the server's schema.

        Returns:
            the object's metadata, or the whole object if C(whole_answer) is set.
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
            accept=JSON if whole_answer else _METADATA_ONLY,
            step="apply",
            subject=str(key),
        )

    def create(self, manifest: dict[str, Any], *, step: str) -> dict[str, Any]:
        """Create a new object; return its metadata. Raise ApiError (409) if it already exists."""
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
        """Return a new object as it would be after admission; nothing is stored (KEP-576)."""
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
        """Change an object with a JSON Patch (RFC 6902); return its metadata."""
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
        """Set annotations through the C(status) subresource, which needs no permission to change the spec."""
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
        """Delete the object with this uid, never a newer one with the same name.

        Args:
            foreground: the object stays, Terminating, until everything it owns is deleted.

        Returns:
            a Status if the object is deleted; its metadata if finalizers still hold it.

        Raises:
            ApiError: 404 or 409 if this object no longer exists.
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
        """Send a review (authorization.k8s.io), which the server answers and does not store."""
        group, _slash, _version = manifest["apiVersion"].rpartition("/")
        plural = manifest["kind"].lower() + "s"
        return self.request(
            "POST", f"/apis/{group}/v1/{plural}", body=manifest, step="review permissions", subject=manifest["kind"]
        )
