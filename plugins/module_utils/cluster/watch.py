# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep the current state of a few resource types by list and watch, and wake a waiting caller on changes."""

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

# Seconds before a broken stream is opened again: the first pause, doubled each time, and the longest. With jitter.
_PAUSE, _LONGEST_PAUSE = 0.05, 2.0
# After a stream that lasted this many seconds, the next one is opened at once.
_LASTING = 5.0
# The server ends a stream after this many seconds.
_WATCH_SECONDS = 300.0
# Servers send a bookmark about every minute (KEP-956), so a stream without data for this many seconds is dead.
_SILENCE = 90.0
# Everything is listed again after this many seconds, to find lost events.
_RELIST_SECONDS = 60.0


class Scope(NamedTuple):
    """What to watch: a resource type, in one namespace or in all, whole objects or metadata only."""

    resource: Resource
    namespace: str | None = None
    metadata_only: bool = False


class Watcher:
    """Keep the objects of several scopes up to date, with one thread per scope.

    C(refresh) lists them all once, without a thread; C(start) begins to watch; C(stop) ends it. Use it as a context
    manager. If a permission is missing, C(failure) is set and the waiting caller is woken.

    Args:
        sleep: pauses a thread, in seconds; by default a pause ends early when the watcher stops.
        monotonic: a clock in seconds, which decides when to list again.
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
        """List every scope, in parallel.

        Args:
            also: further requests to send at the same time.

        Raises:
            RightsError: names every missing permission, not only the first.
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
        """Begin to watch from the version of the last list; a second call does nothing."""
        if self._threads:
            return
        for scope in self.scopes:
            self._thread(self._follow, scope)

    def stop(self) -> None:
        """Stop watching and end every stream, so that no thread blocks in a read."""
        self._stopped.set()
        with self._lock:
            streams = list(self._streams.values())
        for end in streams:
            end()

    def wait(self, seconds: float) -> None:
        """Wait until something has changed since the last call, at most C(seconds)."""
        self._changed.wait(max(0.0, seconds))
        self._changed.clear()
        if self._threads:
            self._look_again()

    def objects(self, scope: Scope) -> dict[str, dict[str, Any]]:
        """Return the current objects by name, or by C(NAMESPACE/NAME) if all namespaces are watched."""
        with self._lock:
            return self._known[scope].objects()

    def _thread(self, target: Callable[[Scope], None], scope: Scope) -> None:
        thread = threading.Thread(target=target, args=(scope,), name=f"watch {scope.resource}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _list(self, scope: Scope) -> bool:
        """List a scope; return whether anything changed."""
        self._listed[scope] = self._monotonic()
        try:
            items, version = self._cluster.list_all(scope.resource, scope.namespace, metadata_only=scope.metadata_only)
        except ApiError as error:
            # 404: the CRD was deleted, and with it all objects.
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
        """List overdue scopes, each in its own thread, so that a slow server does not delay the waiting caller."""
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
            # The thread of the stream meets the same error, and reports it if it is final.
            return
        if missed and (end := self._streams.get(scope)):
            # The stream missed a change: it is dead or late. Ending a late stream does no harm.
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
                # A malformed object. The next list has the same information.
                pass
            # A stream that ended or failed may have lost events: list again.
            self._versions.pop(scope, None)
            failures = 0 if self._monotonic() - began >= _LASTING else failures + 1
            if failures and not self._stopped.is_set():
                # With jitter, so that many watchers do not return to an overloaded server at the same moment.
                pause = min(_PAUSE * 2 ** min(failures - 1, 10), _LONGEST_PAUSE)
                self._sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311

    def _watch(self, scope: Scope) -> None:
        """Follow one stream to its end."""
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
                # An ERROR is mostly 410 Gone: the version is too old to watch from.
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
