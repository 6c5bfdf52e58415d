# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deletes objects by their uid and waits until they are gone. The only place that deletes for good.

An object that has the name of another one since is not deleted, and not waited for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from typing import Any, NamedTuple

from ..errors import ApiError, NotReadyError, listed
from ..objects.fields import text
from ..objects.finalizers import held_by
from ..objects.resources import Key, path_of, resource_of
from .client import Cluster
from .watch import Scope, Watcher

STEP = "wait for deletions"
# Longest pause between two looks when no event arrives, in seconds.
_IDLE = 1.0
# How many objects that do not go are named.
_NAMED = 5


class DeletionTarget(NamedTuple):
    """One object to be gone.

    Args:
        terminating: it is being deleted already; it is only waited for.
    """

    key: Key
    uid: str
    terminating: bool = False


class Deleter:
    """Deletes; keeps what it deleted in C(deleted), also when something fails.

    Args:
        timeout: how many seconds all its waits may take together.
        explain: what the server says of an object that does not go, beside its finalizers.
        look: gets what is still there, each time it is looked for.
        monotonic: seconds; injected by tests.
    """

    def __init__(
        self,
        cluster: Cluster,
        *,
        timeout: float,
        explain: Callable[[Key], str] = lambda key: "",
        look: Callable[[Sequence[Key]], None] = lambda left: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.deleted: list[Key] = []
        self._cluster = cluster
        self._explain = explain
        self._look = look
        self._monotonic = monotonic
        self._timeout = timeout
        self._deadline = monotonic() + timeout

    def delete(self, targets: Sequence[DeletionTarget], *, foreground: bool = False) -> None:
        """Deletes them, as many at once as the client has connections, and waits until they are gone.

        Args:
            foreground: wait for everything that they own, too.

        Raises:
            NotReadyError: something does not go; names what holds it.
            ConductorError: the first request that failed; what was in flight is finished.
        """
        self.wait_for(self.send(targets, foreground=foreground))

    def send(self, targets: Sequence[DeletionTarget], *, foreground: bool = False) -> list[DeletionTarget]:
        """Deletes them without waiting; returns those that may still be there."""
        with ThreadPoolExecutor(self._cluster.connections) as pool:
            futures: list[Future[bool]] = [pool.submit(self._send_one, target, foreground) for target in targets]
            wait(futures, return_when=FIRST_EXCEPTION)
            for future in futures:
                future.cancel()
        for future in futures:
            if not future.cancelled():
                future.result()
        return [target for target, future in zip(targets, futures, strict=True) if not future.result()]

    def _send_one(self, target: DeletionTarget, foreground: bool) -> bool:
        """Whether the object is gone for sure."""
        if target.terminating:
            return False
        try:
            answer = self._cluster.delete(target.key, target.uid, foreground=foreground)
        except ApiError as error:
            if error.status not in (404, 409):
                raise
            found = None if error.status == 404 else self._metadata(target.key)
            if found is None or found.get("uid") != target.uid:
                return True
            # The server refuses to delete some objects that are being deleted (namespaces).
            if not found.get("deletionTimestamp"):
                raise
            return False
        self.deleted.append(target.key)
        return answer.get("kind") == "Status"

    def wait_for(self, targets: Collection[DeletionTarget]) -> None:
        """Waits until they are gone. See C(delete)."""
        if not targets:
            return
        scopes = _scopes(targets)
        with Watcher(self._cluster, [*dict.fromkeys(scopes.values())], step=STEP) as watcher:
            watcher.refresh()
            while left := _left(watcher, scopes):
                self._look([key for key, _metadata in left])
                now = self._monotonic()
                if now >= self._deadline:
                    raise self._not_gone(left)
                if watcher.failure:
                    raise watcher.failure
                watcher.start()
                watcher.wait(min(_IDLE, self._deadline - now))

    def _metadata(self, key: Key) -> Mapping[str, Any] | None:
        found = self._cluster.find(path_of(key), metadata_only=True)
        return None if found is None else found["metadata"]

    def _not_gone(self, left: Sequence[tuple[Key, Mapping[str, Any]]]) -> NotReadyError:
        lines = [f"{key} {held_by(metadata, self._explain(key))}" for key, metadata in left[:_NAMED]]
        more = [f"and {len(left) - _NAMED} more"] if len(left) > _NAMED else []
        return NotReadyError(
            listed(f"not gone after {self._timeout:.0f} s:", [*lines, *more]),
            step=STEP,
            next_step="see to it that whoever holds it lets go, then run this again: it goes on where it stopped",
            facts={"remaining": [str(key) for key, _metadata in left[:_NAMED]] + more},
        )


def _scopes(targets: Iterable[DeletionTarget]) -> dict[DeletionTarget, Scope]:
    """What to watch for each target: its namespace, or all of them where targets of its type are in several."""
    spaces: dict[tuple[str, str], set[str]] = {}
    for target in targets:
        spaces.setdefault(target.key[:2], set()).add(target.key.namespace)
    return {
        target: Scope(resource_of(*of_type), next(iter(found)) or None if len(found) == 1 else None, metadata_only=True)
        for target in targets
        for of_type in (target.key[:2],)
        for found in (spaces[of_type],)
    }


def _left(watcher: Watcher, scopes: Mapping[DeletionTarget, Scope]) -> list[tuple[Key, Mapping[str, Any]]]:
    """The targets that are still there, with their metadata."""
    found = []
    for target, scope in scopes.items():
        name = target.key.name
        if not scope.namespace and target.key.namespace:
            name = f"{target.key.namespace}/{name}"
        item = watcher.objects(scope).get(name)
        if item is not None and text(item, "metadata", "uid") == target.uid:
            found.append((target.key, item["metadata"]))
    return found
