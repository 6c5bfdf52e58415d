# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Delete objects by uid and wait until they are gone. Nothing else in the library deletes objects permanently.

A newer object with the same name is neither deleted nor waited for.
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
from .transport import GRACE
from .watch import Scope, Watcher

STEP = "wait for deletions"
# Seconds between two checks if no event arrives.
_IDLE = 1.0
# How many remaining objects a message names.
_NAMED = 5


class DeletionTarget(NamedTuple):
    """One object to delete.

    Args:
        terminating: it is already being deleted: only wait for it.
    """

    key: Key
    uid: str
    terminating: bool = False


class Deleter:
    """Delete objects; C(deleted) lists them, also after a failure.

    Args:
        timeout: seconds that all waits may take together.
        explain: returns what the server reports about an object that is not deleted, besides its finalizers.
        look: called with the remaining objects at each check.
        monotonic: a clock in seconds; injected by tests.
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
        self._cluster = cluster.bounded(monotonic)
        self._explain = explain
        self._look = look
        self._monotonic = monotonic
        self._timeout = timeout
        self._deadline = monotonic() + timeout
        self._cluster.give_up_at(self._deadline + GRACE)

    def delete(self, targets: Sequence[DeletionTarget], *, foreground: bool = False) -> None:
        """Delete the targets, as many at once as the client has connections, and wait until they are gone.

        Args:
            foreground: also wait for everything that they own.

        Raises:
            NotReadyError: an object is not gone in time; names what holds it.
            ConductorError: the first request that failed; requests in flight are finished.
        """
        self.wait_for(self.send(targets, foreground=foreground))

    def send(self, targets: Sequence[DeletionTarget], *, foreground: bool = False) -> list[DeletionTarget]:
        """Delete the targets without waiting; return those that may still exist."""
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
        """Delete one target; return whether it is certainly gone."""
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
            # The server answers 409 if a namespace is already being deleted.
            if not found.get("deletionTimestamp"):
                raise
            return False
        self.deleted.append(target.key)
        return answer.get("kind") == "Status"

    def wait_for(self, targets: Collection[DeletionTarget]) -> None:
        """Wait until the targets are gone. See C(delete)."""
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
            next_step="find out why its finalizers are not removed, then run this again: it continues where it stopped",
            facts={"remaining": [str(key) for key, _metadata in left[:_NAMED]] + more},
        )


def _scopes(targets: Iterable[DeletionTarget]) -> dict[DeletionTarget, Scope]:
    """Return the scope to watch for each target: its namespace, or all if targets of its type are in several."""
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
    """Return the targets that still exist, with their metadata."""
    found = []
    for target, scope in scopes.items():
        name = target.key.name
        if not scope.namespace and target.key.namespace:
            name = f"{target.key.namespace}/{name}"
        item = watcher.objects(scope).get(name)
        if item is not None and text(item, "metadata", "uid") == target.uid:
            found.append((target.key, item["metadata"]))
    return found
