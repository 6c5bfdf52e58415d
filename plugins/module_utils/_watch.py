# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps the present state of a few resource types by list and watch, and wakes whoever waits for a change."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from ._client import Cluster
from ._errors import ApiError, ConductorError, missing_rights
from ._resources import Resource

_RELIST_PAUSE = (0.2, 1.0)
# A watch is renewed after this many seconds, and the list with it: a lost event is found at the latest then.
_WATCH_SECONDS = 60.0


class Scope(NamedTuple):
    """What is watched: a resource type, in one namespace or everywhere, whole or by its metadata."""

    resource: Resource
    namespace: str | None = None
    metadata_only: bool = False


class Watcher:
    """The objects of several scopes, kept up to date by one thread a scope.

    C(refresh) lists them all once, without a thread; C(start) begins to watch; C(stop) ends it. Use it as a context
    manager. C(failure) is set, and the waiter woken, when something can never be read (no right to it).
    """

    def __init__(
        self,
        cluster: Cluster,
        scopes: list[Scope],
        *,
        step: str = "wait for controllers",
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.scopes = scopes
        self.failure: ConductorError | None = None
        self._cluster = cluster
        self._step = step
        self._sleep = sleep
        self._objects: dict[Scope, dict[str, dict[str, Any]]] = {scope: {} for scope in scopes}
        self._versions: dict[Scope, str] = {}
        self._changed = threading.Event()
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Watcher:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def refresh(self) -> None:
        """Lists every scope, in parallel.

        Raises:
            RightsError: something may not be read; names every such right, not only the first.
            ConductorError: the server failed.
        """
        denied: list[str] = []

        def listed(scope: Scope) -> None:
            try:
                self._list(scope)
            except ApiError as error:
                if error.status != 403:
                    raise
                place = f" in namespace {scope.namespace}" if scope.namespace else ""
                denied.append(f"list, watch {scope.resource}{place}")

        self._cluster.each(listed, self.scopes)
        if denied:
            raise missing_rights(denied, self._step, written=True)

    def start(self) -> None:
        """Begins to watch from where the last list ended; a second call does nothing."""
        if self._threads:
            return
        for scope in self.scopes:
            thread = threading.Thread(target=self._follow, args=(scope,), name=f"watch {scope.resource}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Ends watching. Threads that sit in a read end with their stream; they are daemons and hold nothing."""
        self._stopped.set()

    def wait(self, seconds: float) -> None:
        """Returns when something changed since the last call, after C(seconds) at the latest."""
        self._changed.wait(max(0.0, seconds))
        self._changed.clear()

    def objects(self, scope: Scope) -> dict[str, dict[str, Any]]:
        """Name to object, as of now; where several namespaces are watched, C(NAMESPACE/NAME) to object."""
        with self._lock:
            return dict(self._objects[scope])

    def _list(self, scope: Scope) -> None:
        try:
            items, version = self._cluster.list_all(scope.resource, scope.namespace, metadata_only=scope.metadata_only)
        except ApiError as error:
            # The type itself is gone, with its CRD, and so are its objects.
            if error.status != 404:
                raise
            items, version = [], ""
        with self._lock:
            self._objects[scope] = {_name(scope, item): item for item in items}
            self._versions[scope] = version
        self._changed.set()

    def _follow(self, scope: Scope) -> None:
        while not self._stopped.is_set():
            try:
                if scope not in self._versions:
                    self._list(scope)
                lively = self._watch(scope)
            except ConductorError as error:
                if isinstance(error, ApiError) and error.status in (401, 403):
                    self.failure = error
                    self._changed.set()
                    return
                lively = False
            except (ValueError, KeyError, TypeError, AttributeError):
                # An event cut off or misshapen; the list that follows says what it may have said.
                lively = False
            if not lively:
                # With jitter, so that many watchers do not come back to a struggling server at once.
                self._sleep(random.uniform(*_RELIST_PAUSE))  # noqa: S311
            # A stream that ended or failed may have lost events: list anew.
            self._versions.pop(scope, None)

    def _watch(self, scope: Scope) -> bool:
        """Follows one stream to its end; whether it brought anything."""
        lively = False
        events = self._cluster.watch(
            scope.resource,
            scope.namespace,
            self._versions[scope],
            _WATCH_SECONDS,
            metadata_only=scope.metadata_only,
        )
        for event in events:
            if self._stopped.is_set():
                return True
            kind, item = event.get("type"), event.get("object") or {}
            if kind == "ERROR":
                # 410 Gone above all: the version is too old to watch from.
                return False
            lively = True
            if kind == "BOOKMARK":
                continue
            with self._lock:
                name = _name(scope, item)
                if kind == "DELETED":
                    self._objects[scope].pop(name, None)
                else:
                    self._objects[scope][name] = item
            self._changed.set()
        return lively


def _name(scope: Scope, item: dict[str, Any]) -> str:
    metadata = item["metadata"]
    namespace = "" if scope.namespace else metadata.get("namespace", "")
    return f"{namespace}/{metadata['name']}" if namespace else str(metadata["name"])
