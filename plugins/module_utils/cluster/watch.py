# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps the present state of a few resource types by list and watch, and wakes whoever waits for a change."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple

from ..errors import ApiError, ConductorError, missing_permissions
from ..objects.resources import Resource
from .client import Cluster
from .watch_store import Snapshot

# Seconds before a stream that broke is opened anew: at first, doubled each time, and at most; less up to half of it.
_PAUSE, _LONGEST_PAUSE = 0.05, 2.0
# A stream that lasted this many seconds was a good one: the next is opened at once.
_LASTING = 5.0
# The server ends a stream after this many seconds.
_WATCH_SECONDS = 300.0
# Servers send a bookmark about each minute (KEP-956): a stream that says nothing for this many seconds is dead.
_SILENCE = 90.0
# Whatever the streams say, everything is listed anew after this many seconds: a lost event is found at the latest then.
_RELIST_SECONDS = 60.0


class Scope(NamedTuple):
    """What is watched: a resource type, in one namespace or everywhere, whole or by its metadata."""

    resource: Resource
    namespace: str | None = None
    metadata_only: bool = False


class Watcher:
    """The objects of several scopes, kept up to date by one thread a scope.

    C(refresh) lists them all once, without a thread; C(start) begins to watch; C(stop) ends it. Use it as a context
    manager. C(failure) is set, and the waiter woken, when something can never be read (no right to it).

    Args:
        sleep: how a thread pauses, in seconds; by default a pause ends with the watcher.
        monotonic: seconds; when it is time for a list is told by it.
    """

    def __init__(
        self,
        cluster: Cluster,
        scopes: list[Scope],
        *,
        step: str = "wait for controllers",
        sleep: Callable[[float], object] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.scopes = scopes
        self.failure: ConductorError | None = None
        self._cluster = cluster
        self._step = step
        self._changed = threading.Event()
        self._stopped = threading.Event()
        self._sleep = sleep or self._stopped.wait
        self._monotonic = monotonic
        self._known = {scope: Snapshot(_namer(scope)) for scope in scopes}
        self._versions: dict[Scope, str] = {}
        self._listed: dict[Scope, float] = {}
        # How to end the stream of a scope from another thread.
        self._streams: dict[Scope, Callable[[], None]] = {}
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Watcher:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def refresh(self, also: Iterable[Callable[[], object]] = ()) -> None:
        """Lists every scope, in parallel.

        Args:
            also: further requests that are sent with these.

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

        requests: list[Callable[[], object]] = [*also, *(partial(listed, scope) for scope in self.scopes)]
        self._cluster.each(lambda send: send(), requests)
        if denied:
            raise missing_permissions(denied, self._step, written=True)

    def start(self) -> None:
        """Begins to watch from where the last list ended; a second call does nothing."""
        if self._threads:
            return
        for scope in self.scopes:
            self._thread(self._follow, scope)

    def stop(self) -> None:
        """Ends watching, and every stream with it, so that no thread stays in a read."""
        self._stopped.set()
        with self._lock:
            streams = list(self._streams.values())
        for end in streams:
            end()

    def wait(self, seconds: float) -> None:
        """Returns when something changed since the last call, after C(seconds) at the latest."""
        self._changed.wait(max(0.0, seconds))
        self._changed.clear()
        if self._threads:
            self._look_again()

    def objects(self, scope: Scope) -> dict[str, dict[str, Any]]:
        """Name to object, as of now; where several namespaces are watched, C(NAMESPACE/NAME) to object."""
        with self._lock:
            return self._known[scope].objects()

    def _thread(self, target: Callable[[Scope], None], scope: Scope) -> None:
        thread = threading.Thread(target=target, args=(scope,), name=f"watch {scope.resource}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _list(self, scope: Scope) -> bool:
        """Whether it said anything new."""
        self._listed[scope] = self._monotonic()
        try:
            items, version = self._cluster.list_all(scope.resource, scope.namespace, metadata_only=scope.metadata_only)
        except ApiError as error:
            # The type itself is gone, with its CRD, and so are its objects.
            if error.status != 404:
                raise
            items, version = [], ""
        with self._lock:
            changed = self._known[scope].take_list(items, version)
            self._versions[scope] = version
        if changed:
            self._changed.set()
        return changed

    def _look_again(self) -> None:
        """Lists what was not listed for long, each scope in a thread: no server that hangs may hold up the waiter."""
        now = self._monotonic()
        self._threads = [thread for thread in self._threads if thread.is_alive()] or self._threads[:1]
        for scope in self.scopes:
            if now - self._listed[scope] >= _RELIST_SECONDS:
                self._listed[scope] = now
                self._thread(self._list_anew, scope)

    def _list_anew(self, scope: Scope) -> None:
        try:
            missed = self._list(scope)
        except ConductorError:
            # The thread that follows the stream meets it as well, and says so where it is for good.
            return
        if missed and (end := self._streams.get(scope)):
            # The stream should have told: it is dead, or behind. If it merely was slower, no harm is done.
            end()

    def _follow(self, scope: Scope) -> None:
        failures = 0
        while not self._stopped.is_set():
            began = self._monotonic()
            try:
                if scope not in self._versions:
                    self._list(scope)
                began = self._monotonic()
                self._watch(scope)
            except ConductorError as error:
                if isinstance(error, ApiError) and error.status in (401, 403):
                    self.failure = error
                    self._changed.set()
                    return
            except (ValueError, KeyError, TypeError, AttributeError):
                # An event cut off or misshapen; the list that follows says what it may have said.
                pass
            # A stream that ended or failed may have lost events: list anew.
            self._versions.pop(scope, None)
            failures = 0 if self._monotonic() - began >= _LASTING else failures + 1
            if failures and not self._stopped.is_set():
                # With jitter, so that many watchers do not come back to a struggling server at once.
                pause = min(_PAUSE * 2 ** min(failures - 1, 10), _LONGEST_PAUSE)
                self._sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311

    def _watch(self, scope: Scope) -> None:
        """Follows one stream to its end."""
        events = self._cluster.watch(
            scope.resource,
            scope.namespace,
            self._versions[scope],
            _WATCH_SECONDS,
            metadata_only=scope.metadata_only,
            silence=_SILENCE,
            opened=lambda end: self._opened(scope, end),
        )
        try:
            for event in events:
                kind, item = event.get("type"), event.get("object") or {}
                # 410 Gone above all: the version is too old to watch from.
                if self._stopped.is_set() or kind == "ERROR":
                    return
                if kind == "BOOKMARK":
                    continue
                with self._lock:
                    changed = self._known[scope].take_event(str(kind), item)
                if changed:
                    self._changed.set()
        finally:
            with self._lock:
                self._streams.pop(scope, None)

    def _opened(self, scope: Scope, end: Callable[[], None]) -> None:
        with self._lock:
            self._streams[scope] = end
        if self._stopped.is_set():
            end()


def _namer(scope: Scope) -> Callable[[Mapping[str, Any]], str]:
    def name(item: Mapping[str, Any]) -> str:
        metadata = item["metadata"]
        namespace = "" if scope.namespace else metadata.get("namespace", "")
        return f"{namespace}/{metadata['name']}" if namespace else str(metadata["name"])

    return name
